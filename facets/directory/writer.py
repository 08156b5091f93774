"""Write entities into the directory: whatever the order in which readings arrive, the newest state stays."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from facets import registry
from facets.core import Record
from facets.definitions import FacetDefinition
from facets.directory import activity, fulltext
from facets.directory.index_entry import Entry, Recipe, assigned, columns_of, slot_of, version_of
from facets.directory.models import KEYS, MIXED, Entity, SensitiveValue, TableFacet, escaped

logger = logging.getLogger(__name__)

KEY_COLUMNS = tuple(f"key_{number}" for number in range(1, KEYS + 1))

# Our own names only: no text of anybody else is ever put into a statement.
_SAID = ("seq", "ts", '"values"', "text", "version", *KEY_COLUMNS)
_COLUMNS = ("facet_id", "entity_id", "read_at", *_SAID)
# A state that was written anew is to be verified anew, at the same seq too: that may be a recalculation.
_DRIFT = (
    "drift_seq = CASE WHEN (excluded.seq, excluded.ts) = (facets_entity.seq, facets_entity.ts)"
    " THEN facets_entity.drift_seq END"
)
_CHANGED = ", ".join([*(f"{name} = excluded.{name}" for name in _COLUMNS[2:]), _DRIFT])
_INSERT = (
    f"INSERT INTO facets_entity ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
    " ON CONFLICT (facet_id, entity_id) DO"
)
_IF_NEW = f"{_INSERT} NOTHING"
_IF_NEWER = f"{_INSERT} UPDATE SET {_CHANGED} WHERE (excluded.seq, excluded.ts) >= (facets_entity.seq, facets_entity.ts)"

# SQLite takes 32,766 parameters; a batch may be larger.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Written:
    """What a facet has more, or less, since rows were written: entities, and events by quarter of an hour, see `activity`.

    `mixed` if they were read by another definition than those that were there.
    """

    facet: TableFacet
    entities: int
    events: Mapping[int, int]
    mixed: bool = False

    def count(self, *, events: bool = True) -> None:
        """Keep up what is said of the facet. Comes last in a transaction, since all who write to the facet wait for it."""
        if self.mixed:
            TableFacet.objects.filter(pk=self.facet.pk).update(version=MIXED)
            self.facet.version = MIXED
        if events:
            activity.add(self.facet, self.events)
        if self.entities:
            count_more(self.facet, self.entities)


def note(record: Record) -> None:
    """Keep one STATE record, just written or read, if it is newer than what is kept. Never raises.

    A record that says what is kept already writes nothing.
    """
    try:
        facet = facet_of(record.facet)
        entry = recipe_of(facet).entry(record)
        kept = (
            Entity.objects.filter(facet=facet, entity_id=entry.id).values_list("seq", "ts", "version").first()
        )
        if kept is None or (
            kept[:2] <= (entry.seq, entry.ts) and kept != (entry.seq, entry.ts, entry.version)
        ):
            with transaction.atomic():
                write(facet, [entry], now_ms()).count()
    except Exception:  # the write or the page that it comes after must stand
        logger.exception("The directory does not know of %s at seq %d", record.id, record.seq)


def forget(facet: str, id: str) -> None:
    """Drop an entity of which the table, just read, holds nothing. Never raises."""
    try:
        remove(facet, id)
    except Exception:  # the page that it comes after must stand
        logger.exception("The directory still knows of %s/%s", facet, id)


def remove(facet: str, id: str, *, unless_after: int | None = None) -> int:
    """Drop one entity, which is gone from the table; not if its state is of after `unless_after`, in milliseconds.

    Returns how many were dropped, 1 or 0.
    """
    with transaction.atomic():
        row = drop(facet, id, unless_after=unless_after)
        if row:
            count_more(row, -1)
    return int(row is not None)


def drop(facet: str, id: str, *, unless_after: int | None = None) -> TableFacet | None:
    """`remove` for a transaction of the caller's, who counts one less of the facet returned, last of all.

    None where nothing was dropped.
    """
    row = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name=facet).first()
    found = Entity.objects.filter(facet=row, entity_id=id)
    if unless_after is not None:
        found = found.filter(ts__lte=unless_after)
    if row is None or not found.exists():
        return None
    return row if found.delete()[1].get("facets.Entity", 0) else None


def facet_of(name: str) -> TableFacet:
    """The directory's row of a facet of the current table, made if there is none, with a slot for every column."""
    definition = registry.get(name)
    row, _ = TableFacet.objects.get_or_create(
        table=settings.HDEADMIN_STORE, name=name, defaults={"version": current_version(definition)}
    )
    slots = assigned(row.slots, definition)
    if slots != row.slots:
        with transaction.atomic():
            row = TableFacet.objects.select_for_update().get(pk=row.pk)
            row.slots = assigned(row.slots, definition)
            row.save(update_fields=["slots"])
    return row


def recipe_of(facet: TableFacet) -> Recipe:
    return Recipe(facet.pk, facet.slots, registry.get(facet.name), secret())


def current_version(definition: FacetDefinition[Any] | None) -> int:
    return version_of(definition, secret())


def secret() -> bytes:
    """Keys the hashes of masked values. With another SECRET_KEY they are made anew, as for another definition."""
    return sha256(b"facets.directory\0" + settings.SECRET_KEY.encode()).digest()


