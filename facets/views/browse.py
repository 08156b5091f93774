"""One facet without the directory: its entities as the table gives them, a part of the table at a time."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from facets import directory, registry
from facets.conf import current_table
from facets.converters import entities_url
from facets.core import InvalidRecord
from facets.definitions import display
from facets.lists.cells import listed
from facets.lists.columns import columns
from facets.lists.rows import row_of
from facets.views.freshness import unindexed
from facets.views.permissions import control

PAGE = 50  # entities


def scan(request: HttpRequest, facet: str) -> HttpResponse:
    """Entities in the table's own order, from `?after=…` on, and what reading them took.

    404: the facet is not defined and the table holds nothing of it.
    """
    definition = registry.get(facet)
    after = request.GET.get("after") or None
    try:
        page = current_table().browse(facet, after=after, limit=PAGE)
    except InvalidRecord as error:
        if after is None:
            raise
        raise Http404("There is no such page; the link may have been cut.") from error
    if definition is None and after is None and not page.states and not page.unreadable and page.next is None:
        raise Http404(f"There is no facet {display.visible(facet)}, neither defined nor in the table.")
    shown = columns(definition)
    context = {
        "facet": facet,
        "definition": definition,
        "columns": [column for column in shown if column.listed],
        "rows": listed([row_of(record, definition) for record in page.states], shown),
        "entities_url": entities_url(facet),
        "page": page,
        "after": after,
        "append": control(request, facet, "append"),
        "known": directory.knows(facet),
        **unindexed([facet]),
    }
    return render(request, "facets/scan.html", context)
