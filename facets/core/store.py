"""What both engines promise: EventStore, the records of one facet, and Table, the facets of one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from facets.core.errors import InvalidRecord, RecordTooLarge, TransactionTooLarge
from facets.core.history import Log
from facets.core.records import Item, Kind, Record

# DynamoDB rejects the whole write above this. It was 25 until 2022, and hde still says 25.
MAX_RECORDS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 400 * 1024


class EventStore(Protocol):
    """One facet's records. Reads see every write that came back before they began."""

    @property
    def facet(self) -> str: ...

    def get_state(self, id: str) -> Record | None:
        """The entity's STATE record; None where there is none."""

    def get_records(self, id: str) -> list[Record]:
        """All of the entity's records in history order: seq, inbound before outbound before STATE, then index.

        Empty where there is no such entity. Records of another facet that shares the partition are left out.
        """

    def get_log(self, id: str) -> Log:
        """The entity's inbound events, oldest first: only what a replay needs."""

    def put_state(
        self,
        state: Record,
        previous_seq: int,
        inbound: Sequence[Record] = (),
        outbound: Sequence[Record] = (),
        *,
        operation_id: str | None = None,
    ) -> None:
        """Add the events and replace STATE, all or nothing.

        Only where STATE is at `previous_seq`, or there is none and `previous_seq` is 0. A second call with the
        same `operation_id` and records within ten minutes succeeds and writes nothing.

        Raises:
            SequenceConflict: the entity is at another seq, or one of the events is already there.
            TransactionTooLarge, RecordTooLarge, InvalidRecord: before any call.
            TableNotFound, StoreUnavailable
        """


@dataclass(frozen=True, slots=True)
class ReadCost:
    """What a read took: records looked at, requests made, DynamoDB read units (None: the engine has none)."""

    records: int
    requests: int
    capacity: float | None = None


@dataclass(frozen=True, slots=True)
class StatePage:
    """Some STATE records of a facet. `next` continues after them; None at the end."""

    states: list[Record]
    next: str | None
    cost: ReadCost


@dataclass(frozen=True, slots=True)
class FacetPage:
    """How many entities of each facet a part of the table holds. `next` continues after it; None at the end."""

    counts: dict[str, int]
    next: str | None
    cost: ReadCost


class Table(Protocol):
    """A table of several facets."""

    @property
    def name(self) -> str: ...

    def create(self) -> None:
        """Make the table, if it is not there; returns when it can be used."""

    def check(self) -> None:
        """Return if the table can be read. Raises TableNotFound, StoreUnavailable."""

    def db(self, facet: str) -> EventStore:
        """The records of one facet."""

    def browse(self, facet: str, *, after: str | None = None, limit: int = 50) -> StatePage:
        """Up to `limit` entities of a facet, in the engine's own order, from `after`, an earlier page's `next`.

        May give fewer, none even, with more to come: a read of a large table stops after a bounded time.

        Raises:
            InvalidRecord: `after` was not made by `browse`.
            TableNotFound, StoreUnavailable
        """

    def facets(self, *, after: str | None = None) -> FacetPage:
        """The facets that the table, or the next part of it, holds. Raises as `browse` does."""

    def load(self, items: Iterable[Item]) -> int:
        """Write items as they are, over any of the same key; returns how many. For copies, never for corrections.

        Raises:
            InvalidRecord: an item is not of hde's format. Others before it may have been written.
            TableNotFound, StoreUnavailable
        """

    def is_empty(self) -> bool:
        """Whether the table holds nothing at all. Raises TableNotFound, StoreUnavailable."""


def check_transaction(
    facet: str, state: Record, inbound: Sequence[Record], outbound: Sequence[Record]
) -> list[Record]:
    """The records of one append, STATE last, if the engines can write them.

    Raises:
        InvalidRecord: a record is of another kind, facet or entity than its place says, or a key is there twice.
        TransactionTooLarge, RecordTooLarge
    """
    expected: list[tuple[Kind, Sequence[Record]]] = [
        ("INBOUND", inbound),
        ("OUTBOUND", outbound),
        ("STATE", (state,)),
    ]
    records: list[Record] = []
    for kind, group in expected:
        for record in group:
            if record.kind != kind or record.facet != facet or record.id != state.id:
                raise InvalidRecord(f"Not {kind} of {facet!r}.", id=record.id, rng=record.rng)
            records.append(record)
    if len({record.rng for record in records}) < len(records):
        raise InvalidRecord("Two records have the same key.", id=state.id, rng=state.rng)
    sizes = [item_size(record) for record in records]
    for record, size in zip(records, sizes, strict=True):
        if size > MAX_RECORD_BYTES:
            raise RecordTooLarge(record.id, record.rng, size=size)
    if len(records) > MAX_RECORDS or sum(sizes) > MAX_TRANSACTION_BYTES:
        raise TransactionTooLarge(records=len(records), size=sum(sizes))
    return records


def item_size(record: Record) -> int:
    """A record's size in bytes as DynamoDB counts it: names and texts in UTF-8, a number half its digits and one.

    Raises:
        InvalidRecord: a text is not valid Unicode.

    Source: Amazon DynamoDB developer guide, "DynamoDB item sizes and formats".
    """
    size = 0
    try:
        for name, typed in record.to_item().items():
            for kind, text in typed.items():
                size += len(name) + (len(text.encode()) if kind == "S" else (len(text) + 1) // 2 + 1)
    except UnicodeEncodeError:
        raise InvalidRecord("A text is not valid Unicode.", id=record.id, rng=record.rng) from None
    return size


def new_operation_id() -> str:
    """At most 36 characters, which is what DynamoDB takes as ClientRequestToken."""
    return str(uuid4())
