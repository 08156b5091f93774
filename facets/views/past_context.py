"""What stands beside an entity's state about its past: whether it has drifted, its chart, and what else can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from facets.definitions import FacetDefinition, display
from facets.entities.chart_fields import SHORT, SMALL, drawn_fields, picture, turning
from facets.entities.drift import drift
from facets.entities.reader import Reading
from facets.entities.replay import Position, effects, entries_of, is_number, value_at
from facets.views.drift_context import shown
from facets.views.long_replay import history_of

# Up to this many events are read for the chart unasked, where each read unit is paid for.
SHORT_PAID = 300


def beside_state(
    definition: FacetDefinition[Any],
    entity_id: str,
    reading: Reading,
    sensitive: Sequence[str],
    *,
    filtered: bool,
) -> dict[str, Any]:
    """The context of `_beside_state.html`.

    Where the page has read the whole history, it is run here, and drift and chart are there at once; else they are
    asked for by the page itself where that is cheap, or by the reader.
    """
    last = reading.last_seq
    entity_url = reverse("entity", args=[definition.name, entity_id])
    fields = drawn_fields(definition, sensitive)
    context: dict[str, Any] = {
        "drift": None,
        "pictures": [],
        "drawn": bool(fields) and last > 1,
        "drawn_labels": [display.visible(definition.label(name)) for name in fields],
        "drawn_headings": [display.visible(definition.heading(name)) for name in fields],
        "small": True,
        "small_size": SMALL,
        "draws_itself": last <= (SHORT if reading.cost.capacity is None else SHORT_PAID),
        "last_seq": last,
        "back_url": f"{entity_url}?{urlencode({'seq': last - 1})}" if last else None,
        "zone": str(timezone.get_current_timezone()),
    }
    if filtered or reading.older is not None or reading.newer is not None:
        return context
    history = history_of(definition, entity_id)
    found = list(effects(definition, history.start(), entries_of(reading.records)))
    end = Position(
        seq=found[-1].seq if found else 0,
        state=found[-1].after if found else history.start(),
        failure_count=sum(bool(effect.error) for effect in found),
    )
    context["drift"] = shown(drift(history, end, reading.state), definition, sensitive, entity_id)
    for name in fields if len(found) > 1 else ():
        values = [(effect, value_at(effect.after, name)) for effect in found]
        marks = turning(
            [(effect.seq, effect.ts, float(value)) for effect, value in values if is_number(value)]
        )
        if len(marks) > 1:
            context["pictures"].append(picture(definition, entity_url, name, marks))
    context["drawn"] = bool(context["pictures"])
    return context
