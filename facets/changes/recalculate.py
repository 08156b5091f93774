"""Preview and apply the making of a state again from its whole history."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from facets import directory
from facets.changes import preview_token
from facets.changes.audited_write import Announce, Plan, fingerprint
from facets.core import (
    Event,
    FacetError,
    HistoryFault,
    InvalidRecord,
    SequenceConflict,
    StateReplaced,
    json,
    reconcile,
)
from facets.core.diff import ABSENT, Change
from facets.core.events import LazyEvents
from facets.core.facet import Facet
from facets.core.history import Log, LogEntry, log_of
from facets.core.json import JSON
from facets.core.processor import Processor, Rule, StateUpdaterInput
from facets.core.reconcile import Published, Reconciliation, Stored
from facets.core.records import state_record
from facets.core.store import check_transaction
from facets.core.unreadable import StoredRecord, UnreadableRecord
from facets.definitions.definition import difference, in_words

# What is kept of a long history that goes wrong at every event; the counts are whole.
MAX_FAILURES = 200
MAX_SEQS = 20


RefusedFor = Literal["", "unreadable", "history-not-whole", "rule-failed", "not-storable"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An event whose rule failed, or that could not be read. `error` is in the rule's own words, hostile text maybe."""

    seq: int
    type: str
    error: str


@dataclass(slots=True)
class Unruled:
    """The events of one type that no rule handles: how many, and the seqs of the first `MAX_SEQS`."""

    type: str
    count: int = 0
    seqs: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay came to, beside what is stored.

    Attributes:
        stored_seq: what STATE says; 0 where there is no STATE, or it does not say.
        seq: what a recalculation would write: the highest in use by STATE or an event.
        record: the STATE record, readable or not; None where there is none.
        stored: the stored state, ABSENT where there is none, or it cannot be read.
        replayed: the state that the rules make of the whole history; failing events are passed over.
        itm: the same as it would be written; empty where it cannot be.
        changes: from stored to replayed.
        failures: the first `MAX_FAILURES` events whose rule failed, of `failure_count`.
        refusal: why this cannot be applied, whoever asks; empty where it can.
        refused_for: the kind of that reason.
        unruled: events without a rule, by type, in history order. They are passed over.
        messages: what replay publishes beside what is stored. A recalculation sends and deletes none.
        faults: what is wrong with the history itself.
        log: the events read.
    """

    stored_seq: int
    seq: int
    record: StoredRecord | None
    stored: JSON
    replayed: JSON
    itm: str
    changes: list[Change]
    failures: list[Failure]
    failure_count: int
    refusal: str
    refused_for: RefusedFor
    unruled: list[Unruled]
    messages: Reconciliation
    faults: list[HistoryFault]
    log: Log

    @property
    def events_read(self) -> int:
        """Inbound events, those without a rule included."""
        return len(self.log.entries)

    @property
    def would_write(self) -> bool:
        return bool(self.changes) or self.stored_seq != self.seq

    @property
    def can_apply(self) -> bool:
        return self.would_write and not self.refusal

    @property
    def unreadable(self) -> list[UnreadableRecord]:
        """The events that cannot be read."""
        return self.log.unreadable_events

    @property
    def unreadable_state(self) -> UnreadableRecord | None:
        return self.log.unreadable_state

    @property
    def digest(self) -> str:
        """Stands for exactly what would be written, and over what."""
        state = self.log.unreadable_state
        before = state.text if state else self.log.state_itm
        return preview_token.digest(json.dumps([self.seq, before, self.itm]))

    def arrived_since(self, seq: int) -> list[LogEntry]:
        """The events after `seq`, oldest first."""
        return [entry for entry in self.log.entries if entry.seq > seq]


class RecalculationRefused(Exception):
    """The history cannot be made into a state, so nothing was written; `outcome.refusal` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.refusal)
        self.outcome = outcome


class PreviewOutdated(Exception):
    """The rules, or what is stored, come to something else than was previewed; nothing was written."""


def preview(facet: Facet, id: str) -> Outcome | None:
    """Replay an entity's history and compare; None where there is no such entity. Writes nothing.

    Raises:
        InvalidRecord: a record is not of hde's format.
        TableNotFound, StoreUnavailable
    """
    history = _read(facet, id)
    log = history.log
    if log.state_seq is None and not log.entries and not log.unreadable:
        return None
    stored = _parsed(log.state_itm)
    replay = _replay(facet.processor, log, stored)
    replayed = replay.state
    refused_for, refusal = _refusal(log, replay)
    try:
        itm = json.dumps(replayed)
        # As it will be read again: a float beyond 2^53 is written in the digits that JavaScript writes.
        replayed = json.loads(itm)
    except InvalidRecord as error:
        itm = ""
        if not refusal:
            refused_for, refusal = "not-storable", _not_storable(error)
    changes = difference(facet.processor, stored, replayed)
    if changes and not refusal and (problem := _why_not_storable(facet, id, log.seq, itm)):
        refused_for, refusal = "not-storable", problem
    return Outcome(
        stored_seq=(history.state.seq or 0) if history.state else 0,
        seq=log.seq,
        record=history.state,
        stored=stored,
        replayed=replayed,
        itm=itm,
        changes=changes,
        failures=replay.failures,
        failure_count=replay.failure_count,
        refusal=refusal,
        refused_for=refused_for,
        unruled=_unruled(facet.processor, log),
        messages=reconcile.compare(history.messages, replay.published, history.ends),
        faults=log.faults(),
        log=log,
    )


