"""One event, unfolded: its payload, what it published, its record, and what can be made of it."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from facets import registry
from facets.conf import current_table
from facets.entities import timeline
from facets.entities.effects import MOST_BEFORE, changed_by
from facets.entities.reader import Reader
from facets.views.entity import event_url, fits_a_key
from facets.views.long_replay import history_of
from facets.views.permissions import control, require_view
from hdeadmin.htmx import HtmxRequest


@require_safe
@vary_on_headers("HX-Request")
def event(request: HtmxRequest, facet: str, seq: int, entity_id: str) -> HttpResponse:
    """To htmx, what a row of the timeline unfolds; to others, the way to the row among its neighbours.

    `?row=ANCHOR` tells events of one seq apart; `?all=1` shows long payloads whole. 404: there is no such event.
    """
    require_view(request, facet)
    if not request.htmx:
        return redirect(event_url(reverse("entity", args=[facet, entity_id]), seq))
    definition = registry.get(facet)
    sensitive = definition.sensitive_fields if definition else ()
    reader = Reader(current_table().db(facet), entity_id, definition.events if definition else ())
    history = history_of(definition, entity_id) if definition else None
    rows = timeline.rows(
        reader.one(seq) if fits_a_key(facet, entity_id) else [],
        definition,
        sensitive=sensitive,
        unfold={seq},
        changed=changed_by(history, seq, sensitive, most=MOST_BEFORE) if history and seq else None,
        budget=timeline.WHOLE if "all" in request.GET else timeline.BRIEF,
    )
    asked = request.GET.get("row")
    row = next((row for row in rows if asked in (None, row.anchor)), None)
    if row is None or row.record is None:
        raise Http404("There is no such event.")
    context = {
        "facet": facet,
        "entity_id": entity_id,
        "entity_url": reverse("entity", args=[facet, entity_id]),
        "definition": definition,
        "row": row,
        "append": control(request, facet, "append"),
    }
    return render(request, "facets/_event_detail.html", context)
