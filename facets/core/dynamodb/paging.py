"""Find a page of an entity's history among keys that sort as text, at a cost that its length does not change.

The keys are `INBOUND/TYPE/SEQ`, `OUTBOUND/TYPE/SEQ/INDEX` and, last of all, `STATE`. Their numbers are not padded, so
the keys of neighbouring events lie far apart: 12 is followed by 120 and 1200 before 13 comes. STATE tells how many
events there are. Where few others lie between the keys of a page, they are read as a range for each type; where
many do, each event is asked for by its key, and their messages are left unread if there are many.

A page of 50 small events of 3 types takes at most 160 read units, most of them for keys, 50 a type; the newest one at
most 15, or a few more where nearly every event has messages of several types. Its requests are one, one for each type
of event, and two for each type of message that the entity has, unless it has few messages in all; where the page
crosses a power of ten, one more for each type. They are made at once, as far as types are known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from facets.core.errors import StoreUnavailable
from facets.core.pages import Place, Window
from facets.core.records import STATE_KEY, index_in, type_in
from facets.core.sort_keys import crowd, end_of, fits, is_crossed, is_hidden, parts
from facets.core.store import HistoryPage, ReadCost
from facets.core.unreadable import StoredRecord

# The first look: most entities whole, and of a longer one STATE and, where they are few, all its messages.
_FIRST_LOOK = 32

# A history of up to this many pages is read whole; to look for the page would cost as much.
_SHORT = 2

# Of more types than this it is cheaper to find those that the entity has than to ask for each.
_MANY_TYPES = 4

# A part of a page with at most this many events: a key each and type in one request, not a request a type.
_FEW_SEQS = 2

# Where many events lie between those of a page: how many messages of a type are looked at, and in how many requests
# for the whole page, before they are left unread. To ask for each by its key would double what the page costs.
_PROBE = 32
_MOST_REQUESTS = 8

# An entity that has more types than this, or sort keys that are not hde's, is read whole.
_MOST_HOPS = 64

# One append writes at most 100 records, an event and STATE among them.
_MOST_MESSAGES = 98

_KEYS_PER_GET = 100

_INBOUND, _OUTBOUND = "INBOUND/", "OUTBOUND/"


@dataclass(frozen=True, slots=True)
class Span:
    """Records in a range of keys, highest key first; `stopped_at` is the last key looked at, None at the range's end."""

    records: list[StoredRecord]
    stopped_at: str | None


class KeyReader(Protocol):
    """Reads one facet's records of one entity by their sort keys. Each call sees all writes that came before it.

    Raises:
        InvalidRecord, TableNotFound, StoreUnavailable
    """

    def query(
        self,
        first: str | None,
        last: str | None,
        *,
        limit: int | None = None,
        seqs: range | None = None,
        start: str | None = None,
    ) -> Span:
        """One request for records from the key `last`, or the one below `start`, down to `first`.

        Foreign items are among them. None is the end of the partition.

        Args:
            limit: stop after looking at so many.
            seqs: return only those with one of these, or whose seq is no number.
            start: where an earlier Span of the same range stopped.
        """

    def below(self, key: str) -> str | None:
        """The highest key of the entity that is lower than `key`, whatever is stored there."""

    def get(self, keys: Sequence[str]) -> list[StoredRecord]:
        """Those records that exist, of at most 100 keys."""

    def state(self) -> StoredRecord | None:
        """STATE, read anew."""

    def together(self, jobs: Sequence[Callable[[], list[StoredRecord]]]) -> list[StoredRecord]:
        """What jobs that do not depend on each other return, all of it."""

    def cost(self) -> ReadCost:
        """What all the calls took so far."""


def find_page(
    reader: KeyReader, place: Place, inbound_types: Collection[str], outbound_types: Collection[str]
) -> HistoryPage:
    """The page of the entity's history at `place`. The types are hints; see EventStore.get_page.

    Raises:
        InvalidRecord, TableNotFound, StoreUnavailable
    """
    for _ in range(3):
        top = reader.query(None, None, limit=_FIRST_LOOK)
        foreign: Sequence[StoredRecord] = ()
        if top.stopped_at is not None and top.stopped_at > STATE_KEY:
            # So many foreign items that STATE was not reached.
            foreign = top.records
            top = reader.query(None, STATE_KEY, limit=_FIRST_LOOK)
        state = next((record for record in top.records if record.kind == "STATE"), None)
        if state and top.stopped_at is not None and (state.seq or 0) > _SHORT * place.limit:
            page = _Search(reader, place, state, top, top.stopped_at, foreign).page(
                inbound_types, outbound_types
            )
            if page:
                return page
        page = _read_whole(reader, place, state, top, foreign)
        if page:
            return page
    raise StoreUnavailable("The entity is being made again and again while it is read.")


