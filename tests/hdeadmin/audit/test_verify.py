"""Whoever gets round the guards is found out: the first entry that is wrong is named."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from hdeadmin.audit import chain, log, verify
from hdeadmin.audit.models import AuditEntry, ChainHead
from tests.hdeadmin.audit.unguarded import drop_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def ten() -> list[AuditEntry]:
    entries = [
        log.record("append", user="ann", facet="ORDER", entity=f"o-{number}", reason="Counted twice")
        for number in range(10)
    ]
    drop_triggers()
    return entries


def first_fault() -> tuple[int, str] | None:
    """What following the whole trail finds; the command and the look at the end find the same."""
    fault = verify.whole().fault
    assert verify.of_the_end().fault == fault
    return (fault.number, fault.problem) if fault else None


def forge(entry: int, /, **values: Any) -> None:
    AuditEntry.objects.filter(number=entry).update(**values)


def test_a_trail_that_nobody_touched_is_good(ten: list[AuditEntry]):
    assert first_fault() is None
    assert verify.whole().entries == 10


def test_so_is_one_that_has_not_begun():
    assert verify.whole().fault is None
    assert verify.of_the_end().fault is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person", "bob"),
        ("reason", ""),
        ("at", F("at") + timedelta(seconds=1)),
        ("seq_after", 7),
        ("changes_json", "[]"),
        ("mac", "0" * 64),
        ("previous", "0" * 64),
        ("intent", 1),
    ],
)
def test_a_field_that_was_altered(ten: list[AuditEntry], field: str, value: Any):
    forge(6, **{field: value})
    forge(8, **{field: value})

    assert first_fault() == (6, "altered: its seal does not fit what it says.")


def test_an_entry_that_was_deleted(ten: list[AuditEntry]):
    AuditEntry.objects.filter(number=4).delete()

    assert first_fault() == (4, "missing; entry 5 comes next.")


def test_the_first_entry_that_was_deleted(ten: list[AuditEntry]):
    AuditEntry.objects.filter(number=1).delete()

    assert first_fault() == (1, "missing; entry 2 comes next.")


def test_a_tail_that_was_deleted(ten: list[AuditEntry]):
    AuditEntry.objects.filter(number__gt=8).delete()

    assert first_fault() == (9, "missing; the head of the chain is at 10.")


def test_all_that_was_deleted(ten: list[AuditEntry]):
    AuditEntry.objects.all().delete()

    assert first_fault() == (1, "missing; the head of the chain is at 10.")


def test_two_entries_that_changed_places(ten: list[AuditEntry]):
    for old, new in ((3, 99), (7, 3), (99, 7)):
        forge(old, number=new)

    assert first_fault() == (3, "altered: its seal does not fit what it says.")


def test_an_entry_made_with_another_key(ten: list[AuditEntry]):
    values = AuditEntry.objects.filter(number=5).values().get() | {"person": "bob"}
    forge(5, person="bob", mac=chain.sign(values, "a key of mallory's" * 3))

    assert first_fault() == (5, "altered: its seal does not fit what it says.")


def test_an_entry_put_in_after_the_end(ten: list[AuditEntry]):
    values = AuditEntry.objects.filter(number=10).values().get() | {"number": 11}
    AuditEntry.objects.create(**values)

    assert first_fault() == (11, "altered: its seal does not fit what it says.")


def test_a_head_that_was_taken_back(ten: list[AuditEntry]):
    ChainHead.objects.update(number=8, mac=ten[7].mac)

    assert first_fault() == (9, "it stands beyond the head of the chain, which is at 8.")


def test_a_head_that_is_gone(ten: list[AuditEntry]):
    ChainHead.objects.all().delete()

    assert first_fault() == (10, "the head of the chain is gone, and maybe entries after this one.")


def test_a_value_that_cannot_be_read(ten: list[AuditEntry]):
    """PostgreSQL takes nothing but times there, and Django reads no time that far away."""
    value = "'yesterday'" if connection.vendor == "sqlite" else "'20000-01-01'"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE audit_auditentry SET at = {value} WHERE number = 3")

    fault = verify.whole().fault
    assert fault is not None
    assert fault.number == 3


def test_entries_of_an_earlier_key_are_good_while_it_is_named(ten: list[AuditEntry], settings: Settings):
    settings.HDEADMIN_AUDIT_KEY_FALLBACKS = [settings.HDEADMIN_AUDIT_KEY]
    settings.HDEADMIN_AUDIT_KEY = "the key of next year " * 3
    log.record("append")

    assert first_fault() is None
    settings.HDEADMIN_AUDIT_KEY_FALLBACKS = []
    number, problem = first_fault() or (0, "")
    assert number == 1
    assert "which the settings do not name" in problem


def run_audit_verify(*arguments: str) -> tuple[int, str]:
    """The command's exit code, and what it says."""
    out = StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


def test_the_command_says_that_all_is_well_and_that_goes_on_record():
    log.record("sign-in", user="ann")

    code, said = run_audit_verify()

    assert (code, said) == (0, "1 entries: every seal and link is good, up to the head, 1.\n")
    entry = AuditEntry.objects.get(action="audit-verified")
    assert entry.result == "ok"
    assert entry.person.startswith("manage.py")


def test_the_command_names_the_first_bad_entry_and_fails(ten: list[AuditEntry]):
    forge(6, person="bob")

    code, said = run_audit_verify("--restore-triggers")

    assert code == 3
    assert "Entry 6: altered: its seal does not fit what it says." in said
    assert AuditEntry.objects.get(action="audit-verified").result == "broken"


def test_the_command_says_that_the_guards_are_gone_and_puts_them_back(ten: list[AuditEntry]):
    code, said = run_audit_verify()
    assert code == 3
    assert "The database does not guard the trail" in said

    code, said = run_audit_verify("--restore-triggers")
    assert code == 0
    assert "Put back: audit_entry_in_order" in said
    assert run_audit_verify()[0] == 0