def apply(
    facet: Facet,
    id: str,
    *,
    seen_seq: int,
    actor: str,
    reason: str,
    operation_id: str,
    announce: Announce,
    seen_digest: str | None = None,
) -> Outcome | None:
    """Write the replayed state, if the entity is still at `seen_seq` and it differs; says what it found.

    Args:
        announce: puts on record what is about to be written; where it raises, nothing is.
        seen_digest: of the outcome that was previewed, where somebody looked at one.

    Raises:
        AuditUnavailable: nothing was written.
        SequenceConflict: the entity is not at `seen_seq`.
        PreviewOutdated: it is, but what would be written is not what was seen.
        RecalculationRefused: an event is missing, there twice or unreadable, a rule fails, or the state cannot be
            stored.
        StoreUnavailable: see its `maybe_written`; in all other cases nothing was written.
        As `preview`.
    """
    outcome = preview(facet, id)
    if outcome is None:
        return None
    if outcome.stored_seq != seen_seq:
        raise SequenceConflict(id, expected_seq=seen_seq, actual_seq=outcome.stored_seq)
    if outcome.refusal:
        raise RecalculationRefused(outcome)
    if not outcome.would_write:
        return outcome
    if seen_digest is not None and outcome.digest != seen_digest:
        raise PreviewOutdated
    try:
        write(facet, id, outcome, actor=actor, reason=reason, operation_id=operation_id, announce=announce)
    except StateReplaced as error:
        raise PreviewOutdated from error
    return outcome


def write(
    facet: Facet,
    id: str,
    outcome: Outcome,
    *,
    actor: str,
    reason: str,
    operation_id: str,
    announce: Announce,
) -> None:
    """Write what a preview came to, if the entity is still at its seq.

    Who had it done and why stays with the state until the next append, and in the audit trail for good.

    Raises:
        SequenceConflict: the entity has moved on, or its state is another one (StateReplaced).
        RecordTooLarge, InvalidRecord: the state cannot be stored.
        StoreUnavailable: see its `maybe_written`; in all other cases nothing was written.
        TableNotFound, AuditUnavailable
    """
    # Not Facet.recalculate: it reads again, and would write a state of another seq than the one seen.
    state = state_record(facet.name, id, outcome.seq, outcome.itm, facet.clock())
    meta = json.dumps({"actor": actor, "reason": reason, "operation_id": operation_id})
    plan = Plan(
        action="recalculate",
        facet=facet.name,
        id=id,
        operation_id=operation_id,
        reason=reason,
        seq_before=outcome.stored_seq,
        seq_after=outcome.seq,
        changes=outcome.changes,
        details={
            "before": fingerprint(outcome.record),
            "after": fingerprint(state),
            "ts_after": state.ts,
            "events_read": outcome.events_read,
        },
    )
    with announce(plan):
        facet.db.put_state(
            replace(state, meta=meta), outcome.stored_seq, previous=outcome.record, operation_id=operation_id
        )
    directory.note(state)


@dataclass(frozen=True, slots=True)
class _History:
    state: StoredRecord | None
    log: Log
    messages: list[Stored]
    ends: list[int]


@dataclass(slots=True)
class _Replay:
    state: JSON
    published: list[Published]
    failures: list[Failure] = field(default_factory=list)
    failure_count: int = 0
    refusal: str = ""


def _read(facet: Facet, id: str) -> _History:
    history = _history(facet.db.get_records(id))
    if history.log.faults():
        # Read page by page while others write, an append may be half seen. What a second look shows too was not that.
        history = _history(facet.db.get_records(id))
    return history


def _history(records: Sequence[StoredRecord]) -> _History:
    """One entity's records, in history order, as a replay needs them; payloads stay text until they are looked at."""
    sound = [record for record in records if not isinstance(record, UnreadableRecord)]
    log = log_of(records)
    stamps = [(record.seq, record.ts) for record in sound if record.kind == "INBOUND"]
    messages = [
        Stored(record.seq, record.index, record.typ, record.itm)
        for record in sound
        if record.kind == "OUTBOUND"
    ]
    state = next((record for record in sound if record.kind == "STATE"), None)
    return _History(state or log.unreadable_state, log, messages, reconcile.append_ends(stamps, messages))


def _parsed(itm: str | None) -> JSON:
    try:
        return ABSENT if itm is None else json.loads(itm)
    except InvalidRecord:
        return ABSENT


