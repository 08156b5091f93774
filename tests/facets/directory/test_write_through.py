"""What the console writes or reads is in the directory at once, without any pass."""

import pytest
from pytest_django import Settings

from facets import directory
from facets.changes import append, recalculate
from facets.changes.preview_token import PromisedEvent
from facets.core import Event
from facets.core.records import state_record
from facets.core.sqlite import SqliteTable
from facets.demo.definitions.bank_account import bank_account
from tests.support.unannounced import unannounced

CREDIT = PromisedEvent("TRANSACTION_ACCEPTED", {"desc": "", "amount": 5})


@pytest.fixture
def table(db: None, sqlite_table: SqliteTable, settings: Settings) -> SqliteTable:
    """A table that the directory does not read by itself."""
    settings.HDEADMIN_STORE = "dynamodb:nowhere"
    return sqlite_table


def balance(id: str) -> tuple[int, object] | None:
    row = directory.find("BANK_ACCOUNT", id)
    return (row.seq, row.values.get("balance")) if row else None


def test_an_append(table: SqliteTable) -> None:
    facet = bank_account.facet(table.db("BANK_ACCOUNT"))
    preview = append.preview(facet, "a", [CREDIT])
    append.apply(
        facet,
        "a",
        [CREDIT],
        seen_seq=0,
        seen_state=preview.state,
        actor="ann",
        reason="because",
        operation_id="1",
        announce=unannounced,
    )
    assert balance("a") == (1, 5)


def test_a_recalculation(table: SqliteTable) -> None:
    db = table.db("BANK_ACCOUNT")
    facet = bank_account.facet(db)
    facet.append("a", Event(CREDIT.type, CREDIT.data))
    db.put_state(state_record("BANK_ACCOUNT", "a", 1, '{"balance":7}', 1), 1)
    recalculate.apply(
        facet,
        "a",
        seen_seq=1,
        actor="ann",
        reason="because",
        operation_id="2",
        announce=unannounced,
    )
    assert balance("a") == (1, 5)
