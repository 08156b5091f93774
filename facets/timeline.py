"""An entity's records as the rows of a page: newest first, each outbound message under the append that sent it. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from facets import display, tickets
from facets.core import InvalidRecord, Record
from facets.corrections import corrections_of, meta_of
from facets.definition import EventType, FacetDefinition, first_problem, humanize
from facets.masking import BULLETS, MASKED, mask, mask_text, redact

PAGE = 50  # rows
EXCERPT = 140  # characters

NOT_JSON = "Not JSON. It is masked whole, since this facet has sensitive fields."
NO_RULE = "There is no rule for events of this type, so none can be appended."


@dataclass(frozen=True, slots=True)
class Payload:
    """What a record holds. `problem` says why it is shown as JSON only, or what its schema has against it."""

    rows: list[display.Row]
    raw: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who appended an event in the console, and why; each empty where it is not known. Hostile text.

    Attributes:
        ticket_url: where the ticket is read, "" where that is not known.
        corrects: the seq of the event that this one makes good, None if there is none.
        operation_id: of the append, for its receipt; None where it is no UUID.
    """

    actor: str
    reason: str
    ticket: str
    ticket_url: str = ""
    corrects: int | None = None
    operation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """An event that says that it corrects another."""

    seq: int
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Message:
    """One outbound event."""

    record: Record
    title: str
    anchor: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One inbound event and what its append sent; `record` is None where messages have no event of their seq.

    Attributes:
        excerpt: the beginning of the payload's JSON, for events that no definition has a sentence for.
        corrected_by: the events that make this one good, oldest first.
        why_not_like, why_not_correct: why no event like this one, or against it, can be drafted; "" where it can.
    """

    seq: int
    record: Record | None
    sentence: str
    excerpt: str
    anchor: str
    payload: Payload | None
    origin: Origin | None
    has_rule: bool
    found: bool
    messages: list[Message] = field(default_factory=list)
    corrected_by: list[Correction] = field(default_factory=list)
    why_not_like: str = ""
    why_not_correct: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of an entity's history.

    Attributes:
        total: how many inbound events the entity has.
        older, newer: the seq to page from (`before`), None where there is nothing; 0 is the newest page.
    """

    rows: list[TimelineRow]
    total: int
    older: int | None
    newer: int | None


