"""Replays behind a page: a long one goes on from request to request, says how far it is, and ends when nobody asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from facets.conf import current_table
from facets.core import Record
from facets.definitions import FacetDefinition
from facets.entities.replay import History, Position, Watcher

# How long one request runs rules, about, after which the page says how far they are.
SECONDS = 1.0

# Of a longer history, the first answer is that it takes a while.
AT_ONCE = 20_000  # events


def history_of(definition: FacetDefinition[Any], entity_id: str) -> History:
    """The entity's history in the table that pages read."""
    return History(settings.HDEADMIN_STORE, current_table().db(definition.name), definition, entity_id)


def end_of(history: History) -> tuple[int, Record | None] | None:
    """The entity's last seq, and its STATE; None where there is no such entity."""
    page = history.db.get_page(history.id, limit=1, inbound_types=history.definition.events)
    if page.state is None and not page.records:
        return None
    return max(page.last_seq or 0, page.state.seq if page.state else 0), page.state


def run(
    request: HttpRequest,
    history: History,
    upto: int,
    *,
    begin: Position | None = None,
    fields: Sequence[str] = (),
    watch: Watcher | None = None,
) -> Position:
    """`History.run` for as long as one request may take; not at all where the page would stay blank for too long.

    The address that `under_way` goes on with is not put off again.
    """
    if upto > AT_ONCE and "go" not in request.GET:
        nearest = begin or history.nearest(upto)
        if upto - nearest.seq > AT_ONCE:
            nearest.ended = False
            return nearest
    return history.run(upto, seconds=SECONDS, begin=begin, fields=fields, watch=watch)


def entity_context(
    definition: FacetDefinition[Any], entity_id: str, here: str, *, region: str
) -> dict[str, Any]:
    """What every page about an entity's past shows.

    Args:
        here: the page's name.
        region: the id of the element that holds the page's result, or how far it is; it is replaced as a whole.
    """
    return {
        "facet": definition.name,
        "entity_id": entity_id,
        "entity_url": reverse("entity", args=[definition.name, entity_id]),
        "definition": definition,
        "here": here,
        "region": region,
        "zone": str(timezone.get_current_timezone()),
    }


def under_way(
    request: HttpRequest, context: dict[str, Any], *, done: int, of: int, go_on: str, doing: str
) -> HttpResponse:
    """The page of a replay that has not come to its end yet; asking for `go_on` continues it.

    Args:
        context: of `entity_context`.
        done, of: the seq it has come to, and the one that it goes to.
        doing: what it is for: "Going back to event 41".
    """
    address, _, query = go_on.partition("?")
    asked = QueryDict(query, mutable=True)
    asked["go"] = "1"
    context |= {"done": done, "of": of, "go_on": f"{address}?{asked.urlencode()}", "doing": doing}
    response = render(request, "facets/under_way.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response
