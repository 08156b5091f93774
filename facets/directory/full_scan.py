"""Read all states of a DynamoDB table into the directory: in parts side by side, at a pace, from where it was stopped.

Threads read, and the caller's thread writes: what a page held and where to go on are one transaction.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from queue import Empty, Full, Queue
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from facets import registry
from facets.core import FacetError, Record, StoreUnavailable
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import Part, StatesRead, TableFacts, read_part, read_states
from facets.directory.index_entry import Recipe
from facets.directory.lease import in_words, is_gone, new_owner
from facets.directory.models import Entity, IndexPass, PassPart, TableFacet
from facets.directory.writer import (
    current_version,
    facet_of,
    now_ms,
    recipe_of,
    recount,
    settle_version,
    write,
)

# A pass whose process was killed can be gone on with after so long.
LEASE = 60_000  # milliseconds
# One that was left longer is begun anew: more of it would be out of date than not.
OLDEST = 7 * 24 * 3_600_000  # milliseconds

_ATTEMPTS = 12
_LONGEST_PAUSE = 20.0  # seconds

# States that are written in one transaction, once so many have come, or so long ones; and the longest that they wait.
_BATCH = 2_000
_BATCH_SIZE = 4_000_000  # characters
_WAIT = 1.0  # seconds

# DynamoDB ends a page at 1 MB. Fewer of small records take no longer, and half the memory.
_PAGE_RECORDS = 2_000

_CHECKED = 500  # rows at once of which the table is asked whether they are still there

_PAGE_CAPACITY = 128.0  # read units of 1 MB, eventually consistent
_ITEM_SIZE = 4096  # bytes, of a table that says nothing of itself yet

# By which it is seen that a row was written anew.
_READING = ("seq", "ts", "read_at")


class PassRunning(Exception):
    """Another process works on the same pass; `owner` says which."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


class PassStopped(Exception):
    """The table did not answer any more; what was read is kept, and the next run goes on there."""


@dataclass(slots=True)
class Told:
    """How far a pass has come.

    Attributes:
        records: looked at; see `expected`.
        entities: found so far; `by_facet` of those found by this run, and once it came to the end, all that there are.
        resumed: an earlier run had begun it.
        is_whole: it came to the end.
    """

    records: int = 0
    entities: int = 0
    unreadable: int = 0
    capacity: float = 0
    removed: int = 0
    resumed: bool = False
    is_whole: bool = False
    by_facet: dict[str, int] = field(default_factory=dict)


