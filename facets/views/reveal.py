"""The entity's page with its sensitive values shown, this once: for a reason, and on record before they leave."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from facets import registry
from facets.conf import current_table
from facets.definitions.masking import redact
from facets.entities.reader import Reader
from facets.entities.stored_text import data_of
from facets.views.entity import Asked, fits_a_key, history_context, missing, read_page, state_context
from facets.views.permissions import require
from hdeadmin.audit.log import record

SHORTEST_REASON, LONGEST_REASON = 5, 500  # characters
LONGEST_QUERY = 4_000


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """A POST with a `reason` shows the entity at the place in its history that `query`, its page's own, names.

    There is no address that reveals: a GET leads to the masked page. 422: the reason will not do; nothing is shown.
    503: it cannot be put on record; nothing is shown.
    """
    require(request, facet, "reveal")
    definition = registry.get(facet)
    place = QueryDict(request.POST.get("query", "")[:LONGEST_QUERY])
    query = place.urlencode()
    entity_url = reverse("entity", args=[facet, entity_id])
    if request.method != "POST" or definition is None or not definition.sensitive_fields:
        return redirect(f"{entity_url}?{query}" if query else entity_url)
    if not fits_a_key(facet, entity_id):
        return missing(request, facet, entity_id)
    masked = definition.sensitive_fields
    asked = Asked.of(place)
    reader = Reader(current_table().db(facet), entity_id, definition.events)
    reading = read_page(reader, asked, definition)
    if not reading.exists:
        return missing(request, facet, entity_id)
    reason = " ".join(request.POST.get("reason", "").split())
    problem = ""
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        problem = f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters; it has {len(reason)}."
        sensitive = masked
    else:
        seqs = [each.seq for each in reading.records]
        record(
            "reveal",
            request=request,
            facet=facet,
            entity=entity_id,
            reason=redact(reason, masked, *data_of(reading.state)),
            details={
                "fields": list(masked),
                "from_seq": min(seqs, default=0),
                "to_seq": max(seqs, default=0),
            },
        )
        sensitive = ()
    context = history_context(request, facet, entity_id, asked, reading, sensitive, unfold=not problem)
    context |= state_context(request, facet, asked, reading, sensitive, context["rows"])
    context |= {
        "reveal_query": query,
        "reveal_reason": reason,
        "reveal_problem": problem,
        "revealed": "" if problem else reason,
    }
    return render(request, "facets/entity.html", context, status=422 if problem else 200)