def _read_whole(
    reader: KeyReader,
    place: Place,
    state: StoredRecord | None,
    top: Span,
    foreign: Sequence[StoredRecord],
) -> HistoryPage | None:
    """The page out of all records, `top` being the first of them; None where STATE came into being meanwhile.

    Foreign items come along; where there are many below all events, not all of them.
    """
    window = Window(place, whole=True)
    for record in foreign:
        window.add(record)
    if foreign:
        window.leave_foreign_unread()
    known = state
    # A STATE that does not say its seq knows of whatever is there.
    behind = state is not None and state.seq is None
    span = top
    while True:
        for record in span.records:
            if record.kind == "STATE":
                continue
            if record.kind is None or record.seq is None:
                window.add(record)
                continue
            if not behind and (known is None or known.seq is None or record.seq > known.seq):
                # Written after STATE was read, or STATE does not know of it.
                known = reader.state()
                if state is None and known is not None:
                    return None
                behind = known is None or known.seq is None or record.seq > known.seq
            if behind or state is None or state.seq is None or record.seq <= state.seq:
                window.add(record)
        if span.stopped_at is None:
            return window.page(state, reader.cost())
        if span.stopped_at < _INBOUND:
            window.leave_foreign_unread()
            return window.page(state, reader.cost())
        span = reader.query(None, STATE_KEY, start=span.stopped_at)


