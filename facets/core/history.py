"""An entity's events in the order in which they happened, and what is wrong with that order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from facets.core.events import LazyEvents
from facets.core.unreadable import StoredRecord, UnreadableRecord

Stored = TypeVar("Stored", bound=StoredRecord)


class LogEntry(NamedTuple):
    """One inbound event as a replay needs it; `itm` is its payload as JSON text."""

    seq: int
    type: str
    itm: str


class Log(NamedTuple):
    """One entity's inbound events, oldest first, with its STATE's seq and JSON text; None where there is no STATE.

    `unreadable` are the events, and the STATE, that cannot be read.
    """

    state_seq: int | None
    state_itm: str | None
    entries: list[LogEntry]
    unreadable: Sequence[UnreadableRecord] = ()

    @property
    def seq(self) -> int:
        """The highest seq in use, by STATE or an event; 0 where there is neither."""
        last = max(self.state_seq or 0, self.entries[-1].seq if self.entries else 0)
        return max([last, *(record.seq or 0 for record in self.unreadable)])

    @property
    def unreadable_state(self) -> UnreadableRecord | None:
        return next((record for record in self.unreadable if record.kind == "STATE"), None)

    @property
    def unreadable_events(self) -> list[UnreadableRecord]:
        return [record for record in self.unreadable if record.kind == "INBOUND"]

    def events(self) -> LazyEvents:
        return LazyEvents([(type, itm) for _, type, itm in self.entries])

    def faults(self) -> list[HistoryFault]:
        return stored_faults((entry.seq for entry in self.entries), self.state_seq, self.unreadable)


def log_of(records: Iterable[StoredRecord]) -> Log:
    """The log out of all records of an entity, in whatever order."""
    records = list(records)
    unreadable = [r for r in records if isinstance(r, UnreadableRecord) and r.kind in ("INBOUND", "STATE")]
    sound = [record for record in records if not isinstance(record, UnreadableRecord)]
    state = next((record for record in sound if record.kind == "STATE"), None)
    entries = [LogEntry(record.seq, record.typ, record.itm) for record in sound if record.kind == "INBOUND"]
    entries.sort()
    return Log(state.seq if state else None, state.itm if state else None, entries, unreadable)


@dataclass(frozen=True, slots=True)
class HistoryFault:
    """Something that no correct writer leaves behind.

    Attributes:
        kind: `gap`: no event has the seqs from `first` to `last`. `twin`: two or more events have the seq `first`.
            `state-behind`: STATE says `first`, the last event is `last`. `state-missing`: there are events up to
            `last` and no STATE.
    """

    kind: Literal["gap", "twin", "state-behind", "state-missing"]
    first: int
    last: int

    def __str__(self) -> str:
        match self.kind:
            case "gap" if self.first == self.last:
                return f"Event {self.first} is missing."
            case "gap":
                return f"Events {self.first} to {self.last} are missing."
            case "twin":
                return f"More than one event has the seq {self.first}."
            case "state-behind":
                return f"The state is of seq {self.first}, but there are events up to {self.last}."
        return f"The state is missing; there are events up to {self.last}."


def in_history_order(records: Iterable[Stored]) -> list[Stored]:
    """Sort one entity's records: seq, inbound before outbound before STATE, then outbound index.

    DynamoDB gives them in the order of their keys as text, where INBOUND/T/10 comes before INBOUND/T/2.
    """
    return sorted(records, key=lambda record: record.order)


def find_faults(seqs: Iterable[int], state_seq: int | None, *, after: int = 0) -> list[HistoryFault]:
    """What is wrong with a history of inbound events at these seqs, in ascending order. Events count from 1.

    `after` is the seq that the first of them should follow, where they are a part of a history.
    """
    faults: list[HistoryFault] = []
    last = after
    for seq in seqs:
        if seq > last + 1:
            faults.append(HistoryFault("gap", last + 1, seq - 1))
        elif seq == last and (not faults or faults[-1] != HistoryFault("twin", seq, seq)):
            faults.append(HistoryFault("twin", seq, seq))
        last = seq
    if state_seq is None:
        if last:
            faults.append(HistoryFault("state-missing", 0, last))
    elif state_seq > last:
        faults.append(HistoryFault("gap", last + 1, state_seq))
    elif state_seq < last:
        faults.append(HistoryFault("state-behind", state_seq, last))
    return faults


def stored_faults(
    seqs: Iterable[int], state_seq: int | None, unreadable: Sequence[UnreadableRecord]
) -> list[HistoryFault]:
    """What is wrong with a whole history of events at these seqs, in ascending order, beside those unreadable.

    An event that cannot be read is not missing, where its seq is known, nor is such a STATE.
    """
    if not unreadable:
        return find_faults(seqs, state_seq)
    events = [record.seq for record in unreadable if record.kind == "INBOUND" and record.seq is not None]
    ordered = sorted([*seqs, *events])
    if state_seq is None:
        states = [record for record in unreadable if record.kind == "STATE"]
        if states:
            state_seq = states[0].seq if states[0].seq is not None else max([0, *ordered])
    return find_faults(ordered, state_seq)


def entity_faults(records: Sequence[StoredRecord]) -> list[HistoryFault]:
    """What is wrong with the history of one entity, given all its records in history order."""
    unreadable = [record for record in records if isinstance(record, UnreadableRecord)]
    sound = [record for record in records if not isinstance(record, UnreadableRecord)]
    state_seq = next((record.seq for record in sound if record.kind == "STATE"), None)
    return stored_faults((record.seq for record in sound if record.kind == "INBOUND"), state_seq, unreadable)
