"""An entity's records as the rows of a page: newest first, each outbound message under the append that sent it. Pure."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ValidationError

from facets.core import InvalidRecord, Record
from facets.definitions import display
from facets.definitions.definition import EventType, FacetDefinition, first_problem, humanize
from facets.definitions.masking import BULLETS, MASKED, mask, mask_text, redact, secrets_of
from facets.entities.effects import Changed
from facets.entities.metadata import corrections_of, meta_of, ticket_url
from facets.entities.stored_text import data_of

PAGE = 50  # rows
EXCERPT = 140  # characters
LONGEST_SENTENCE = 500  # characters


class Budget(NamedTuple):
    """How much of a payload is shown: lines, and characters of JSON (None: all)."""

    rows: int
    text: int | None


# In a row of the timeline; by itself, as a state is; and where all was asked for: as many lines as a browser bears.
BRIEF = Budget(60, 8_000)
USUAL = Budget(display.MAX_ROWS, display.MAX_RAW)
WHOLE = Budget(20_000, None)

NOT_JSON = "Not JSON. It is masked whole, since this facet has sensitive fields."
NO_RULE = "There is no rule for events of this type, so none can be appended."


@dataclass(frozen=True, slots=True)
class Payload:
    """What a record holds. `problem` says why it is shown as JSON only, or what its schema has against it.

    Attributes:
        size: of the payload as it is stored, in characters.
        cut: not all of it is in `rows` and `raw`.
        hidden: it is masked as a whole, since nothing says what in it is sensitive.
    """

    rows: list[display.Row]
    raw: str
    problem: str = ""
    size: int = 0
    cut: bool = False

    @property
    def hidden(self) -> bool:
        return self.raw == BULLETS


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
    """One outbound event. `payload` is None until the event is unfolded."""

    record: Record
    title: str
    anchor: str
    payload: Payload | None


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One inbound event and what its append sent; `record` is None where messages have no event of their seq.

    Attributes:
        excerpt: the beginning of the payload's JSON, for events that no definition has a sentence for.
        payload: None until the event is unfolded.
        defined, has_rule: whether the facet has a definition, and that a rule for this type.
        fits: whether the payload is what its schema says, or has none to fit.
        messages_unread: the event may have messages that were not read.
        corrected_by: the events that make this one good, oldest first.
        why_not_like, why_not_correct: why no event like this one, or against it, can be drafted; "" where it can.
        changed: what it changed; None where that is not known.
    """

    seq: int
    record: Record | None
    sentence: str
    excerpt: str
    anchor: str
    payload: Payload | None
    origin: Origin | None
    defined: bool
    has_rule: bool
    fits: bool
    found: bool
    messages: list[Message] = field(default_factory=list)
    messages_unread: bool = False
    corrected_by: list[Correction] = field(default_factory=list)
    why_not_like: str = ""
    why_not_correct: str = ""
    changed: Changed | None = None

    @property
    def number(self) -> str:
        """The seq as text, which a template writes without a thought for thousands."""
        return str(self.seq)

    @property
    def icon(self) -> str:
        """The name of the drawing that says what kind of event it is."""
        if self.origin:
            return "undo" if self.origin.corrects else "person"
        return "in" if self.has_rule or not self.defined else "unknown"

    @property
    def remarked(self) -> bool:
        """Whether there is more to say of it than what it was and what it changed."""
        return bool(self.origin or self.corrected_by or self.messages)

    @property
    def unfolded(self) -> bool:
        return self.payload is not None


def rows(
    records: Sequence[Record],
    definition: FacetDefinition[Any] | None,
    *,
    sensitive: Sequence[str],
    state: Record | None = None,
    found: int | None = None,
    unfold: Container[int] = (),
    unread: Sequence[range] = (),
    changed: Mapping[tuple[int, str], Changed] | None = None,
    budget: Budget = BRIEF,
) -> list[TimelineRow]:
    """The records as rows, newest first.

    Args:
        records: of one entity, in history order: all of one seq or none, messages aside.
        sensitive: the paths that are masked; none where they were revealed.
        state: the STATE record, which a reason may quote.
        found: the seq that was looked for.
        unfold: the seqs whose rows have their payloads, beside those that do not fit their schema.
        unread: seqs whose messages are not among the records.
        changed: what events changed, by seq and type, as far as it is known.
        budget: how much of an unfolded payload is shown.
    """
    by_seq: dict[int, list[Record | None]] = {}
    messages: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        if record.kind == "OUTBOUND":
            messages[record.seq].append(record)
        else:
            by_seq.setdefault(record.seq, []).append(record)
    corrected = corrections_of(record for record in records if record.meta)
    alike: dict[str, list[Record]] = defaultdict(list)
    if sensitive:
        for record in records:
            if record.kind == "INBOUND":
                alike[record.typ].append(record)

    secrets = (
        [secret for data in data_of(state) for secret in secrets_of(data, sensitive)] if sensitive else []
    )

    def origin_of(record: Record, *corrected: Record) -> Origin | None:
        """Its reason may quote those like it, nearest first, and what stands in the state."""
        others = [*_nearest(alike[record.typ], record.seq), *corrected]
        return origin(record, sensitive=sensitive, others=others, secrets=secrets)

    made: list[TimelineRow] = []
    for seq in sorted(by_seq.keys() | messages.keys(), reverse=True):
        group = by_seq.get(seq, [None])
        for place, event in reversed(list(enumerate(group))):
            made.append(
                _row(
                    seq,
                    event,
                    place,
                    messages.get(seq, []) if place == len(group) - 1 else [],
                    definition,
                    [
                        _correction(each.seq, origin_of(each, *([event] if event else [])))
                        for each in (corrected.get(seq, []) if place == 0 else [])
                    ],
                    sensitive,
                    origin=origin_of(event) if event and event.meta else None,
                    found=seq == found,
                    unfold=seq in unfold,
                    unread=any(seq in part for part in unread),
                    budget=budget,
                    changed=(changed or {}).get((seq, event.typ)) if event else None,
                )
            )
    return made


