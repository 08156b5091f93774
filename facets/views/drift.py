"""The stored state beside what its events come to, on a page of its own: for a long history it takes a while."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from facets.entities.drift import drift
from facets.views.drift_context import shown
from facets.views.entity import missing
from facets.views.long_replay import end_of, entity_context, history_of, run, under_way
from facets.views.permissions import control, require_definition
from hdeadmin.htmx import HtmxRequest


@require_safe
def check(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """Replay the whole history and compare; `?anew=1` from its first event on. 404: there is no such entity."""
    definition = require_definition(request, facet, "view")
    history = history_of(definition, entity_id)
    end = end_of(history)
    if end is None:
        return missing(request, facet, entity_id)
    last, state = end
    anew = "anew" in request.GET
    if anew and "go" not in request.GET:
        history.shelf.forget()
    context = entity_context(definition, entity_id, "Is the stored state right?", region="drift")
    position = run(request, history, last)
    if not position.ended:
        return under_way(
            request,
            context,
            done=position.seq,
            of=last,
            go_on=request.get_full_path(),
            doing="Comparing the stored state with its events",
        )
    context["drift"] = shown(
        drift(history, position, state), definition, definition.sensitive_fields, entity_id
    )
    context["read_before"] = 0 if anew else position.begun
    context["drift_url"] = request.path
    context["recalculate"] = control(request, facet, "recalculate")
    return render(request, "facets/drift.html", context)
