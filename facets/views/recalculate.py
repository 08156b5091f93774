"""Make one entity's state again from its history: first what would change, then the change."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from facets import display, recalculations
from facets.core import InvalidRecord, SequenceConflict
from facets.core.store import new_operation_id
from facets.corrections import RuleRefused
from facets.stores import current_table
from facets.views.append import seen
from facets.views.entity import missing
from facets.views.rights import require_definition


@require_http_methods(["GET", "HEAD", "POST"])
def recalculate(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """Show the stored state against a replay; on POST write the replayed one, if the entity is at the seq seen.

    409: the entity has moved on. 422: the rules refuse its history. Nothing was written in both.
    """
    definition = require_definition(request, facet, "recalculate")
    engine = definition.facet(current_table().db(facet))
    context = {"facet": facet, "entity_id": entity_id, "definition": definition}
    conflict: SequenceConflict | None = None
    try:
        if request.method == "POST":
            seen_seq, operation_id = seen(request)
            try:
                done = recalculations.apply(engine, entity_id, seen_seq=seen_seq, operation_id=operation_id)
            except SequenceConflict as error:
                conflict = error
            else:
                if done is None:
                    return missing(request, facet, entity_id)
                if done.would_write:
                    messages.success(request, f"Recalculated from {done.events_read:,} events.")
                else:
                    messages.info(request, "The stored state was right already; nothing was written.")
                return HttpResponseRedirect(reverse("entity", args=[facet, entity_id]))
        outcome = recalculations.preview(engine, entity_id)
    except (RuleRefused, InvalidRecord) as refusal:
        reason = display.visible(str(refusal))
        status = 422 if request.method == "POST" else 200
        return render(request, "facets/recalculate.html", {**context, "refusal": reason}, status=status)
    if outcome is None:
        return missing(request, facet, entity_id)
    context |= {
        "outcome": outcome,
        "changes": display.changes(outcome.changes, definition.label),
        "conflict": conflict,
        "operation_id": new_operation_id(),
    }
    return render(request, "facets/recalculate.html", context, status=409 if conflict else 200)
