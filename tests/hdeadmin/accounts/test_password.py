"""Coming in by name or e-mail and password (ASVS 5.0: V6.2, V6.3)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from pytest_django import Settings

from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.accounts.browsing import is_in, sign_in
from tests.hdeadmin.accounts.conftest import PASSWORD, Make

WRONG = "That name and password do not go together."
LOCKED = "Too many wrong answers."


@pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.com", "Ada@Example.com", "  ada "])
def test_a_name_or_an_e_mail_will_do_in_any_case_of_letters(ada: User, client: Client, login: str):
    assert sign_in(client, login).url == "/"
    assert is_in(client)


def test_who_comes_in_goes_and_fails_is_on_record_without_what_they_typed(
    ada: User, client: Client, trail: Callable[[], list[str]]
):
    sign_in(client, "ada", "a wrong password")
    sign_in(client, "my password by mistake", "x")
    sign_in(client)
    client.post("/logout/")

    assert trail() == ["sign-in-failed ada", "sign-in-failed", "sign-in ada", "sign-out ada"]
    assert AuditEntry.objects.get(action="sign-in").signed_in_by == "password"
    for entry in AuditEntry.objects.values():
        assert "a wrong password" not in str(entry)
        assert "by mistake" not in str(entry)
        assert PASSWORD not in str(entry)


def test_an_unknown_name_and_a_wrong_password_are_answered_alike(make_person: Make, client: Client):
    make_person("ada")
    make_person("gone", is_active=False)
    answers = {
        login: sign_in(client, login, "wrong").text.replace(login, "LOGIN").split("csrf")[0]
        for login in ("ada", "ada@example.com", "nobody", "nobody@example.com", "gone")
    }

    assert len(set(answers.values())) == 1
    assert WRONG in answers["ada"] or WRONG in sign_in(client, "ada", "wrong").text


def test_one_password_is_hashed_for_each_answer_whoever_is_asked_for(
    make_person: Make, client: Client, monkeypatch: pytest.MonkeyPatch
):
    make_person("ada")
    # Some providers make their people's names of e-mails.
    make_person("eve@example.com", email="eve@example.com")
    make_person("new").set_unusable_password()
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(args[1]) or encode(*args))

    counts = {}
    for login in ("ada", "ada@example.com", "eve@example.com", "new", "nobody", "nobody@example.com"):
        hashed.clear()
        sign_in(client, login, "wrong")
        counts[login] = len(hashed)

    assert set(counts.values()) == {1}, counts


def test_five_wrong_passwords_refuse_the_right_one_for_five_minutes(
    ada: User, client: Client, trail: Callable[[], list[str]]
):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        for attempt in range(5):
            # The e-mail and another spelling are the same person, and another browser is no new start.
            login = ("ada", "ADA", "ada@example.com")[attempt % 3]
            assert WRONG in sign_in(Client(), login, "wrong").text
        locked = [sign_in(client, login) for login in ("ada", "ada@example.com", "Ada")]
        assert all(LOCKED in answer.text for answer in locked)
        assert not is_in(client)
        clock.shift(5 * 60 + 1)
        assert sign_in(client).status_code == 302

    assert trail() == [*["sign-in-failed ada"] * 5, "lockout ada", "sign-in ada"]


def test_a_name_that_nobody_has_is_locked_alike(ada: User, client: Client):
    answers = [sign_in(client, "nobody", "wrong").text for _ in range(6)]

    assert [LOCKED in text for text in answers] == [False] * 5 + [True]


def test_signing_in_between_two_guesses_wins_no_more_of_them(ada: User, client: Client):
    for _ in range(4):
        sign_in(client, "ada", "wrong")
    sign_in(client)
    client.post("/logout/")

    assert WRONG in sign_in(client, "ada", "wrong").text
    assert LOCKED in sign_in(client).text


def test_an_address_that_guesses_at_many_names_is_stopped(db: None, settings: object):
    clients = [Client(REMOTE_ADDR="203.0.113.9"), Client(REMOTE_ADDR="203.0.113.10")]
    stopped = [
        "more often than the console allows" in sign_in(clients[0], f"person-{number}", "wrong").text
        or LOCKED in sign_in(clients[0], f"person-{number}", "wrong").text
        for number in range(16)
    ]

    assert stopped[0] is False
    assert stopped[-1] is True
    # Told otherwise by a header that no proxy of ours writes, it is still the same address.
    forged = clients[0].post(
        "/login/", {"login": "x", "password": "y"}, headers={"X-Forwarded-For": "198.51.100.1"}
    )
    assert forged.status_code == 429 or LOCKED in forged.text
    assert WRONG in sign_in(clients[1], "somebody", "wrong").text


def test_workers_that_are_asked_at_once_let_no_more_guesses_through(transactional_db: None):
    User.objects.create_user("ada", password=PASSWORD)

    def guess(_: int) -> bool:
        try:
            return WRONG in sign_in(Client(), "ada", "wrong").text
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as workers:
        judged = sum(workers.map(guess, range(12)))

    assert judged <= 5
    assert LOCKED in sign_in(Client()).text or judged < 5


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("elevenchars", "at least 12 characters"),
        ("adalovelace1815", "too similar"),
        ("megaparol12345", "too common"),
        ("Hdeadmin-2026!", "everybody would try here"),
        ("console.Example.1", "everybody would try here"),
    ],
)
def test_a_weak_password_is_refused_and_says_why(
    make_person: Make, client: Client, settings: Settings, password: str, why: str
):
    settings.ALLOWED_HOSTS = ["console.example.com", "testserver"]
    client.force_login(make_person("adalovelace181"))

    answer = client.post(
        "/account/password/", {"oldpassword": PASSWORD, "password1": password, "password2": password}
    )

    assert why in answer.text
    assert User.objects.get().check_password(PASSWORD)


def test_a_long_password_of_any_characters_is_taken_whole(ada: User, client: Client):
    new = "пароль 日本語 🗝️ " * 8 + " spaces at the end  "
    client.force_login(ada)
    client.post("/account/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert sign_in(Client(), "ada", new).status_code == 302
    assert WRONG in sign_in(Client(), "ada", new.strip()).text


def test_changing_the_password_takes_the_present_one_and_ends_other_sessions(
    ada: User, client: Client, trail: Callable[[], list[str]]
):
    other = Client()
    sign_in(client)
    sign_in(other)
    new = {"password1": "four words in a row", "password2": "four words in a row"}

    refused = client.post("/account/password/", {"oldpassword": "wrong", **new})
    still_in = is_in(other)
    before = client.session.session_key
    done = client.post("/account/password/", {"oldpassword": PASSWORD, **new})

    assert "not your present password" in refused.text
    assert still_in
    assert done.url == "/account/"
    assert is_in(client)
    assert client.session.session_key != before
    assert not is_in(other)
    assert trail()[-1] == "password-changed ada"


def test_nobody_signs_up_and_no_page_sends_passwords(db: None, client: Client):
    for address in ("signup", "account/signup", "account/password/reset", "account/email", "password/reset"):
        assert client.get(f"/{address}/").status_code == 404
    assert "Sign up" not in client.get("/login/").text


def test_going_on_leads_to_our_own_pages_only(ada: User, settings: object):
    for elsewhere in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "http://localhost/"):
        client = Client()
        answer = client.post("/login/", {"login": "ada", "password": PASSWORD, "next": elsewhere})
        assert answer.url == "/", elsewhere
    answer = Client().post("/login/", {"login": "ada", "password": PASSWORD, "next": "/open/?id=1"})
    assert answer.url == "/open/?id=1"


def test_a_disabled_person_is_out_at_the_next_request_and_cannot_come_in(ada: User, client: Client):
    sign_in(client)
    User.objects.update(is_active=False)

    assert not is_in(client)
    assert sign_in(client).url == "/account/inactive/"
    assert not is_in(client)


def test_where_the_trail_cannot_be_written_nobody_comes_in(
    ada: User, client: Client, monkeypatch: pytest.MonkeyPatch
):
    from hdeadmin.accounts import signals
    from hdeadmin.audit.log import AuditUnavailable

    def unavailable(*args: object, **kwargs: object) -> None:
        raise AuditUnavailable("gone")

    monkeypatch.setattr(signals, "record", unavailable)
    client.raise_request_exception = False

    assert sign_in(client).status_code in (500, 503)
    monkeypatch.undo()
    assert not is_in(client)


def test_where_the_trail_cannot_be_written_people_still_go(
    ada: User, client: Client, monkeypatch: pytest.MonkeyPatch
):
    from hdeadmin.accounts import signals
    from hdeadmin.audit.log import AuditUnavailable

    sign_in(client)

    def unavailable(*args: object, **kwargs: object) -> None:
        raise AuditUnavailable("gone")

    monkeypatch.setattr(signals, "record", unavailable)

    assert client.post("/logout/").status_code == 302
    assert not is_in(client)
