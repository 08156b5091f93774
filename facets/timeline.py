"""An entity's records as the rows of a page: newest first, each outbound message under the append that sent it. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from facets import display
from facets.core import InvalidRecord, Record, json
from facets.definition import FacetDefinition, first_problem, humanize

PAGE = 50  # rows
EXCERPT = 140  # characters


@dataclass(frozen=True, slots=True)
class Payload:
    """What a record holds. `problem` says why it is shown as JSON only, or what its schema has against it."""

    rows: list[display.Row]
    raw: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who appended an event in the console, and why; each empty where it is not known. Hostile text."""

    actor: str
    reason: str
    ticket: str


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

    `excerpt` is the beginning of the payload's JSON, for events that no definition has a sentence for.
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
    before: int | None = None,
    found: int | None = None,
) -> Timeline:
    """The `PAGE` newest events below the seq `before`; around the event `found`, if that is given instead.

    Args:
        records: all of the entity's, in history order.
    """
    inbound = [record for record in records if record.kind == "INBOUND"]
    messages: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        if record.kind == "OUTBOUND":
            messages[record.seq].append(record)
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
            rows.append(_row(seq, event, place, sent, definition, found == seq))
    newer_end = min(len(seqs), end + PAGE)
    newer = None if end == len(seqs) else 0 if newer_end == len(seqs) else seqs[newer_end]
    return Timeline(rows, len(inbound), seqs[start] if start else None, newer)


def payload(record: Record, schema: type[BaseModel] | None) -> Payload:
    """A record's payload or state in rows, by its schema where it fits; never raises."""
    raw = display.indented_text(record.itm)
    try:
        data = record.data
    except InvalidRecord as error:
        return Payload([], raw, error.reason)
    if schema is None:
        return Payload(display.rows(data), raw)
    try:
        schema.model_validate(data)
    except ValidationError as error:
        return Payload([], raw, f"Does not fit {schema.__name__}: {display.visible(first_problem(error))}")
    except Exception as error:  # noqa: BLE001  # a validator of the schema itself failed
        return Payload([], raw, f"{schema.__name__} cannot judge it: {type(error).__name__}")
    return Payload(display.rows(data, schema), raw)


def origin(record: Record) -> Origin | None:
    """Who and why, of an event that was appended in the console; None for all others."""
    if record.meta is None:
        return None
    try:
        meta = json.loads(record.meta)
    except InvalidRecord:
        return None
    if not isinstance(meta, Mapping):
        return None
    actor, reason, ticket = (
        display.visible(str(meta.get(name) or "")) for name in ("actor", "reason", "ticket")
    )
    return Origin(actor or "unknown", reason, ticket)


def sentence(record: Record, definition: FacetDefinition[Any] | None) -> str:
    """What the event did, in one line of hostile text made visible."""
    if definition is None:
        return display.visible(humanize(record.typ))
    try:
        data = record.data
    except InvalidRecord:
        data = None
    return display.visible(definition.sentence(record.typ, data))


def _row(
    seq: int,
    record: Record | None,
    place: int,
    sent: list[Record],
    definition: FacetDefinition[Any] | None,
    found: bool,
) -> TimelineRow:
    event_type = definition.events.get(record.typ) if definition and record else None
    return TimelineRow(
        seq=seq,
        record=record,
        sentence=sentence(record, definition) if record else "",
        excerpt=display.visible(record.itm[:EXCERPT]) if record and not event_type else "",
        anchor=f"event-{seq}" if place == 0 else f"event-{seq}-{place + 1}",
        payload=payload(record, event_type.schema if event_type else None) if record else None,
        origin=origin(record) if record else None,
        has_rule=event_type is not None,
        found=found,
        messages=[
            Message(
                message,
                display.visible(humanize(message.typ)),
                f"event-{seq}-out-{message.index}",
                payload(message, None),
            )
            for message in sent
        ],
    )
