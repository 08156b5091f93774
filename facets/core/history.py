"""An entity's events in the order in which they happened, and what is wrong with that order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from facets.core.events import LazyEvents
from facets.core.records import Record


class LogEntry(NamedTuple):
    """One inbound event as a replay needs it; `itm` is its payload as JSON text."""

    seq: int
    type: str
    itm: str


class Log(NamedTuple):
    """One entity's inbound events, oldest first, with its STATE's seq and JSON text; None where there is no STATE."""

    state_seq: int | None
    state_itm: str | None
    entries: list[LogEntry]

    @property
    def seq(self) -> int:
        """The highest seq in use, by STATE or an event; 0 where there is neither."""
        return max(self.state_seq or 0, self.entries[-1].seq if self.entries else 0)

    def events(self) -> LazyEvents:
        return LazyEvents([(type, itm) for _, type, itm in self.entries])

    def faults(self) -> list[HistoryFault]:
        return find_faults((entry.seq for entry in self.entries), self.state_seq)


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


def in_history_order(records: Iterable[Record]) -> list[Record]:
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


def entity_faults(records: Sequence[Record]) -> list[HistoryFault]:
    """What is wrong with the history of one entity, given all its records in history order."""
    state_seq = next((record.seq for record in records if record.kind == "STATE"), None)
    return find_faults((record.seq for record in records if record.kind == "INBOUND"), state_seq)
