"""Write entities into the directory: whatever the order in which readings arrive, the newest state stays."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from facets import registry
from facets.core import Record
from facets.definition import FacetDefinition
from facets.directory import fulltext
from facets.directory.entry import Entry, Recipe, assigned, columns_of, slot_of, version_of
from facets.directory.models import KEYS, MIXED, Entity, SensitiveValue, TableFacet, escaped

logger = logging.getLogger(__name__)

KEY_COLUMNS = tuple(f"key_{number}" for number in range(1, KEYS + 1))

# Our own names only: no text of anybody else is ever put into a statement.
_COLUMNS = ("facet_id", "entity_id", "seq", "ts", '"values"', "text", "version", "read_at", *KEY_COLUMNS)
# A state that was written anew is to be verified anew, at the same seq too: that may be a recalculation.
_DRIFT = (
    "drift_seq = CASE WHEN (excluded.seq, excluded.ts) = (facets_entity.seq, facets_entity.ts)"
    " THEN facets_entity.drift_seq END"
)
_CHANGED = ", ".join([*(f"{name} = excluded.{name}" for name in _COLUMNS[2:]), _DRIFT])
_UPSERT = (
    f"INSERT INTO facets_entity ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
    f" ON CONFLICT (facet_id, entity_id) DO UPDATE SET {_CHANGED}"
    " WHERE (excluded.seq, excluded.ts) >= (facets_entity.seq, facets_entity.ts)"
)


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
                write_counted(facet, [entry], now_ms())
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
    row = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name=facet).first()
    found = Entity.objects.filter(facet=row, entity_id=id)
    if unless_after is not None:
        found = found.filter(ts__lte=unless_after)
    if row is None or not found.exists():
        return 0
    with transaction.atomic():
        dropped: int = found.delete()[1].get("facets.Entity", 0)
        if dropped:
            count_more(row, -dropped)
    return dropped


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


def write(facet: TableFacet, entries: Sequence[Entry], read_at: int) -> None:
    """Insert or update rows, each unless a newer state is there. In a transaction of the caller's.

    The number of the facet's entities is not kept up: see `count_more` and `recount`.
    """
    rows = [
        (
            facet.pk,
            escaped(entry.id),
            entry.seq,
            entry.ts,
            entry.values,
            entry.text,
            entry.version,
            read_at,
            *entry.keys,
        )
        for entry in entries
    ]
    with fulltext.kept_up(facet.pk, [escaped(entry.id) for entry in entries]), connection.cursor() as cursor:
        cursor.executemany(_UPSERT, rows)
    definition = registry.get(facet.name)
    if definition and definition.searchable_sensitive:
        _write_digests(facet, entries)
    if entries and facet.version not in (MIXED, entries[0].version):
        TableFacet.objects.filter(pk=facet.pk).update(version=MIXED)
        facet.version = MIXED


def write_counted(facet: TableFacet, entries: Sequence[Entry], read_at: int) -> None:
    """As `write`, and keeps up the number of entities; for few of them, since each is looked for first."""
    ids = {entry.id for entry in entries}
    known = Entity.objects.filter(facet=facet, entity_id__in=ids).count()
    write(facet, entries, read_at)
    if len(ids) > known:
        count_more(facet, len(ids) - known)


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
