"""How long a session lasts, and how it ends (ASVS 5.0: V7.2, V7.3, V7.4, V3.3)."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from hdeadmin.accounts.templatetags.access import browser
from hdeadmin.audit.models import AuditEntry
from hdeadmin.env import BASE_DIR
from tests.hdeadmin.accounts.browsing import is_in, sign_in
from tests.hdeadmin.accounts.conftest import PASSWORD, Make

SETTINGS = (
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY",
    "CSRF_COOKIE_HTTPONLY",
    "HDEADMIN_MFA",
)
NOW = 1_800_000_000  # seconds since 1970
MINUTE = 60


def test_the_key_of_a_session_changes_when_somebody_signs_in(ada: User, client: Client):
    # A stranger's session, which an attacker may have planted.
    client.get("/account/invitation/MQ/x/")
    planted = client.session.session_key
    sign_in(client)

    assert planted
    assert client.session.session_key != planted
    attacker = Client()
    attacker.cookies[next(iter(client.cookies))] = planted
    assert not is_in(attacker)


def test_half_an_hour_without_a_request_ends_a_session(ada: User, client: Client):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        for _ in range(3):
            clock.shift(28 * MINUTE)
            assert is_in(client)
        clock.shift(30 * MINUTE)
        assert not is_in(client)


def test_twelve_hours_end_a_session_whatever_is_done_in_it(
    ada: User, client: Client, trail: Callable[[], list[str]]
):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        for _ in range(36):
            assert is_in(client)
            clock.shift(20 * MINUTE)
        assert not is_in(client)
        # The cookie opens nothing even where the browser has kept it.
        assert not Session.objects.exists()

    assert trail() == ["sign-in ada", "sign-out ada"]
    assert AuditEntry.objects.latest("number").details == {"why": "after the longest time"}


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(ada: User, client: Client):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        for _ in range(3):
            clock.shift(9 * MINUTE)
            assert client.get("/account/", headers={"X-Unattended": "1"}).status_code == 200
        clock.shift(4 * MINUTE)
        assert not is_in(client)


def test_a_request_a_second_writes_a_session_once_a_minute(
    ada: User, client: Client, django_assert_num_queries
):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        clock.shift(2)
        with django_assert_num_queries(3) as queries:
            client.get("/theme/")

    assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)


def test_a_person_sees_their_sessions_and_ends_one_or_all_others(
    ada: User, make_person: Make, trail: Callable[[], list[str]]
):
    make_person("eve")
    eve = Client()
    sign_in(eve, "eve")
    here, there, elsewhere = (
        Client(
            HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Gecko Firefox/140.0",
            REMOTE_ADDR=f"192.0.2.{number}",
        )
        for number in (1, 2, 3)
    )
    for each in (here, there, elsewhere):
        sign_in(each)
    page = here.get("/account/sessions/").text
    ids = {session.ip: session.pk for session in UserSession.objects.filter(user=ada)}

    assert page.count("Firefox on Windows") == 3
    assert "192.0.2.2" in page
    assert here.session.session_key not in page
    # Not another person's, nor this one, which signs out instead.
    strange = UserSession.objects.get(user__username="eve").pk
    assert here.post(f"/account/sessions/{strange}/end/").status_code == 404
    assert here.post(f"/account/sessions/{ids['192.0.2.1']}/end/").status_code == 403
    here.post(f"/account/sessions/{ids['192.0.2.2']}/end/")
    assert [is_in(each) for each in (here, there, elsewhere, eve)] == [True, False, True, True]
    here.post("/account/sessions/")
    assert [is_in(each) for each in (here, there, elsewhere, eve)] == [True, False, False, True]


def test_ending_sessions_takes_a_fresh_proof(ada: User, client: Client):
    with time_machine.travel(NOW, tick=False) as clock:
        other = Client()
        sign_in(client)
        sign_in(other)
        clock.shift(6 * MINUTE)
        assert is_in(other)
        asked = client.post("/account/sessions/")
        assert asked.url.startswith("/account/confirm/?next=")
        assert is_in(other)
        wrong = client.post(asked.url, {"password": "wrong"})
        assert "not your password" in wrong.text
        # What was asked for is done then, without asking again.
        client.post(asked.url, {"password": PASSWORD})
        assert not is_in(other)
        assert is_in(client)


def test_an_administrator_signs_everybody_out(
    administrator: Client, ada: User, client: Client, trail: Callable[[], list[str]]
):
    sign_in(client)
    administrator.post("/people/sign-out/")

    assert not is_in(client)
    assert is_in(administrator)
    assert trail()[-1] == "sessions-ended root"


def test_signing_out_leaves_nothing_that_the_cookie_opens(ada: User, client: Client):
    sign_in(client)
    copy = Client()
    copy.cookies = client.cookies.copy()
    assert is_in(copy)
    client.post("/logout/")

    assert not is_in(copy)
    assert not Session.objects.filter(session_key=copy.cookies.popitem()[1].value).exists()


def test_a_cookie_ends_with_the_browser_and_script_cannot_read_it(ada: User, client: Client):
    answer = sign_in(client)
    cookie = answer.cookies["hdeadmin_session"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["max-age"]
    assert not cookie["expires"]


def test_over_https_browsers_take_the_cookies_from_this_host_only():
    said = subprocess.run(  # noqa: S603 - our own settings
        [
            sys.executable,
            "-c",
            f"from hdeadmin import settings; print(*(getattr(settings, name) for name in {SETTINGS}))",
        ],
        cwd=BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "x" * 50,
            "HDEADMIN_AUDIT_KEY": "y" * 50,
            "ALLOWED_HOSTS": "console.example.com",
            "HDEADMIN_STORE": "dynamodb:ledger",
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.split() == ["__Host-hdeadmin_session", "__Host-hdeadmin_csrf", *["True"] * 5]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/18.0 Safari/605.1", "Safari on macOS"),
        ("curl/8.0", "another program"),
        ("", "another program"),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent: str, name: str):
    assert browser(user_agent) == name
