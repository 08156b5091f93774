"""Search over all facets that a person may view: the palette of every page, and the page of results."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from facets import directory, registry
from facets.conf import current_table
from facets.definitions import FacetDefinition
from facets.directory import id_lookup
from facets.directory.normalize import unstyled, words_of
from facets.directory.queries import Row
from facets.lists.cells import ListedEntity, listed
from facets.lists.columns import columns
from facets.lists.filters import LONGEST
from facets.lists.rows import row_of
from facets.views.freshness import unindexed
from facets.views.permissions import may
from hdeadmin import ratelimit
from hdeadmin.htmx import HtmxRequest

PALETTE, PAGE = 12, 50  # results

# A search as somebody types is a few a second; more than this is no person.
_TIMES, _SECONDS = 60, 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One entity found. `exact`: what was typed is its id."""

    facet: str
    definition: FacetDefinition[Any] | None
    listed: ListedEntity
    exact: bool


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def search(request: HtmxRequest) -> HttpResponse:
    """What `?q=…` finds: entities with just this id first, then those that hold all of its words.

    `?in=FACET` looks into one facet only. Asked for as a page, an id that one facet alone has opens its entity.
    429: too often.
    """
    palette = request.htmx and request.htmx.target == "palette"
    if not allow_search(request):
        return (
            render(request, "facets/_palette.html", {"too_many": True}, status=429)
            if palette
            else ratelimit.too_many(request)
        )
    text = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST]
    if not text:
        return render(request, "facets/_palette.html" if palette else "facets/search.html")
    facets = viewable(request)
    only = request.GET.get("in", "")
    asked = [facet for facet in facets if facet == only] if only else facets
    looked = id_lookup.by_id(current_table(), text, asked)
    if not palette and len(looked.found) == 1 and "all" not in request.GET:
        [state] = looked.found
        return HttpResponseRedirect(reverse("entity", args=[state.facet, state.entity_id]))
    limit = PALETTE if palette else PAGE
    meant = [] if looked.found else _meant(text, asked)
    exact = [row_of(state, registry.get(state.facet)) for state in looked.found]
    rows = [*exact, *meant, *directory.search(text, asked, limit=limit + 1)]
    once: dict[tuple[str, str], Row] = {}
    for row in rows:
        once.setdefault((row.facet, row.id), row)
    found = list(once.values())
    hits = _hits(found[:limit], text, exact={(row.facet, row.id) for row in exact})
    named = [(facet, registry.get(facet)) for facet in facets]
    hit_facets = {hit.facet for hit in hits}
    context = {
        "text": text,
        "only": only,
        "facets": named,
        "hit_facets": [each for each in named if each[0] in hit_facets],
        "hits": hits,
        "more": len(found) > limit,
        "down": looked.down,
        "outdated": directory.outdated(asked),
        **unindexed([facet for facet in asked if not directory.knows(facet)]),
    }
    return render(request, "facets/_palette.html" if palette else "facets/search.html", context)


def _meant(text: str, facets: Sequence[str]) -> list[Row]:
    """Entities whose id is what was typed or pasted, but for quotes, dashes and what cannot be seen."""
    plain = unstyled(text)
    if plain in ("", text):
        return []
    looked = id_lookup.by_id(current_table(), plain, facets)
    return [row_of(state, registry.get(state.facet)) for state in looked.found]


def allow_search(request: HttpRequest) -> bool:
    """Whether the person may look for words once more, wherever they type them; `ratelimit.allow` has the rest."""
    return ratelimit.allow(request, "search", times=_TIMES, seconds=_SECONDS)


def viewable(request: HttpRequest) -> list[str]:
    """The facets that the person may view: those that are defined, then those that the directory found besides."""
    names = dict.fromkeys((*registry.definitions(), *directory.found()))
    return [name for name in names if may(request, name, "view")]


def _hits(rows: Sequence[Row], text: str, *, exact: Collection[tuple[str, str]]) -> list[Hit]:
    """The rows, in their order; those of one facet with the same number of decimals, as its list has them."""
    words = words_of(text)
    shown: dict[tuple[str, str], ListedEntity] = {}
    for facet in {row.facet for row in rows}:
        of_facet = [row for row in rows if row.facet == facet]
        for each in listed(of_facet, columns(registry.get(facet)), words):
            shown[facet, each.row.id] = each
    return [
        Hit(row.facet, registry.get(row.facet), shown[row.facet, row.id], (row.facet, row.id) in exact)
        for row in rows
    ]