def payload(
    record: Record, schema: type[BaseModel] | None, *, sensitive: Sequence[str], budget: Budget = USUAL
) -> Payload:
    """A record's payload or state in rows, by its schema where it fits, sensitive values masked; never raises.

    Where something is sensitive, what is not JSON or does not fit its schema is masked whole: what stands where in it
    is not known.
    """
    size = len(record.itm)
    raw = display.indented_text(record.itm, sensitive, budget.text)
    cut = budget.text is not None and len(raw) > budget.text
    try:
        data = record.data
    except InvalidRecord as error:
        return Payload([], raw, NOT_JSON if sensitive else error.reason, size, cut)
    if schema is None:
        # Of messages there is no schema. Without a single key, nothing says what a value is.
        secret = bool(sensitive) and not isinstance(data, Mapping)
        found = display.rows(MASKED if secret else mask(data, sensitive), most=budget.rows)
        return Payload(found, BULLETS if secret else raw, "", size, cut or len(found) > budget.rows)
    if problem := _problem(data, schema, sensitive):
        return Payload([], BULLETS if sensitive else raw, problem, size, cut)
    found = display.rows(mask(data, sensitive), schema, most=budget.rows)
    return Payload(found, raw, "", size, cut or len(found) > budget.rows)


def _problem(data: Any, schema: type[BaseModel], sensitive: Sequence[str]) -> str:
    """What the schema has against a payload; "" for nothing."""
    try:
        schema.model_validate(data)
    except ValidationError as error:
        problem = display.visible(redact(first_problem(error), sensitive, data))
        return f"Does not fit {schema.__name__}: {problem}"
    except Exception as error:  # noqa: BLE001  # a validator of the schema itself failed
        return f"{schema.__name__} cannot judge it: {type(error).__name__}"
    return ""


def origin(
    record: Record, *, sensitive: Sequence[str], others: Iterable[Record] = (), secrets: Iterable[Any] = ()
) -> Origin | None:
    """Who and why, of an event that was appended in the console; None for all others.

    The reason may quote the event, or `others`: what is sensitive in them is taken out of it, and all of `secrets`.
    """
    meta = meta_of(record)
    if not meta:
        return None
    actor, reason, ticket = (str(meta.get(name) or "") for name in ("actor", "reason", "ticket"))
    quoted = (data for each in (record, *others) for data in data_of(each))
    reason = redact(reason, sensitive, *quoted, *secrets)
    corrects = meta.get("corrects")
    return Origin(
        display.visible(actor) or "unknown",
        display.visible(reason),
        display.visible(ticket),
        ticket_url(ticket),
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
    """What the event did, in one line of hostile text made visible; masked as the definition says, or as given.

    Cut after LONGEST_SENTENCE characters: one of its fields may fill a record.
    """
    if definition is None:
        return display.visible(humanize(record.typ))
    try:
        data = record.data
    except InvalidRecord:
        data = None
    text = definition.sentence(record.typ, data, sensitive=sensitive)
    return display.visible(text if len(text) <= LONGEST_SENTENCE else f"{text[:LONGEST_SENTENCE]}…")


def _row(
    seq: int,
    record: Record | None,
    place: int,
    sent: list[Record],
    definition: FacetDefinition[Any] | None,
    corrected_by: list[Correction],
    sensitive: Sequence[str],
    *,
    origin: Origin | None,
    found: bool,
    unfold: bool,
    unread: bool,
    budget: Budget,
    changed: Changed | None,
) -> TimelineRow:
    event_type = definition.events.get(record.typ) if definition and record else None
    schema = event_type.schema if event_type else None
    fits = record is None or schema is None or _fits(record, schema)
    unfold = unfold or not fits
    return TimelineRow(
        seq=seq,
        record=record,
        sentence=sentence(record, definition, sensitive=sensitive) if record else "",
        excerpt=display.visible(mask_text(record.itm, sensitive)[:EXCERPT])
        if record and not event_type
        else "",
        anchor=f"event-{seq}" if place == 0 else f"event-{seq}-{place + 1}",
        payload=payload(record, schema, sensitive=sensitive, budget=budget) if record and unfold else None,
        origin=origin,
        defined=definition is not None,
        has_rule=event_type is not None,
        fits=fits,
        found=found,
        messages=[
            Message(
                message,
                display.visible(humanize(message.typ)),
                f"event-{seq}-out-{message.index}",
                payload(message, None, sensitive=sensitive, budget=budget) if unfold or not record else None,
            )
            for message in sent
        ],
        messages_unread=unread,
        corrected_by=corrected_by,
        why_not_like="" if event_type else NO_RULE,
        why_not_correct=why_not_correct(record, event_type) if record and unfold else "",
        changed=changed,
    )


def _fits(record: Record, schema: type[BaseModel]) -> bool:
    try:
        schema.model_validate(record.data)
    except Exception:  # noqa: BLE001  # not JSON, not of the schema, or a validator of the schema itself failed
        return False
    return True


def _correction(seq: int, origin: Origin | None) -> Correction:
    return Correction(seq, origin.reason if origin else "", origin.actor if origin else "unknown")


def _nearest(records: Sequence[Record], seq: int) -> list[Record]:
    """Those nearest to a seq: a reason says what was wrong before."""
    return sorted(records, key=lambda record: abs(record.seq - seq))[:20]


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
