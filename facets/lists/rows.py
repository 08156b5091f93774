"""A STATE as a row of a list, where it was read from the table itself."""

from __future__ import annotations

from typing import Any

from facets.core import InvalidRecord, Record
from facets.core.diff import ABSENT
from facets.definitions import FacetDefinition
from facets.directory.index_entry import value_at
from facets.directory.queries import Row
from facets.lists.columns import columns


def row_of(record: Record, definition: FacetDefinition[Any] | None) -> Row:
    """The row, without values where the stored state is not JSON, or is masked whole."""
    try:
        state = definition.masked(record) if definition else record.data
    except InvalidRecord:
        state = None
    values = {column.path: value_at(state, column.path.split(".")) for column in columns(definition)}
    return Row(
        record.facet,
        record.entity_id,
        record.seq,
        record.ts,
        record.ts,
        {path: value for path, value in values.items() if value is not ABSENT},
    )
