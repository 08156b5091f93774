"""What a page says of facets that the directory does not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facets import directory


def unindexed(facets: Sequence[str]) -> dict[str, Any]:
    """The context of `facets/_unindexed.html`; what a pass costs is asked of the table when the template says it."""
    return {
        "unindexed": facets,
        "unindexed_text": directory.freshness_of_all(facets).text if facets else "",
        "pass_cost": directory.pass_cost,
    }
