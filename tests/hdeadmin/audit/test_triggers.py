"""The database itself refuses to change what is on record."""

from contextlib import nullcontext
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.management.sql import emit_post_migrate_signal
from django.db import DatabaseError, connection, transaction
from django.db.models import CharField, Model

from hdeadmin.audit import log, triggers
from hdeadmin.audit.models import AuditEntry, ChainHead
from tests.hdeadmin.audit.unguarded import drop_triggers

pytestmark = pytest.mark.django_db

COLUMNS = ", ".join(field.column for field in AuditEntry._meta.fields)
FORGED = "SELECT " + ", ".join(
    {"number": "7", "person": "'mallory'"}.get(field.column, field.column)
    for field in AuditEntry._meta.fields
)
STATEMENTS = {
    "update": "UPDATE audit_auditentry SET reason = 'another' WHERE number = 1",
    "delete": "DELETE FROM audit_auditentry WHERE number = 1",
    "delete all": "DELETE FROM audit_auditentry",
    "insert out of order": f"INSERT INTO audit_auditentry ({COLUMNS}) {FORGED} FROM audit_auditentry",
    "upsert": f"INSERT INTO audit_auditentry ({COLUMNS}) SELECT {COLUMNS} FROM audit_auditentry WHERE true "
    "ON CONFLICT (number) DO UPDATE SET reason = 'another'",
    "head back": "UPDATE audit_chainhead SET number = 0, mac = ''",
    "head far ahead": "UPDATE audit_chainhead SET number = number + 2",
    "head gone": "DELETE FROM audit_chainhead",
}
SQLITE = {
    "replace": f"INSERT OR REPLACE INTO audit_auditentry ({COLUMNS}) SELECT {COLUMNS} FROM audit_auditentry",
    "update or replace": "UPDATE OR REPLACE audit_auditentry SET reason = 'another'",
    "replace head": "INSERT OR REPLACE INTO audit_chainhead VALUES (1, 0, NULL, '')",
}
POSTGRESQL = {
    "head to what is not there": "UPDATE audit_chainhead SET number = number + 1",
    "truncate": "TRUNCATE audit_auditentry",
    "truncate head": "TRUNCATE audit_chainhead",
    "as a replica": "SET LOCAL session_replication_role = replica; UPDATE audit_auditentry SET reason = 'another'",
    "truncate as a replica": "SET LOCAL session_replication_role = replica; TRUNCATE audit_auditentry",
}
OWN = SQLITE if connection.vendor == "sqlite" else POSTGRESQL


@pytest.fixture
def entry() -> AuditEntry:
    return log.record("append", user="ann", reason="Counted twice")


@pytest.mark.parametrize(
    "statement", [pytest.param(sql, id=name) for name, sql in (STATEMENTS | OWN).items()]
)
def test_what_is_on_record_stays(entry: AuditEntry, statement: str):
    before = (list(AuditEntry.objects.values()), list(ChainHead.objects.values()))

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert (list(AuditEntry.objects.values()), list(ChainHead.objects.values())) == before


def test_nor_does_the_orm_change_it(entry: AuditEntry):
    entry.reason = "another"
    for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()

    assert AuditEntry.objects.get().reason == "Counted twice"


def check() -> None:
    call_command("check", databases=["default"], stdout=StringIO(), stderr=StringIO())


def test_a_check_fails_where_the_guards_are_gone_and_says_what_to_do(entry: AuditEntry):
    check()
    drop_triggers()

    with pytest.raises(SystemCheckError, match="audit_verify --restore-triggers"):
        check()


def test_a_guard_that_lets_everything_through_is_none(entry: AuditEntry):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER audit_entry_not_changed")
            cursor.execute(
                "CREATE TRIGGER audit_entry_not_changed BEFORE UPDATE ON audit_auditentry BEGIN SELECT 1; END"
            )
        else:
            cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_entry_kept")

    assert len(triggers.missing(connection)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("model", "name"), [(AuditEntry, "result"), (ChainHead, "mac")])
def test_migrating_puts_back_what_the_rebuild_of_a_table_dropped(model: type[Model], name: str):
    log.record("sign-in")
    before = model._meta.get_field(name)
    wider = CharField(max_length=99)
    wider.set_attributes_from_name(name)
    wider.model = model

    with connection.schema_editor() as editor:
        editor.alter_field(model, before, wider)
    # PostgreSQL alters a table in its place.
    with (
        pytest.raises(SystemCheckError, match="The database does not guard the audit trail")
        if connection.vendor == "sqlite"
        else nullcontext()
    ):
        check()

    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    check()
    assert log.record("sign-in").number == 2
    with connection.schema_editor() as editor:
        editor.alter_field(model, wider, before)


def test_guards_are_put_back_once(entry: AuditEntry):
    drop_triggers()

    assert len(triggers.install(connection)) == len(triggers.names(connection.vendor))
    assert triggers.missing(connection) == []
    assert triggers.install(connection) == []


def test_a_database_that_has_not_been_migrated_has_nothing_to_guard(entry: AuditEntry):
    drop_triggers()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry RENAME TO elsewhere")

    check()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_tests_that_commit_begin_with_an_empty_guarded_trail(turn: int):
    assert log.record("sign-in").number == 1
    assert triggers.missing(connection) == []
