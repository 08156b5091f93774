"""What a probe is told."""

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from facets.conf import current_table
from hdeadmin import health
from tests.hdeadmin.audit.unguarded import drop_triggers


@pytest.fixture
def ledger(settings: Settings, tmp_path):
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    current_table().create()


def test_alive_needs_nothing_but_the_process(client: Client):
    """No database is allowed in this test."""
    response = client.get("/healthz")

    assert (response.status_code, response.text) == (200, "ok")


def test_ready_when_database_and_table_answer(db: None, ledger: None, client: Client):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"database": "ok", "table": "ok", "audit": "ok"}


def test_a_table_that_is_gone_is_named_without_details(db: None, client: Client, settings: Settings):
    settings.HDEADMIN_STORE = "sqlite:gone/secret-place.sqlite3"

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"database": "ok", "table": "down", "audit": "ok"}
    assert "secret-place" not in response.text


def test_a_trail_that_is_not_guarded_is_no_trail_to_write_to(db: None, ledger: None, client: Client):
    drop_triggers()

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"database": "ok", "table": "ok", "audit": "down"}


def test_a_database_that_is_gone_is_named_and_comes_back(
    db: None, ledger: None, client: Client, monkeypatch: pytest.MonkeyPatch
):
    def fail() -> None:
        raise OperationalError("password authentication failed for hunter2")

    with monkeypatch.context() as patch:
        patch.setattr(health, "database_answers", fail)
        down = client.get("/readyz")

    assert down.status_code == 503
    assert down.json() == {"database": "down", "table": "ok", "audit": "ok"}
    assert client.get("/readyz").status_code == 200
