"""Read what one page shows of a history, at a bounded cost, and say what it took."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from facets.core.history import HistoryFault
from facets.core.records import Record
from facets.core.store import EventStore, HistoryPage, ReadCost
from facets.core.unreadable import StoredRecord, UnreadableRecord
from facets.definitions import FacetDefinition
from facets.entities.filters import Filters

# How many events a filtered page looks at before it asks whether to look further, and what it may cost till then.
MOST_LOOKED_AT = 5_000  # events
MOST_UNITS = 500  # read units
# At a time: where their keys lie close together, and where each event is asked for by its key.
_STRIDE, _SHORT_STRIDE = 1_000, 100

# The search for a moment looks at so many events at a time, where their keys lie close together.
_GLANCE = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """Some events of one entity, and where the others are.

    Attributes:
        records: inbound and outbound ones in history order, oldest first.
        state: the STATE record; None where there is none that can be read.
        unreadable: records that are not of hde's form: those at the seqs that were read, then those without a seq, then
            STATE.
        foreign: items of the partition that are none of hde's; all of them if `foreign_read`.
        last_seq: the highest seq of the entity that is known; 0 where it does not exist.
        older: what to give as `before` to go on; None where there is nothing.
        newer: what to give as `after` to come back; None where there is nothing.
        faults: what is wrong with what was read.
        whole: the whole history was looked at.
        looked_at: the lowest and the highest seq that a filter was held against; None without a filter.
        messages_unread: seqs whose messages were not read; see HistoryPage.
        cost: what it took, `milliseconds` of waiting for the store among it.
    """

    records: list[Record]
    state: Record | None
    last_seq: int
    older: int | None
    newer: int | None
    faults: list[HistoryFault]
    whole: bool
    looked_at: tuple[int, int] | None
    inbound_types: tuple[str, ...]
    outbound_types: tuple[str, ...]
    messages_unread: tuple[range, ...]
    cost: ReadCost
    milliseconds: float
    unreadable: Sequence[UnreadableRecord] = ()
    foreign: Sequence[UnreadableRecord] = ()
    foreign_read: bool = True

    @property
    def exists(self) -> bool:
        return self.state is not None or self.last_seq > 0 or bool(self.unreadable)

    @property
    def stored_state(self) -> StoredRecord | None:
        """STATE, readable or not; None where there is none."""
        unreadable = (record for record in self.unreadable if record.kind == "STATE")
        return self.state or next(unreadable, None)

    @property
    def unplaced(self) -> list[UnreadableRecord]:
        """Events and messages that cannot be read and have no place in the history."""
        return [r for r in self.unreadable if r.kind != "STATE" and r.seq is None]


class Reader:
    """Reads one entity's pages and adds up what they cost.

    Args:
        inbound_types: those that a definition names.
    """

    def __init__(self, db: EventStore, id: str, inbound_types: Collection[str] = ()) -> None:
        self.db = db
        self.id = id
        self._inbound: Collection[str] = inbound_types
        self._outbound: Collection[str] = ()
        self._records = self._requests = 0
        self._units: float | None = None
        self._seconds = 0.0

    def page(
        self, *, before: int | None = None, after: int | None = None, around: int | None = None, limit: int
    ) -> Reading:
        """The newest events, those below `before`, above `after`, or on both sides of the seq `around`.

        Raises:
            InvalidRecord, TableNotFound, StoreUnavailable
        """
        if around is not None and before is None and after is None:
            # Full near the beginning too; beyond the end it is the newest page.
            before = max(around + limit // 2, limit) + 1
        page = self._read(before=before, after=after, limit=limit)
        return self._reading(page, page.records, None)

    def one(self, seq: int) -> list[Record]:
        """The events of one seq and all their messages, in history order; none where there is no such event."""
        return [record for record in self.at(seq) if isinstance(record, Record)]

    def at(self, seq: int) -> list[StoredRecord]:
        """The same, and those records of the seq that cannot be read."""
        page = self._read(before=seq + 1, limit=1)
        stored: list[StoredRecord] = [*page.records, *page.unreadable]
        return [record for record in stored if record.seq == seq]

    def filtered(
        self, filters: Filters, *, before: int | None, limit: int, definition: FacetDefinition[Any] | None
    ) -> Reading:
        """The newest `limit` events below `before` that hold, as far as a bounded look finds them.

        Raises:
            InvalidRecord, TableNotFound, StoreUnavailable
        """
        first: HistoryPage | None = None
        kept: list[list[Record]] = []
        found: list[int] = []
        unread: list[range] = []
        unreadable: dict[str, UnreadableRecord] = {}
        stride = _SHORT_STRIDE
        looked_at = 0
        at = before
        while True:
            page = self._read(before=at, limit=stride)
            first = first or page
            holding = filters.seqs(page.records, definition)
            newest = sorted(holding, reverse=True)[: limit - len(found)]
            found += newest
            kept.insert(0, [record for record in page.records if record.seq in set(newest)])
            unread += page.messages_unread
            looked_at += len({record.seq for record in page.records})
            for record in page.unreadable:
                unreadable[record.rng] = record
            more = page.older and page.first_seq is not None
            at = page.first_seq if page.first_seq is not None else at
            if len(found) == limit:
                more = more or len(holding) > len(newest)
                at = found[-1]
            if not more or len(found) == limit or self._is_enough(looked_at):
                break
            last = page.state.seq if page.state else 0
            dense = at is not None and len(str(max(1, at - _STRIDE))) == len(str(last))
            stride = _STRIDE if dense or last <= 2 * _STRIDE else _SHORT_STRIDE
        top = first.last_seq or 0
        bottom = at if more and at is not None else (page.first_seq or top)
        records = [record for part in kept for record in part]
        return self._reading(
            first,
            records,
            (bottom, top),
            older=at if more else None,
            whole=before is None and not more,
            unread=tuple(part for part in unread if part.stop > bottom),
            unreadable=list(unreadable.values()),
        )

    def seq_at(self, ts: int) -> int | None:
        """The seq of the last event at or before a moment, in milliseconds since 1970; the first one if none was.

        As far as the events' times grow with their seqs. None where there are no events.

        Raises:
            InvalidRecord, TableNotFound, StoreUnavailable
        """
        page = self._read(limit=_GLANCE)
        last = page.last_seq or 0
        low: tuple[int, int | None] = (0, None)
        high: tuple[int, int | None] = (last + 1, None)
        room = last
        while True:
            # Up to `low` all events were at or before the moment, from `high` on all were after it.
            events = [(record.seq, record.ts) for record in page.records if record.kind == "INBOUND"]
            passed = [event for event in events if event[1] <= ts]
            if passed and (passed[-1][0] >= last or len(passed) < len(events)):
                return passed[-1][0]
            if passed:
                low = max(low, passed[-1])
            elif events:
                high = min(high, events[0])
            left = high[0] - low[0] - 1
            if left < 1 or left == room or not events:
                return low[0] or (high[0] if high[0] <= last else None)
            # Look at the first event, then where the moment would lie if events came at a steady pace, as they
            # often do; in the middle where the last look did not come closer than the middle would have.
            guess = low[0] + (left + 1) // 2
            if low[1] is None:
                guess = 1
            elif high[1] is not None and high[1] > low[1] and left <= room // 2:
                guess = low[0] + (left + 1) * (ts - low[1]) // (high[1] - low[1])
            dense = len(str(max(1, guess - _GLANCE))) == len(str(last))
            guess = min(max(guess + (_GLANCE // 2 if dense else 0), low[0] + 1), high[0] - 1)
            room = left
            page = self._read(before=guess + 1, limit=_GLANCE if dense else 1)

    def _read(self, *, before: int | None = None, after: int | None = None, limit: int) -> HistoryPage:
        start = time.perf_counter()
        page = self.db.get_page(
            self.id,
            before=before,
            after=after,
            limit=limit,
            inbound_types=self._inbound,
            outbound_types=self._outbound,
        )
        self._seconds += time.perf_counter() - start
        self._inbound, self._outbound = page.inbound_types, page.outbound_types
        self._records += page.cost.records
        self._requests += page.cost.requests
        if page.cost.capacity is not None:
            self._units = (self._units or 0) + page.cost.capacity
        return page

    def _is_enough(self, looked_at: int) -> bool:
        return looked_at >= MOST_LOOKED_AT or (self._units or 0) >= MOST_UNITS

    def _reading(
        self,
        page: HistoryPage,
        records: list[Record],
        looked_at: tuple[int, int] | None,
        *,
        older: int | None = None,
        whole: bool | None = None,
        unread: tuple[range, ...] | None = None,
        unreadable: Sequence[UnreadableRecord] | None = None,
    ) -> Reading:
        if looked_at is None:
            older = page.first_seq if page.older else None
            whole = page.complete_read
        state = page.state or page.unreadable_state
        return Reading(
            records=records,
            state=page.state,
            last_seq=max((state.seq or 0) if state else 0, page.last_seq or 0),
            older=older,
            newer=page.last_seq if page.newer else None,
            faults=page.faults,
            whole=bool(whole),
            looked_at=looked_at,
            inbound_types=page.inbound_types,
            outbound_types=page.outbound_types,
            messages_unread=page.messages_unread if unread is None else unread,
            cost=ReadCost(self._records, self._requests, self._units),
            milliseconds=self._seconds * 1000,
            unreadable=page.unreadable if unreadable is None else unreadable,
            foreign=page.foreign,
            foreign_read=page.foreign_read,
        )
