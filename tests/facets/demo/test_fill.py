"""The demo's table is filled wholly, or goes on where a fill was cut short, and nobody else's is touched."""

import pytest

from facets.core.records import state_record
from facets.core.store import Table
from facets.demo import fill as filling
from facets.demo import ledger
from facets.demo.fill import Found, fill, look

SCALE = 0.01


class CutShort(Exception):
    """Ctrl-C, or a lost connection."""


def test_an_empty_table_is_filled_and_known_again(table: Table) -> None:
    assert look(table) is Found.NOTHING

    told: list[tuple[int, int]] = []
    written = fill(table, scale=SCALE, progress=lambda entities, records: told.append((entities, records)))

    assert look(table) is Found.DEMO
    assert told[-1][1] == written - 2
    assert table.facets().counts["BANK_ACCOUNT"] > 30


def test_a_fill_that_was_cut_short_ends_as_if_it_had_not_been(
    sqlite_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "_BATCH", 50)

    def cut(entities: int, records: int) -> None:
        if records > 200:
            raise CutShort

    with pytest.raises(CutShort):
        fill(sqlite_table, scale=SCALE, progress=cut)
    assert look(sqlite_table) is Found.PART_OF_DEMO
    begun = sqlite_table.db("LOYALTY_CARD").get_state("DEMO-OPENING")
    assert begun is not None
    monkeypatch.setattr(filling, "now_ms", lambda: begun.ts + 999_999)
    fill(sqlite_table, scale=SCALE)

    assert look(sqlite_table) is Found.DEMO
    for history in ledger.histories(begun.ts, scale=SCALE):
        wanted = sorted(ledger.stored(history), key=lambda record: record.order)
        assert sqlite_table.db(history.facet).get_records(history.id) == wanted


def test_somebody_elses_table_is_known_as_such(sqlite_table: Table) -> None:
    sqlite_table.load([state_record("ORDER", "1", 0, "{}", 1_700_000_000_000).to_item()])

    assert look(sqlite_table) is Found.OTHER
