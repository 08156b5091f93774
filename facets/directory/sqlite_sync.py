"""The SQLite engine's file needs no pass: what was written to it since, by whomever, is read before a list is answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from facets import registry
from facets.conf import current_table
from facets.core import Record
from facets.core.sqlite import SqliteTable
from facets.directory import activity
from facets.directory.models import EventCount, FileMark, TableFacet
from facets.directory.writer import (
    current_version,
    facet_of,
    now_ms,
    recipe_of,
    recount,
    settle_version,
    write,
)

# A page does not wait longer than this for a file that it sees for the first time; the next one goes on.
PATIENCE = 2.0  # seconds

_BATCH = 1_000  # entities

Told = Callable[[int, float], None]


def catch_up(*, seconds: float | None = PATIENCE, told: Told = lambda entities, share: None) -> bool:
    """Read what the file has and the directory has not; True once that is nothing. Another engine has no such file.

    Costs two small reads where nothing was written.

    Args:
        seconds: after which to leave it at that; None for not at all.
        told: called with the entities read and the share of the file, 0 to 1.

    Raises:
        TableNotFound, StoreUnavailable
    """
    table = current_table()
    if not isinstance(table, SqliteTable):
        return True
    file, last = table.written()
    identity = f"{file} {_definitions()}"
    mark = FileMark.objects.filter(table=settings.HDEADMIN_STORE).first()
    if mark and mark.identity == identity and mark.rowid == last:
        return True
    begun = time.monotonic()
    entities = 0
    while True:
        entities += _read_batch(table, file, identity, last)
        mark = FileMark.objects.get(table=settings.HDEADMIN_STORE)
        told(entities, mark.rowid / last if last else 1.0)
        if mark.rowid >= last:
            return True
        if seconds is not None and time.monotonic() - begun > seconds:
            return False


def has_caught_up() -> bool:
    """Whether the file was once read to its end, by the definitions of now."""
    mark = FileMark.objects.filter(table=settings.HDEADMIN_STORE).first()
    return mark is not None and mark.read_at > 0


def _read_batch(table: SqliteTable, file: str, identity: str, last: int) -> int:
    """Read the next states; returns how many. Several processes may do so at once, one after the other."""
    with transaction.atomic():
        mark, _ = FileMark.objects.select_for_update().get_or_create(
            table=settings.HDEADMIN_STORE, defaults={"identity": identity, "rowid": 0, "read_at": 0}
        )
        if mark.identity != identity or mark.rowid > last:
            if mark.identity.split(" ")[0] != file or mark.rowid > last:
                # Another file was put in its place.
                TableFacet.objects.filter(table=settings.HDEADMIN_STORE).delete()
            EventCount.objects.filter(facet__in=_uncounted()).delete()
            mark.identity, mark.rowid, mark.read_at = identity, 0, 0
        begin = mark.rowid
        states, mark.rowid = table.states_after(begin, limit=_BATCH)
        is_first = mark.read_at == 0
        now = now_ms()
        written = []
        for name, records in sorted(_by_facet(states).items()):
            facet = facet_of(name)
            if not is_first and facet.counted_since is None:
                facet.counted_since = 0
            recipe = recipe_of(facet)
            written.append(write(facet, [recipe.entry(record) for record in records], now))
        is_whole = mark.rowid >= last
        if is_first:
            # The file has the time of each event, not of each entity's last alone.
            _count_events(table, begin, mark.rowid, now)
        for each in written:
            each.count(events=not is_first or each.facet.counted_since is not None)
        if is_whole:
            _uncounted().update(counted_since=0)
        if is_whole and is_first:
            for facet in TableFacet.objects.filter(table=settings.HDEADMIN_STORE):
                recount(facet)
                settle_version(facet)
        if is_whole:
            mark.read_at = now
        mark.save()
    return len(states)


def _count_events(table: SqliteTable, place: int, end: int, now: int) -> None:
    """Count the events between two places, of facets of which that was not done by an earlier reading."""
    counts: dict[str, dict[int, int]] = {}
    between = table.events_between(
        place, end, since=activity.earliest(now), until=activity.latest(now), span=activity.QUARTER
    )
    for (name, quarter), events in between.items():
        counts.setdefault(name, {})[quarter] = events
    for name, by_quarter in sorted(counts.items()):
        facet = facet_of(name)
        if facet.counted_since is None:
            activity.add(facet, by_quarter)


def _uncounted() -> QuerySet[TableFacet]:
    return TableFacet.objects.filter(table=settings.HDEADMIN_STORE, counted_since=None)


def _by_facet(states: list[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in states:
        found.setdefault(record.facet, []).append(record)
    return found


def _definitions() -> str:
    """Stands for all definitions, and how they make entries."""
    versions = sorted(
        (name, current_version(definition)) for name, definition in registry.definitions().items()
    )
    return sha256(repr((versions, current_version(None))).encode()).hexdigest()[:16]
