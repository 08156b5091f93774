"""What a person sees while the table is down, or holds what cannot be read."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets.core import InvalidRecord, StoreUnavailable
from facets.core.sqlite import SqliteEventDB

PAGES = [
    "/",
    reverse("facet", args=["BANK_ACCOUNT"]),
    reverse("entity", args=["BANK_ACCOUNT", "a"]),
    reverse("append", args=["BANK_ACCOUNT", "a"]),
    reverse("recalculate", args=["BANK_ACCOUNT", "a"]),
]


@pytest.mark.parametrize("url", PAGES)
def test_a_table_that_does_not_exist_is_a_503_that_says_so(operator: Client, settings: Settings, url: str):
    settings.HDEADMIN_STORE = "sqlite:gone/ledger.sqlite3"

    response = operator.get(url)

    assert response.status_code == 503
    assert "The table does not exist" in response.text
    # Where it lies is for the log, not for a page.
    assert "ledger.sqlite3" not in response.text
    assert response.headers["Retry-After"]


def test_a_table_that_does_not_answer_is_a_503_and_pages_come_back_with_it(
    operator: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    def fail(self: SqliteEventDB, id: str, **_: object) -> None:
        raise StoreUnavailable("connection refused at 10.0.0.7")

    url = reverse("entity", args=["BANK_ACCOUNT", account])
    with monkeypatch.context() as patch:
        patch.setattr(SqliteEventDB, "get_page", fail)
        down = operator.get(url)

    assert down.status_code == 503
    assert "The table does not answer" in down.text
    assert "10.0.0.7" not in down.text
    assert operator.get(url).status_code == 200


def test_a_record_that_is_not_of_the_format_has_a_page(
    operator: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    def fail(self: SqliteEventDB, id: str, **_: object) -> None:
        raise InvalidRecord("Not hde's format: <b>", id="BANK_ACCOUNT/<i>", rng="STATE")

    monkeypatch.setattr(SqliteEventDB, "get_page", fail)

    response = operator.get(reverse("entity", args=["BANK_ACCOUNT", account]))

    assert response.status_code == 502
    assert "A record cannot be read" in response.text
    assert "<i>" not in response.text


@pytest.mark.parametrize("url", [*PAGES, "/search/", reverse("new-entity", args=["ORDER"])])
def test_every_page_asks_a_stranger_to_sign_in(db: None, client: Client, url: str):
    response = client.get(url)

    assert response.status_code == 302
    assert response.url.startswith("/login/?next=")
