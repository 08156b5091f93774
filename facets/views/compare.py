"""Two moments of an entity side by side: what is different between the state after one event and after another."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from facets.core.diff import diff
from facets.definitions import display
from facets.definitions.number_input import read_seq
from facets.views.entity import missing
from facets.views.long_replay import end_of, entity_context, history_of, run, under_way
from facets.views.permissions import require_definition
from hdeadmin.htmx import HtmxRequest

MAX_CHANGES = 300


@require_safe
def compare(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """`?from=12&to=40`; 0 is before the first event, and what is left out is the last one, or the one before it.

    400: there is no such event. 404: there is no such entity.
    """
    definition = require_definition(request, facet, "view")
    history = history_of(definition, entity_id)
    end = end_of(history)
    if end is None:
        return missing(request, facet, entity_id)
    last, _ = end
    asked = {name: request.GET.get(name, "").strip() for name in ("from", "to")}
    context = entity_context(definition, entity_id, "Compare", region="compare") | {
        "asked": asked,
        "last_seq": last,
    }
    seqs = [
        read_seq(asked["from"]) if asked["from"] else max(0, last - 1),
        read_seq(asked["to"]) if asked["to"] else last,
    ]
    for text, seq in zip(asked.values(), seqs, strict=True):
        if seq is None or seq > last:
            problem = f"There is no event “{text[:40]}”; they count from 0, before the first, to {last}."
            return render(request, "facets/compare.html", context | {"problem": problem}, status=400)
    states = []
    # The later one last: the way to it leads past the earlier.
    for seq in sorted(seq for seq in seqs if seq is not None):
        position = run(request, history, seq)
        if not position.ended:
            return under_way(
                request,
                context,
                done=position.seq,
                of=max(seq for seq in seqs if seq is not None),
                go_on=request.get_full_path(),
                doing=f"Comparing event {seqs[0]} with event {seqs[1]}",
            )
        states.append((seq, position))
    (low, earlier), (high, later) = states
    turned = seqs[0] == high and low != high
    old, new = (later, earlier) if turned else (earlier, later)
    changes = display.changes(
        diff(old.state, new.state),
        definition.label,
        sensitive=definition.sensitive_fields,
        heading=definition.heading,
    )
    context |= {
        "compared": True,
        "from_seq": seqs[0],
        "to_seq": seqs[1],
        "old": old,
        "new": new,
        "between": high - low,
        "turned": turned,
        "failures": later.failure_count - earlier.failure_count,
        "count": len(changes),
        "changes": changes[:MAX_CHANGES],
        "more": max(0, len(changes) - MAX_CHANGES),
    }
    return render(request, "facets/compare.html", context)
