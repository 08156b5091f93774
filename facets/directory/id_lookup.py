"""An exact id looked up in the table itself, in several facets at once: right at once, whatever the directory knows."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from facets.core import FacetError, Record, StoreUnavailable, TableNotFound
from facets.core.records import partition_key
from facets.core.store import Table

# Each costs a read of one item.
MOST = 20

# Of more, some are asked for at the same time, so that somebody who types need not wait for the sum.
_ONE_BY_ONE, _AT_ONCE = 4, 10

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

    Never raises for what the table does not answer or what no id can be. What is found is in the order of the facets.
    """
    asked = tuple(facets[:most])
    named = [facet for facet in facets if text.startswith(f"{facet}/")]
    wanted = [(facet, text.removeprefix(f"{facet}/")) for facet in named] + [(facet, text) for facet in asked]

    def look(place: tuple[str, str]) -> Record | None:
        facet, id = place
        if not id or len(partition_key(facet, id).encode(errors="replace")) > LONGEST_KEY:
            return None
        try:
            return table.db(facet).get_state(id)
        except (StoreUnavailable, TableNotFound):
            raise
        except FacetError:
            return None

    try:
        if len(wanted) <= _ONE_BY_ONE:
            states = [look(place) for place in wanted]
        else:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lookup") as pool:
                states = list(pool.map(look, wanted))
    except (StoreUnavailable, TableNotFound):
        return Looked([], asked, down=True)
    return Looked([state for state in states if state is not None], asked)
