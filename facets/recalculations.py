"""Preview and apply the making of a state again from its whole history."""

from dataclasses import dataclass
from typing import Any

from facets.core import FacetError, HistoryFault, SequenceConflict, json
from facets.core.facet import Facet, Replay
from facets.core.records import state_record
from facets.corrections import RuleRefused
from facets.diff import ABSENT, Change, diff

JSON = Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay came to, beside what is stored.

    Attributes:
        stored_seq: what STATE says; 0 where there is no STATE.
        seq: what a recalculation would write: the highest in use by STATE or an event.
        stored: the stored state, ABSENT where there is none, or none that is JSON.
        replayed: the state that the rules make of the whole history.
        changes: from stored to replayed.
        events_read: inbound events, those without a rule included.
        skipped: types of events that no rule handles, each once, in history order.
        published: how many messages the history's events publish; they are not sent again.
    """

    stored_seq: int
    seq: int
    stored: JSON
    replayed: JSON
    changes: list[Change]
    events_read: int
    skipped: list[str]
    published: int
    faults: list[HistoryFault]

    @property
    def would_write(self) -> bool:
        return bool(self.changes) or self.stored_seq != self.seq


def preview(facet: Facet, id: str) -> Outcome | None:
    """Replay an entity's history and compare; None where there is no such entity. Writes nothing.

    Raises:
        RuleRefused: a rule raised on a past event.
        InvalidRecord: a state or an event does not fit its schema.
        TableNotFound, StoreUnavailable
    """
    replay = facet.read(id)
    if replay.log.state_seq is None and not replay.log.entries:
        return None
    return _outcome(facet, replay)


def apply(facet: Facet, id: str, *, seen_seq: int, operation_id: str) -> Outcome | None:
    """Write the replayed state, if the entity is still at `seen_seq` and it differs; says what it found.

    Raises:
        SequenceConflict: the entity is not at `seen_seq`; nothing was written.
        As `preview`.
    """
    outcome = preview(facet, id)
    if outcome is None:
        return None
    if outcome.stored_seq != seen_seq:
        raise SequenceConflict(id, expected_seq=seen_seq, actual_seq=outcome.stored_seq)
    if outcome.would_write:
        # Not Facet.recalculate: it reads again, and would write a state of another seq than the one seen.
        state = state_record(facet.name, id, outcome.seq, json.dumps(outcome.replayed), facet.clock())
        facet.db.put_state(state, outcome.stored_seq, operation_id=operation_id)
    return outcome


def _outcome(facet: Facet, replay: Replay) -> Outcome:
    events_read = len(replay.past)
    stored = replay.stored if replay.stored is not None else ABSENT
    try:
        result = facet.processor.fold(None, replay.past, [], replaced=replay.stored)
    except FacetError:
        raise
    except Exception as error:  # a rule is somebody else's code and says no in its own way
        raise RuleRefused(str(error) or type(error).__name__) from error
    return Outcome(
        stored_seq=replay.previous_seq,
        seq=replay.log.seq,
        stored=stored,
        replayed=result.state,
        changes=diff(stored, result.state),
        events_read=events_read,
        skipped=list(dict.fromkeys(result.skipped)),
        published=len(result.past_outbound_events),
        faults=replay.faults,
    )
