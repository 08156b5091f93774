"""A facet's chart fields drawn over an entity's history, by event or by time."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from facets.core.streaming import StreamEntry
from facets.entities.chart_fields import SHORT, Mark, drawn_fields, picture, turning
from facets.entities.replay import History, Position, Values, is_number
from facets.views.entity import missing
from facets.views.long_replay import end_of, entity_context, history_of, run, under_way
from facets.views.permissions import require_definition
from hdeadmin.htmx import HtmxRequest


@require_safe
def chart(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """`?by=time` draws over time, else over events; `?small=1` for a narrow place. 404: there is no such entity."""
    definition = require_definition(request, facet, "view")
    history = history_of(definition, entity_id)
    end = end_of(history)
    if end is None:
        return missing(request, facet, entity_id)
    last, _ = end
    by_time = request.GET.get("by") == "time"
    context = entity_context(definition, entity_id, "Chart", region="chart") | {
        "by_time": by_time,
        "small": "small" in request.GET,
        "last_seq": last,
    }
    fields = drawn_fields(definition, definition.sensitive_fields)
    if last <= SHORT:
        marks = _each(history, last, fields)
    else:
        position = run(request, history, last)
        if not position.ended:
            return under_way(
                request,
                context,
                done=position.seq,
                of=last,
                go_on=request.get_full_path(),
                doing="Drawing the history",
            )
        marks = _peaks(history, position, fields)
    context["pictures"] = [
        picture(definition, context["entity_url"], name, marks[name], by_time=by_time, thinned=last > SHORT)
        for name in fields
        if marks[name]
    ]
    return render(request, "facets/chart.html", context)


def _each(history: History, last: int, fields: Sequence[str]) -> dict[str, list[Mark]]:
    found: dict[str, list[Mark]] = {name: [] for name in fields}

    def watch(values: Sequence[tuple[StreamEntry, Values]]) -> bool:
        for entry, of_event in values:
            for name, value in zip(fields, of_event, strict=True):
                if is_number(value):
                    found[name].append((entry.seq, entry.ts, float(value)))
        return False

    if fields:
        history.run(last, begin=Position(state=history.start()), fields=fields, watch=watch)
    return {name: turning(marks) for name, marks in found.items()}


def _peaks(history: History, position: Position, fields: Sequence[str]) -> dict[str, list[Mark]]:
    # Each once: of long events, several checkpoints tell of one stretch.
    found: dict[str, set[Mark]] = {name: set() for name in fields}
    for extremes in (*(each for _, each in history.stretches(position.seq)), position.extremes):
        for name in fields:
            for part in extremes.get(name, ()):
                found[name] |= {part.first, part.low, part.high, part.last}
    return {name: sorted(marks) for name, marks in found.items()}
