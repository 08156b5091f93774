"""Preview and apply one event that a person appends."""

from dataclasses import dataclass
from typing import Any

from facets.core import Event, FacetError, InvalidRecord, SequenceConflict, json
from facets.core.facet import Facet
from facets.core.processor import Processor
from facets.core.records import Record
from facets.diff import Change, diff

JSON = Any


class RuleRefused(Exception):
    """A rule would not have the event; nothing was written. The message is the rule's own, hostile text maybe."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an event would do to a state: its changes, and the messages that it would publish."""

    state: JSON
    changes: list[Change]
    messages: list[Event]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The seq of the event that was appended; `repeated` if an earlier request with the same operation id did it."""

    seq: int
    repeated: bool = False


def preview(processor: Processor[Any], state: JSON | None, event: Event) -> Preview:
    """Run the event's rule over a state (None: a new entity). Writes nothing, changes nothing that it is given.

    Raises:
        RuleRefused: the rule raised.
        UnknownEventType, InvalidRecord: there is no rule, or the state does not fit its schema.
    """
    try:
        result = processor.process(state, [], [event])
    except FacetError:
        raise
    except Exception as error:  # a rule is somebody else's code and says no in its own way
        raise RuleRefused(str(error) or type(error).__name__) from error
    before = state if state is not None else processor.process(None).state
    return Preview(result.state, diff(before, result.state), result.new_outbound_events)


def apply(facet: Facet, id: str, event: Event, *, seen_seq: int, actor: str, operation_id: str) -> Receipt:
    """Append one event to the entity as it was at `seen_seq`; 0 for a new one. Once, however often it is sent.

    Raises:
        SequenceConflict: the entity is not at `seen_seq`.
        RuleRefused, UnknownEventType, TransactionTooLarge, RecordTooLarge, InvalidRecord: nothing was written.
        StoreUnavailable: see its `maybe_written`; the same operation id may be sent again.
        TableNotFound
    """
    stored = facet.get(id)
    actual_seq = stored.record.seq if stored else 0
    try:
        if actual_seq != seen_seq:
            raise SequenceConflict(id, expected_seq=seen_seq, actual_seq=actual_seq)
        state = stored.item if stored else None
        preview(facet.processor, state, event)
        meta = {"actor": actor, "operation_id": operation_id}
        output = facet.append_to(id, state, seen_seq, event, meta=meta, operation_id=operation_id)
    except (SequenceConflict, InvalidRecord):
        # Another request of ours may have been first: a second click, or a retry after a lost answer.
        seq = _appended_by(facet, id, operation_id, since=seen_seq)
        if seq is None:
            raise
        return Receipt(seq, repeated=True)
    return Receipt(output.seq)


def arrived_since(facet: Facet, id: str, seq: int) -> list[Record]:
    """The entity's inbound events after `seq`, oldest first."""
    return [record for record in facet.db.get_records(id) if record.kind == "INBOUND" and record.seq > seq]


def _appended_by(facet: Facet, id: str, operation_id: str, *, since: int) -> int | None:
    for record in arrived_since(facet, id, since):
        try:
            meta = json.loads(record.meta or "null")
        except InvalidRecord:
            continue
        if isinstance(meta, dict) and meta.get("operation_id") == operation_id:
            return record.seq
    return None
