"""Where a stored state is not what its events come to by the rules, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facets.core import InvalidRecord, Record
from facets.core.diff import ABSENT, Change
from facets.core.json import JSON
from facets.definitions.definition import difference
from facets.entities.replay import History, Position, effects, entries_of


@dataclass(frozen=True, slots=True)
class Drift:
    """A comparison of the stored state with a replay of the whole history.

    Attributes:
        changes: from the stored state to what the rules make; empty where they agree.
        unreadable: the stored state is not JSON.
        seq, stored_seq: of the last event, and what STATE says; 0 where there is no STATE.
        failures: how many events the rules refuse. They are passed over.
    """

    changes: list[Change]
    unreadable: bool
    seq: int
    stored_seq: int
    failures: int

    @property
    def found(self) -> bool:
        return bool(self.changes) or self.unreadable or self.seq != self.stored_seq


def drift(history: History, position: Position, state: Record | None) -> Drift:
    """Compare a replay that has come to its end with the STATE record, None where there is none."""
    stored: JSON = ABSENT
    unreadable = False
    if state is not None:
        try:
            stored = state.data
        except InvalidRecord:
            unreadable = True
    changes: list[Change] = []
    if not unreadable:
        changes = difference(history.processor, stored, history.stored_form(position.state, stored))
    return Drift(changes, unreadable, position.seq, state.seq if state else 0, position.failure_count)


def of_records(history: History, records: Sequence[Record], state: Record | None) -> Drift:
    """The same for a caller who has read all of the entity's records."""
    position = Position(state=history.start())
    for effect in effects(history.definition, position.state, entries_of(records)):
        position.state, position.seq = effect.after, effect.seq
        position.failure_count += bool(effect.error)
    return drift(history, position, state)
