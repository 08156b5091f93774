"""Whether an entity has moved on from what its page shows."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from facets.conf import current_table
from facets.views.entity import fits_a_key, number
from facets.views.permissions import require_view


@require_safe
def news(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """How many events came after `?since=SEQ`, as a link to see them; 204 where there is nothing new. One small read.

    `&state=TS` is when the state that is shown was written, "" for none: another one is news too, though no event
    came. Whoever appends an event writes STATE with it, so it is all that is looked at.
    """
    require_view(request, facet)
    since = number(request.GET.get("since"))
    if since is None or not fits_a_key(facet, entity_id):
        return HttpResponse(status=204)
    state = current_table().db(facet).get_state(entity_id)
    count = max(0, state.seq - since) if state else 0
    written = str(state.ts) if state else ""
    if not count and request.GET.get("state", written) == written:
        return HttpResponse(status=204)
    context = {"count": count, "entity_url": reverse("entity", args=[facet, entity_id])}
    return render(request, "facets/_news.html", context)
