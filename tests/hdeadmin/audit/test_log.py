"""What is recorded is there, in order and whole, whatever it says and whoever else is writing."""

import json
import os
import threading
import warnings
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, transaction
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings, strategies

from hdeadmin.audit import chain, log, verify
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.models import AuditEntry, ChainHead
from tests.hdeadmin.audit.outage import unwritable

pytestmark = pytest.mark.django_db


def test_an_entry_is_whole_and_follows_the_one_before():
    first = log.record("sign-in", user="ann")
    second = log.record("denied", user="ann", facet="ORDER", details={"needs": "append"}, result="denied")

    kept = AuditEntry.objects.get(number=second.number)
    assert (kept.number, kept.previous) == (first.number + 1, first.mac)
    assert kept.mac == chain.sign(vars(kept), "for the trail of tests only " * 2)
    assert kept.details == {"needs": "append"}
    assert ChainHead.objects.get().number == second.number


def test_a_request_says_who_from_where_and_in_which_session(rf: RequestFactory):
    request = rf.get("/", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="6.6.6.6")
    request.user = User.objects.create_user("ann")
    request.session = _Session(account_authentication_methods=[{"method": "password"}, {"type": "totp"}])

    entry = log.record("view", request=request)

    assert (entry.person, entry.person_id, entry.address) == ("ann", request.user.pk, "192.0.2.7")
    assert entry.signed_in_by == "password, totp"
    assert entry.session
    assert "the-key" not in entry.session


class _Session(dict):
    session_key = "the-key-of-the-session"


@given(
    text=strategies.text(strategies.characters(exclude_categories=()), max_size=60)
    | strategies.sampled_from(["\x00", "\ud800", "\u241b0000", "a\x00\u241b\udfff", '"\\\n'])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_text_comes_back_as_it_was(text: str):
    entry = log.record("append", user=text, entity=text, reason=text, ticket=text, details={"text": text})

    kept = AuditEntry.objects.get(number=entry.number, entity=text, reason=text)
    assert (kept.person, kept.entity, kept.reason, kept.ticket) == (text,) * 4
    assert kept.details == {"text": text}
    assert chain.canonical(vars(kept)) == chain.canonical(vars(entry))
    assert json.loads(chain.canonical(vars(kept)))[7] == text


def test_a_text_of_any_length_is_cut_to_what_an_index_takes():
    entry = log.record("denied", user="é" * 9_000, facet="\x00" * 9_000, entity="\u241b" * 9_000)

    assert len(entry.person.encode()) <= 300
    assert AuditEntry.objects.get(entity=entry.entity).facet.endswith("…")


def test_a_seq_beyond_what_a_column_keeps_is_said_all_the_same():
    entry = log.record("preview", seq_before=10**30, seq_after=2**63)

    kept = AuditEntry.objects.get(number=entry.number)
    assert (kept.seq_before, kept.seq_after) == (None, None)
    assert kept.details == {"seq_before": str(10**30), "seq_after": str(2**63)}


def test_the_time_never_runs_backwards():
    later = datetime(2030, 1, 1, tzinfo=UTC)
    with time_machine.travel(later, tick=False):
        log.record("sign-in", user="ann")
    with time_machine.travel(later - timedelta(hours=1), tick=False):
        entry = log.record("sign-out", user="ann")

    assert entry.at == later


def test_where_nothing_can_be_recorded_nobody_may_go_on():
    with unwritable(), pytest.raises(AuditUnavailable):
        log.record("append", phase="intent")


def test_open_intents_are_counted_whatever_was_settled_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log, "_SETTLED_STEP", 1)
    for _ in range(4):
        log.record_outcome(log.record("append", phase="intent"), "applied")
    assert log.count_open() == 0
    left = log.record("append", phase="intent")
    log.record_outcome(log.record("append", phase="intent"), "applied")

    assert (log.count_open(), log.count_open()) == (1, 1)
    assert [intent.number for intent in log.open_intents()] == [left.number]
    log.record_outcome(left, "not-applied")
    assert log.count_open() == 0
    cache.set(log._SETTLED_BELOW, 10**9, None)
    log.record("append", phase="intent")
    assert log.count_open() == 1


@pytest.mark.django_db(transaction=True)
def test_an_entry_within_somebodys_transaction_must_be_meant():
    with transaction.atomic(), pytest.raises(RuntimeError):
        log.record("denied")
    with transaction.atomic():
        log.record("granted", in_transaction=True)
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_chain():
    def write() -> None:
        for _ in range(10):
            log.record("view")
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    entries = list(AuditEntry.objects.order_by("number"))
    assert [entry.number for entry in entries] == list(range(1, 41))
    assert [entry.previous for entry in entries] == ["", *(entry.mac for entry in entries[:-1])]


@pytest.mark.django_db(transaction=True)
def test_so_do_many_processes():
    connection.close()
    with warnings.catch_warnings():
        # The threads of a test runner do nothing that a child would miss.
        warnings.simplefilter("ignore", DeprecationWarning)
        children = [os.fork() or _child() for _ in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]

    assert AuditEntry.objects.count() == 30
    assert verify.whole().fault is None


def _child() -> NoReturn:
    try:
        for _ in range(10):
            log.record("view")
        os._exit(0)
    finally:
        os._exit(1)
