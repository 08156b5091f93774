"""Append events to an entity, or begin a new one: draft, preview, confirm. Its receipt is a page of its own."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from facets.changes import append, preview_token
from facets.changes.append import Preview, RuleRefused, StateChanged
from facets.changes.audited_write import announcing
from facets.changes.drafts import Draft, Slot, UnknownType
from facets.changes.preview_token import ConfirmationRefused, Promise
from facets.changes.warnings import cautions
from facets.conf import current_table
from facets.core import FacetError, InvalidRecord, Record, SequenceConflict, StoreUnavailable, TableNotFound
from facets.core.facet import Facet
from facets.core.records import inbound_record
from facets.core.store import new_operation_id
from facets.definitions import display
from facets.definitions.definition import FacetDefinition, in_words
from facets.definitions.masking import leave_out, mask, mask_unknown
from facets.definitions.serialization import to_stored
from facets.entities import metadata, timeline
from facets.views.entity import LONGEST_KEY
from facets.views.permissions import require_definition
from hdeadmin import ratelimit
from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable

logger = structlog.get_logger(__name__)

SHORTEST_REASON, LONGEST_REASON = 5, 500  # characters
MAX_ARRIVED = 20  # events shown on a conflict

# Where something is masked; nobody who corrects by hand comes near it.
_PREVIEWS, _PREVIEWS_SECONDS = 100, 10 * 60


@require_http_methods(["GET", "HEAD", "POST"])
def append_events(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """Put events together, see what they would do, and append them to the entity as it was seen then.

    `?type=…` begins with an event of that type, `?like=SEQ` with a copy of an event, `?correct=SEQ` with the event
    that takes another back. A POST carries the whole draft and, in `_action`, the button that was pressed;
    without one it is previewed.

    429: too many previews. 422: the draft has mistakes, or a rule refuses it. 409: the entity is not as it was seen.
    403: the confirmation is not one to be used. 503: the table did not answer. In all of them nothing typed is lost,
    and nothing was written unless the page says that it may have been.
    """
    definition = require_definition(request, facet, "append")
    flow = _Flow(request, definition, entity_id)
    if request.method != "POST":
        return flow.begin()
    try:
        flow.draft = Draft.read(definition, request.POST)
    except UnknownType as error:
        raise Http404(f"{definition.title} have no event of type {display.visible(error.type)}.") from None
    try:
        match request.POST.get("_action", ""):
            case "confirm":
                return flow.confirm()
            case "" | "preview":
                return flow.preview()
            case "edit":
                return flow.show_draft()
            case "renew":
                # Another append than the one that has been made of this draft, or that met a conflict.
                flow.draft.operation_id = new_operation_id()
                return flow.preview()
            case action:
                flow.draft = flow.draft.act(action)
                return flow.show_draft()
    except AuditUnavailable:
        logger.exception("nothing could be put on record, so nothing was done")
        return flow.unrecorded()


@require_safe
def new_entity(request: HttpRequest, facet: str) -> HttpResponse:
    """Ask for the id of a new entity; `?id=…` goes on to its first event. 422: there is one, or it cannot be an id."""
    definition = require_definition(request, facet, "append")
    context: dict[str, Any] = {"facet": facet, "definition": definition}
    if not (entity_id := request.GET.get("id", "")):
        return render(request, "facets/new_entity.html", context)
    context["entity_id"] = entity_id
    try:
        inbound_record(facet, entity_id, 1, "", "", 0)
    except InvalidRecord as error:
        return render(request, "facets/new_entity.html", context | {"refusal": error.reason}, status=422)
    if current_table().db(facet).get_log(entity_id).seq:
        return render(request, "facets/new_entity.html", context | {"taken": True}, status=422)
    return redirect("append", facet, entity_id)


@dataclass(frozen=True, slots=True)
class _Typed:
    """The reason and the ticket as they were typed, and what is wrong with them."""

    reason: str = ""
    ticket: str = ""
    reason_error: str = ""
    ticket_error: str = ""


class _Flow:
    """One request's step from a draft to a confirmation."""

    def __init__(self, request: HttpRequest, definition: FacetDefinition[Any], entity_id: str) -> None:
        self.request = request
        self.definition = definition
        self.sensitive = definition.sensitive_fields
        self.entity_id = entity_id
        self.engine: Facet = definition.facet(current_table().db(definition.name))
        self.draft = Draft(definition)

    def begin(self) -> HttpResponse:
        """The page of a new draft."""
        asked = self.request.GET
        if "like" in asked or "correct" in asked:
            return self._begin_from(
                asked.get("like") or asked.get("correct") or "", correct="correct" in asked
            )
        type = asked.get("type")
        if type is None and len(self.definition.events) == 1:
            type = next(iter(self.definition.events))
        if type is not None:
            self._add(type)
        return self.show_draft()

    def show_draft(self, *, problem: str = "", notice: str = "", status: int = 200) -> HttpResponse:
        """The draft, to be worked on, beside the entity's state as it is now."""
        state: Record | None = None
        is_new = outage = False
        try:
            stored = append.read_state(self.engine, self.entity_id) if self._fits_a_key() else None
            state, is_new = stored.record if stored else None, stored is None
        except InvalidRecord as error:
            problem = problem or error.reason
        except (StoreUnavailable, TableNotFound):
            if self.request.method != "POST":
                raise
            outage = True
        if self.draft.posted is None:
            self.draft.since = state.seq if state else 0
        context = {
            **self._frame(),
            "is_new": is_new,
            "state": state,
            "seq": state.seq if state else 0,
            "state_payload": timeline.payload(state, self.definition.state, sensitive=self.sensitive)
            if state
            else None,
            "outage": outage,
            "mistakes": self._mistakes(),
            "problem": problem,
            "notice": notice,
        }
        return render(self.request, "facets/append.html", context, status=status)

    def preview(self) -> HttpResponse:
        """What the draft would do."""
        if not self.draft.slots:
            return self.show_draft(
                problem="There is nothing to preview yet. Choose what happened.", status=422
            )
        if not self.draft.is_valid():
            return self.show_draft(status=422)
        # A preview tells whether a value that was typed is the masked one: the field would not change.
        if self.sensitive and not ratelimit.allow(
            self.request, "preview", times=_PREVIEWS, seconds=_PREVIEWS_SECONDS
        ):
            response = self.show_draft(
                problem="Too many previews of entities with masked values. Wait some minutes, then go on.",
                status=429,
            )
            return ratelimit.say_when(self.request, response)
        try:
            preview = append.preview(self.engine, self.entity_id, self.draft.events)
            if preview.seq > self.draft.since and (done := self._appended()):
                return self._stopped("done", status=200, done=done)
        except (StoreUnavailable, TableNotFound) as error:
            return self._stopped("outage", status=503, error=error)
        except FacetError as error:
            reason = error.reason if isinstance(error, InvalidRecord) else str(error)
            return self.show_draft(problem=reason, status=422)
        self._record(
            "preview",
            result="refused" if preview.failed else "ok",
            operation_id=self.draft.operation_id,
            seq_before=preview.seq,
            seq_after=preview.last_seq,
            details={"of": "append", "events": [effect.event.type for effect in preview.effects]},
        )
        return self._show_preview(preview)

    def confirm(self) -> HttpResponse:
        """Append what was previewed, if it is what this person saw, with a reason."""
        posted = self.request.POST
        typed = self._typed()
        try:
            promise = preview_token.read(
                posted.get("promise", ""),
                person=str(self.request.user.pk),
                action="append",
                facet=self.definition.name,
                id=self.entity_id,
            )
            if promise.draft != self.draft.fingerprint():
                raise ConfirmationRefused("What was sent is not what was previewed. Look at a fresh preview.")
        except ConfirmationRefused as refusal:
            self._record("confirm-refused", result="refused", details={"of": "append", "why": str(refusal)})
            return self._stopped("refused", status=403, reason=str(refusal), typed=typed)
        self.draft.operation_id = promise.operation_id
        if typed.reason_error or typed.ticket_error:
            return self._ask_again(promise, typed)
        try:
            receipt = append.apply(
                self.engine,
                self.entity_id,
                promise.events,
                seen_seq=promise.seq,
                seen_state=promise.state,
                actor=self.request.user.get_username(),
                reason=typed.reason,
                ticket=typed.ticket,
                operation_id=promise.operation_id,
                announce=announcing(self.definition.sensitive_fields, request=self.request),
            )
        except AuditUnavailable:
            logger.exception("the intent could not be put on record, so nothing was written")
            return self.unrecorded(promise, typed)
        except (SequenceConflict, StateChanged) as error:
            return self._conflict(promise, error, typed)
        except (StoreUnavailable, TableNotFound) as error:
            return self._stopped("outage", status=503, error=error, promise=promise, typed=typed)
        except RuleRefused as error:
            return self._stopped("rules", status=409, reason=str(error), typed=typed)
        except FacetError as error:
            reason = error.reason if isinstance(error, InvalidRecord) else str(error)
            return self._stopped("rules", status=409, reason=reason, typed=typed)
        if receipt.repeated:
            # What was appended before stays appended, whether this is on record or not.
            with suppress(AuditUnavailable):
                self._record(
                    "confirm-refused",
                    result="repeated",
                    operation_id=promise.operation_id,
                    details={"of": "append", "why": "It had been appended before."},
                )
        url = reverse("receipt", args=[self.definition.name, promise.operation_id, self.entity_id])
        query = {"seq": receipt.last_seq} | ({"again": 1} if receipt.repeated else {})
        return HttpResponseRedirect(f"{url}?{urlencode(query)}")

    def unrecorded(self, promise: Promise | None = None, typed: _Typed | None = None) -> HttpResponse:
        """503: what cannot be put on record is not done."""
        return self._stopped("unrecorded", status=503, promise=promise, typed=typed or self._typed())

    def _record(self, action: str, **facts: Any) -> None:
        log.record(action, request=self.request, facet=self.definition.name, entity=self.entity_id, **facts)

    def _add(self, type: str, *args: Any, **kwargs: Any) -> None:
        try:
            self.draft.add(type, *args, **kwargs)
        except UnknownType:
            raise Http404(f"{self.definition.title} have no event of type {display.visible(type)}.") from None

    def _begin_from(self, seq: str, *, correct: bool) -> HttpResponse:
        """A draft that begins with a copy of an event, or with what takes it back."""
        number = int(seq) if seq.isascii() and seq.isdecimal() and len(seq) < 20 else 0
        event = append.event_at(self.engine, self.entity_id, number) if self._fits_a_key() else None
        if event is None:
            raise Http404(f"There is no event {display.visible(seq)[:40]}.")
        event_type = self.definition.events.get(event.typ)
        if event_type is None:
            return self.show_draft(problem=timeline.NO_RULE)
        if (corrects := number if correct else None) is None:
            if refusal := timeline.why_not_copy(event, event_type, sensitive=self.sensitive):
                return self.show_draft(problem=refusal)
            type, initial = event.typ, event.data
        else:
            if refusal := timeline.why_not_correct(event, event_type):
                return self.show_draft(problem=refusal)
            assert event_type.compensate is not None  # noqa: S101 - it would have been the refusal
            try:
                type, model = event_type.compensate(event_type.schema.model_validate(event.data))
                initial = to_stored(model)
            except Exception as error:
                logger.warning("compensate failed", type=event.typ, exc_info=error)
                words = display.visible(in_words(self.definition.processor, error, event.data))
                return self.show_draft(
                    problem=f"What would take event {number} back could not be made: {words}"
                )
        initial, left_out = leave_out(initial, self.sensitive, event.data)
        self._add(type, initial, corrects=corrects)
        notices = []
        if corrects:
            since = append.arrived_since(self.engine, self.entity_id, number)
            if earlier := metadata.corrections_of(since).get(number):
                notices.append(
                    f"Event {number} was corrected by event {earlier[-1].seq} already. Look at it before you correct "
                    "it again."
                )
        if left_out:
            labels = display.visible(", ".join(self.definition.label(key) for key in left_out))
            notices.append(f"Sensitive values were not copied; fill in what belongs there: {labels}.")
        return self.show_draft(notice=" ".join(notices))

    def _typed(self) -> _Typed:
        reason = self.request.POST.get("reason", "").replace("\r\n", "\n").strip()
        ticket = self.request.POST.get("ticket", "").strip()
        reason_error = ""
        if len(reason) < SHORTEST_REASON:
            reason_error = f"Say why, in at least {SHORTEST_REASON} characters."
        elif len(reason) > LONGEST_REASON:
            reason_error = f"At most {LONGEST_REASON} characters; this has {len(reason)}."
        return _Typed(reason, ticket, reason_error, metadata.ticket_problem(ticket))

    def _ask_again(self, promise: Promise, typed: _Typed) -> HttpResponse:
        """The same preview with what is wrong about the reason; another one if the entity is not as it was seen."""
        try:
            preview = append.preview(self.engine, self.entity_id, promise.events)
        except (StoreUnavailable, TableNotFound) as error:
            return self._stopped("outage", status=503, error=error, promise=promise, typed=typed)
        except FacetError as error:
            return self._stopped("rules", status=409, reason=str(error), typed=typed)
        if (preview.seq, preview.state) != (promise.seq, promise.state):
            conflict: SequenceConflict | StateChanged = StateChanged()
            if preview.seq != promise.seq:
                conflict = SequenceConflict(self.entity_id, expected_seq=promise.seq, actual_seq=preview.seq)
            return self._conflict(promise, conflict, typed)
        return self._show_preview(preview, typed=typed, status=422)

    def _show_preview(
        self, preview: Preview, *, typed: _Typed | None = None, status: int = 200
    ) -> HttpResponse:
        promise = Promise(
            person=str(self.request.user.pk),
            action="append",
            facet=self.definition.name,
            id=self.entity_id,
            seq=preview.seq,
            operation_id=self.draft.operation_id,
            events=tuple(effect.event for effect in preview.effects),
            state=preview.state,
            draft=self.draft.fingerprint(),
        )
        typed = typed or _Typed(self.request.POST.get("reason", ""), self.request.POST.get("ticket", ""))
        context = {
            **self._frame(),
            "preview": preview,
            "changes": display.changes(
                preview.changes,
                self.definition.label,
                sensitive=self.sensitive,
                heading=self.definition.heading,
            ),
            "after": display.rows(mask(preview.after, self.sensitive), self.definition.state),
            "effects": [self._effect(place, effect) for place, effect in enumerate(preview.effects, start=1)],
            "cautions": cautions(self.definition, preview),
            "promise": "" if preview.failed else promise.sign(),
            "typed": typed,
            "first_seq": preview.seq + 1,
            "seq": preview.seq,
            "minutes": preview_token.VALID_SECONDS // 60,
            "shortest_reason": SHORTEST_REASON,
            "longest_reason": LONGEST_REASON,
        }
        return render(self.request, "facets/preview.html", context, status=422 if preview.failed else status)

    def _effect(self, place: int, effect: append.Effect) -> dict[str, Any]:
        event_type = self.definition.events[effect.event.type]
        return {
            "place": place,
            "title": event_type.title,
            "sentence": display.visible(self.definition.sentence(effect.event.type, effect.event.data)),
            "rows": display.rows(mask(effect.event.data, self.sensitive), event_type.schema),
            "corrects": effect.event.corrects,
            "changes": display.changes(
                effect.changes,
                self.definition.label,
                sensitive=self.sensitive,
                heading=self.definition.heading,
            ),
            "messages": [
                {
                    "type": message.type,
                    "rows": display.rows(mask_unknown(message.data, self.sensitive)),
                    "raw": display.indented(mask_unknown(message.data, self.sensitive)),
                }
                for message in effect.messages
            ],
            "error": display.visible(effect.error),
            "reached": effect.reached,
        }

    def _conflict(
        self, promise: Promise, error: SequenceConflict | StateChanged, typed: _Typed
    ) -> HttpResponse:
        """409, with what has arrived since the preview, if the table says."""
        arrived: list[Record] = []
        try:
            arrived = append.arrived_since(self.engine, self.entity_id, promise.seq)
        except FacetError:
            logger.warning("what arrived since cannot be read", exc_info=True)
        return self._stopped(
            "recalculated" if isinstance(error, StateChanged) else "conflict",
            status=409,
            error=error if isinstance(error, SequenceConflict) else None,
            typed=typed,
            arrived=arrived,
        )

    def _mistakes(self) -> list[tuple[int, Slot]]:
        """Which of several events are wrong, by their places; a single one says so itself."""
        slots = list(enumerate(self.draft.slots, start=1))
        return [(place, slot) for place, slot in slots if len(slots) > 1 and slot.form.shown_errors]

    def _appended(self) -> list[Record]:
        """What has been appended of this draft before: the browser went back, and sent it again."""
        arrived = append.arrived_since(self.engine, self.entity_id, self.draft.since)
        return metadata.appended_by(arrived, self.draft.operation_id)

    def _stopped(
        self,
        why: str,
        *,
        status: int,
        reason: str = "",
        error: FacetError | None = None,
        promise: Promise | None = None,
        typed: _Typed | None = None,
        arrived: list[Record] | None = None,
        done: list[Record] | None = None,
    ) -> HttpResponse:
        """A page that says what was not written and why, and keeps the draft. It reads nothing."""
        arrived = arrived or []
        context = {
            **self._frame(),
            "why": why,
            "reason": display.visible(reason),
            "error": error,
            "maybe_written": isinstance(error, StoreUnavailable) and error.maybe_written,
            "missing_table": isinstance(error, TableNotFound),
            "promise": promise.sign() if promise else "",
            "typed": typed or _Typed(),
            "status": status,
            "arrived": [
                (
                    record.seq,
                    timeline.sentence(record, self.definition),
                    record.ts,
                    timeline.origin(record, sensitive=self.sensitive, others=arrived[-MAX_ARRIVED:]),
                )
                for record in arrived[-MAX_ARRIVED:]
            ],
            "arrived_before": max(0, len(arrived) - MAX_ARRIVED),
            "done": done,
            "sentences": [self._sentence(slot) for slot in self.draft.slots],
        }
        response = render(self.request, "facets/append_stopped.html", context, status=status)
        if status == 503:
            response.headers["Retry-After"] = "10"
        return response

    def _sentence(self, slot: Slot) -> str:
        data = slot.form.value if slot.form.is_valid() else slot.form.draft()
        return display.visible(self.definition.sentence(slot.event_type.type, data))

    def _frame(self) -> dict[str, Any]:
        return {
            "facet": self.definition.name,
            "definition": self.definition,
            "entity_id": self.entity_id,
            "draft": self.draft,
            "here": reverse("append", args=[self.definition.name, self.entity_id]),
        }

    def _fits_a_key(self) -> bool:
        return len(f"{self.definition.name}/{self.entity_id}".encode(errors="replace")) <= LONGEST_KEY
