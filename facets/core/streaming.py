"""Every event of an entity in history order, in memory that its length does not change, for little more than a read.

The keys `INBOUND/TYPE/SEQ` sort as text: between 12 and 13 lie 120 to 129 and 1200 to 1299. So the events of one type
and as many digits are in order, and longer ones lie between them. Each number of digits is read by itself, merged over
the types: where its events are few among those between them by their keys, else by one look over the keys between
which they lie, which the engine cuts down to them. So the first events come at once, and any may be the first. Of a
history of N events only the first N/10 have longer ones between them; they cost about as much again as all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple, Protocol

from facets.core.records import type_in
from facets.core.sort_keys import crowd, end_of, fits, is_hidden, parts
from facets.core.unreadable import StoredRecord, UnreadableRecord

# Up to this seq a history is read whole and sorted.
SHORT = 1_000

# Events read by their keys at once. A key costs a read unit, found or not, in which some twenty small events are
# looked at, or a few long ones; but what is read by keys comes at once.
KEYS_AT_ONCE = 300
_WORTH_A_KEY = 10

# How many events are looked at in one request: of a type, since a reader that leaves has asked for the next ones in
# vain, and over all types, which are read side by side.
_OF_A_TYPE = 1_500
_SIDE_BY_SIDE = 50_000

_MOST_TYPES = 64
_INBOUND = "INBOUND/"


class StreamEntry(NamedTuple):
    """One inbound event: its payload as JSON text, and when it was appended, in milliseconds since 1970.

    Attributes:
        type: hde's `_typ`, which the sort key `rng` should name too.
        unreadable: the record, where it is not of hde's form; `itm` is empty then, and `seq` 0 where it has none.
    """

    seq: int
    type: str
    itm: str
    ts: int
    rng: str = ""
    unreadable: UnreadableRecord | None = None


def entry_of(record: StoredRecord) -> StreamEntry:
    """An inbound record as a replay takes it."""
    if isinstance(record, UnreadableRecord):
        return StreamEntry(record.seq or 0, record.typ, "", 0, record.rng, record)
    return StreamEntry(record.seq, record.typ, record.itm, record.ts, record.rng)


@dataclass(frozen=True, slots=True)
class LogSpan:
    """Events in a range of keys, lowest key first; `stopped_at` is the last key looked at, None at the range's end."""

    entries: list[StreamEntry]
    stopped_at: str | None


class LogReader(Protocol):
    """Reads one facet's inbound events of one entity. Each call sees all writes that came before it.

    Raises:
        InvalidRecord, TableNotFound, StoreUnavailable
    """

    def state_seq(self) -> int | None:
        """What STATE says; None where there is none, or it does not say."""

    def everything(self) -> list[StreamEntry]:
        """All events, sorted; those that cannot be read among them."""

    def span(self, first: str, last: str, seqs: range, start: str | None, limit: int) -> LogSpan:
        """One request for the events at `seqs` from the key `first`, or the one after `start`, up to `last`.

        It stops after looking at `limit` of them, or earlier. Events that cannot be read are left out.
        """

    def below(self, key: str) -> str | None:
        """The highest key of the entity that is lower than `key`, whatever is stored there."""

    def entries(self, keys: Collection[str]) -> list[StreamEntry]:
        """Those events that exist, of any number of keys."""

    def ahead(self, spans: Callable[[str | None], LogSpan]) -> Iterator[StreamEntry]:
        """The events of all the spans that follow each other; the next is asked for while one is being used."""


class _Lost(Exception):
    """What was read is not what a correct writer leaves; only the whole log can tell."""


def stream(
    reader: LogReader, hints: Collection[str] = (), *, after: int = 0, upto: int | None = None
) -> Generator[StreamEntry, None, None]:
    """The events above the seq `after` and up to `upto`, in history order. See EventStore.stream."""
    after = max(after, 0)
    last = reader.state_seq()
    emitted = after
    if last is not None and last > SHORT and (upto is None or upto > after):
        end = last if upto is None else min(upto, last)
        try:
            for entry in _planned(
                reader, hints, range(after + 1, end + 1), last, whole=upto is None or upto > last
            ):
                if entry.seq > emitted + 1:
                    raise _Lost
                yield entry
                emitted = entry.seq
            if emitted < end:
                raise _Lost
        except _Lost:
            pass
        else:
            return
    entries = reader.everything()
    for entry in entries:
        if entry.seq > emitted and (upto is None or entry.seq <= upto):
            yield entry
    yield from (entry for entry in entries if entry.unreadable and not entry.seq)


def _planned(
    reader: LogReader, hints: Collection[str], seqs: range, last: int, *, whole: bool
) -> Iterator[StreamEntry]:
    if not seqs:
        return
    types = _types(reader, hints)
    if whole and any(entry.seq > last for entry in reader.entries(_keys(types, range(last + 1, last + 2)))):
        now = reader.state_seq()
        if now is None or now <= last:
            raise _Lost
    limit = min(_OF_A_TYPE, _SIDE_BY_SIDE // max(1, len(types)))
    for part in parts(seqs):
        if len(part) * len(types) * _WORTH_A_KEY <= len(part) + crowd(part, last):
            for place in range(0, len(part), KEYS_AT_ONCE):
                yield from sorted(reader.entries(_keys(types, part[place : place + KEYS_AT_ONCE])))
        else:
            yield from merge(*(_in_order(reader, type, part, limit) for type in types))


def _types(reader: LogReader, hints: Iterable[str]) -> list[str]:
    """The types that the entity has events of, and those hinted at whose keys lie between another one's."""
    found: set[str] = set()
    upper = end_of(_INBOUND)
    for _ in range(_MOST_TYPES + 1):
        key = reader.below(upper)
        if key is None or key < _INBOUND:
            break
        type = type_in(key)
        if type is None:
            # Whatever it is, no seq leads to it.
            raise _Lost
        found.add(type)
        upper = f"{_INBOUND}{type}/0"
    else:
        raise _Lost
    return sorted(found | {type for type in hints if is_hidden(type, found) and fits(f"{_INBOUND}{type}/0")})


def _in_order(reader: LogReader, type: str, part: range, limit: int) -> Iterator[StreamEntry]:
    """The events of a type at seqs of as many digits."""
    first, last = f"{_INBOUND}{type}/{part[0]}", f"{_INBOUND}{type}/{part[-1]}"
    if not fits(last):
        return
    reached = 0
    for entry in reader.ahead(lambda start: reader.span(first, last, part, start, limit)):
        if type_in(entry.rng) != type:
            continue
        if entry.seq < reached:
            raise _Lost
        reached = entry.seq
        yield entry


def _keys(types: Iterable[str], seqs: Iterable[int]) -> list[str]:
    return [key for seq in seqs for type in types if fits(key := f"{_INBOUND}{type}/{seq}")]
