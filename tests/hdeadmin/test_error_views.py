"""The pages for what went wrong."""

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import Settings

from hdeadmin import error_views, theme


def test_a_host_that_is_not_ours_is_a_400_that_does_not_repeat_it(client: Client):
    response = client.get("/login/", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert "The request could not be read" in response.text
    assert "evil.example" not in response.text


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RuntimeError("hunter2"), 500, "Something went wrong here"),
        (OperationalError("hunter2"), 503, "database does not answer"),
    ],
)
def test_a_fault_has_a_page_that_needs_no_database_and_tells_no_secret(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
):
    """No database is allowed in this test."""

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(theme, "theme", fail)
    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.auth.middleware.get_user", fail)

    response = client.get("/")

    assert response.status_code == status
    assert words in response.text
    assert "hunter2" not in response.text
    assert "Content-Security-Policy" in response.headers


def test_a_refusal_without_a_reason_still_says_something():
    request = RequestFactory().get("/")

    assert "do not have the right" in error_views.permission_denied(request, Exception()).content.decode()


@pytest.mark.parametrize("error", [RuntimeError("late"), OperationalError("database is locked")])
def test_after_a_post_no_page_claims_that_nothing_was_written(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """A session that cannot be saved fails after the view has written its event."""

    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", fail)
    client.raise_request_exception = False

    asked, sent = client.get("/"), client.post("/")

    assert "Nothing was changed" not in sent.text
    assert "is not known" in sent.text
    assert "is not known" not in asked.text


def test_a_stranger_may_send_no_more_than_signing_in_takes(db: None, client: Client, settings: Settings):
    response = client.post("/login/", {"username": "x" * settings.HDEADMIN_STRANGERS_BODY})

    assert response.status_code == 413
    assert "That was too much at once" in response.text
    assert "64.0\xa0KB" in response.text


@pytest.mark.parametrize("url", ["/theme/", "/logout/"])
def test_an_error_that_a_view_answers_with_nothing_has_a_page(db: None, client: Client, url: str):
    client.force_login(User.objects.create_superuser("ada"))

    response = client.get(url)

    assert response.status_code == 405
    assert "This page does not take that" in response.text
    assert "POST" in response.headers["Allow"]


def test_a_value_that_no_button_sends_has_a_page_too(db: None, client: Client):
    client.force_login(User.objects.create_superuser("ada"))

    response = client.post("/theme/", {"theme": "x"})

    assert response.status_code == 400
    assert "The request could not be read" in response.text


def test_every_page_of_an_error_names_the_request(db: None, client: Client):
    client.force_login(User.objects.create_superuser("ada"))
    client.raise_request_exception = False

    for response in (client.get("/nope"), client.get("/theme/"), client.get("/", headers={"Host": "x"})):
        assert response.headers["X-Request-ID"] in response.text
