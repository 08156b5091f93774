"""One facet: its entities, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from facets import display, registry
from facets.core import InvalidRecord, Record
from facets.definition import FacetDefinition
from facets.diff import ABSENT
from facets.stored_form import stored_key
from facets.stores import current_table
from facets.views.rights import control, require_view

PAGE = 50  # entities


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One entity of the list: its STATE record, and the label and value of each field of `list_display`."""

    record: Record
    values: list[tuple[str, display.Value]]


@require_safe
def facet(request: HttpRequest, facet: str) -> HttpResponse:
    """Entities in the table's own order, from `?after=…` on.

    404: the facet is not defined and the table holds nothing of it.
    """
    require_view(request, facet)
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
    rows = [EntityRow(record, _values(record, definition)) for record in page.states]
    context = {
        "facet": facet,
        "definition": definition,
        "columns": _columns(rows, definition),
        "rows": rows,
        "page": page,
        "after": after,
        "append": control(request, facet, "append"),
    }
    return render(request, "facets/facet.html", context)


def _columns(rows: list[EntityRow], definition: FacetDefinition[Any] | None) -> list[tuple[str, bool]]:
    """The label of each column, and whether it holds numbers and nothing else."""
    labels = [definition.label(column) for column in definition.list_display] if definition else []
    kinds = [{row.values[place][1].kind for row in rows} for place in range(len(labels))]
    return [
        (label, found <= {"number", "absent", "null"} and "number" in found)
        for label, found in zip(labels, kinds, strict=True)
    ]


def _values(record: Record, definition: FacetDefinition[Any] | None) -> list[tuple[str, display.Value]]:
    if definition is None:
        return []
    fields = definition.state.model_fields
    annotations = {stored_key(name, field): field.annotation for name, field in fields.items()}
    try:
        state = record.data
    except InvalidRecord:
        state = None
    return [
        (definition.label(column), display.scalar(_at(state, column), annotations.get(column)))
        for column in definition.list_display
    ]


def _at(state: Any, path: str) -> Any:
    """The value at a dotted path; ABSENT where there is none."""
    for key in path.split("."):
        if not isinstance(state, Mapping) or key not in state:
            return ABSENT
        state = state[key]
    return state
