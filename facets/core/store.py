"""What both engines promise: EventStore, the records of one facet, and Table, the facets of one table."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from facets.core.errors import InvalidRecord, RecordTooLarge, TransactionTooLarge
from facets.core.history import HistoryFault, Log
from facets.core.records import Item, Kind, Record
from facets.core.streaming import StreamEntry
from facets.core.unreadable import StoredRecord, UnreadableRecord

# DynamoDB rejects the whole write above this. It was 25 until 2022, and hde still says 25.
MAX_RECORDS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 400 * 1024


class EventStore(Protocol):
    """One facet's records. Reads see every write that came back before they began."""

    @property
    def facet(self) -> str: ...

    def get_state(self, id: str) -> Record | None:
        """The entity's STATE record; None where there is none.

        Raises:
            UnreadableState: there is one, and it is not of hde's form.
        """

    def read_state(self, id: str) -> StoredRecord | None:
        """As `get_state`; one that is not of hde's form is returned, as it is."""

    def get_records(self, id: str) -> list[StoredRecord]:
        """All of the entity's records in history order: seq, inbound before outbound before STATE, then index.

        Those that are not of hde's form stand among them at their seq, or at the end where they have none. Empty where
        there is no such entity. Records of another facet that shares the partition are left out.
        """

    def get_item(self, id: str, rng: str) -> Item | None:
        """The item under any sort key of the entity's partition, as DynamoDB's API gives it; None where there is none.

        Those of another facet that shares the partition are left out.
        """

    def get_foreign(self, id: str, *, limit: int = 100) -> list[UnreadableRecord]:
        """Up to `limit` items of the entity's partition whose sort keys are none of hde's, sorted."""

    def get_log(self, id: str) -> Log:
        """The entity's inbound events, oldest first: only what a replay needs."""

    def stream(
        self, id: str, *, after: int = 0, upto: int | None = None, inbound_types: Collection[str] = ()
    ) -> Generator[StreamEntry, None, None]:
        """The inbound events above the seq `after` and up to `upto`, oldest first, in memory that does not grow.

        Events that cannot be read are among them, at their seqs; those that have none come last, at seq 0.

        All that were there when it began, as `get_log` orders them; what is appended meanwhile is left out. It reads
        as it is used, and may be left at any event. Only a history that no correct writer left (see HistoryFault)
        is held in memory whole.

        Args:
            inbound_types: as for `get_page`. A type whose name begins with another's, a slash and a digit ("T/5" beside
                "T") must be named here to be found where its event has the seq of another one.

        Raises:
            InvalidRecord, TableNotFound, StoreUnavailable: while it is used.
        """

    def get_page(
        self,
        id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        inbound_types: Collection[str] = (),
        outbound_types: Collection[str] = (),
    ) -> HistoryPage:
        """Some of the entity's events, at a cost that does not depend on how many it has.

        The newest, the newest before the seq `before`, or the oldest after the seq `after`.

        Args:
            limit: the most seqs that the page spans, 50 events in a correct history. With each come the messages
                that are stored under it, an append's under the last of its events, unless `messages_unread` says
                that to find them among those of a long history would have cost more than the events did.
            inbound_types, outbound_types: those that the entity is known to have, which saves looking for them.
                May name too many and too few. An outbound type whose name begins with another's, a slash and a
                digit ("T/5" beside "T") must be named here to be found in an entity with many messages.

        Raises:
            ValueError: `limit` is below 1, or both `before` and `after` are given.
            InvalidRecord, TableNotFound, StoreUnavailable
        """

    def put_state(
        self,
        state: Record,
        previous_seq: int,
        inbound: Sequence[Record] = (),
        outbound: Sequence[Record] = (),
        *,
        previous: StoredRecord | None = None,
        operation_id: str | None = None,
    ) -> None:
        """Add the events and replace STATE, all or nothing.

        Only where STATE is at `previous_seq`, or there is none and `previous_seq` is 0. A second call with the
        same arguments and `operation_id` within ten minutes succeeds and writes nothing.

        Args:
            previous: the STATE at `previous_seq` that the writer read. Given, it must still be there, and not one
                that a recalculation has put in its place, which leaves the seq as it is. One that cannot be read
                must still have the same attributes, whatever `previous_seq` is.

        Raises:
            SequenceConflict: the entity is at another seq, or one of the events is already there.
            StateReplaced: it is at `previous_seq`, but with another state than `previous`.
            TransactionTooLarge, RecordTooLarge, InvalidRecord: before any call.
            TableNotFound, StoreUnavailable
        """


@dataclass(frozen=True, slots=True)
class ReadCost:
    """What a read took: records looked at, requests made, DynamoDB read units (None: the engine has none).

    Units are counted by AWS's rules: a key that a BatchGetItem did not find costs one, as one of 4 KB does.
    """

    records: int
    requests: int
    capacity: float | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some events of one entity.

    Attributes:
        records: inbound and outbound ones in history order, oldest first, whichever way the pages are turned.
        state: the STATE record as it was before the events were read; None where there is none that can be read.
        unreadable: records that are not of hde's form: those at the seqs of the page in history order, then those
            without a seq, then STATE.
        foreign: items of the partition whose sort keys are none of hde's, sorted; all of them if `foreign_read`.
        first_seq, last_seq: the lowest and the highest seq of the page; None where there are none. The page before
            this one is `before=first_seq`, the one after it `after=last_seq`.
        older, newer: whether there are events below `first_seq`, and above `last_seq`.
        complete_read: the whole history was read, since it is short or something is wrong with it.
        faults: what is wrong with the history: with all of it after a complete read, else with this page.
        inbound_types, outbound_types: those that the entity may have, sorted; hints for the next page.
        messages_unread: seqs whose messages are not among the records: many others lie between them in the table. A
            page of one event always has its messages. Ascending; empty on most pages.
        cost: what the page took.
    """

    records: list[Record]
    state: Record | None
    first_seq: int | None
    last_seq: int | None
    older: bool
    newer: bool
    complete_read: bool
    faults: list[HistoryFault]
    inbound_types: tuple[str, ...]
    outbound_types: tuple[str, ...]
    messages_unread: tuple[range, ...]
    cost: ReadCost
    unreadable: Sequence[UnreadableRecord] = ()
    foreign: Sequence[UnreadableRecord] = ()
    foreign_read: bool = True

    @property
    def unreadable_state(self) -> UnreadableRecord | None:
        return next((record for record in self.unreadable if record.kind == "STATE"), None)


@dataclass(frozen=True, slots=True)
class StatePage:
    """Some STATE records of a facet. `next` continues after them; None at the end.

    `unreadable` are those among them that are not of hde's format: they are passed over, and named.
    """

    states: list[Record]
    next: str | None
    cost: ReadCost
    unreadable: Sequence[InvalidRecord] = ()


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

        An entity whose STATE is not of hde's format counts as one of them.

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


def operation_id_or_new(operation_id: str | None) -> str:
    """The caller's, or a new one.

    Raises:
        InvalidRecord: it is not 1 to 36 characters of ASCII, which is what DynamoDB takes as ClientRequestToken.
    """
    if operation_id is None:
        return str(uuid4())
    if not (0 < len(operation_id) <= 36 and operation_id.isascii()):
        raise InvalidRecord("An operation id has 1 to 36 characters of ASCII.")
    return operation_id


def new_operation_id() -> str:
    return operation_id_or_new(None)
