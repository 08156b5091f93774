"""Append one event to an entity, or begin a new one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from facets import corrections, timeline
from facets.core import Event, FacetError, Record, SequenceConflict, StoreUnavailable, TableNotFound
from facets.core.store import new_operation_id
from facets.corrections import RuleRefused
from facets.definition import EventType, FacetDefinition
from facets.display import visible
from facets.forms.event_form import EventForm, form_for
from facets.stores import current_table
from facets.views.entity import event_url, read
from facets.views.rights import require_definition


@require_http_methods(["GET", "HEAD", "POST"])
def append(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """Ask for one event of the type `?type=…` and append it to the entity as it was at the seq that was seen.

    422: the form has mistakes, or the rule refused. 409: the entity has moved on. 503: the table did not answer.
    In all of them nothing was written (503: as far as is known) and nothing typed is lost.
    """
    definition = require_definition(request, facet, "append")
    event_type = _chosen(definition, request.GET.get("type"))
    page = _Page(request, definition, entity_id, event_type)
    if request.method != "POST":
        return page.render()
    if event_type is None:
        raise Http404("Choose the type of the event first.")
    form = page.form = form_for(event_type.schema)(request.POST)
    seen_seq, operation_id = seen(request)
    if not form.is_valid():
        return page.render(seen_seq=seen_seq, operation_id=operation_id, status=422)
    try:
        receipt = corrections.apply(
            definition.facet(current_table().db(facet)),
            entity_id,
            Event(event_type.type, form.event_data),
            seen_seq=seen_seq,
            actor=request.user.get_username(),
            operation_id=operation_id,
        )
    except SequenceConflict as conflict:
        return page.render(conflict=conflict, status=409)
    except (StoreUnavailable, TableNotFound) as error:
        return page.render(seen_seq=seen_seq, operation_id=operation_id, outage=error, status=503)
    except RuleRefused as refusal:
        form.add_error(None, f"The rule refused this event: {visible(str(refusal))}. Nothing was written.")
        return page.render(seen_seq=seen_seq, status=422)
    except FacetError as error:
        form.add_error(None, f"{visible(str(error))} Nothing was written.")
        return page.render(seen_seq=seen_seq, status=422)
    done = "was appended before" if receipt.repeated else "appended"
    messages.success(request, f"{event_type.title}: {done} as event {receipt.seq}.")
    return HttpResponseRedirect(event_url(reverse("entity", args=[facet, entity_id]), receipt.seq))


@require_safe
def new_entity(request: HttpRequest, facet: str) -> HttpResponse:
    """Ask for the id of a new entity; `?id=…` goes on to its first event."""
    definition = require_definition(request, facet, "append")
    if entity_id := request.GET.get("id", ""):
        return redirect("append", facet, entity_id)
    return render(request, "facets/new_entity.html", {"facet": facet, "definition": definition})


class _Page:
    """The append page, whatever it has come to."""

    def __init__(
        self,
        request: HttpRequest,
        definition: FacetDefinition[Any],
        entity_id: str,
        event_type: EventType | None,
    ) -> None:
        self.request = request
        self.definition = definition
        self.entity_id = entity_id
        self.event_type = event_type
        self.form: EventForm | None = form_for(event_type.schema)() if event_type else None

    def render(
        self,
        *,
        seen_seq: int | None = None,
        operation_id: str | None = None,
        conflict: SequenceConflict | None = None,
        outage: FacetError | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Render the page, bound to `seen_seq`, or to the entity's present seq where that is not given."""
        records: list[Record] = [] if outage else read(self.definition.name, self.entity_id)
        state = next((record for record in records if record.kind == "STATE"), None)
        seq = seen_seq if seen_seq is not None else state.seq if state else 0
        arrived = [
            (record, timeline.sentence(record, self.definition))
            for record in records
            if conflict and record.kind == "INBOUND" and record.seq > conflict.expected_seq
        ]
        context = {
            "facet": self.definition.name,
            "definition": self.definition,
            "entity_id": self.entity_id,
            "event_type": self.event_type,
            "form": self.form,
            "seq": seq,
            "operation_id": operation_id or new_operation_id(),
            "is_new": not records and not outage,
            "state": state,
            "state_payload": timeline.payload(state, self.definition.state) if state else None,
            "conflict": conflict,
            "arrived": arrived[-20:],
            "arrived_count": len(arrived),
            "outage": outage,
            "maybe_written": isinstance(outage, StoreUnavailable) and outage.maybe_written,
        }
        return render(self.request, "facets/append.html", context, status=status)


def _chosen(definition: FacetDefinition[Any], type: str | None) -> EventType | None:
    """The event type of that name; the only one there is, if none was named."""
    if type is None:
        return next(iter(definition.events.values())) if len(definition.events) == 1 else None
    if type not in definition.events:
        raise Http404(f"{definition.title} have no event of type {visible(type)}.")
    return definition.events[type]


def seen(request: HttpRequest) -> tuple[int, str]:
    """The seq that the person saw, and the id of their form.

    Raises:
        PermissionDenied: one of them is missing or altered, so that the form is not one of ours.
    """
    seq, operation_id = request.POST.get("seq", ""), request.POST.get("operation_id", "")
    try:
        if not (seq.isascii() and seq.isdecimal() and len(seq) < 20):
            raise ValueError
        return int(seq), str(UUID(operation_id))
    except ValueError:
        raise PermissionDenied("The form was altered on its way. Open it again.") from None
