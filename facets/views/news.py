"""Whether an entity has events that its page does not show yet."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from facets.stores import current_table
from facets.views.entity import fits_a_key, number
from facets.views.rights import require_view


@require_safe
def news(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """How many events came after `?since=SEQ`, as a link to see them; 204 where there are none. One small read."""
    require_view(request, facet)
    since = number(request.GET.get("since"))
    state = current_table().db(facet).get_state(entity_id) if fits_a_key(facet, entity_id) else None
    if since is None or state is None or state.seq <= since:
        return HttpResponse(status=204)
    context = {"count": state.seq - since, "entity_url": reverse("entity", args=[facet, entity_id])}
    return render(request, "facets/_news.html", context)
