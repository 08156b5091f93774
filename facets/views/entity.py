"""One entity: its state beside its history."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from facets import display, registry, timeline
from facets.core import Record
from facets.core.history import entity_faults
from facets.core.records import partition_key
from facets.http import HtmxRequest
from facets.masking import mask_text
from facets.stores import current_table
from facets.views.rights import control, require_view

# DynamoDB has no longer keys, and refuses to be asked for one.
LONGEST_KEY = 2048  # bytes of UTF-8


@require_safe
@vary_on_headers("HX-Request")
def entity(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """The state and one page of the history, newest first.

    `?event=SEQ` shows the page that holds the event, `?before=SEQ` the events below it, `?raw=RNG` one record as it
    is stored. 404: there is no such entity.
    """
    require_view(request, facet)
    records = read(facet, entity_id)
    if not records:
        return missing(request, facet, entity_id)
    definition = registry.get(facet)
    sensitive = definition.sensitive_fields if definition else ()
    if "raw" in request.GET:
        return _raw(records, request.GET["raw"], sensitive)
    found = _number(request.GET.get("event"))
    before = _number(request.GET.get("before"))
    page = timeline.page(records, definition, sensitive=sensitive, before=before, found=found)
    state = next((record for record in records if record.kind == "STATE"), None)
    context = {
        "facet": facet,
        "entity_id": entity_id,
        "definition": definition,
        "timeline": page,
        "state": state,
        "state_payload": timeline.payload(
            state, definition.state if definition else None, sensitive=sensitive
        )
        if state
        else None,
        "seq": state.seq if state else 0,
        "last": state or records[-1],
        "faults": entity_faults(records),
        "found": found if any(row.found for row in page.rows) else None,
        "not_found": found if found is not None and not any(row.found for row in page.rows) else None,
        "append": control(request, facet, "append"),
        "recalculate": control(request, facet, "recalculate"),
    }
    return render(request, "facets/_timeline.html" if request.htmx else "facets/entity.html", context)


def read(facet: str, entity_id: str) -> list[Record]:
    """All of an entity's records in history order; none where there is no such entity."""
    if len(partition_key(facet, entity_id).encode()) > LONGEST_KEY:
        return []
    return current_table().db(facet).get_records(entity_id)


def missing(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """404, with what the person may have meant."""
    definition = registry.get(facet)
    guesses = [entity_id.strip(), entity_id.strip().removeprefix(f"{facet}/"), entity_id.rstrip("/")]
    context = {
        "facet": facet,
        "entity_id": entity_id,
        "definition": definition,
        "guesses": list(dict.fromkeys(guess for guess in guesses if guess and guess != entity_id)),
        "append": control(request, facet, "append"),
    }
    return render(request, "facets/entity_missing.html", context, status=404)


def event_url(entity_url: str, seq: int) -> str:
    """An event's own link."""
    return f"{entity_url}?{urlencode({'event': seq})}#event-{seq}"


def _raw(records: list[Record], rng: str, sensitive: tuple[str, ...]) -> HttpResponse:
    record = next((record for record in records if record.rng == rng), None)
    if record is None:
        raise Http404("The entity has no such record.")
    attributes: dict[str, Any] = {
        f"_{name}": getattr(record, name)
        for name in ("id", "rng", "facet", "typ", "seq", "ts", "date", "itm", "meta")
        if getattr(record, name) is not None
    }
    for name in ("_itm", "_meta"):
        if name in attributes:
            attributes[name] = mask_text(attributes[name], sensitive)
    return HttpResponse(display.indented(attributes), content_type="text/plain; charset=utf-8")


def _number(text: str | None) -> int | None:
    """A seq out of an address; None for what cannot be one."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else None
