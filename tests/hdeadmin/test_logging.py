"""What is logged of a request and of an error: one line of JSON each, and nothing that is nobody's business."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from logging.config import DictConfigurator  # type: ignore[attr-defined]
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from hdeadmin.logging import REQUESTS, configuration


class Written(StringIO):
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().split("\n") if line]

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["logger"] == REQUESTS]


def listening(*, readable: bool) -> Iterator[Written]:
    form = configuration(readable=readable)["formatters"]["line"]
    written = Written()
    handler = logging.StreamHandler(written)
    handler.setFormatter(DictConfigurator({}).configure_formatter(form))
    logging.getLogger().addHandler(handler)
    requests = logging.getLogger(REQUESTS)
    before = requests.level
    requests.setLevel(logging.INFO)
    yield written
    requests.setLevel(before)
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def log() -> Iterator[Written]:
    """What a server's log would say."""
    yield from listening(readable=False)


@pytest.fixture
def readable_log() -> Iterator[Written]:
    yield from listening(readable=True)


def test_a_request_is_one_line_with_who_what_and_how_long(db: None, client: Client, log: Written):
    ada = User.objects.create_superuser("ada")
    client.force_login(ada)

    response = client.get("/search/?id=hunter2")

    [line] = log.requests()
    assert line["method"] == "GET"
    assert line["route"] == "/search/"
    assert line["status"] == 200
    assert line["user"] == ada.pk
    assert line["ms"] > 0
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert line["level"] == "info"
    assert line["time"].endswith("Z")


def test_a_line_holds_no_id_no_search_no_cookie_and_no_password(
    db: None, client: Client, log: Written, settings: Settings
):
    client.force_login(User.objects.create_superuser("ada-lovelace"))
    secrets = ["hunter2", "ada-lovelace", client.cookies[settings.SESSION_COOKIE_NAME].value]

    client.get("/facets/BANK_ACCOUNT/entity/hunter2")
    client.get("/search/?q=hunter2")
    client.post("/theme/", {"theme": "hunter2"})
    client.get("/hunter2/hunter2")

    assert len(log.requests()) == 4
    assert [secret for secret in secrets if secret in str(log.requests())] == []


@pytest.mark.parametrize("hostile", ["a\r\nforged: 1", "a\u2028b\u0085c\x1b[31mred", "\u202eright to left"])
def test_whatever_an_id_holds_a_request_stays_one_line(
    db: None, client: Client, log: Written, readable_log: Written, hostile: str
):
    """The store is out of reach, so that a line other than the request's own is written as well."""
    client.force_login(User.objects.create_superuser("ada"))

    client.get(f"/facets/BANK_ACCOUNT/entity/{quote(hostile)}")
    structlog.get_logger("facets").warning("unreadable", id=hostile)
    logging.getLogger("elsewhere").warning("of others: %s", hostile)

    assert log.getvalue().isascii()
    assert len(log.getvalue().splitlines()) == len(log.lines()) >= 3
    assert len(readable_log.getvalue().splitlines()) == len(log.lines())
    assert not any(character in readable_log.getvalue() for character in "\r\x1b\u2028\u202e")


def test_lines_written_meanwhile_bear_the_id_of_the_request(db: None, client: Client, log: Written):
    client.force_login(User.objects.create_superuser("ada"))

    response = client.get("/")

    said = [line for line in log.lines() if line["logger"].startswith("facets")]
    assert said
    assert {line["request_id"] for line in said} == {response.headers["X-Request-ID"]}
    structlog.get_logger("later").warning("on its own")
    assert "request_id" not in log.lines()[-1]


@pytest.mark.parametrize(
    ("given", "proxies", "kept"),
    [
        ("edge-0123456789.a_b", 1, True),
        ("edge-0123456789.a_b", 0, False),
        ("short", 1, False),
        ("x" * 65, 1, False),
        ("12345678\u00e9", 1, False),
        ("12345678\nforged", 1, False),
        ('{"a":"12345678"}', 1, False),
    ],
)
def test_a_proxys_id_is_kept_if_it_is_our_proxys_and_harmless(
    client: Client, settings: Settings, given: str, proxies: int, kept: bool
):
    settings.HDEADMIN_PROXY_COUNT = proxies

    found = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]

    assert (found == given) == kept
    assert found.isalnum() or kept


def test_an_error_is_told_by_type_and_place_and_never_by_a_message_that_may_quote_a_value(
    db: None, client: Client, log: Written, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        try:
            int("hunter2")
        except ValueError as error:
            raise KeyError("hunter2") from error

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", fail)
    client.raise_request_exception = False

    response = client.get("/")

    assert response.status_code == 500
    assert "hunter2" not in log.getvalue()
    [line] = [line for line in log.lines() if "exception" in line]
    assert line["exception"]["type"] == "builtins.KeyError"
    assert line["exception"]["after"]["type"] == "builtins.ValueError"
    assert any("test_logging.py" in place for place in line["exception"]["at"])
    assert log.requests()[0]["level"] == "warning"


def test_why_the_database_does_not_answer_is_told(log: Written):
    try:
        raise OperationalError("connection refused")
    except OperationalError:
        structlog.get_logger("x").error("failed", exc_info=True)

    assert log.lines()[0]["exception"]["message"] == "connection refused"


def test_everybodys_loggers_go_the_same_way_and_none_tells_what_it_sends():
    for name in (
        "django",
        "django.request",
        "django.security.csrf",
        "botocore",
        "urllib3",
        "allauth",
        "hdeadmin",
    ):
        logger: logging.Logger | None = logging.getLogger(name)
        while logger is not None and logger.name != "root":
            assert all(isinstance(one, logging.NullHandler) for one in logger.handlers), logger.name
            assert logger.propagate, logger.name
            logger = logger.parent
    assert not logging.getLogger("botocore.endpoint").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("django.db.backends").isEnabledFor(logging.DEBUG)
