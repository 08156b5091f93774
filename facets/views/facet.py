"""One facet: its entities out of the directory, filtered, sorted, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from facets import directory, registry
from facets.converters import entities_url
from facets.directory.normalize import words_of
from facets.directory.queries import ID, SEQ, UPDATED, NoSuchPlace
from facets.lists import filters as addresses
from facets.lists.cells import listed
from facets.lists.columns import OWN, Column, columns
from facets.lists.filters import Asked
from facets.views import overview
from facets.views.browse import scan
from facets.views.permissions import control, require_view
from facets.views.search import allow_search
from hdeadmin import ratelimit
from hdeadmin.htmx import HtmxRequest


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def facet(request: HtmxRequest, facet: str) -> HttpResponse:
    """The entities that the address asks for; `facets.lists.filters` says what it may ask.

    Where the directory does not know the facet, or with `?scan`, the table itself is read, a part at a time.
    404: there is no such facet, or no such place in the list. 422: the address asks for what makes no sense; the
    page says what. 429: words were looked for too often.
    """
    require_view(request, facet)
    definition = registry.get(facet)
    freshness = directory.freshness(facet)
    if "scan" in request.GET or not freshness.known or (not definition and facet not in directory.found()):
        return scan(request, facet)
    asked = addresses.read(request.GET, facet, columns(definition))
    if not request.htmx and any(not value for value in request.GET.values()):
        # A form sends its empty boxes too; an address to pass on has what it asks for and nothing else.
        return HttpResponseRedirect(request.path + asked.here)
    context: dict[str, Any] = {
        "facet": facet,
        "definition": definition,
        "asked": asked,
        "freshness": freshness,
        "activity": None if request.htmx else overview.activity(directory.found().get(facet)),
        "append": control(request, facet, "append"),
        "export": control(request, facet, "export"),
        "since": addresses.SINCE.items(),
    }
    if asked.problems:
        return _respond(request, context | {"rows": []}, asked, status=422)
    # Words are dear to look for, and may be a masked value that somebody guesses at.
    if asked.question.words and not allow_search(request):
        return ratelimit.too_many(request)
    try:
        page, count = directory.counted(
            asked.question, limit=asked.size, after=asked.after, before=asked.before
        )
    except NoSuchPlace as error:
        raise Http404("There is no such page; the link may have been cut.") from error
    shown = columns(definition)
    context |= {
        "rows": listed(page.rows, shown, words_of(asked.question.words)),
        "entities_url": entities_url(facet),
        "heads": [_head(column, asked) for column in _heads(shown)],
        "sizes": [(size, asked.sized(size)) for size in addresses.SIZES],
        "searched": [column.label for column in shown if column.searched],
        "previous": asked.place(before=page.before) if page.before else "",
        "next": asked.place(after=page.after) if page.after else "",
        "count": count,
    }
    return _respond(request, context, asked)


@dataclass(frozen=True, slots=True)
class _Head:
    """One column's head: the query that sorts by it, if it can be, and how the list is sorted by it now."""

    label: str
    numeric: bool
    query: str
    sort: Literal["", "ascending", "descending"]


def _head(column: Column, asked: Asked) -> _Head:
    sort: Literal["", "ascending", "descending"] = ""
    if asked.question.sort == column.path:
        sort = "descending" if asked.question.descending else "ascending"
    return _Head(column.heading, column.numeric, asked.sorted(column.path) if column.usable else "", sort)


def _heads(shown: tuple[Column, ...]) -> list[Column]:
    return [OWN[ID], *(column for column in shown if column.listed), OWN[SEQ], OWN[UPDATED]]


def _respond(
    request: HtmxRequest, context: dict[str, Any], asked: Asked, *, status: int = 200
) -> HttpResponse:
    """The whole page, or the part of it that htmx asks for; the browser's address becomes the one to pass on."""
    if not request.htmx or request.htmx.history_restore_request:
        return render(request, "facets/facet.html", context, status=status)
    if request.htmx.target != "results":
        return render(request, "facets/_entities.html", context, status=status)
    response = render(request, "facets/_results.html", context, status=status)
    response.headers["HX-Replace-Url"] = request.path + asked.here
    return response