class _Search:
    """The search for one page of a long history.

    Args:
        top: the entity's highest records, down to the key `low`.
    """

    def __init__(
        self,
        reader: KeyReader,
        place: Place,
        state: StoredRecord,
        top: Span,
        low: str,
        foreign: Sequence[StoredRecord] = (),
    ) -> None:
        self.reader = reader
        self.place = place
        self.state = state
        self.last = state.seq or 0
        self.low = low
        self.foreign = [*foreign, *(record for record in top.records if record.kind is None)]
        self.wanted = place.seqs(self.last)
        self.crowded = any(self._is_crowded(part) for part in parts(self.wanted))
        self.found: dict[str, StoredRecord] = {}
        self._add(top.records)
        # What the jobs leave behind beside records; nobody looks before they have ended.
        self._unread: set[range] = set()
        self._met: dict[str, set[str]] = {_INBOUND: set(), _OUTBOUND: set()}
        self._lost = False

    def page(self, inbound_hints: Collection[str], outbound_hints: Collection[str]) -> HistoryPage | None:
        """The page; None where not each of its events is there exactly once, or STATE is behind them."""
        inbound = self._start_with(_INBOUND, inbound_hints)
        if not inbound or len(inbound) > _MANY_TYPES:
            inbound = self._fewest(_INBOUND, inbound) | self._find_types(_INBOUND, set())
        outbound = self._start_with(_OUTBOUND, outbound_hints)
        if len(outbound) > _MANY_TYPES:
            outbound = self._fewest(_OUTBOUND, outbound)
        jobs = [*self._event_jobs(inbound, inbound), *self._message_jobs(outbound, outbound)]
        if not self.crowded:
            jobs += self._type_jobs(_OUTBOUND, outbound)
        elif self.low >= _OUTBOUND:
            left = _MOST_REQUESTS - self.reader.cost().requests - len(jobs)
            jobs.append(partial(self._probe, left))
        self._run(jobs)
        if more := self._met[_OUTBOUND] - outbound:
            outbound |= more
            self._run(self._message_jobs(more, outbound))
        if self._missing():
            more = self._start_with(_INBOUND, inbound_hints) | self._find_types(_INBOUND, inbound)
            more -= inbound
            inbound |= more
            self._run(self._event_jobs(more, inbound))
        if self._lost or self._missing() or self._has_twins() or self._state_is_behind():
            return None
        window = Window(self.place)
        unread = tuple(sorted(self._unread, key=lambda part: part.start))
        for record in (*self.foreign, *self.found.values()):
            if record.kind == "OUTBOUND" and any(record.seq in part for part in unread):
                continue
            if record.kind is None or record.seq is None or record.seq in self.wanted:
                window.add(record)
        window.leave_foreign_unread()
        window.note(1)
        window.note(self.last)
        return window.page(
            self.state,
            self.reader.cost(),
            inbound_types=inbound,
            outbound_types=outbound,
            messages_unread=unread,
        )

    def _add(self, records: Iterable[StoredRecord]) -> None:
        self.found.update(
            (record.rng, record) for record in records if record.kind in ("INBOUND", "OUTBOUND")
        )

    def _run(self, jobs: Sequence[Callable[[], list[StoredRecord]]]) -> None:
        self._add(self.reader.together(jobs))

    def _seqs_found(self) -> list[int]:
        inbound = (record.seq for record in self.found.values() if record.kind == "INBOUND")
        return [seq for seq in inbound if seq is not None]

    def _missing(self) -> bool:
        return not set(self.wanted).issubset(self._seqs_found())

    def _has_twins(self) -> bool:
        return sum(seq in self.wanted for seq in self._seqs_found()) > len(self.wanted)

    def _state_is_behind(self) -> bool:
        """Whether there are events that STATE does not know of, and not only since it was read."""
        if all((record.seq or 0) <= self.last for record in self.found.values()):
            return False
        now = self.reader.state()
        return now is None or (now.seq or 0) <= self.last

    # Types.

    def _start_with(self, prefix: str, hints: Iterable[str]) -> set[str]:
        """The types hinted at that a key has room for, and those met so far."""
        seen = {type_in(rng) for rng in self.found if rng.startswith(prefix)} - {None}
        return {type for type in hints if fits(f"{prefix}{type}/0")}.union(map(str, seen))

    def _fewest(self, prefix: str, types: set[str]) -> set[str]:
        """Those that are there, and those that a search by keys could not find."""
        return self._start_with(prefix, ()) | {type for type in types if is_hidden(type, types)}

    def _find_types(self, prefix: str, known: set[str]) -> set[str]:
        self._run(self._type_jobs(prefix, known))
        return self._met[prefix]

    def _type_jobs(self, prefix: str, known: set[str]) -> list[Callable[[], list[StoredRecord]]]:
        """Look for types between the keys of those known: what lies between two must not be overlooked."""
        upper = min(end_of(prefix), self.low)
        gaps = []
        for type in sorted(known, key=lambda type: f"{prefix}{type}/:", reverse=True):
            if f"{prefix}{type}/:" < upper:
                gaps.append((f"{prefix}{type}/:", upper))
            upper = min(upper, f"{prefix}{type}/0")
        gaps.append((prefix, upper))
        return [partial(self._find_types_between, prefix, *gap) for gap in gaps if gap[0] < gap[1]]

    def _find_types_between(self, prefix: str, lower: str, upper: str) -> list[StoredRecord]:
        for _ in range(_MOST_HOPS):
            key = self.reader.below(upper)
            if key is None or key < lower:
                return []
            type = type_in(key)
            if type is None:
                upper = key
            else:
                self._met[prefix].add(type)
                upper = f"{prefix}{type}/0"
        self._lost = True
        return []

    # Inbound events.

    def _event_jobs(
        self, types: Collection[str], among: Collection[str]
    ) -> list[Callable[[], list[StoredRecord]]]:
        """Read the page's events of these types, which are `among` those known."""
        seqs = self.wanted
        last = self.last
        if self.place.reaches(last):
            # STATE may be behind its events; the next one would tell.
            seqs = range(seqs.start if seqs else last + 1, last + 2)
        jobs: list[Callable[[], list[StoredRecord]]] = []
        keys: list[str] = []
        for part in parts(seqs):
            by_key = len(part) <= _FEW_SEQS or crowd(part, last) > len(part)
            for type in types:
                if by_key or is_crossed(type, among):
                    keys += [f"{_INBOUND}{type}/{seq}" for seq in part]
                else:
                    jobs += self._range(f"{_INBOUND}{type}/{part[0]}", f"{_INBOUND}{type}/{part[-1]}", part)
        keys = [key for key in keys if key < self.low and fits(key)]
        return jobs + [partial(self.reader.get, chunk) for chunk in _chunks(keys)]

    def _range(self, first: str, last: str, seqs: range) -> list[Callable[[], list[StoredRecord]]]:
        return [partial(self._read_range, first, last, seqs)] if first < self.low and fits(first) else []

    def _read_range(self, first: str, last: str, seqs: range) -> list[StoredRecord]:
        span = self.reader.query(first, last, seqs=seqs)
        records = span.records
        while span.stopped_at is not None:
            span = self.reader.query(first, last, seqs=seqs, start=span.stopped_at)
            records += span.records
        return records

    # Outbound messages.

    def _message_jobs(
        self, types: Collection[str], among: Collection[str]
    ) -> list[Callable[[], list[StoredRecord]]]:
        """Read the messages under the page's events, of these types, which are `among` those known."""
        if self.low < _OUTBOUND:
            return []
        jobs: list[Callable[[], list[StoredRecord]]] = []
        by_key: list[tuple[str, range]] = []
        for part in parts(self.wanted):
            for type in types:
                first, last = _message_keys(type, part)
                if first >= self.low or not fits(first):
                    continue
                if is_crossed(type, among) or (self.crowded and is_hidden(type, among)):
                    by_key.append((type, part))
                elif not self.crowded:
                    jobs += self._range(first, last, part)
        return [*jobs, partial(self._messages_by_key, by_key)] if by_key else jobs

    def _is_crowded(self, part: range) -> bool:
        return crowd(part, self.last) > len(part)

    def _probe(self, requests: int) -> list[StoredRecord]:
        """Look for messages where many lie between those of the page, one type after the other, and give up early."""
        records: list[StoredRecord] = []
        # The types above this one were read whole in the first look.
        type, upper = type_in(self.low), self.low
        while True:
            if type is not None:
                upper = f"{_OUTBOUND}{type}/0"
                for part in parts(self.wanted):
                    first, last = _message_keys(type, part)
                    if first >= self.low or not fits(first):
                        continue
                    if requests < 1:
                        return self._leave_unread()
                    requests -= 1
                    limit = _PROBE if self._is_crowded(part) else None
                    span = self.reader.query(first, last, seqs=part, limit=limit)
                    if span.stopped_at is not None:
                        return self._leave_unread()
                    records += span.records
            if requests < 1:
                return self._leave_unread()
            requests -= 1
            key = self.reader.below(upper)
            if key is None or key < _OUTBOUND:
                return records
            type, upper = type_in(key), key
            if type is not None:
                self._met[_OUTBOUND].add(type)

    def _leave_unread(self) -> list[StoredRecord]:
        self._unread.update(parts(self.wanted))
        return []

    def _messages_by_key(self, wanted: Iterable[tuple[str, range]]) -> list[StoredRecord]:
        """An append counts its messages from 0 over all types: the first number that no type has is its end."""
        records: list[StoredRecord] = []
        types: dict[int, list[str]] = {}
        for type, part in wanted:
            for seq in part:
                types.setdefault(seq, []).append(type)
        indexes: dict[int, set[int]] = {seq: set() for seq in types}
        for record in self.found.values():
            if record.kind == "OUTBOUND" and record.seq in indexes:
                indexes[record.seq].add(index_in(record.rng))
        at_once = 1
        while types:
            asked = {
                seq: [index for index in range(_MOST_MESSAGES) if index not in indexes[seq]][:at_once]
                for seq in types
            }
            keys = [
                f"{_OUTBOUND}{type}/{seq}/{index}"
                for seq, missing in asked.items()
                for index in missing
                for type in types[seq]
            ]
            keys = [key for key in keys if fits(key)]
            got = self.reader.together([partial(self.reader.get, chunk) for chunk in _chunks(keys)])
            for record in got:
                if record.seq in indexes:
                    indexes[record.seq].add(index_in(record.rng))
            records += got
            types = {
                seq: types[seq]
                for seq, missing in asked.items()
                if missing and indexes[seq].issuperset(missing)
            }
            at_once *= 2
        return records


def _message_keys(type: str, part: range) -> tuple[str, str]:
    return f"{_OUTBOUND}{type}/{part[0]}/", f"{_OUTBOUND}{type}/{part[-1]}/:"


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[place : place + _KEYS_PER_GET] for place in range(0, len(keys), _KEYS_PER_GET)]