def run(
    table: DynamoTable,
    facts: TableFacts,
    facets: Sequence[str] = (),
    *,
    segments: int = 4,
    max_capacity: float | None = None,
    anew: bool = False,
    whole_table: bool = False,
    told: Callable[[Told], None] = lambda told: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Told:
    """Read all entities, or those of some facets, to the end or until `stopping`.

    Goes on with what an earlier run with the same facets left unfinished, unless `anew`. At the end of a whole pass,
    entities that are gone from the table are dropped; each is asked for first, so that none that was just added is.

    Args:
        max_capacity: read units a second, on average.
        whole_table: leave the table's index alone.

    Raises:
        PassRunning, PassStopped
        TableNotFound, InvalidRecord
    """
    names = sorted(set(facets))
    work = _taken(_parts(facts, names, segments, whole_table), facts, names, anew, whole_table)
    parts = {part.number: part for part in work.parts.filter(done=False)}
    state = Told(
        records=work.records,
        entities=work.entities,
        unreadable=work.unreadable,
        capacity=work.capacity,
        resumed=work.records > 0,
    )
    index = None if whole_table else facts.index
    pace = _Pace(max_capacity)
    limit = _page_limit(facts, max_capacity)
    readers = [
        _Reader(
            table,
            Part(part.number, len(work.parts.all()), part.facet, index if work.source else None),
            part.place,
            names,
            limit,
            pace,
        )
        for part in parts.values()
    ]
    writer = _Writer(work, state)
    try:
        for pages in _arriving(readers, work, stopping):
            writer.write(pages)
            told(state)
            if stopping():
                break
        if not work.parts.filter(done=False).exists():
            _finish(work, state, _Asking(table, pace, min(_CHECKED, limit), stopping))
            told(state)
    except StoreUnavailable as error:
        raise PassStopped(str(error)) from error
    finally:
        IndexPass.objects.filter(pk=work.pk, owner=work.owner).update(lease_until=0)
    return state


def expected(facts: TableFacts, facets: Sequence[str] = (), *, whole_table: bool = False) -> int:
    """About how many records a run with these arguments looks at; 0 where nobody knows."""
    return facts.items if whole_table or not facts.index else _known(facets)


def unfinished(facets: Sequence[str] = ()) -> IndexPass | None:
    """What a run with these facets would go on with."""
    begun = IndexPass.objects.filter(table=settings.HDEADMIN_STORE, finished_at__isnull=True)
    names = sorted(set(facets))
    return next((work for work in begun.order_by("-started_at") if work.facets == names), None)


class _Reader:
    """Reads one part, a page at a time, on a thread of its own."""

    def __init__(
        self,
        table: DynamoTable,
        part: Part,
        place: str | None,
        facets: Sequence[str],
        limit: int,
        pace: _Pace,
    ) -> None:
        self.part = part
        self._table = table
        self._place = place
        self._facets = facets
        self._limit = limit
        self._pace = pace

    def read_into(self, pages: Queue[_Arrived], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                page = self._read(stop)
            except FacetError as error:
                _put(pages, _Arrived(self.part, error=error), stop)
                return
            if page is None:
                return
            self._place = page.next
            _put(pages, _Arrived(self.part, page), stop)
            if page.next is None:
                return

    def _read(self, stop: threading.Event) -> StatesRead | None:
        return _answered(
            lambda: read_part(self._table, self.part, self._place, facets=self._facets, limit=self._limit),
            self._pace,
            stop,
        )


def _answered(read: Callable[[], StatesRead], pace: _Pace, stop: threading.Event) -> StatesRead | None:
    """What is read, at the pace, as soon as the table answers. None where `stop` came first."""
    for attempt in range(_ATTEMPTS):
        if not pace.wait(stop):
            return None
        try:
            page = read()
        except StoreUnavailable:
            if attempt == _ATTEMPTS - 1:
                raise
            stop.wait(random.uniform(0.5, 1) * min(_LONGEST_PAUSE, 0.2 * 2**attempt))
            continue
        pace.spent(page.cost.capacity or 0)
        return page
    return None


@dataclass(frozen=True, slots=True)
class _Arrived:
    part: Part
    page: StatesRead | None = None
    error: FacetError | None = None


def _put(pages: Queue[_Arrived], arrived: _Arrived, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(Full):
            pages.put(arrived, timeout=0.2)
            return


def _arriving(
    readers: Sequence[_Reader], work: IndexPass, stopping: Callable[[], bool]
) -> Iterator[list[_Arrived]]:
    """Pages in batches, as they come, an empty batch now and then; holds the lease meanwhile.

    Raises PassRunning; and StoreUnavailable, TableNotFound, InvalidRecord after the last batch.
    """
    # Few pages wait at a time, whatever the table's size.
    pages: Queue[_Arrived] = Queue(maxsize=len(readers))
    stop = threading.Event()
    threads = [
        threading.Thread(target=reader.read_into, args=(pages, stop), name=f"index-{number}", daemon=True)
        for number, reader in enumerate(readers)
    ]
    for thread in threads:
        thread.start()
    left = len(readers)
    failure: FacetError | None = None
    try:
        while left and failure is None and not stopping():
            batch: list[_Arrived] = []
            states = size = 0
            until = time.monotonic() + _WAIT
            while (
                left
                and failure is None
                and states < _BATCH
                and size < _BATCH_SIZE
                and time.monotonic() < until
            ):
                try:
                    arrived = pages.get(timeout=0.1)
                except Empty:
                    if stopping():
                        break
                    continue
                if arrived.page is None:
                    failure = arrived.error
                    break
                batch.append(arrived)
                states += len(arrived.page.states)
                size += sum(len(record.itm) for record in arrived.page.states)
                left -= arrived.page.next is None
            _renew(work)
            yield batch
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failure is not None:
        raise failure


class _Writer:
    """Writes pages, and how far they brought the pass, in one transaction each batch."""

    def __init__(self, work: IndexPass, told: Told) -> None:
        self._work = work
        self._told = told
        self._facets: dict[str, tuple[TableFacet, Recipe]] = {}

    def write(self, batch: Sequence[_Arrived]) -> None:
        by_facet: dict[str, dict[str, Record]] = {}
        told, work = self._told, self._work
        for arrived in batch:
            assert arrived.page is not None  # noqa: S101  # failures are raised, not written
            for record in arrived.page.states:
                by_facet.setdefault(record.facet, {})[record.id] = record
            told.records += arrived.page.cost.records
            told.capacity += arrived.page.cost.capacity or 0
            told.unreadable += arrived.page.unreadable
        if not batch:
            return
        read_at = now_ms()
        prepared = []
        # In one order, as the follower writes, so that neither waits for the other's rows.
        for name, records in sorted(by_facet.items()):
            facet, recipe = self._facet(name)
            prepared.append((facet, [recipe.entry(record) for _, record in sorted(records.items())]))
            told.entities += len(records)
            told.by_facet[name] = told.by_facet.get(name, 0) + len(records)
        with transaction.atomic():
            written = [write(facet, entries, read_at) for facet, entries in prepared]
            for arrived in batch:
                assert arrived.page is not None  # noqa: S101
                PassPart.objects.filter(index_pass=work, number=arrived.part.number).update(
                    place=arrived.page.next, done=arrived.page.next is None
                )
            _still_ours(
                work,
                records=told.records,
                entities=told.entities,
                unreadable=told.unreadable,
                capacity=told.capacity,
            )
            for each in written:
                each.count()

    def _facet(self, name: str) -> tuple[TableFacet, Recipe]:
        if name not in self._facets:
            facet = facet_of(name)
            self._facets[name] = facet, recipe_of(facet)
        return self._facets[name]


@dataclass(frozen=True, slots=True)
class _Asking:
    """How the table is asked for entities by their ids: so many at once, at the pace, until `stopping`."""

    table: DynamoTable
    pace: _Pace
    at_once: int
    stopping: Callable[[], bool]


def _finish(work: IndexPass, told: Told, asking: _Asking) -> None:
    """Drop what is gone, count, and note that all is read; leaves the pass unfinished where it is stopped."""
    rows = TableFacet.objects.filter(table=work.table)
    if work.facets:
        rows = rows.filter(name__in=work.facets)
    elif work.parts.exclude(facet="").exists():
        # An index by facets told of no other facets than these.
        rows = rows.filter(name__in=work.parts.values_list("facet", flat=True))
    told.by_facet.clear()
    for facet in rows.order_by("name"):
        _drop_gone(facet, work, told, asking)
        if asking.stopping():
            return
        if number := recount(facet):
            told.by_facet[facet.name] = number
        settle_version(facet)
        TableFacet.objects.filter(pk=facet.pk, counted_since=None).update(counted_since=work.started_at)
    told.is_whole = True
    with transaction.atomic():
        _still_ours(work, finished_at=now_ms(), removed=told.removed, capacity=told.capacity, lease_until=0)
        earlier = IndexPass.objects.filter(table=work.table).exclude(pk=work.pk)
        earlier.filter(started_at__lt=work.started_at, facets=work.facets).delete()


def _drop_gone(facet: TableFacet, work: IndexPass, told: Told, asking: _Asking) -> None:
    """Drop the entities that the pass has not met, if the table, asked for each, does not have them either."""
    recipe = recipe_of(facet)
    last = 0
    while not asking.stopping():
        unmet = Entity.objects.filter(facet=facet, read_at__lt=work.started_at, pk__gt=last).order_by("pk")
        rows = {pk: row for pk, *row in unmet.values_list("pk", "entity_id", *_READING)[: asking.at_once]}
        if not rows:
            return
        last = max(rows)
        _renew(work)
        wanted = [(facet.name, id) for id, *_ in rows.values()]
        page = _answered(partial(read_states, asking.table, wanted), asking.pace, threading.Event())
        assert page is not None  # noqa: S101  # nothing stops it
        told.capacity += page.cost.capacity or 0
        there = {entry.id: entry for entry in map(recipe.entry, page.states)}
        with transaction.atomic():
            # Not those that somebody has written since.
            held = Entity.objects.select_for_update().filter(pk__in=rows).order_by("entity_id")
            same = [
                (pk, id, (seq, ts))
                for pk, id, seq, ts, read_at in held.values_list("pk", "entity_id", *_READING)
                if rows[pk] == [id, seq, ts, read_at]
            ]
            gone = Entity.objects.filter(pk__in=[pk for pk, id, _ in same if id not in there])
            told.removed += gone.delete()[1].get("facets.Entity", 0)
            kept = [(pk, there[id], place) for pk, id, place in same if id in there]
            # Asked for by itself, the table is right, even where it says less than the directory.
            less = [pk for pk, entry, place in kept if (entry.seq, entry.ts) < place]
            Entity.objects.filter(pk__in=less).update(seq=-1, ts=-1)
            write(facet, [entry for _, entry, _ in kept], now_ms()).count()


def _taken(
    parts: Sequence[PassPart], facts: TableFacts, names: list[str], anew: bool, whole_table: bool
) -> IndexPass:
    """The pass to work on, leased: one that was left unfinished, or a new one with these parts."""
    source = facts.index.name if facts.index and not whole_table else ""
    now = now_ms()
    owner = new_owner()
    with transaction.atomic():
        begun = IndexPass.objects.select_for_update().filter(
            table=settings.HDEADMIN_STORE, finished_at__isnull=True
        )
        same = [work for work in begun.order_by("-started_at") if work.facets == names]
        for work in same:
            if work.lease_until > now and not is_gone(work.owner):
                raise PassRunning(in_words(work.owner))
        definitions = _definitions(names)
        work = next(
            (
                work
                for work in same
                if not anew
                and work.source == source
                and work.definitions == definitions
                and work.started_at > now - OLDEST
            ),
            IndexPass(
                table=settings.HDEADMIN_STORE,
                facets=names,
                source=source,
                definitions=definitions,
                started_at=now,
            ),
        )
        is_new = work.pk is None
        work.owner, work.lease_until = owner, now + LEASE
        IndexPass.objects.filter(pk__in=[other.pk for other in same if other.pk != work.pk]).delete()
        try:
            with transaction.atomic():
                work.save()
        except IntegrityError as error:
            # Both began at the same moment.
            raise PassRunning("another process") from error
        if is_new:
            for part in parts:
                part.index_pass = work
            PassPart.objects.bulk_create(parts)
    return work


def _parts(facts: TableFacts, names: list[str], segments: int, whole_table: bool) -> list[PassPart]:
    index = None if whole_table else facts.index
    if index is None:
        return [PassPart(number=number) for number in range(segments)]
    if names or index.by_facet:
        known = TableFacet.objects.filter(table=settings.HDEADMIN_STORE).values_list("name", flat=True)
        of = names or sorted({*registry.definitions(), *known})
        return [PassPart(number=number, facet=name) for number, name in enumerate(of)]
    return [PassPart(number=0)]


def _renew(work: IndexPass) -> None:
    """Keep the lease. Raises PassRunning."""
    now = now_ms()
    if work.lease_until < now + LEASE / 2:
        _still_ours(work, lease_until=now + LEASE)


def _still_ours(work: IndexPass, **fields: Any) -> None:
    """Keep these of a pass. Raises PassRunning where another process took over, since this one was not heard of."""
    ours = IndexPass.objects.filter(pk=work.pk, owner=work.owner)
    if not ours.update(**fields):
        other = IndexPass.objects.filter(pk=work.pk).values_list("owner", flat=True).first()
        raise PassRunning(in_words(other or "another process"))
    for name, value in fields.items():
        setattr(work, name, value)


def _known(names: Sequence[str]) -> int:
    """How many entities there are, as far as an earlier pass has counted."""
    rows = TableFacet.objects.filter(table=settings.HDEADMIN_STORE)
    return sum(row.entities for row in rows if not names or row.name in names)


def _definitions(names: Sequence[str]) -> str:
    """Stands for how the entries of a pass are made."""
    of = names or sorted(registry.definitions())
    versions = [(name, current_version(registry.get(name))) for name in of]
    return sha256(repr((versions, current_version(None))).encode()).hexdigest()[:16]


def _page_limit(facts: TableFacts, max_capacity: float | None) -> int:
    """Records a page at most, so that one takes no more than a second's capacity."""
    if max_capacity is None or max_capacity >= _PAGE_CAPACITY:
        return _PAGE_RECORDS
    return min(_PAGE_RECORDS, max(1, int(max_capacity * 8192 / (facts.item_size or _ITEM_SIZE))))


class _Pace:
    """Holds readers back so that they take no more than so much capacity a second; None for as much as there is."""

    def __init__(self, capacity: float | None) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def wait(self, stop: threading.Event) -> bool:
        """Wait until what was spent is paid for. False where `stop` came first."""
        while not stop.is_set():
            with self._lock:
                left = self._free_at - time.monotonic()
            if self._capacity is None or left <= 0:
                return True
            stop.wait(min(left, 0.5))
        return False

    def spent(self, capacity: float) -> None:
        if self._capacity is not None:
            with self._lock:
                self._free_at = max(self._free_at, time.monotonic() - 1) + capacity / self._capacity
