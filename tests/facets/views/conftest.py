"""The cast, and the table that pages of a test read and write."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from facets import conf
from facets.core import Event, Facet
from facets.core.dynamodb import DynamoTable
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from tests.support.stores import console_of


@pytest.fixture
def ledger(settings: Settings, tmp_path: Path) -> Table:
    """A new, empty table in a SQLite file, which the pages of the test use."""
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    table = conf.current_table()
    assert isinstance(table, SqliteTable)
    table.create()
    return table


@pytest.fixture
def dynamo_ledger(settings: Settings, moto_table: DynamoTable) -> Iterator[DynamoTable]:
    """A new, empty table in moto, which the pages of the test use."""
    with console_of(moto_table, settings):
        yield moto_table


@pytest.fixture
def local_ledger(settings: Settings, dynamodb_table: DynamoTable) -> Iterator[DynamoTable]:
    """A new, empty table in DynamoDB Local, which the pages of the test use."""
    with console_of(dynamodb_table, settings):
        yield dynamodb_table


@pytest.fixture
def accounts(ledger: Table) -> Facet:
    """Bank accounts in the table, to append to behind the console's back."""
    return bank_account.facet(ledger.db("BANK_ACCOUNT"))


@pytest.fixture
def account(accounts: Facet) -> str:
    """The id of an account with three events: opened, named, credited with 100."""
    accounts.append("acc-1", Event("ACCOUNT_CREATION", {"id": "acc-1"}))
    accounts.append("acc-1", Event("ACCOUNT_UPDATE", {"ownerFirst": "Ada", "ownerLast": "Reed"}))
    accounts.append("acc-1", Event("TRANSACTION_ACCEPTED", {"desc": "Salary", "amount": 100}))
    return "acc-1"


@pytest.fixture
def sign_in(db: None) -> Callable[[str | None], Client]:
    """A browser in which a person of that role is signed in; None is a person without a role."""

    def sign_in(role: str | None) -> Client:
        user = User.objects.create_user(role or "nobody", password="correct horse battery")
        if role:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def viewer(sign_in: Callable[[str | None], Client], ledger: Table) -> Client:
    return sign_in("viewer")


@pytest.fixture
def corrector(sign_in: Callable[[str | None], Client], ledger: Table) -> Client:
    return sign_in("corrector")


@pytest.fixture
def operator(sign_in: Callable[[str | None], Client], ledger: Table) -> Client:
    return sign_in("operator")
