"""Cut one page out of an entity's records: those at the seqs that are nearest to where it begins."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge, nlargest, nsmallest

from facets.core.history import HistoryFault, find_faults, in_history_order
from facets.core.records import Kind, type_in
from facets.core.store import HistoryPage, ReadCost
from facets.core.unreadable import StoredRecord, UnreadableRecord

_LARGEST = 2**63 - 1
_CHUNK = 10_000

# Of records that cannot be read and have no seq, and of foreign items, how many a page names.
MAX_UNPLACED = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a history a page lies: the newest `limit` seqs below `before`, or the oldest above `after`.

    Raises:
        ValueError: `limit` is below 1, or both `before` and `after` are given.
    """

    before: int | None
    after: int | None
    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError("A page holds at least one event.")
        if self.before is not None and self.after is not None:
            raise ValueError("A page lies before one seq or after another, not both.")

    def holds(self, seq: int) -> bool:
        """Whether an event at this seq could be on the page."""
        if self.after is not None:
            return seq > self.after
        return self.before is None or seq < self.before

    def nearest(self, seqs: Iterable[int]) -> list[int]:
        """The seqs that make the page, out of those that it could hold, ascending."""
        if self.after is not None:
            return nsmallest(self.limit, seqs)
        return nlargest(self.limit, seqs)[::-1]

    def seqs(self, last: int) -> range:
        """The seqs of the page in a correct history that ends at `last`; empty where the page lies outside it."""
        if self.after is not None:
            first = max(self.after, 0) + 1
            return range(first, max(first, min(first + self.limit, last + 1)))
        end = last + 1 if self.before is None else max(1, min(self.before, last + 1))
        return range(max(1, end - self.limit), end)

    def reaches(self, last: int) -> bool:
        """Whether the page ends at `last` or later, so that an event beyond it would be seen or missed."""
        if self.after is not None:
            return max(self.after, 0) + self.limit >= last
        return self.before is None or self.before > last


class Window:
    """Of any number of records, those that make the page, in little more memory than the page takes.

    Args:
        whole: every event of the entity is put in, once; what is wrong with the whole history is known then.
    """

    def __init__(self, place: Place, *, whole: bool = False) -> None:
        self.place = place
        self._records: dict[int, dict[str, StoredRecord]] = {}
        self._unplaced: dict[str, UnreadableRecord] = {}
        self._foreign: dict[str, UnreadableRecord] = {}
        self._foreign_read = True
        self._types: dict[Kind, set[str]] = {"INBOUND": set(), "OUTBOUND": set()}
        self._whole = _Seqs() if whole else None
        self._lowest: int | None = None
        self._highest: int | None = None

    def add(self, record: StoredRecord) -> None:
        """Put in an inbound or outbound record, or a foreign item; the order does not matter."""
        kind, seq = record.kind, record.seq
        if kind is None or seq is None:
            rest = self._foreign if kind is None else self._unplaced
            if isinstance(record, UnreadableRecord) and len(rest) < MAX_UNPLACED:
                rest[record.rng] = record
            return
        self.note(seq)
        if (type := type_in(record.rng)) is not None:
            self._types[kind].add(type)
        if self._whole is not None and kind == "INBOUND":
            self._whole.add(seq)
        if self.place.holds(seq):
            self._records.setdefault(seq, {})[record.rng] = record
            if len(self._records) > 2 * self.place.limit + 64:
                self._records = {seq: self._records[seq] for seq in self.place.nearest(self._records)}

    def leave_foreign_unread(self) -> None:
        """Say that not all foreign items of the partition were put in."""
        self._foreign_read = False

    def note(self, seq: int) -> None:
        """Say that there is an event at this seq, its record not being at hand."""
        self._lowest = seq if self._lowest is None else min(seq, self._lowest)
        self._highest = seq if self._highest is None else max(seq, self._highest)

    @property
    def overfull(self) -> bool:
        """Whether more seqs were put in than the page shows: who began at its beginning may stop."""
        return len(self._records) > self.place.limit

    def page(
        self,
        state: StoredRecord | None,
        cost: ReadCost,
        *,
        inbound_types: Collection[str] = (),
        outbound_types: Collection[str] = (),
        messages_unread: tuple[range, ...] = (),
    ) -> HistoryPage:
        """The page. The types are those known beside those of the records put in."""
        seqs = self.place.nearest(self._records)
        placed = in_history_order(record for seq in seqs for record in self._records[seq].values())
        unreadable = [record for record in placed if isinstance(record, UnreadableRecord)]
        unreadable += sorted(self._unplaced.values(), key=lambda record: record.rng)
        sound_state = None if isinstance(state, UnreadableRecord) else state
        if seqs and self._lowest is not None and self._highest is not None:
            older, newer = self._lowest < seqs[0], self._highest > seqs[-1]
        else:
            older = self._highest is not None and self.place.after is not None
            newer = self._highest is not None and self.place.after is None
        return HistoryPage(
            records=[record for record in placed if not isinstance(record, UnreadableRecord)],
            state=sound_state,
            first_seq=seqs[0] if seqs else None,
            last_seq=seqs[-1] if seqs else None,
            older=older,
            newer=newer,
            complete_read=self._whole is not None or not (older or newer),
            faults=self._faults(seqs, placed, self._end(state), older=older, newer=newer),
            inbound_types=tuple(sorted(self._types["INBOUND"].union(inbound_types))),
            outbound_types=tuple(sorted(self._types["OUTBOUND"].union(outbound_types))),
            messages_unread=messages_unread,
            cost=cost,
            unreadable=[*unreadable, state] if isinstance(state, UnreadableRecord) else unreadable,
            foreign=sorted(self._foreign.values(), key=lambda record: record.rng),
            foreign_read=self._foreign_read and len(self._foreign) < MAX_UNPLACED,
        )

    def _end(self, state: StoredRecord | None) -> int | None:
        """Where the history should end; None where there is no STATE. One that cannot be read may not say."""
        if state is None:
            return None
        return state.seq if state.seq is not None else max(self._highest or 0, 0)

    def _faults(
        self, seqs: list[int], records: list[StoredRecord], state_seq: int | None, *, older: bool, newer: bool
    ) -> list[HistoryFault]:
        if self._whole is not None:
            return find_faults(self._whole, state_seq)
        # Only what the page spans is judged, from its neighbour on the one side to that on the other.
        before, after = self.place.before, self.place.after
        begin = seqs[0] - 1 if older and seqs else 0
        end = state_seq
        if after is not None:
            begin = min(max(after, 0), self._highest or 0)
            end = seqs[-1] if newer else state_seq
        elif newer and before is not None:
            end = max(before - 1, 0)
        inbound = (record.seq for record in records if record.kind == "INBOUND" and record.seq is not None)
        return find_faults(inbound, end, after=begin)


class _Seqs:
    """Any number of seqs, in ascending order, in 8 bytes each; larger ones than 64 bits hold count as the largest."""

    def __init__(self) -> None:
        self._sorted: list[array[int]] = []
        self._open: list[int] = []

    def add(self, seq: int) -> None:
        self._open.append(max(-_LARGEST, min(seq, _LARGEST)))
        if len(self._open) == _CHUNK:
            self._close()

    def __iter__(self) -> Iterator[int]:
        self._close()
        return merge(*self._sorted)

    def _close(self) -> None:
        self._sorted.append(array("q", sorted(self._open)))
        self._open.clear()
