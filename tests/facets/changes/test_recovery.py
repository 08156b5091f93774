"""A process that is killed in the midst of a write leaves an intent, which is settled by what the table holds."""

import os
import signal
import warnings
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django import Settings

import facets.core.sqlite
from facets import conf
from facets.changes import append, recalculate, recovery
from facets.changes.audited_write import announcing
from facets.changes.preview_token import PromisedEvent
from facets.core import Event, Facet, StoreUnavailable, json
from facets.core.records import state_record
from facets.core.sqlite import SqliteEventDB, SqliteTable
from facets.core.store import Table, new_operation_id
from facets.demo.definitions.bank_account import bank_account
from hdeadmin.audit import log, verify
from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.audit.unguarded import drop_triggers

NOW = timedelta(0)
FACET = "BANK_ACCOUNT"


@pytest.fixture
def ledger(settings: Settings, table: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The console's table, on each engine."""
    monkeypatch.setattr(recovery, "current_table", lambda: table)
    return table


@pytest.fixture
def file(settings: Settings, tmp_path: Path) -> SqliteTable:
    """The console's table, in a file."""
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    table = conf.current_table()
    assert isinstance(table, SqliteTable)
    table.create()
    return table


def accounts_of(table: Table) -> Facet:
    """Account 1, whose balance of 100 is stored as 99."""
    accounts = bank_account.facet(table.db(FACET))
    accounts.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 100}))
    drift(table, accounts, 99)
    return accounts


def drift(table: Table, accounts: Facet, balance: int, ts: int = 7, **more: Any) -> None:
    itm = json.dumps({**bank_account.processor.process(None).state, "balance": balance, **more})
    table.load([state_record(FACET, "1", accounts.db.get_log("1").seq, itm, ts).to_item()])


def append_transaction(accounts: Facet, amount: int = 25) -> None:
    events = [PromisedEvent("TRANSACTION_ACCEPTED", {"amount": amount, "desc": "x"})]
    preview = append.preview(accounts, "1", events)
    append.apply(
        accounts,
        "1",
        events,
        seen_seq=preview.seq,
        seen_state=preview.state,
        actor="ann",
        reason="Counted twice",
        operation_id=new_operation_id(),
        announce=announcing((), user="ann"),
    )


def recalculate_account(accounts: Facet) -> None:
    preview = recalculate.preview(accounts, "1")
    assert preview is not None
    recalculate.apply(
        accounts,
        "1",
        seen_seq=preview.stored_seq,
        actor="ann",
        reason="Counted twice",
        operation_id=new_operation_id(),
        announce=announcing((), user="ann"),
    )


def settled() -> list[tuple[str, str]]:
    """What is settled now: each ending, and its evidence."""
    found = [one.verdict for one in recovery.settle(after=NOW, by="ann") if one.verdict]
    return [(verdict.ending, verdict.evidence) for verdict in found]


def is_written(accounts: Facet, action: Callable[..., None]) -> bool:
    state = accounts.get("1")
    assert state is not None
    return state.item["balance"] == 100 if action is recalculate_account else state.record.seq == 2


# Killed, at each line


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(module: Any, name: str) -> None:
    """Die as soon as a function is called."""
    setattr(module, name, lambda *_, **__: die())


def after(module: Any, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    """Die as soon as a function has done its work."""
    function = getattr(module, name)

    def killed(*args: Any, **options: Any) -> Any:
        result = function(*args, **options)
        if when(*args, **options):
            die()
        return result

    setattr(module, name, killed)


def is_outcome(values: dict[str, Any]) -> bool:
    return values["phase"] == "outcome"


# From where it dies to: whether the table is written then, and what the intent is settled as; None without one.
PLACES: dict[str, tuple[Callable[[], None], bool, str | None]] = {
    "before the intent": (lambda: before(log, "record"), False, None),
    "before the intent is committed": (lambda: after(log, "_add"), False, None),
    "after the intent": (lambda: after(log, "record"), False, "not-applied"),
    "before the write": (lambda: before(SqliteEventDB, "put_state"), False, "not-applied"),
    "before the write is committed": (
        lambda: after(facets.core.sqlite, "_was_done"),
        False,
        "not-applied",
    ),
    "after the write": (lambda: after(SqliteEventDB, "put_state"), True, "applied"),
    "before the outcome": (lambda: before(log, "record_outcome"), True, "applied"),
    "before the outcome is committed": (lambda: after(log, "_add", is_outcome), True, "applied"),
    "after the outcome": (lambda: after(log, "record_outcome"), True, None),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", [append_transaction, recalculate_account])
@pytest.mark.parametrize("place", PLACES)
def test_a_process_that_is_killed_leaves_what_can_be_settled(
    file: SqliteTable, action: Callable[..., None], place: str
):
    accounts = accounts_of(file)
    arrange, written, ending = PLACES[place]

    killed(lambda: (arrange(), action(accounts)))

    assert is_written(accounts, action) is written
    assert [found for found, _ in settled()] == ([ending] if ending else [])
    assert settled() == []
    assert not log.open_intents().exists()
    assert verify.whole().fault is None
    if written:
        assert AuditEntry.objects.get(phase="outcome").result == "applied"


def killed(act: Callable[[], object]) -> None:
    """Do something in a process of its own, which does not live to see the end of it."""
    connections.close_all()
    with warnings.catch_warnings():
        # The threads of a test runner do nothing that a child would miss.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


# Settled by what the table holds, on every engine


@pytest.fixture
def lost(ledger: Table, db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Facet]:
    """Make a write of which nobody knows what came: its answer is lost, before it is written or after."""

    def lose(action: Callable[..., None], *, written: bool) -> Facet:
        accounts = accounts_of(ledger)
        store = type(accounts.db)
        with monkeypatch.context() as patch:
            put_state = store.put_state

            def put(self: Any, *args: Any, **options: Any) -> None:
                if written:
                    put_state(self, *args, **options)
                raise StoreUnavailable("no answer", maybe_written=True)

            patch.setattr(store, "put_state", put)
            with pytest.raises(StoreUnavailable):
                action(accounts)
        return accounts

    return lose


@pytest.mark.parametrize("action", [append_transaction, recalculate_account])
@pytest.mark.parametrize("written", [True, False])
def test_a_lost_answer_is_settled(lost: Callable[..., Facet], action: Callable[..., None], written: bool):
    lost(action, written=written)

    assert [ending for ending, _ in settled()] == ["applied" if written else "not-applied"]
    outcome = AuditEntry.objects.get(phase="outcome")
    assert outcome.details["settled"] is True
    assert (outcome.person, outcome.seq_before, outcome.reason) == ("ann", 1, "Counted twice")


@pytest.mark.parametrize("written", [True, False])
def test_an_append_is_found_below_what_others_appended_since(lost: Callable[..., Facet], written: bool):
    accounts = lost(append_transaction, written=written)
    for amount in range(5):
        accounts.append("1", Event("TRANSACTION_ACCEPTED", {"amount": amount}))

    assert settled() == [
        ("applied", "Event 2 bears the operation’s id.")
        if written
        else ("not-applied", "Event 2 is of another operation.")
    ]


@pytest.mark.parametrize("written", [True, False])
def test_a_recalculation_is_told_by_what_a_service_appended_since(lost: Callable[..., Facet], written: bool):
    accounts = lost(recalculate_account, written=written)
    accounts.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 5}))

    ((ending, evidence),) = settled()
    assert ending == ("applied" if written else "not-applied")
    assert "later events made of the state" in evidence


