"""manage.py verify."""

import io
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from facets import directory
from facets.changes import recalculate
from facets.core import Event, Facet, StoreUnavailable
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteEventDB, SqliteTable
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from facets.directory.queries import Question
from facets.jobs import verify
from facets.management.commands import verify as command

FACET = "BANK_ACCOUNT"

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(
    sqlite_table: SqliteTable, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SqliteTable:
    """A table of five accounts with a balance of 5 each and an order, and a folder to report into."""
    settings.HDEADMIN_STORE = f"sqlite:{sqlite_table.path}"
    monkeypatch.chdir(tmp_path)
    accounts = bank_account.facet(sqlite_table.db(FACET))
    for number in range(5):
        accounts.append(f"acc-{number}", Event("TRANSACTION_ACCEPTED", {"amount": 5}))
    order.facet(sqlite_table.db("ORDER")).append("o", Event("ORDER_CREATED", {"id": "o", "items": []}))
    return sqlite_table


@pytest.fixture
def accounts(store: SqliteTable) -> Facet:
    return bank_account.facet(store.db(FACET))


def tamper(store: SqliteTable, id: str, *, seq: int = 1, balance: int = 99) -> None:
    state = {"balance": balance, "minimumBalance": -1000, "ownerLast": "Reed"}
    store.load([state_record(FACET, id, seq, json.dumps(state), 0).to_item()])


def run(*arguments: str, report: str = "report.jsonl", status: int = 0) -> str:
    """What the command writes to its output, and what it fails with."""
    out = io.StringIO()
    with pytest.raises(CommandError) if status else nullcontext() as failure:
        call_command("verify", *arguments, "--report", report, stdout=out)
    if failure:
        assert failure.value.returncode == status
    return out.getvalue() + (str(failure.value) if failure else "")


def drifted(facet: str = FACET) -> dict[str, int | None]:
    return {row.id: row.drifted for row in directory.every(Question(facet, drifted=True))}


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("report.jsonl").read_text(encoding="utf-8").splitlines()]


def test_entities_that_differ_from_their_events_are_noted_and_nothing_is_written(
    store: SqliteTable, accounts: Facet
):
    tamper(store, "acc-3")

    said = run(status=3)

    assert "BANK_ACCOUNT: 5 replayed, 1 drifted" in said
    assert "ORDER: 1 replayed, 0 drifted" in said
    assert drifted() == {"acc-3": 2}
    assert accounts.get("acc-3").item["balance"] == 99
    assert verify.verified_at(FACET)


def test_where_nothing_differs_it_ends_well(store: SqliteTable):
    assert "0 drifted" in run(FACET)
    assert drifted() == {}


def test_each_entity_has_a_line_in_the_report_without_values_of_the_note(store: SqliteTable):
    tamper(store, "acc-3")

    run(FACET, status=3)

    assert {line["id"]: line["result"] for line in lines()} == {
        **{f"acc-{number}": "unchanged" for number in range(5)},
        "acc-3": "would-change",
    }


def test_an_entity_drifts_no_longer_once_it_has_moved_on(store: SqliteTable, accounts: Facet):
    tamper(store, "acc-3")
    run(FACET, status=3)

    accounts.append("acc-3", Event("TRANSACTION_ACCEPTED", {"amount": 1}))
    directory.note(store.db(FACET).get_state("acc-3"))

    assert drifted() == {}


def test_an_entity_drifts_no_longer_once_it_was_recalculated_at_the_same_seq(
    store: SqliteTable, accounts: Facet
):
    tamper(store, "acc-3")
    run(FACET, status=3)

    outcome = recalculate.preview(accounts, "acc-3")
    assert outcome
    store.load([state_record(FACET, "acc-3", outcome.seq, outcome.itm, 9_000_000_000_000).to_item()])
    directory.note(store.db(FACET).get_state("acc-3"))

    assert drifted() == {}


def test_verifying_anew_forgets_what_is_right_now(store: SqliteTable):
    tamper(store, "acc-3")
    run(FACET, status=3)
    tamper(store, "acc-3", balance=5)
    store.load([state_record(FACET, "acc-3", 1, '{"balance":5,"minimumBalance":-1000}', 0).to_item()])

    run(FACET, report="again.jsonl")

    assert drifted() == {}


def test_a_history_with_a_gap_drifts_and_one_that_a_rule_refuses_cannot_be_judged(store: SqliteTable):
    store.load([inbound_record(FACET, "acc-1", 3, "TRANSACTION_ACCEPTED", '{"amount":1}', 0).to_item()])
    store.load([inbound_record(FACET, "acc-2", 1, "TRANSACTION_ACCEPTED", '{"amount":-5000}', 0).to_item()])

    said = run(FACET, status=1)

    assert list(drifted()) == ["acc-1"]
    assert "could not be judged: 2 (" in said


def test_a_second_run_with_the_same_report_goes_on_where_the_first_stopped(
    store: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    run(FACET)
    asked: list[str] = []
    settle = verify.settle
    monkeypatch.setattr(
        verify, "settle", lambda engine, id, authority: asked.append(id) or settle(engine, id, authority)
    )
    bank_account.facet(store.db(FACET)).append("new", Event("TRANSACTION_ACCEPTED", {"amount": 5}))

    said = run(FACET)

    assert asked == ["new"]
    assert "skipped, since the report has settled them: 5" in said


def test_a_table_that_stops_answering_stops_it(store: SqliteTable, monkeypatch: pytest.MonkeyPatch):
    def down(self: object, id: str) -> None:
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(SqliteEventDB, "get_log", down)
    monkeypatch.setattr(SqliteEventDB, "get_records", down)
    monkeypatch.setattr(command, "OUTAGE", 3)

    assert "does not answer: stopped" in run(FACET, "--workers", "1", status=1)
    assert verify.verified_at(FACET) is None


def test_the_pace_is_kept(store: SqliteTable, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []
    monkeypatch.setattr(command.time, "monotonic", lambda: 100.0)
    monkeypatch.setattr("threading.Event.wait", lambda self, seconds=None: bool(waited.append(seconds)))

    list(command.Pace(10, command.threading.Event())(iter("abcd")))

    assert waited == pytest.approx([0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("arguments", [("NOPE",), (FACET, "--per-second", "0"), (FACET, "--workers", "0")])
def test_arguments_that_make_no_sense_are_refused(store: SqliteTable, arguments: tuple[str, ...]):
    run(*arguments, status=1)
