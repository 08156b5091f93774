"""A facet's chart fields drawn over an entity's history, by event or by time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from facets import charts, display
from facets.charts import Point
from facets.conditions import is_secret
from facets.core.stream import StreamEntry
from facets.definition import FacetDefinition
from facets.http import HtmxRequest
from facets.replay import EVERY, History, Position, Values, is_number
from facets.views.entity import missing
from facets.views.rights import require_definition
from facets.views.walk import SECONDS, entity_context, history_of, under_way

# Up to this many events, each is drawn; of more, the peaks of every stretch between two checkpoints.
SHORT = 2 * EVERY

MAX_FIELDS = 6
_TWO_DAYS = 2 * 24 * 60 * 60 * 1000  # milliseconds

# Seq, time in milliseconds since 1970, value.
Mark = tuple[int, int, float]


@require_safe
def chart(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """`?by=time` draws over time, else over events; `?small=1` for a narrow place. 404: there is no such entity."""
    definition = require_definition(request, facet, "view")
    history = history_of(definition, entity_id)
    state = history.db.get_state(entity_id)
    page = history.db.get_page(entity_id, limit=1, inbound_types=definition.events)
    last = max(page.last_seq or 0, state.seq if state else 0)
    if state is None and not page.records:
        return missing(request, facet, entity_id)
    by_time = request.GET.get("by") == "time"
    context = entity_context(definition, entity_id, "Chart", region="chart") | {
        "by_time": by_time,
        "small": "small" in request.GET,
        "last_seq": last,
    }
    fields = drawn_fields(definition)
    if last <= SHORT:
        marks = _each(history, last, fields)
    else:
        position = history.run(last, seconds=SECONDS)
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


def drawn_fields(definition: FacetDefinition[Any]) -> list[str]:
    """The chart's fields; sensitive ones are not drawn."""
    secret = definition.sensitive_fields
    return [name for name in definition.chart_fields if not is_secret(name, secret)][:MAX_FIELDS]


def picture(
    definition: FacetDefinition[Any],
    entity_url: str,
    name: str,
    marks: Sequence[Mark],
    *,
    by_time: bool = False,
    thinned: bool = False,
) -> dict[str, Any]:
    """One field's values as a picture in two widths, in words, and as a table."""
    label = display.visible(definition.label(name))
    points = [
        Point(
            mark[1] if by_time else mark[0],
            mark[2],
            f"Event {mark[0]:,} · {charts.number(mark[2])} · {_instant(mark[1])}",
            f"{entity_url}?{urlencode({'seq': mark[0]})}",
        )
        for mark in marks
    ]
    low, high = min(marks, key=lambda mark: mark[2]), max(marks, key=lambda mark: mark[2])
    text = _axis(marks) if by_time else _event
    shown = charts.thinned(points)
    kept = {point.url for point in shown}
    return {
        "name": name,
        "label": label,
        "wide": charts.line(shown, width=960, height=260, steps=True, x_text=text),
        "narrow": charts.line(shown, width=440, height=190, steps=True, x_text=text),
        "words": f"{label} after {marks[-1][0]:,} events: begins at {charts.number(marks[0][2])}, "
        f"lowest {charts.number(low[2])} at event {low[0]:,}, highest {charts.number(high[2])} at event {high[0]:,}, "
        f"last {charts.number(marks[-1][2])}.",
        "low": low,
        "high": high,
        "last": marks[-1],
        "rows": [
            {"seq": mark[0], "ts": mark[1], "value": charts.number(mark[2]), "url": point.url}
            for mark, point in zip(marks, points, strict=True)
            if point.url in kept
        ],
        "thinned": thinned or len(shown) < len(points),
    }


def turning(marks: Sequence[Mark]) -> list[Mark]:
    """Those at which the value is another than before, and the last one: the line through them is the same."""
    return [
        mark
        for place, mark in enumerate(marks)
        if place in (0, len(marks) - 1) or mark[2] != marks[place - 1][2]
    ]


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
    found: dict[str, list[Mark]] = {name: [] for name in fields}
    stretches = [extremes for _, extremes in history.stretches(position.seq)]
    if position.seq % EVERY:
        stretches.append(position.extremes)
    for extremes in stretches:
        for name in fields:
            if name in extremes:
                each = extremes[name]
                found[name] += sorted({each.first, each.low, each.high, each.last})
    return found


def _event(seq: float) -> str:
    return f"{seq:,.0f}"


def _axis(marks: Sequence[Mark]) -> Any:
    """How an axis of time writes its ends and the places between."""
    form = "%H:%M" if marks[-1][1] - marks[0][1] < _TWO_DAYS else "%Y-%m-%d"
    return lambda ts: _local(ts, form)


def _instant(ts: float) -> str:
    return _local(ts, "%Y-%m-%d %H:%M:%S %Z")


def _local(ts: float, form: str) -> str:
    try:
        return datetime.fromtimestamp(ts / 1000, timezone.get_current_timezone()).strftime(form)
    except (ValueError, OverflowError, OSError):
        return str(ts)
