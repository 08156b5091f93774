"""Whoever can write to Django's database cannot have the console run a program."""

import ast
import base64
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection, models
from django.test import Client

from facets.core import Event
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from hdeadmin.env import BASE_DIR
from tests.hdeadmin.audit.unguarded import drop_triggers

# Each reads programs as well as data.
UNSAFE = {"pickle", "cPickle", "_pickle", "shelve", "dill", "joblib", "cloudpickle", "jsonpickle"}
PAGES = (
    "/",
    "/search/?q=acc",
    "/facets/BANK_ACCOUNT/",
    "/facets/BANK_ACCOUNT/entity/acc-1",
    "/facets/BANK_ACCOUNT/entity/acc-1?seq=150",
    "/facets/BANK_ACCOUNT/drift/acc-1?go=1",
    "/facets/BANK_ACCOUNT/chart/acc-1",
    "/facets/BANK_ACCOUNT/recalculate/acc-1",
    "/facets/BANK_ACCOUNT/append/acc-1?type=TRANSACTION_ACCEPTED",
    "/audit/",
    "/rights/",
    "/people/",
    "/account/",
    "/account/factors/",
    "/account/sessions/",
    "/readyz",
)


class Program:
    """Runs when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


@pytest.fixture
def console(db: None, sqlite_table: Table, settings: Any) -> Client:
    """A browser of a person who may do everything, after a look at every page."""
    settings.HDEADMIN_STORE = f"sqlite:{sqlite_table.path}"  # type: ignore[attr-defined]
    event = Event("TRANSACTION_ACCEPTED", {"desc": "Coffee", "amount": 1})
    accounts = bank_account.facet(sqlite_table.db("BANK_ACCOUNT"))
    for _ in range(4):
        accounts.append("acc-1", *[event] * 50)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root", "root@example.com", "correct horse battery"))
    open_pages(client)
    return client


def open_pages(client: Client) -> list[int]:
    return [client.get(page, follow=True).status_code for page in PAGES]


def stored_columns() -> Iterator[tuple[str, str, bool]]:
    """The table and column of everything that holds text or bytes, and whether it is bytes."""
    yield "hdeadmin_cache", "value", False
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.TextField | models.BinaryField | models.JSONField):
                yield model._meta.db_table, str(field.column), isinstance(field, models.BinaryField)


@pytest.mark.only_on_sqlite(reason="PostgreSQL's columns of JSON hold JSON only.")
@pytest.mark.parametrize("text", [True, False], ids=["base64", "bytes"])
def test_a_pickled_value_in_any_column_runs_nothing(console: Client, tmp_path: Path, text: bool):
    ran = tmp_path / "ran"
    program = pickle.dumps(Program(ran))
    encoded = base64.b64encode(program).decode()
    drop_triggers()
    filled = 0
    for table, column, binary in stored_columns():
        value: Any = program if binary and not text else encoded.encode() if binary else encoded
        with connection.cursor() as cursor:
            # All of Django's JSON columns are checked by SQLite.
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            cursor.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = %s', [value])  # noqa: S608
            filled += cursor.rowcount
    assert filled > 10
    open_pages(console)
    # The session was one of them.
    console.force_login(User.objects.get(username="root"))

    assert 200 in open_pages(console)
    assert not ran.exists()


def test_a_pickled_answer_in_the_cache_is_asked_for_anew(console: Client, tmp_path: Path):
    ran = tmp_path / "ran"
    encoded = base64.b64encode(pickle.dumps(Program(ran))).decode()
    cache.set("it", 1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE hdeadmin_cache SET value = %s", [encoded])
        assert cursor.rowcount > 1

    assert set(open_pages(console)) == {200}
    assert not ran.exists()


def test_no_module_of_ours_can_unpickle():
    unsafe = []
    for source in [*Path(BASE_DIR, "facets").rglob("*.py"), *Path(BASE_DIR, "hdeadmin").rglob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if UNSAFE & {name.partition(".")[0] for name in names}:
                unsafe.append(source.name)
            # A digest of code may be made of its bytes; they are never turned into code.
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("marshal.load", "marshal.loads"):
                unsafe.append(source.name)

    assert unsafe == []
