"""Preview and apply the events that a person appends to one entity. Decides in pure functions, writes in `apply`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from facets import directory
from facets.changes import preview_token
from facets.changes.audited_write import Announce, Plan, fingerprint
from facets.changes.preview_token import PromisedEvent
from facets.core import Event, FacetError, InvalidRecord, SequenceConflict, StateReplaced, json
from facets.core.diff import Change, diff, same
from facets.core.errors import RecordTooLarge, TransactionTooLarge
from facets.core.facet import Facet, GetOutput
from facets.core.records import Record, inbound_record, outbound_record, state_record
from facets.core.store import MAX_RECORDS, check_transaction
from facets.definitions.definition import in_words
from facets.entities.metadata import appended_by

JSON = Any
Drift = Literal["none", "drifts", "fails", "unchecked"]

# A longer history is not replayed only to warn of drift: a preview should take no longer than a page.
MAX_REPLAY = 2_000  # events
# The meta of an event at its largest, to judge sizes before the reason is known.
_LONGEST_META = {
    "actor": "x" * 200,
    "reason": "é" * 500,
    "ticket": "x" * 100,
    "operation_id": "x" * 36,
    "corrects": 10**9,
}


class RuleRefused(Exception):
    """A rule would not have the event; nothing was written. The message is the rule's own, hostile text maybe."""


class StateChanged(Exception):
    """The entity is at the seq that was seen but with another state: it was recalculated. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event does, on top of those before it.

    Attributes:
        error: what its rule says against it; "" for nothing. Hostile text maybe.
        reached: False where the rule of an event before it failed, so that its own was not asked.
    """

    event: PromisedEvent
    changes: list[Change]
    messages: list[Event]
    error: str = ""
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Preview:
    """What the events would do to an entity. Nothing has been written.

    Attributes:
        seq: what the entity is at, and what the preview holds for; 0 for a new one.
        state: a digest of the state before; "" for a new entity.
        before, after: plain JSON. `before` is the state before the first event where the entity is new.
        problem: why the events cannot be written together though their rules would have them; "" for nothing.
        drift: whether a replay of the history gives the state before: `unchecked` if that takes too long, `fails`
            if a rule does not accept a past event.
    """

    seq: int
    state: str
    before: JSON
    after: JSON
    changes: list[Change]
    effects: list[Effect]
    problem: str
    drift: Drift

    @property
    def is_new(self) -> bool:
        return self.seq == 0

    @property
    def messages(self) -> list[Event]:
        return [message for effect in self.effects for message in effect.messages]

    @property
    def failed(self) -> bool:
        return bool(self.problem) or any(effect.error for effect in self.effects)

    @property
    def last_seq(self) -> int:
        return self.seq + len(self.effects)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The seqs of the events that were appended; `repeated` if an earlier request with the same operation id did it."""

    first_seq: int
    last_seq: int
    repeated: bool = False


def preview(
    facet: Facet, id: str, events: Sequence[PromisedEvent], *, max_replay: int = MAX_REPLAY
) -> Preview:
    """Run the events' rules over the entity's stored state, side effects off. Writes nothing.

    Raises:
        InvalidRecord: the stored state does not fit its schema, or is missing though there are events.
        UnknownEventType: there is no rule for one of the events.
        TableNotFound, StoreUnavailable
    """
    stored = read_state(facet, id)
    state = stored.item if stored else None
    seq = stored.record.seq if stored else 0
    before = state if state is not None else facet.processor.process(None).state
    effects, after = _effects(facet, state, before, events)
    failed = any(effect.error for effect in effects)
    return Preview(
        seq=seq,
        state=state_digest(stored),
        before=before,
        after=after,
        changes=diff(before, after),
        effects=effects,
        problem="" if failed else _problem(facet, id, seq, after, effects),
        drift=_drift(facet, id, stored, max_replay),
    )


def apply(
    facet: Facet,
    id: str,
    events: Sequence[PromisedEvent],
    *,
    seen_seq: int,
    seen_state: str,
    actor: str,
    reason: str,
    operation_id: str,
    announce: Announce,
    ticket: str = "",
) -> Receipt:
    """Append the events to the entity as it was seen. All or nothing, and once, however often it is sent.

    Args:
        announce: puts on record what is about to be written; where it raises, nothing is.

    Raises:
        AuditUnavailable: nothing was written.
        SequenceConflict: the entity is not at `seen_seq`.
        StateChanged: it is, but its state is not the one with the digest `seen_state`.
        RuleRefused, UnknownEventType, TransactionTooLarge, RecordTooLarge, InvalidRecord: nothing was written.
        StoreUnavailable: see its `maybe_written`; the same operation id may be sent again.
        TableNotFound
    """
    stored = facet.get(id)
    actual_seq = stored.record.seq if stored else 0
    try:
        if actual_seq != seen_seq:
            raise SequenceConflict(id, expected_seq=seen_seq, actual_seq=actual_seq)
        if state_digest(stored) != seen_state:
            raise StateChanged
        state = stored.item if stored else None
        plain = [Event(event.type, event.data) for event in events]
        after = _run(facet, state, plain)
        meta = [_meta(event, actor, reason, ticket, operation_id) for event in events]
        previous = stored.record if stored else None
        plan = Plan(
            action="append",
            facet=facet.name,
            id=id,
            operation_id=operation_id,
            reason=reason,
            ticket=ticket,
            seq_before=seen_seq,
            seq_after=seen_seq + len(events),
            changes=diff(state if state is not None else facet.processor.process(None).state, after),
            quoted=[state, *(event.data for event in events)],
            details={
                "events": [_named(event) for event in events],
                "before": fingerprint(previous),
            },
        )
        with announce(plan):
            output = facet.append_to(
                id, state, seen_seq, *plain, previous=previous, meta=meta, operation_id=operation_id
            )
        directory.note(output.record)
    except (SequenceConflict, StateChanged, InvalidRecord) as error:
        # Another request of ours may have been first: a second click, or a retry after a lost answer.
        appended = appended_by(arrived_since(facet, id, seen_seq), operation_id)
        written = [(record.typ, record.itm) for record in appended]
        if not appended or written != [(event.type, json.dumps(event.data)) for event in events]:
            if isinstance(error, StateReplaced):
                raise StateChanged from error
            raise
        return Receipt(appended[0].seq, appended[-1].seq, repeated=True)
    return Receipt(seen_seq + 1, output.seq)


def read_state(facet: Facet, id: str) -> GetOutput | None:
    """The entity's stored state; None where it has no events either, so that it would be new.

    Raises:
        InvalidRecord: there are events and no state.
    """
    stored = facet.get(id)
    if stored is None and facet.db.get_log(id).seq:
        raise InvalidRecord("The entity has events but no stored state. Recalculate it first.")
    return stored


def arrived_since(facet: Facet, id: str, seq: int) -> list[Record]:
    """The entity's inbound events after `seq`, oldest first; those before it cost nothing."""
    found: list[Record] = []
    while True:
        page = facet.db.get_page(id, after=seq, limit=MAX_RECORDS, inbound_types=tuple(facet.processor.rules))
        found += [record for record in page.records if record.kind == "INBOUND"]
        if not page.newer or page.last_seq is None:
            return found
        seq = page.last_seq