@pytest.mark.parametrize("written", [True, False])
def test_a_recalculation_is_told_by_what_the_console_wrote_since(lost: Callable[..., Facet], written: bool):
    accounts = lost(recalculate_account, written=written)
    append_transaction(accounts)

    ((ending, evidence),) = settled()
    assert ending == ("applied" if written else "not-applied")
    assert "The write of entry" in evidence


def test_what_cannot_be_told_is_not_guessed(lost: Callable[..., Facet], ledger: Table):
    accounts = lost(recalculate_account, written=False)
    drift(ledger, accounts, 55, ts=9)

    ((ending, evidence),) = settled()
    assert (ending, evidence) == (
        "unknown",
        "The state was replaced since by another program, at the same seq.",
    )


def test_nor_is_it_where_both_would_have_come_to_the_same(lost: Callable[..., Facet], ledger: Table):
    accounts = lost(recalculate_account, written=False)
    accounts.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 1}))
    drift(ledger, accounts, 55, ts=9)

    ((ending, evidence),) = settled()
    assert (ending, "from neither" in evidence) == ("unknown", True)


def test_what_may_be_under_way_is_left_alone(lost: Callable[..., Facet]):
    lost(append_transaction, written=False)

    assert list(recovery.settle(by="ann")) == []
    assert log.open_intents().count() == 1


def test_a_table_that_does_not_answer_leaves_it_open(
    lost: Callable[..., Facet], monkeypatch: pytest.MonkeyPatch
):
    lost(append_transaction, written=True)

    def gone(intent: AuditEntry) -> Any:
        raise StoreUnavailable("no route")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "judge", gone)
        code, said = run_audit_verify()
    assert (code, "still open." in said) == (4, True)

    code, said = run_audit_verify()
    assert (code, "applied. Event 2 bears the operation’s id." in said) == (0, True)


def test_two_that_settle_at_once_say_it_once(lost: Callable[..., Facet], monkeypatch: pytest.MonkeyPatch):
    lost(append_transaction, written=True)
    judge = recovery.judge

    def twice(intent: AuditEntry) -> Any:
        monkeypatch.setattr(recovery, "judge", judge)
        assert len(settled()) == 1
        return judge(intent)

    monkeypatch.setattr(recovery, "judge", twice)

    assert settled() == []
    assert AuditEntry.objects.filter(phase="outcome").count() == 1


def run_audit_verify() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("audit_verify", "--settle-after", "0", stdout=out, stderr=StringIO())
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


# Kept up by a running server


class _Stopped(Exception):
    pass


def _stop(seconds: float) -> None:
    raise _Stopped


@pytest.mark.django_db(transaction=True)
def test_a_running_server_settles_and_says_what_is_wrong(file: SqliteTable, caplog: pytest.LogCaptureFixture):
    accounts = accounts_of(file)
    killed(lambda: (after(SqliteEventDB, "put_state"), append_transaction(accounts)))
    drop_triggers()

    with pytest.raises(_Stopped):
        recovery.keep_settling(after=NOW, sleep=_stop)

    assert "the database does not guard it" in caplog.text
    assert "applied. Event 2 bears the operation’s id." in caplog.text
    assert AuditEntry.objects.get(phase="outcome").person == "hdeadmin, at work"


@pytest.mark.django_db(transaction=True)
def test_what_is_out_of_reach_at_the_start_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def gone() -> list[str]:
        raise StoreUnavailable("no route")

    monkeypatch.setattr(recovery.checks, "problems", gone)

    with pytest.raises(_Stopped):
        recovery.keep_settling(sleep=_stop)
    assert "could not be looked after" in caplog.text


def test_a_server_begins_it(settings: Settings):
    assert "facets.changes.recovery.keep_settling" in settings.HDEADMIN_AT_START
