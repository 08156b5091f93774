"""Stored states against replayed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from facets.core import Event
from facets.core.records import state_record
from facets.core.sqlite import SqliteTable
from facets.demo.definitions.bank_account import bank_account
from facets.entities.drift import drift, of_records
from facets.entities.replay import History

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(tmp_path: Path) -> History:
    table = SqliteTable(tmp_path / "ledger.sqlite3")
    table.create()
    db = table.db("BANK_ACCOUNT")
    facet = bank_account.facet(db)
    facet.append("1", Event("ACCOUNT_CREATION", {"id": "1"}))
    facet.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 10}))
    table.load([state_record("BANK_ACCOUNT", "2", 0, "{}", 1).to_item()])
    return History(f"sqlite:{table.path}", db, bank_account, "1")


def rewrite(history: History, itm: str, seq: int = 2) -> None:
    history.db.put_state(state_record("BANK_ACCOUNT", "1", seq, itm, 1), 2)


@pytest.mark.parametrize(
    ("itm", "paths"),
    [
        ('{"balance":10,"minimumBalance":-1000,"id":"1"}', []),
        ('{"balance":10.0,"minimumBalance":-1000,"id":"1","theirs":true}', []),
        ('{"balance":11,"minimumBalance":-1000,"id":"1"}', [("balance",)]),
        ('{"balance":10,"id":"1"}', [("minimumBalance",)]),
    ],
)
def test_only_what_the_rules_make_otherwise_is_drift(history: History, itm: str, paths: list[tuple[str]]):
    rewrite(history, itm)
    state = history.db.get_state("1")

    streamed = drift(history, history.run(2), state)
    read = of_records(history, history.db.get_records("1"), state)

    assert [change.path for change in streamed.changes] == paths
    assert streamed == read
    assert streamed.found == bool(paths)


def test_a_state_that_is_not_json_or_says_another_seq_has_drifted(history: History):
    rewrite(history, "{")
    assert drift(history, history.run(2), history.db.get_state("1")).unreadable

    rewrite(history, '{"balance":10,"minimumBalance":-1000,"id":"1"}', seq=5)
    found = drift(history, history.run(5), history.db.get_state("1"))
    assert (found.changes, found.found, found.seq, found.stored_seq) == ([], True, 2, 5)
