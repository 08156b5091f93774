"""Where a stored state is not what its events come to by the rules, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facets.core import InvalidRecord
from facets.core.diff import ABSENT, Change
from facets.core.json import JSON
from facets.core.unreadable import StoredRecord, UnreadableRecord
from facets.definitions.definition import difference
from facets.entities.replay import Effect, History, Position, effects, entries_of, note_unreadable


@dataclass(frozen=True, slots=True)
class Drift:
    """A comparison of the stored state with a replay of the whole history.

    Attributes:
        changes: from the stored state to what the rules make; empty where they agree.
        unreadable: why the stored state cannot be read; "" where it can.
        seq, stored_seq: of the last event, and what STATE says; 0 where there is no STATE.
        failures: how many events the rules refuse. They are passed over.
        unjudged: the sort keys and reasons of the first events that cannot be read, of `unjudged_count`: whether the
            stored state is right cannot be judged then.
    """

    changes: list[Change]
    unreadable: str
    seq: int
    stored_seq: int
    failures: int
    unjudged: Sequence[tuple[str, str]] = ()
    unjudged_count: int = 0

    @property
    def found(self) -> bool:
        if self.unjudged_count:
            return False
        return bool(self.changes or self.unreadable) or self.seq != self.stored_seq


def drift(
    history: History,
    position: Position,
    state: StoredRecord | None,
    unplaced: Sequence[UnreadableRecord] = (),
) -> Drift:
    """Compare a replay that has come to its end with the STATE record, None where there is none.

    Args:
        unplaced: events without a seq that cannot be read, beside those that the replay met.
    """
    stored: JSON = ABSENT
    unreadable = ""
    if isinstance(state, UnreadableRecord):
        unreadable = state.reason
    elif state is not None:
        try:
            stored = state.data
        except InvalidRecord as error:
            unreadable = "it is nested too deeply" if "deep" in error.reason else "it is not JSON"
    unplaced_keys = history.unplaced | {record.rng: record for record in unplaced}
    unjudged = [*position.unreadable, *((rng, record.reason) for rng, record in unplaced_keys.items())]
    count = position.unreadable_count + len(unplaced_keys)
    changes: list[Change] = []
    if not unreadable and not count:
        changes = difference(history.processor, stored, history.stored_form(position.state, stored))
    stored_seq = (state.seq or 0) if state else 0
    return Drift(changes, unreadable, position.seq, stored_seq, position.failure_count, unjudged, count)


def of_records(history: History, records: Sequence[StoredRecord], state: StoredRecord | None) -> Drift:
    """The same for a caller who has read all of the entity's records."""
    position = Position(state=history.start())
    for effect in effects(history.definition, position.state, entries_of(records)):
        pass_over(position, effect)
    unplaced = [
        r for r in records if isinstance(r, UnreadableRecord) and r.kind == "INBOUND" and r.seq is None
    ]
    return drift(history, position, state, unplaced)


def pass_over(position: Position, effect: Effect) -> None:
    """Move a position past one event."""
    position.state, position.seq = effect.after, effect.seq
    position.failure_count += effect.refused
    if effect.unreadable:
        note_unreadable(position, effect.unreadable)
