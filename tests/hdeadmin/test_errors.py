"""The pages for what went wrong."""

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from hdeadmin import errors, theme


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

    assert "do not have the right" in errors.permission_denied(request, Exception()).content.decode()


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
