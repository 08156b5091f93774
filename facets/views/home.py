"""The overview: every facet that the person may view, how it has been, and what is known to be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from facets import directory, registry
from facets.conf import current_table
from facets.definitions import FacetDefinition
from facets.directory import Freshness
from facets.jobs import verify
from facets.views import overview
from facets.views.freshness import unindexed
from facets.views.overview import Activity
from facets.views.permissions import may
from facets.views.search import viewable
from hdeadmin.permissions.permissions import administrators, scope


@dataclass(slots=True)
class FacetCard:
    """One facet. What the directory tells is None where it does not know the facet yet.

    `freshness` is None too where it is that of all facets.
    """

    name: str
    definition: FacetDefinition[Any] | None
    corrections: int
    may_audit: bool
    freshness: Freshness | None = None
    entities: int | None = None
    activity: Activity | None = None
    drifted: int = 0
    verified_at: int | None = None


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A card for each facet, out of the console's own database; the table itself is not read."""
    names = viewable(request)
    corrected = overview.corrections(names)
    found = directory.found()
    drifted = verify.counts(found.values())
    freshness = directory.freshness_of_all(names)
    cards = []
    for name in names:
        card = FacetCard(name, registry.get(name), corrected.get(name, 0), may(request, name, "audit"))
        if directory.knows(name):
            row = found.get(name)
            own = directory.freshness(name)
            if not own.live and (own.as_of, own.outdated) != (freshness.as_of, freshness.outdated):
                card.freshness = own
            card.entities = row.entities if row else 0
            card.activity = overview.activity(row)
            card.drifted = drifted.get(name, 0)
            card.verified_at = row.verified_at if row else None
        cards.append(card)
    context = {
        "cards": cards,
        "table": current_table().name,
        "freshness": freshness,
        "outdated": directory.outdated(names),
        "today": timezone.localdate(),
        **unindexed([card.name for card in cards if card.entities is None]),
        "may_see": bool(scope(request.user, "view")),
        "administrators": [] if cards else administrators(),
    }
    return render(request, "facets/home.html", context)