def page(
    records: Sequence[Record],
    definition: FacetDefinition[Any] | None,
    *,
    sensitive: Sequence[str],
    before: int | None = None,
    found: int | None = None,
) -> Timeline:
    """The `PAGE` newest events below the seq `before`; around the event `found`, if that is given instead.

    Args:
        records: all of the entity's, in history order.
        sensitive: the paths that are masked; none where they were revealed.
    """
    inbound = [record for record in records if record.kind == "INBOUND"]
    messages: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        if record.kind == "OUTBOUND":
            messages[record.seq].append(record)
    corrected = corrections_of(inbound)
    seqs = sorted({record.seq for record in inbound} | set(messages))
    if found is not None and before is None:
        end = min(len(seqs), bisect_left(seqs, found) + PAGE // 2)
    else:
        end = len(seqs) if before is None else bisect_left(seqs, before)
    start = max(0, end - PAGE)
    shown = set(seqs[start:end])
    rows: list[TimelineRow] = []
    by_seq: dict[int, list[Record | None]] = {seq: [] for seq in shown}
    for record in inbound:
        if record.seq in shown:
            by_seq[record.seq].append(record)
    for seq in reversed(seqs[start:end]):
        group = by_seq[seq] or [None]
        for place, event in reversed(list(enumerate(group))):
            sent = messages.get(seq, []) if place == len(group) - 1 else []
            rows.append(
                _row(seq, event, place, sent, definition, found == seq, corrected.get(seq, []), sensitive)
            )
    newer_end = min(len(seqs), end + PAGE)
    newer = None if end == len(seqs) else 0 if newer_end == len(seqs) else seqs[newer_end]
    return Timeline(rows, len(inbound), seqs[start] if start else None, newer)


def payload(record: Record, schema: type[BaseModel] | None, *, sensitive: Sequence[str]) -> Payload:
    """A record's payload or state in rows, by its schema where it fits, sensitive values masked; never raises.

    Where something is sensitive, what is not JSON or does not fit its schema is masked whole: what stands where in it
    is not known.
    """
    raw = display.indented_text(record.itm, sensitive)
    try:
        data = record.data
    except InvalidRecord as error:
        return Payload([], raw, NOT_JSON if sensitive else error.reason)
    if schema is None:
        # Of messages there is no schema. Without a single key, nothing says what a value is.
        whole = bool(sensitive) and not isinstance(data, Mapping)
        return Payload(display.rows(MASKED if whole else mask(data, sensitive)), BULLETS if whole else raw)
    try:
        schema.model_validate(data)
    except ValidationError as error:
        problem = display.visible(redact(first_problem(error), sensitive, data))
        return Payload([], BULLETS if sensitive else raw, f"Does not fit {schema.__name__}: {problem}")
    except Exception as error:  # noqa: BLE001  # a validator of the schema itself failed
        problem = f"{schema.__name__} cannot judge it: {type(error).__name__}"
        return Payload([], BULLETS if sensitive else raw, problem)
    return Payload(display.rows(mask(data, sensitive), schema), raw)


def origin(record: Record, *, sensitive: Sequence[str]) -> Origin | None:
    """Who and why, of an event that was appended in the console; None for all others."""
    meta = meta_of(record)
    if not meta:
        return None
    actor, reason, ticket = (str(meta.get(name) or "") for name in ("actor", "reason", "ticket"))
    reason = redact(reason, sensitive, *_data(record))
    corrects = meta.get("corrects")
    return Origin(
        display.visible(actor) or "unknown",
        display.visible(reason),
        display.visible(ticket),
        tickets.url(ticket),
        corrects if type(corrects) is int and 0 < corrects < record.seq else None,
        _uuid(meta.get("operation_id")),
    )


def why_not_copy(record: Record, event_type: EventType, *, sensitive: Sequence[str]) -> str:
    """Why a draft cannot begin with a copy of this event; "" where it can."""
    try:
        data = record.data
    except InvalidRecord as error:
        return NOT_JSON if sensitive else error.reason
    try:
        event_type.schema.model_validate(data)
    except Exception:  # noqa: BLE001 - not of the schema, or a validator of the schema itself failed
        if sensitive:
            return (
                "The event does not fit its schema. It is not copied, since this facet has sensitive fields."
            )
    return ""


def why_not_correct(record: Record, event_type: EventType | None) -> str:
    """Why the definition cannot make the event that takes this one back; "" where it can."""
    if event_type is None:
        return NO_RULE
    if event_type.compensate is None:
        return f"The definition does not say how to take back “{event_type.title}”. Append the event that mends it."
    try:
        event_type.schema.model_validate(record.data)
    except Exception:  # noqa: BLE001 - not JSON, not of the schema, or a validator of the schema itself failed
        return "The event does not fit its schema, so what would take it back cannot be told."
    return ""


def sentence(
    record: Record, definition: FacetDefinition[Any] | None, *, sensitive: Sequence[str] | None = None
) -> str:
    """What the event did, in one line of hostile text made visible; masked as the definition says, or as given."""
    if definition is None:
        return display.visible(humanize(record.typ))
    try:
        data = record.data
    except InvalidRecord:
        data = None
    return display.visible(definition.sentence(record.typ, data, sensitive=sensitive))


def _row(
    seq: int,
    record: Record | None,
    place: int,
    sent: list[Record],
    definition: FacetDefinition[Any] | None,
    found: bool,
    corrected_by: list[Record],
    sensitive: Sequence[str],
) -> TimelineRow:
    event_type = definition.events.get(record.typ) if definition and record else None
    return TimelineRow(
        seq=seq,
        record=record,
        sentence=sentence(record, definition, sensitive=sensitive) if record else "",
        excerpt=display.visible(mask_text(record.itm, sensitive)[:EXCERPT])
        if record and not event_type
        else "",
        anchor=f"event-{seq}" if place == 0 else f"event-{seq}-{place + 1}",
        payload=payload(record, event_type.schema if event_type else None, sensitive=sensitive)
        if record
        else None,
        origin=origin(record, sensitive=sensitive) if record else None,
        has_rule=event_type is not None,
        found=found,
        messages=[
            Message(
                message,
                display.visible(humanize(message.typ)),
                f"event-{seq}-out-{message.index}",
                payload(message, None, sensitive=sensitive),
            )
            for message in sent
        ],
        corrected_by=[_correction(each, record, sensitive) for each in corrected_by] if place == 0 else [],
        why_not_like="" if event_type else NO_RULE,
        why_not_correct=why_not_correct(record, event_type) if record else "",
    )


def _correction(record: Record, corrected: Record | None, sensitive: Sequence[str]) -> Correction:
    meta = meta_of(record)
    reason, actor = (str(meta.get(name) or "") for name in ("reason", "actor"))
    reason = redact(reason, sensitive, *_data(record), *(_data(corrected) if corrected else []))
    return Correction(record.seq, display.visible(reason), display.visible(actor) or "unknown")


def _data(record: Record) -> list[Any]:
    """The payload, if it is JSON: what a text about it may quote."""
    try:
        return [record.data]
    except InvalidRecord:
        return []


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