def write(facet: TableFacet, entries: Sequence[Entry], read_at: int) -> Written:
    """Insert or update rows, each unless a newer state is there. In a transaction of the caller's.

    Args:
        entries: each entity once.
    """
    while True:
        with suppress(_MadeMeanwhile), transaction.atomic():
            return _write(facet, entries, read_at)


class _MadeMeanwhile(Exception):
    """Another writer made a row that was not there a moment ago; it can be held now, and compared."""


def _write(facet: TableFacet, entries: Sequence[Entry], read_at: int) -> Written:
    held = _held(facet, [escaped(entry.id) for entry in entries])
    changed: list[Entry] = []
    rows: list[tuple[Any, ...]] = []
    same: list[int] = []
    events: Counter[int] = Counter()
    definition = registry.get(facet.name)
    compares = not (definition and definition.searchable_sensitive)
    for entry in entries:
        id = escaped(entry.id)
        said = (entry.seq, entry.ts, entry.values, entry.text, entry.version, *entry.keys)
        before = held.get(id)
        if compares and before is not None and before.said == said:
            same.append(before.pk)
            continue
        changed.append(entry)
        rows.append((facet.pk, id, read_at, *said))
        if before is None:
            # Where all were known, it was made since; otherwise only its last event is known to be of this time.
            more = entry.seq if facet.counted_since is not None else min(entry.seq, 1)
        else:
            # A row that is to be overwritten by whatever the table says has no seq of its own.
            more = entry.seq - before.said[0] if before.said[0] >= 0 else 0
        if more > 0 and activity.is_counted(entry.ts, read_at):
            events[activity.quarter(entry.ts)] += more
    _read_again(same, read_at)
    ids = [row[1] for row in rows]
    texts = {before.pk: before.said[_TEXT] for id in ids if (before := held.get(id))}
    new = [row for row in rows if row[1] not in held]
    with fulltext.kept_up(facet.pk, ids, texts), connection.cursor() as cursor:
        if new:
            cursor.executemany(_IF_NEW, new)
            if cursor.rowcount < len(new):
                raise _MadeMeanwhile
        cursor.executemany(_IF_NEWER, [row for row in rows if row[1] in held])
    if not compares:
        _write_digests(facet, changed)
    mixed = bool(changed) and facet.version not in (MIXED, changed[0].version)
    return Written(facet, len(new), events, mixed)


class _Held(NamedTuple):
    """A row that is there, and what it says of its entity, in the order of _SAID."""

    pk: int
    said: tuple[Any, ...]


_TEXT = _SAID.index("text")


def _held(facet: TableFacet, ids: Sequence[str]) -> dict[str, _Held]:
    """The rows, held until the transaction ends: else two who write the same events would both count them."""
    found: dict[str, _Held] = {}
    held = " ORDER BY entity_id FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            cursor.execute(
                f"SELECT id, entity_id, {', '.join(_SAID)} FROM facets_entity"
                f" WHERE facet_id = %s AND entity_id IN ({', '.join(['%s'] * len(part))}){held}",
                [facet.pk, *part],
            )
            found |= {id: _Held(pk, tuple(said)) for pk, id, *said in cursor.fetchall()}
    return found


def _read_again(rows: Sequence[int], read_at: int) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        Entity.objects.filter(pk__in=rows[start : start + _AT_ONCE]).update(read_at=read_at)


def count_more(facet: TableFacet, more: int) -> None:
    TableFacet.objects.filter(pk=facet.pk).update(entities=F("entities") + more)


def recount(facet: TableFacet) -> int:
    """Count the facet's rows, which takes time where they are many, and keep the number."""
    number = Entity.objects.filter(facet=facet).count()
    TableFacet.objects.filter(pk=facet.pk).update(entities=number)
    return number


def settle_version(facet: TableFacet) -> None:
    """Note that all rows were read by the current definition, which frees the slots of earlier ones' columns.

    Not if any row was read by another one: a process that was not restarted yet may write meanwhile.
    """
    definition = registry.get(facet.name)
    now = {slot_of(path, kind) for path, kind in columns_of(definition)}
    with transaction.atomic():
        row = TableFacet.objects.select_for_update().get(pk=facet.pk)
        if Entity.objects.filter(facet=row).exclude(version=current_version(definition)).exists():
            return
        row.slots = assigned([slot if slot in now else "" for slot in row.slots], definition)
        row.version = current_version(definition)
        row.save(update_fields=["slots", "version"])


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _write_digests(facet: TableFacet, entries: Iterable[Entry]) -> None:
    by_id = {entry.id: entry for entry in entries}
    kept = Entity.objects.filter(facet=facet, entity_id__in=list(by_id)).values_list(
        "pk", "entity_id", "seq", "ts"
    )
    owned = [(pk, by_id[id]) for pk, id, seq, ts in kept if (seq, ts) == (by_id[id].seq, by_id[id].ts)]
    SensitiveValue.objects.filter(entity__in=[pk for pk, _ in owned]).delete()
    SensitiveValue.objects.bulk_create(
        [SensitiveValue(entity_id=pk, digest=digest) for pk, entry in owned for digest in entry.digests]
    )
