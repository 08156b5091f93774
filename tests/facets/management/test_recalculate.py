"""manage.py recalculate."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from facets.changes import recalculate
from facets.changes.audited_write import announcing
from facets.core import Event, Facet, SequenceConflict, StoreUnavailable, TableNotFound
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.sqlite import SqliteEventDB, SqliteTable
from facets.definitions.masking import BULLETS
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from facets.jobs import bulk_recalculate
from facets.management.commands import recalculate as command
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.models import AuditEntry
from tests.support.unannounced import unannounced

FACET = "BANK_ACCOUNT"
REASON = "Rule of October was wrong"


@pytest.fixture
def store(
    sqlite_table: SqliteTable, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SqliteTable:
    """A table of ten accounts with a balance of 5 each, a folder to report into, and no audit trail."""
    monkeypatch.setattr(command, "announcing", lambda *_, **__: unannounced)
    settings.HDEADMIN_STORE = f"sqlite:{sqlite_table.path}"
    monkeypatch.chdir(tmp_path)
    accounts = bank_account.facet(sqlite_table.db(FACET))
    for number in range(10):
        accounts.append(f"acc-{number}", Event("TRANSACTION_ACCEPTED", {"amount": 5}))
    order.facet(sqlite_table.db("ORDER")).append("o", Event("ORDER_CREATED", {"id": "o", "items": []}))
    return sqlite_table


@pytest.fixture
def accounts(store: SqliteTable) -> Facet:
    return bank_account.facet(store.db(FACET))


def tamper(store: SqliteTable, *ids: str, balance: int = 99, **more: str) -> None:
    state = {"balance": balance, "minimumBalance": -1000, **more}
    store.load(state_record(FACET, id, 1, json.dumps(state), 0).to_item() for id in ids)


def load_event(store: SqliteTable, id: str, seq: int, itm: str, type: str = "TRANSACTION_ACCEPTED") -> None:
    store.load([inbound_record(FACET, id, seq, type, itm, 0).to_item()])


def run(*arguments: str, report: str = "report.jsonl", fails: bool = False) -> str:
    """What the command writes to its output, and what it fails with."""
    out = io.StringIO()
    with pytest.raises(CommandError) if fails else nullcontext() as failure:
        call_command("recalculate", *arguments, "--report", report, stdout=out)
    return out.getvalue() + (str(failure.value) if failure else "")


def lines(report: str = "report.jsonl") -> dict[str, dict[str, Any]]:
    """The last line of each entity."""
    read = [json.loads(line) for line in Path(report).read_text(encoding="utf-8").splitlines() if line]
    return {line["id"]: line for line in read}


def balances(accounts: Facet) -> list[Any]:
    return [accounts.get(f"acc-{number}").item["balance"] for number in range(10)]


def test_a_dry_run_says_what_would_change_and_writes_nothing(store: SqliteTable, accounts: Facet):
    tamper(store, "acc-3", ownerLast="Reed")

    said = run(FACET, "--all")

    assert "10 entities of BANK_ACCOUNT" in said
    assert "unchanged: 9" in said
    assert "would change: 1\n  acc-3: balance, ownerLast\n" in said
    assert "Nothing was written" in said
    assert accounts.get("acc-3").item["balance"] == 99
    report = lines()
    assert len(report) == 10
    assert report["acc-3"]["result"] == "would-change"
    assert report["acc-3"]["changes"] == [
        {"path": ["balance"], "kind": "changed", "old": 99, "new": 5},
        {"path": ["ownerLast"], "kind": "removed", "old": "Reed"},
    ]
    assert (report["acc-3"]["mode"], report["acc-3"]["events"], report["acc-3"]["seq"]) == ("dry-run", 1, 1)


def test_apply_puts_right_what_differs_and_touches_nothing_else(store: SqliteTable, accounts: Facet):
    tamper(store, "acc-3", "acc-7")
    before = accounts.get("acc-4").record

    said = run(FACET, "--all", "--apply", "--reason", REASON)

    assert "changed: 2" in said
    assert balances(accounts) == [5] * 10
    assert accounts.get("acc-4").record == before
    assert lines()["acc-7"] | {"at": "", "operation_id": ""} == {
        "facet": FACET,
        "id": "acc-7",
        "mode": "apply",
        "result": "changed",
        "at": "",
        "seq": 1,
        "stored_seq": 1,
        "events": 1,
        "changes_count": 1,
        "changes": [{"path": ["balance"], "kind": "changed", "old": 99, "new": 5}],
        "unruled": {},
        "messages": {},
        "faults": [],
        "conflicts": 0,
        "actor": lines()["acc-7"]["actor"],
        "reason": REASON,
        "operation_id": "",
    }
    assert lines()["acc-7"]["actor"].startswith("manage.py")
    assert "unchanged: 10" in run(FACET, "--all", report="after.jsonl")


@pytest.mark.django_db(transaction=True)
def test_each_that_is_put_right_is_on_record_before_and_after(
    store: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "announcing", announcing)
    tamper(store, "acc-3", "acc-7")

    run(FACET, "--all", "--apply", "--reason", REASON, "--workers", "4")

    entries = AuditEntry.objects.order_by("entity", "number").values_list("entity", "phase", "result")
    assert list(entries) == [
        ("acc-3", "intent", "announced"),
        ("acc-3", "outcome", "applied"),
        ("acc-7", "intent", "announced"),
        ("acc-7", "outcome", "applied"),
    ]
    entry = AuditEntry.objects.filter(entity="acc-7").first()
    assert (entry.person, entry.reason) == (lines()["acc-7"]["actor"], REASON)
    assert entry.operation_id == lines()["acc-7"]["operation_id"]


def test_where_nothing_can_be_put_on_record_nothing_is_written_and_it_stops(
    store: SqliteTable, accounts: Facet, monkeypatch: pytest.MonkeyPatch
):
    def refuse(plan: Any) -> Any:
        raise AuditUnavailable("disk full")

    monkeypatch.setattr(command, "announcing", lambda *_, **__: refuse)
    tamper(store, *(f"acc-{number}" for number in range(10)))

    said = run(FACET, "--all", "--apply", "--reason", REASON, "--workers", "1", fails=True)

    assert "not-recorded: The audit trail cannot be written, so nothing was." in said
    assert "The audit trail cannot be written: stopped. Run it again with --report" in said
    assert balances(accounts) == [99] * 10


def test_only_the_entities_named_are_looked_at_each_once(store: SqliteTable):
    said = run(FACET, "acc-1", "acc-2", "acc-1")

    assert "2 entities of BANK_ACCOUNT" in said
    assert sorted(lines()) == ["acc-1", "acc-2"]
    assert len(Path("report.jsonl").read_text().splitlines()) == 2


def test_one_entity_that_fails_does_not_stop_the_rest_and_the_command_fails(
    store: SqliteTable, accounts: Facet
):
    tamper(store, "acc-1", "acc-2", "acc-3", "acc-9")
    load_event(store, "acc-1", 2, '{"amount":-9999}')
    load_event(store, "acc-2", 2, "{broken")
    load_event(store, "acc-3", 3, '{"amount":1}')

    said = run(FACET, "--all", "--apply", "--reason", REASON, fails=True)

    assert "changed: 1\n" in said
    assert "failed: 3, rule-failed 2, history-not-whole 1" in said
    assert "acc-1: rule-failed: Event 2, TRANSACTION_ACCEPTED: insufficient funds" in said
    assert "acc-3: history-not-whole: Event 2 is missing." in said
    assert said.endswith("3 entities failed.")
    assert balances(accounts) == [5, 99, 99, 99, 5, 5, 5, 5, 5, 5]
    assert lines()["acc-2"]["why"] == "rule-failed"


def test_an_entity_that_does_not_exist_is_named(store: SqliteTable):
    assert "nope: no-such-entity: There is no such entity." in run(FACET, "nope", "acc-1", fails=True)


def test_a_record_that_is_not_of_the_format_is_named(store: SqliteTable, monkeypatch: pytest.MonkeyPatch):
    read = recalculate.preview

    def preview(facet: Facet, id: str) -> Any:
        if id == "acc-5":
            raise ZeroDivisionError("a bug")
        return read(facet, id)

    monkeypatch.setattr(recalculate, "preview", preview)

    said = run(FACET, "--all", fails=True)

    # What it may quote is not known, and some of an account is sensitive.
    assert "acc-5: error: ZeroDivisionError\n" in said
    assert "unchanged: 9" in said


def test_a_lost_state_and_one_left_behind_are_made_again(store: SqliteTable, accounts: Facet):
    load_event(store, "lost", 1, '{"amount":7}')
    load_event(store, "acc-1", 2, '{"amount":7}')

    said = run(FACET, "lost", "acc-1", "--apply", "--reason", REASON)

    assert "changed: 2" in said
    assert (accounts.get("lost").item["balance"], accounts.get("lost").record.seq) == (7, 1)
    assert (accounts.get("acc-1").item["balance"], accounts.get("acc-1").record.seq) == (12, 2)


def test_messages_and_events_without_a_rule_are_counted(store: SqliteTable):
    load_event(store, "acc-1", 2, "{}", "CARD_BLOCKED")
    store.load([outbound_record(FACET, "acc-1", 1, 0, "accountOverdrawn", "{}", 0).to_item()])

    said = run(FACET, "acc-1")

    assert "messages not stored as a replay would publish them: 1 unexpected" in said
    assert "with events that have no rule: 1" in said
    assert lines()["acc-1"]["unruled"] == {"CARD_BLOCKED": 1}
    assert lines()["acc-1"]["messages"] == {"unexpected": 1}


def test_an_entity_that_moves_on_is_looked_at_again(
    store: SqliteTable, accounts: Facet, monkeypatch: pytest.MonkeyPatch
):
    tamper(store, "acc-1")
    write = recalculate.write
    interruptions = iter([1, 2])

    def interrupted(facet: Facet, id: str, outcome: Any, **options: Any) -> None:
        if next(interruptions, None):
            accounts.append("acc-1", Event("TRANSACTION_ACCEPTED", {"amount": 1}))
        write(facet, id, outcome, **options)

    monkeypatch.setattr(recalculate, "write", interrupted)

    said = run(FACET, "acc-1", "--apply", "--reason", REASON)

    assert "conflicts retried: 2" in said
    assert accounts.get("acc-1").item["balance"] == 7
    assert lines()["acc-1"]["conflicts"] == 2


def test_an_entity_that_never_holds_still_is_reported(store: SqliteTable, monkeypatch: pytest.MonkeyPatch):
    tamper(store, "acc-1")
    monkeypatch.setattr(bulk_recalculate.time, "sleep", lambda seconds: None)

    def lose(*given: Any, **options: Any) -> None:
        raise SequenceConflict("acc-1", expected_seq=1, actual_seq=2)

    monkeypatch.setattr(SqliteEventDB, "put_state", lose)

    said = run(FACET, "acc-1", "--apply", "--reason", REASON, fails=True)

    assert "acc-1: conflict:" in said


@pytest.mark.parametrize(
    ("maybe_written", "words"),
    [(True, "Whether it was written is not known"), (False, "unavailable: The store")],
)
def test_what_may_have_been_written_is_told(
    store: SqliteTable, monkeypatch: pytest.MonkeyPatch, maybe_written: bool, words: str
):
    tamper(store, "acc-1")

    def fail(*given: Any, **options: Any) -> None:
        raise StoreUnavailable("gone", maybe_written=maybe_written)

    monkeypatch.setattr(SqliteEventDB, "put_state", fail)

    assert words in run(FACET, "acc-1", "--apply", "--reason", REASON, fails=True)


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), TableNotFound("ledger")])
def test_a_table_that_is_gone_stops_the_run_which_can_go_on_later(
    store: SqliteTable, accounts: Facet, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    for number in range(10, 60):
        accounts.append(f"acc-{number}", Event("TRANSACTION_ACCEPTED", {"amount": 5}))

    def fail(*given: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(SqliteEventDB, "get_records", fail)
        said = run(FACET, "--all", "--workers", "2", fails=True)

    assert "does not answer: stopped" in said
    assert len(lines()) < 30
    assert "unchanged: 60" in run(FACET, "--all")


def test_a_run_goes_on_where_its_report_ends_and_says_what_it_skips(store: SqliteTable):
    load_event(store, "acc-1", 2, '{"amount":-9999}')
    run(FACET, "acc-1", "acc-2", "acc-3", fails=True)

    said = run(FACET, "--all", fails=True)

    assert "8 entities of" in said
    assert "skipped, since report.jsonl has settled them: 2" in said
    assert len(Path("report.jsonl").read_text().splitlines()) == 3 + 8


def test_a_dry_runs_report_settles_nothing_for_apply(store: SqliteTable, accounts: Facet):
    tamper(store, "acc-1")
    run(FACET, "--all")

    said = run(FACET, "--all", "--apply", "--reason", REASON)

    assert "skipped" not in said
    assert accounts.get("acc-1").item["balance"] == 5


def test_a_report_of_another_facet_settles_nothing(store: SqliteTable):
    run(FACET, "acc-1")

    assert "skipped" not in run("ORDER", "o")
    assert "skipped" in run("ORDER", "o")


def test_a_report_that_a_crash_cut_short_is_gone_on_with(store: SqliteTable):
    run(FACET, "acc-1", "acc-2")
    path = Path("report.jsonl")
    path.write_text(path.read_text()[:-20])

    assert "1 entity of" in run(FACET, "acc-1", "acc-2")
    assert "0 entities of" in run(FACET, "acc-1", "acc-2")


@pytest.mark.parametrize("text", ["a,b\n1,2\n", '{"id": 1}\n', '{"a":\n1}\n', "\ufeff{}\n"])
def test_a_file_that_is_no_report_is_refused_and_left_alone(store: SqliteTable, text: str):
    Path("report.jsonl").write_text(text)

    assert "report.jsonl, line 1, is no line of a report" in run(FACET, "acc-1", fails=True)
    assert Path("report.jsonl").read_text() == text


def test_a_binary_file_is_refused_and_left_alone(store: SqliteTable):
    Path("report.jsonl").write_bytes(b"\xff\xfe\x00")

    assert "is no report" in run(FACET, "acc-1", fails=True)
    assert Path("report.jsonl").read_bytes() == b"\xff\xfe\x00"


def test_without_a_name_the_report_is_a_new_file_that_the_summary_names(store: SqliteTable):
    out = io.StringIO()
    call_command("recalculate", FACET, "acc-1", stdout=out)

    [path] = Path().glob("recalculate-BANK_ACCOUNT-*.jsonl")
    assert f"Report: {path}" in out.getvalue()
    assert list(lines(str(path))) == ["acc-1"]


def test_values_of_sensitive_fields_stay_out_of_the_report(
    store: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bank_account, "sensitive_fields", ("ownerLast",))
    tamper(store, "acc-1", ownerLast="Reed")
    store.load([state_record(FACET, "acc-2", 1, '{"ownerFirst":{"ownerLast":"Reed"}}', 0).to_item()])

    run(FACET, "acc-1", "acc-2")

    assert "Reed" not in Path("report.jsonl").read_text()
    assert lines()["acc-1"]["changes"][1] == {"path": ["ownerLast"], "kind": "removed", "old": BULLETS}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["NOPE", "--all"], "There are: BANK_ACCOUNT, ORDER"),
        ([FACET], "or say --all"),
        ([FACET, "acc-1", "--all"], "or say --all"),
        ([FACET, ""], "may not be empty"),
        ([FACET, "--all", "--apply"], "--apply needs --reason"),
        ([FACET, "--all", "--apply", "--reason", " no "], "5 to 500 characters"),
        ([FACET, "--all", "--workers", "0"], "from 1 to 64"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(
    store: SqliteTable, arguments: list[str], words: str
):
    assert words in run(*arguments, fails=True)
    assert not Path("report.jsonl").exists()


def test_a_report_that_cannot_be_written_is_named(store: SqliteTable):
    assert "nowhere/report.jsonl cannot be written" in run(
        FACET, "acc-1", report="nowhere/report.jsonl", fails=True
    )


def test_a_table_that_is_not_there_is_named(store: SqliteTable, settings: Any, tmp_path: Path):
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'other.sqlite3'}"

    assert "there is no such table" in run(FACET, "--all", fails=True)


def test_no_more_is_under_way_than_there_are_workers():
    now, most, lock = 0, 0, threading.Lock()
    taken: list[int] = []

    def settle(id: str) -> bulk_recalculate.Settled:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1
        return bulk_recalculate.Settled(id, "unchanged")

    def ids() -> Any:
        for number in range(100):
            taken.append(number)
            yield str(number)

    done = bulk_recalculate.settle_all(settle, ids(), workers=3, stopping=lambda: False)
    next(done)

    assert len(taken) <= 2 * 3
    assert len(list(done)) == 99
    assert 2 <= most <= 3


def test_once_stopping_what_is_begun_is_finished_and_no_other():
    stop = threading.Event()
    begun: list[str] = []

    def settle(id: str) -> bulk_recalculate.Settled:
        begun.append(id)
        time.sleep(0.002)
        return bulk_recalculate.Settled(id, "unchanged")

    ids = map(str, range(1000))
    done = bulk_recalculate.settle_all(settle, ids, workers=3, stopping=stop.is_set)
    finished = [next(done).id for _ in range(5)]
    stop.set()
    finished += [settled.id for settled in done]

    assert sorted(finished) == sorted(begun)
    assert len(begun) < 20
    assert int(next(ids)) < 20


SLOW = """
import sys, time
import django
django.setup()
from facets.changes import recalculate
read = recalculate.preview
def preview(facet, id):
    print("begun", flush=True)
    time.sleep(1)
    return read(facet, id)
recalculate.preview = preview
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_what_is_begun_and_the_next_run_goes_on(
    store: SqliteTable, settings: Any, number: signal.Signals
):
    root = Path(__file__).parents[3]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "hdeadmin.settings",
        "HDEADMIN_STORE": settings.HDEADMIN_STORE,
        "PYTHONPATH": str(root),
    }
    arguments = ["recalculate", FACET, "--all", "--workers", "2", "--report", "report.jsonl"]
    process = subprocess.Popen(  # noqa: S603 - this interpreter, and words of our own
        [sys.executable, "-c", SLOW, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    said, complained = process.communicate(timeout=30)

    assert process.returncode == 130
    settled = len(lines())
    assert 1 <= settled < 10
    assert f"{settled} of 10 entities" in said
    assert "Stopping: what is begun is finished." in complained
    assert "Run it again with --report report.jsonl" in complained
    assert "Traceback" not in complained
    assert f"skipped, since report.jsonl has settled them: {settled}" in run(FACET, "--all")
    assert len(lines()) == 10
