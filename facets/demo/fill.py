"""Fill a table with the demo's entities, wholly: a fill that was cut short is taken up again."""

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import islice

from facets.core import Record
from facets.core.facet import now_ms
from facets.core.records import Item
from facets.core.store import Table
from facets.demo import ledger

Progress = Callable[[int, int], None]

# Records. Between two batches the progress is told, and Ctrl-C heard.
_BATCH = 5000


class Found(Enum):
    """What a table holds."""

    NOTHING = "nothing"
    DEMO = "the demo's entities"
    PART_OF_DEMO = "part of the demo's entities"
    OTHER = "records that the demo did not write"


def look(table: Table) -> Found:
    """Raises TableNotFound, StoreUnavailable."""
    if table.is_empty():
        return Found.NOTHING
    if _there(table, ledger.closing(0)):
        return Found.DEMO
    return Found.PART_OF_DEMO if _there(table, ledger.opening(0)) else Found.OTHER


def fill(table: Table, *, scale: float = 1, progress: Progress = lambda entities, records: None) -> int:
    """Write the demo's entities over what a cut-short fill has left; returns how many records.

    A table that holds anything else must not be given. One record is written first and one last, so that a later
    look can tell a whole fill from a part; the first has the moment that the entities are made for, so that the
    same ones are made again.

    Args:
        progress: told how many entities and how many records have been made.

    Raises:
        TableNotFound, StoreUnavailable
    """
    begun = _there(table, ledger.opening(0))
    now = begun.ts if begun else now_ms()
    if not begun:
        table.load([ledger.opening(now).to_item()])
    written = 1
    items = _items(now, scale, progress)
    while batch := list(islice(items, _BATCH)):
        written += table.load(batch)
    return written + table.load([ledger.closing(now).to_item()])


def _items(now: int, scale: float, progress: Progress) -> Iterator[Item]:
    made = 0
    for entities, history in enumerate(ledger.histories(now, scale=scale), start=1):
        for record in ledger.stored(history):
            yield record.to_item()
            made += 1
        progress(entities, made)


def _there(table: Table, record: Record) -> Record | None:
    """The table's record of this key, if it was written by the demo."""
    found = table.db(record.facet).get_state(record.entity_id)
    return found if found and found.itm == record.itm else None
