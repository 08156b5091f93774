"""A facet of its own, and entities in the directory without a table behind them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from pytest_django import Settings

from facets import conf, directory, registry
from facets.core import json
from facets.core.records import Record, state_record
from facets.core.sqlite import SqliteTable
from facets.definitions import FacetDefinition, Model

Note = Callable[..., Record]


class Address(Model):
    city: str | None = None
    phone: str | None = None


class Person(Model):
    name: str | None = None
    age: float | None = None
    born: datetime | None = None
    active: bool = False
    level: Literal["gold", "tin"] = "tin"
    address: Address = Address()
    iban: str | None = None
    tags: list[str] = []  # noqa: RUF012  # pydantic copies it


def person(**options: Any) -> FacetDefinition[Person]:
    given: dict[str, Any] = {
        "list_display": ("name", "age", "born", "active", "level", "address.city"),
        "search_fields": ("name", "address.city", "tags"),
        "sensitive_fields": ("iban", "phone"),
    }
    return FacetDefinition(name="PERSON", title="People", state=Person, **(given | options))


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FacetDefinition[Person]]:
    """Define PERSON, or define it anew."""

    def define(**options: Any) -> FacetDefinition[Person]:
        definition = person(**options)
        monkeypatch.setattr(registry, "definitions", lambda: {"PERSON": definition})
        return definition

    return define


@pytest.fixture
def people(
    db: None, settings: Settings, define: Callable[..., FacetDefinition[Person]]
) -> Callable[..., Record]:
    """Note one person; the table itself is never asked."""
    settings.HDEADMIN_STORE = "dynamodb:nowhere"
    define()

    def note(id: str, *, seq: int = 1, ts: int = 1_000, facet: str = "PERSON", **state: Any) -> Record:
        record = state_record(facet, id, seq, json.dumps(state), ts)
        directory.note(record)
        return record

    return note


@pytest.fixture
def file(db: None, settings: Settings, tmp_path: Path, define: Callable[..., object]) -> SqliteTable:
    """A new table in a SQLite file, which the directory is of."""
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    define()
    table = conf.current_table()
    assert isinstance(table, SqliteTable)
    table.create()
    return table
