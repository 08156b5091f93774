"""A comparison of a stored state with its events, as the pages that tell of it show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from facets.definitions import FacetDefinition, display
from facets.entities.drift import Drift

MAX_CHANGES = 100


def shown(
    found: Drift, definition: FacetDefinition[Any], sensitive: Sequence[str], entity_id: str
) -> dict[str, Any]:
    """A comparison for `_drift.html`, masked."""
    changes = display.changes(
        found.changes, definition.label, sensitive=sensitive, heading=definition.heading
    )
    return {
        "found": found.found,
        "count": len(changes),
        "changes": changes[:MAX_CHANGES],
        "more": max(0, len(changes) - MAX_CHANGES),
        "unreadable": found.unreadable,
        "lost": not found.unreadable and not found.stored_seq,
        "seq": found.seq,
        "stored_seq": found.stored_seq,
        "behind": found.seq != found.stored_seq,
        "failures": found.failures,
        "recalculate_url": reverse("recalculate", args=[definition.name, entity_id]),
    }