def event_at(facet: Facet, id: str, seq: int) -> Record | None:
    """The entity's event of that seq; None where there is none."""
    if seq < 1:
        return None
    page = facet.db.get_page(id, after=seq - 1, limit=1, inbound_types=tuple(facet.processor.rules))
    return next((record for record in page.records if record.kind == "INBOUND" and record.seq == seq), None)


def state_digest(stored: GetOutput | None) -> str:
    """Tells a state from any other; "" where there is none."""
    return preview_token.digest(stored.record.itm) if stored else ""


def _effects(
    facet: Facet, state: JSON | None, before: JSON, events: Sequence[PromisedEvent]
) -> tuple[list[Effect], JSON]:
    effects: list[Effect] = []
    steps = facet.processor.steps(state, [], [Event(event.type, event.data) for event in events])
    failed = False
    for event, step in zip(events, steps, strict=True):
        if failed:
            effects.append(Effect(event, [], [], reached=False))
            continue
        error = "There is no rule for it." if step.skipped else ""
        if step.error:
            error = in_words(facet.processor, step.error, before, event.data)
        failed = bool(error)
        effects.append(Effect(event, diff(before, step.state), step.published, error))
        before = step.state
    return effects, before


def _run(facet: Facet, state: JSON | None, events: list[Event]) -> JSON:
    """The state after the events."""
    try:
        return facet.processor.process(state, [], events).state
    except FacetError:
        raise
    except Exception as error:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
        # Not from it: a log would show what it quotes.
        words = in_words(facet.processor, error, state, [event.data for event in events])
        raise RuleRefused(words) from None


def _problem(facet: Facet, id: str, seq: int, after: JSON, effects: Sequence[Effect]) -> str:
    """Why the records of the append would be refused by the table, "" if they would not."""
    last = seq + len(effects)
    messages = [message for effect in effects for message in effect.messages]
    try:
        meta = json.dumps(_LONGEST_META)
        inbound = [
            inbound_record(facet.name, id, seq + place, event.type, json.dumps(event.data), 0, meta)
            for place, event in enumerate((effect.event for effect in effects), start=1)
        ]
        outbound = [
            outbound_record(facet.name, id, last, index, message.type, json.dumps(message.data), 0)
            for index, message in enumerate(messages)
        ]
        check_transaction(
            facet.name, state_record(facet.name, id, last, json.dumps(after), 0), inbound, outbound
        )
    except TransactionTooLarge as error:
        return (
            f"Together that is {error.records:,} records ({len(inbound):,} events, {len(outbound):,} messages and the "
            f"state) of {error.size:,} bytes; one append may write 100 records and 4 MB. Append it in parts."
        )
    except RecordTooLarge as error:
        return f"{error.rng} would have {error.size:,} bytes; the table keeps at most 409,600."
    except InvalidRecord as error:
        return error.reason
    return ""


def _drift(facet: Facet, id: str, stored: GetOutput | None, max_replay: int) -> Drift:
    if stored is None:
        return "none"
    if stored.record.seq > max_replay:
        return "unchecked"
    try:
        replay = facet.read(id)
        if replay.previous_seq != stored.record.seq:
            return "unchecked"
        result = facet.processor.fold(None, replay.past, [], replaced=replay.stored)
    except InvalidRecord:
        return "fails"
    except FacetError:
        raise
    except Exception:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
        return "fails"
    return "none" if same(stored.item, result.state) else "drifts"


def _named(event: PromisedEvent) -> dict[str, JSON]:
    return {"type": event.type} | ({"corrects": event.corrects} if event.corrects is not None else {})


def _meta(
    event: PromisedEvent, actor: str, reason: str, ticket: str, operation_id: str
) -> dict[str, str | int]:
    meta: dict[str, str | int] = {"actor": actor, "reason": reason, "operation_id": operation_id}
    if ticket:
        meta["ticket"] = ticket
    if event.corrects is not None:
        meta["corrects"] = event.corrects
    return meta
