"""What the directory knows of each facet and as of when, in words that a page can say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from facets import registry
from facets.conf import current_table
from facets.core import FacetError
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import facts_of
from facets.core.sqlite import SqliteTable
from facets.directory.models import FileMark, Follower, IndexPass, TableFacet
from facets.directory.sqlite_sync import catch_up, has_caught_up
from facets.directory.writer import current_version, now_ms

# Longer without a word from the follower, and it is not said to be at work.
LIVE = 60_000  # milliseconds


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a facet's entities in the directory can be trusted.

    Attributes:
        known: every entity has been read at least once.
        live: changes arrive within seconds.
        as_of: milliseconds since 1970; what was written to the table until then is in the directory. None where
            nothing is known. The console's own writes are in it at once, whatever this says.
        outdated: some entities were read for other columns or search fields than those of now, or by a version of the
            console that folds words differently; `manage.py index` must run again.
        text: all of it in a few words, to stand after a colon or on its own.
    """

    known: bool
    live: bool
    as_of: int | None
    outdated: bool
    text: str


def freshness(facet: str) -> Freshness:
    """How fresh one facet is."""
    return _freshness([facet], now_ms())


def freshness_of_all(facets: Iterable[str]) -> Freshness:
    """How fresh several facets are together, as fresh as the one that is behind."""
    return _freshness(list(facets), now_ms())


@dataclass(frozen=True, slots=True)
class PassCost:
    """What `manage.py index` takes, by what DynamoDB says of the table, some hours old.

    Attributes:
        records, size: of the table, in bytes.
        capacity: read units, at most: less where it reads `index`, an index of the states; "" for none.
    """

    records: int
    size: int
    capacity: float
    index: str


def pass_cost() -> PassCost | None:
    """What a pass over the table would take; None where it needs none, and where DynamoDB does not say."""
    table = current_table()
    if not isinstance(table, DynamoTable):
        return None
    try:
        facts = facts_of(table)
    except FacetError:
        return None
    if not facts.items:
        return None
    return PassCost(facts.items, facts.size, facts.scan_capacity, facts.index.name if facts.index else "")


def found() -> dict[str, TableFacet]:
    """By name, the facets of which the directory holds any entity."""
    catch_up()
    rows = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, entities__gt=0)
    return {row.name: row for row in rows.order_by("name")}


def knows(facet: str) -> bool:
    """Whether a list of the facet can be made from the directory: all of its entities have been read once."""
    if isinstance(current_table(), SqliteTable):
        return catch_up() or has_caught_up()
    return any(_covers(done, facet) for done in _passes())


def outdated(facets: Iterable[str]) -> list[str]:
    """Those of the facets whose index was made by an earlier version, so that `manage.py index` must run again."""
    if isinstance(current_table(), SqliteTable):
        return []
    passes = _passes()
    return _outdated([facet for facet in facets if any(_covers(done, facet) for done in passes)])


def _freshness(facets: list[str], now: int) -> Freshness:
    if isinstance(current_table(), SqliteTable):
        return _of_file(now)
    passes = _passes()
    by_facet = {facet: next((done for done in passes if _covers(done, facet)), None) for facet in facets}
    indexed = {facet: done for facet, done in by_facet.items() if done}
    outdated = _outdated(indexed)
    if not indexed:
        return Freshness(False, False, None, False, _unfinished() or "not indexed yet")
    oldest = min(done.started_at for done in indexed.values())
    known = len(indexed) == len(facets)
    follower = Follower.objects.filter(table=settings.HDEADMIN_STORE).first()
    followed = bool(
        follower and follower.since is not None and follower.until is not None and follower.since <= oldest
    )
    as_of = max(oldest, follower.until or 0) if followed and follower else oldest
    live = followed and now - as_of < LIVE
    text = f"all changes up to {_ago(now - as_of)}" if followed else f"indexed {_ago(now - as_of)}"
    if not known:
        text += f", {len(indexed)} of {len(facets)} facets"
    if outdated:
        text += ", by an earlier version"
    return Freshness(known, live, as_of, bool(outdated), text)


def _of_file(now: int) -> Freshness:
    if catch_up():
        return Freshness(True, True, now, False, "all changes up to now")
    mark = FileMark.objects.get(table=settings.HDEADMIN_STORE)
    if mark.read_at:
        return Freshness(True, False, mark.read_at, False, f"all changes up to {_ago(now - mark.read_at)}")
    return Freshness(False, False, None, False, "being read from the file")


def _passes() -> list[IndexPass]:
    """The finished ones, the newest first; of those that are about the same facets, only that one."""
    found: dict[str, IndexPass] = {}
    finished = IndexPass.objects.filter(table=settings.HDEADMIN_STORE, finished_at__isnull=False)
    for done in finished.order_by("-started_at")[:100]:
        found.setdefault(repr(done.facets), done)
    return list(found.values())


def _covers(done: IndexPass, facet: str) -> bool:
    if not done.source or done.facets:
        return not done.facets or facet in done.facets
    # An index by facets told of those that it was asked for, and of no others.
    return done.parts.filter(facet__in=["", facet]).exists()


def _outdated(facets: Iterable[str]) -> list[str]:
    rows = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name__in=list(facets), entities__gt=0)
    return [row.name for row in rows if row.version != current_version(registry.get(row.name))]


def _unfinished() -> str:
    begun = IndexPass.objects.filter(table=settings.HDEADMIN_STORE, finished_at__isnull=True)
    last = begun.order_by("-started_at").first()
    return f"being indexed, {last.entities:,} entities so far" if last else ""


def _ago(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1000
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name} ago"
    return f"{seconds} s ago"