def _replay(processor: Processor[Any], log: Log, stored: JSON) -> _Replay:
    replaced = None if stored is ABSENT else stored
    places: list[int] = []
    try:
        # The rules may change what they are given, so a copy: the stored state is shown beside the new one.
        result = _noting(processor, places).fold(None, log.events(), [], replaced=json.copy(replaced))
    except Exception as error:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
        return _replay_past_failures(processor, log, replaced, error)
    events = zip(places, result.past_outbound_events, strict=True)
    return _Replay(result.state, [_published(log.entries[place].seq, event) for place, event in events])


def _replay_past_failures(processor: Processor[Any], log: Log, replaced: JSON, refused: Exception) -> _Replay:
    """Event by event, to name those that fail; much slower than a fold, and for reading only."""
    replay = _Replay(processor.process(None).state, [])

    def fail(entry: LogEntry, error: Exception, *values: JSON) -> None:
        replay.failure_count += 1
        if len(replay.failures) < MAX_FAILURES:
            words = _of_an_event(in_words(processor, error, *values))
            replay.failures.append(Failure(entry.seq, entry.type, words))

    readable: list[LogEntry] = []
    for entry in log.entries:
        try:
            json.loads(entry.itm)
        except InvalidRecord as error:
            fail(entry, error)
        else:
            readable.append(entry)
    past = LazyEvents([(entry.type, entry.itm) for entry in readable])
    for entry, step in zip(readable, processor.steps(None, past), strict=True):
        if step.error is not None:
            fail(entry, step.error, step.state, step.event.data)
        replay.published += [_published(entry.seq, event) for event in step.published]
        replay.state = step.state
    replay.failures.sort(key=lambda failure: failure.seq)
    if replay.failures:
        first = replay.failures[0]
        replay.refusal = f"Event {first.seq}, {first.type}: {first.error}"
    else:
        replay.refusal = in_words(processor, refused, replay.state, replaced)
    # Each step's state is plain JSON already; this carries over what only other services know of, where it can.
    with suppress(Exception):
        replay.state = processor.dump(processor.load(json.copy(replay.state)), None, json.copy(replaced))
    return replay


def _noting(processor: Processor[Any], places: list[int]) -> Processor[Any]:
    """The processor, which also notes the place of the event that published each message."""
    noting = copy.copy(processor)
    noting.rules = {type: _noted(rule, places) for type, rule in processor.rules.items()}
    return noting


def _noted(rule: Rule[Any], places: list[int]) -> Rule[Any]:
    def run(given: StateUpdaterInput[Any]) -> Any:
        publish, place = given.publish, given.current_index

        def noted(name: str, data: JSON) -> None:
            publish(name, data)
            places.append(place)

        given.publish = noted
        state = rule(given)
        given.publish = publish
        return state

    return run


def _published(seq: int, event: Event) -> Published:
    return Published(seq, event.type, event.data)


def _unruled(processor: Processor[Any], log: Log) -> list[Unruled]:
    found: dict[str, Unruled] = {}
    for entry in log.entries:
        if entry.type not in processor.rules:
            of_type = found.setdefault(entry.type, Unruled(entry.type))
            of_type.count += 1
            if len(of_type.seqs) < MAX_SEQS:
                of_type.seqs.append(entry.seq)
    return list(found.values())


def lossy_faults(faults: Sequence[HistoryFault]) -> list[HistoryFault]:
    """Those faults for which a replay comes to less, or to something else, than what happened."""
    return [fault for fault in faults if fault.kind in ("gap", "twin")]


def _refusal(log: Log, replay: _Replay) -> tuple[RefusedFor, str]:
    """Why no state may be made of this history, by pages and commands alike."""
    if unreadable := log.unreadable_events:
        more = f" {len(unreadable) - 1:,} more cannot be read." if len(unreadable) > 1 else ""
        return "unreadable", f"{unreadable[0]}{more}"
    if lossy := lossy_faults(log.faults()):
        more = f" {len(lossy) - 10:,} more gaps or duplicates." if len(lossy) > 10 else ""
        return "history-not-whole", " ".join(map(str, lossy[:10])) + more
    if log.unreadable_state and not log.entries:
        return "history-not-whole", "There are no events to make the state from."
    return ("rule-failed", replay.refusal) if replay.refusal else ("", "")


def _why_not_storable(facet: Facet, id: str, seq: int, itm: str) -> str:
    try:
        state = state_record(facet.name, id, seq, itm, 0)
        check_transaction(state.facet, state, [], [])
    except FacetError as error:
        return _not_storable(error)
    return ""


def _not_storable(error: FacetError) -> str:
    reason = error.reason if isinstance(error, InvalidRecord) else str(error)
    return f"The state that the rules make cannot be stored: {reason}"


def _of_an_event(words: str) -> str:
    """Without the number that counts the events it was given, which are not the seqs where some are missing."""
    return re.sub(r"^Event \d+ does not fit", "Does not fit", words)
