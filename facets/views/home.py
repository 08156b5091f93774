"""The facets: those that are defined, and those that the table holds besides."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from facets import registry
from facets.core import InvalidRecord, json
from facets.core.store import ReadCost
from facets.definition import FacetDefinition
from facets.http import HtmxRequest
from facets.stores import counting_is_cheap, current_table
from facets.views.rights import may

# More than any table holds: what an address says beyond it was made up.
_MOST = 10**15


@dataclass(frozen=True, slots=True)
class FacetRow:
    """One facet of the list. `count` is None where nothing has been counted."""

    name: str
    definition: FacetDefinition[Any] | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """How far somebody has looked through the table, page by page. `next` is None at its end."""

    counts: dict[str, int]
    records: int
    requests: int
    capacity: float
    next: str | None

    def url(self) -> str:
        """The address of the next part, which carries what was found up to here."""
        found = [self.counts, self.records, self.requests, self.capacity]
        return f"{reverse('home')}?{urlencode({'after': self.next or '', 'found': json.dumps(found)})}"

    @property
    def cost(self) -> ReadCost:
        return ReadCost(self.records, self.requests, self.capacity or None)


@require_safe
@vary_on_headers("HX-Request")
def home(request: HtmxRequest) -> HttpResponse:
    """List the facets, with the number of their entities where it is cheap.

    Counting a DynamoDB table means reading it, so there it is done a part at a time, on request: `?look` begins,
    `?after=…&found=…` goes on.
    """
    cheap = counting_is_cheap()
    look: Look | None = None
    counts: dict[str, int] = {}
    if cheap:
        counts = current_table().facets().counts
    elif "look" in request.GET or "after" in request.GET:
        try:
            look = _look_on(request.GET.get("after"), request.GET.get("found", ""))
        except InvalidRecord as error:
            raise Http404("There is no such page; the link may have been cut.") from error
        counts = look.counts
    names = [*registry.definitions(), *sorted(set(counts) - set(registry.definitions()))]
    counted = cheap or look is not None
    rows = [
        FacetRow(name, registry.get(name), counts.get(name, 0) if counted else None)
        for name in names
        if may(request, name, "view")
    ]
    context = {"rows": rows, "look": look, "cheap": cheap, "table": current_table().name}
    return render(request, "facets/_facets.html" if request.htmx else "facets/home.html", context)


def _look_on(after: str | None, found: str) -> Look:
    counts, records, requests, capacity = _found(found)
    page = current_table().facets(after=after or None)
    for name, count in page.counts.items():
        counts[name] = counts.get(name, 0) + count
    return Look(
        counts,
        records + page.cost.records,
        requests + page.cost.requests,
        capacity + (page.cost.capacity or 0),
        page.next,
    )


def _found(text: str) -> tuple[dict[str, int], int, int, float]:
    """What the address says was found before; nothing where somebody has changed it beyond reading."""
    try:
        counts, records, requests, capacity = json.loads(text)
        numbers = (*counts.values(), records, requests, capacity)
        if all(type(number) in (int, float) and 0 <= number < _MOST for number in numbers):
            return {name: int(count) for name, count in counts.items()}, int(records), int(requests), capacity
    except (InvalidRecord, TypeError, ValueError, AttributeError, OverflowError):
        pass
    return {}, 0, 0, 0.0
