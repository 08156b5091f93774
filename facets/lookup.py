"""An exact id looked up in the table itself, in several facets at once: right at once, whatever the directory knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facets.core import FacetError, InvalidRecord, Record, StoreUnavailable, TableNotFound
from facets.core.records import partition_key
from facets.core.store import Table

# Each costs a read of one item.
MOST = 20

# DynamoDB has no longer keys, and refuses to be asked for one.
LONGEST_KEY = 2048  # bytes of UTF-8


@dataclass(frozen=True, slots=True)
class Looked:
    """The entities with the id. `asked` are the facets that were looked into; `down`: the table does not answer."""

    found: list[Record]
    asked: tuple[str, ...]
    down: bool = False


def by_id(table: Table, text: str, facets: Sequence[str], *, most: int = MOST) -> Looked:
    """Look for the id in each of the first `most` facets; `FACET/ID`, as the table's keys are written, in that one.

    Never raises for what the table does not answer or what no id can be.
    """
    found: list[Record] = []
    asked = tuple(facets[:most])
    named = [facet for facet in facets if text.startswith(f"{facet}/")]
    wanted = [(facet, text.removeprefix(f"{facet}/")) for facet in named] + [(facet, text) for facet in asked]
    for facet, id in wanted:
        if not id or len(partition_key(facet, id).encode(errors="replace")) > LONGEST_KEY:
            continue
        try:
            state = table.db(facet).get_state(id)
        except (StoreUnavailable, TableNotFound):
            return Looked(found, asked, down=True)
        except (InvalidRecord, FacetError):
            continue
        if state is not None:
            found.append(state)
    return Looked(found, asked)
