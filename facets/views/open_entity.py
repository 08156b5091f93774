"""The search box: from a facet and an id to the entity's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from hdeadmin import limits

# Faster than anybody types, slower than somebody who tries ids one after the other.
TIMES, SECONDS = 60, 60


@require_safe
def open_entity(request: HttpRequest) -> HttpResponse:
    """Go to `?facet=…&id=…`, the id exactly as it was typed; whether there is one, its page says."""
    if not limits.allow(request, "search", times=TIMES, seconds=SECONDS):
        return limits.too_many(request)
    facet, entity_id = request.GET.get("facet", ""), request.GET.get("id", "")
    if not facet:
        messages.error(request, "Choose a facet to open an id of.")
        return redirect("home")
    if not entity_id:
        return redirect("facet", facet)
    return HttpResponseRedirect(reverse("entity", args=[facet, entity_id]))
