"""A facet's chart fields as pictures: which are drawn, through which values, and the words and numbers beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.http import urlencode

from facets.definitions import FacetDefinition, display
from facets.entities import charts
from facets.entities.charts import Point
from facets.entities.field_search import is_secret
from facets.entities.replay import EVERY

# Up to this many events, each is drawn; of more, the peaks of every stretch between two checkpoints.
SHORT = 2 * EVERY

MAX_FIELDS = 6

# Width and height of the picture beside the state and on phones.
SMALL = (440, 190)
_TWO_DAYS = 2 * 24 * 60 * 60 * 1000  # milliseconds

# Seq, time in milliseconds since 1970, value.
Mark = tuple[int, int, float]


def drawn_fields(definition: FacetDefinition[Any], sensitive: Sequence[str]) -> list[str]:
    """The chart's fields; masked ones are not drawn."""
    return [name for name in definition.chart_fields if not is_secret(name, sensitive)][:MAX_FIELDS]


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
    label = display.visible(definition.heading(name))
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
    # Between two that are left of many, it did not stay where the first was.
    steps = not thinned and len(shown) == len(points)
    return {
        "name": name,
        "label": label,
        "wide": charts.line(shown, width=960, height=260, steps=steps, x_text=text),
        "narrow": charts.line(shown, width=SMALL[0], height=SMALL[1], steps=steps, x_text=text),
        "words": f"{label} after {marks[-1][0]:,} events: begins at {charts.number(marks[0][2])}, "
        f"lowest {charts.number(low[2])} at event {low[0]:,}, highest {charts.number(high[2])} at event {high[0]:,}, "
        f"last {charts.number(marks[-1][2])}.",
        "low": low,
        "high": high,
        "lowest": charts.number(low[2]),
        "highest": charts.number(high[2]),
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


def _event(seq: float) -> str:
    return f"{seq:,.0f}"


def _axis(marks: Sequence[Mark]) -> Callable[[float], str]:
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
