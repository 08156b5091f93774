"""The link that opens an account: signed, for one use, for three days (ASVS 5.0: V6.4)."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from pytest_django import Settings

from hdeadmin import mail
from hdeadmin.accounts import invitations
from tests.hdeadmin.accounts.browsing import is_in, sign_in

NEW = "four words in a row"
FORM = {"first_name": "Ann", "last_name": "Lee", "password1": NEW, "password2": NEW}


def follow(client: Client, link: str) -> Any:
    """Go where the link leads."""
    return client.get(link[link.index("/account/") :], follow=True)


@pytest.fixture
def link(db: None, capsys: pytest.CaptureFixture[str]) -> str:
    """A link for ann.lee@example.com, who is to be a corrector."""
    call_command("invite", "Ann.Lee@Example.com", "--role", "corrector")
    return capsys.readouterr().out.split()[-1]


def test_whoever_is_invited_sets_a_password_and_is_in_with_their_roles(
    link: str, client: Client, trail: Callable[[], list[str]]
):
    page = follow(client, link)
    token = link.rstrip("/").split("/")[-1]
    done = client.post("/account/welcome/", FORM)

    # The link stands in no address from here on, and on no page.
    assert page.redirect_chain[-1][0] == "/account/welcome/"
    assert token not in page.text
    assert done.url == "/"
    ann = User.objects.get()
    assert (ann.username, ann.email, ann.get_full_name()) == ("ann-lee", "ann.lee@example.com", "Ann Lee")
    assert [group.name for group in ann.groups.all()] == ["corrector"]
    assert is_in(client)
    assert sign_in(Client(), "ann.lee@example.com", NEW).status_code == 302
    assert trail()[-3:] == ["invitation-accepted ann-lee", "sign-in ann-lee", "sign-in ann-lee"]
    assert trail()[0].startswith("invited ")


def test_a_link_opens_once(link: str, client: Client):
    follow(client, link)
    client.post("/account/welcome/", FORM)

    again = follow(Client(), link)
    assert again.status_code == 410
    assert "This link opens nothing" in again.text


def test_a_link_is_over_after_three_days(link: str, client: Client):
    with time_machine.travel("2026-12-01", tick=False):
        call_command("invite", "ann.lee@example.com")
    user = User.objects.get()
    with time_machine.travel("2026-12-01", tick=False):
        path = invitations.path_of_new_link(user)
    with time_machine.travel("2026-12-03T23:59", tick=False):
        assert follow(client, path).status_code == 200
    with time_machine.travel("2026-12-04T00:01", tick=False):
        assert follow(client, path).status_code == 410
        # Not by a page that was opened in time either.
        assert client.post("/account/welcome/", FORM).status_code == 410


def test_a_newer_link_ends_the_earlier_one(link: str, client: Client, capsys: pytest.CaptureFixture[str]):
    call_command("invite", "ann.lee@example.com", "--role", "auditor")
    newer = capsys.readouterr().out.split()[-1]

    assert follow(client, link).status_code == 410
    assert follow(client, newer).status_code == 200
    assert {group.name for group in User.objects.get().groups.all()} == {"auditor", "corrector"}


def test_a_disabled_person_s_link_opens_nothing(link: str, client: Client):
    User.objects.update(is_active=False)

    assert follow(client, link).status_code == 410
    with pytest.raises(CommandError, match="disabled"):
        call_command("invite", "ann.lee@example.com")


@pytest.mark.parametrize(
    "forged", ["/account/invitation/MQ/x/", "/account/invitation/%00/x-y/", "/account/invitation/zzz/-/"]
)
def test_a_made_up_link_opens_nothing(link: str, client: Client, forged: str):
    client.get(forged)
    # Whoever makes up a million fills no table.
    assert not Session.objects.exists()
    assert follow(client, forged).status_code == 410


def test_a_link_of_one_person_opens_no_other_account(link: str, client: Client):
    call_command("invite", "bob@example.com")
    bob = User.objects.get(username="bob")
    uid = invitations.path_of_new_link(bob).split("/")[3]
    token = link.rstrip("/").split("/")[-1]

    assert follow(client, f"/account/invitation/{uid}/{token}/").status_code == 410


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password1": "short", "password2": "short"}, "at least 12 characters"),
        ({"password2": "four other words here"}, "not the same password"),
        ({"password1": "", "password2": ""}, "Choose a password."),
        ({"password1": "ann.lee@example.com", "password2": "ann.lee@example.com"}, "too similar"),
    ],
)
def test_a_bad_password_is_refused_and_the_names_are_kept(
    link: str, client: Client, change: dict[str, str], why: str
):
    follow(client, link)
    answer = client.post("/account/welcome/", {**FORM, **change})
    field = answer.text[answer.text.index("autofocus") - 200 : answer.text.index("autofocus")]

    assert 'name="password1"' in field
    assert answer.status_code == 422
    assert why in answer.text
    assert 'value="Ann"' in answer.text
    assert NEW not in answer.text
    assert not is_in(client)


def test_a_new_link_for_somebody_who_is_here_ends_their_password_and_sessions(
    link: str, client: Client, capsys: pytest.CaptureFixture[str]
):
    follow(client, link)
    client.post("/account/welcome/", FORM)
    call_command("invite", "ann.lee@example.com")
    newer = capsys.readouterr().out.split()[-1]

    assert not is_in(client)
    assert sign_in(Client(), "ann-lee", NEW).status_code == 200
    assert "A new password" in follow(client, newer).text


def test_two_who_use_a_link_at_once_do_not_both_get_in(transactional_db: None):
    user = invitations.new_person("ann@example.com")
    invitations.path_of_new_link(user)

    def accept(number: int) -> bool:
        try:
            return invitations.accept(user, password=f"password {number}", first_name="", last_name="")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as people:
        assert sum(people.map(accept, range(4))) == 1


def test_the_link_is_sent_where_a_mail_server_is_set(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    sent: list[Any] = []
    settings.HDEADMIN_EMAIL_URL = "smtps://console:secret@mail.example.com"
    settings.HDEADMIN_EMAIL_FROM = "hdeadmin@example.com"

    class Server:
        def __init__(self, host: str, port: int, **rest: Any) -> None:
            sent.append((host, port))

        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None: ...

        def login(self, *who: str) -> None:
            sent.append(who)

        def send_message(self, letter: Any) -> None:
            sent.append(letter)

    monkeypatch.setattr(mail.smtplib, "SMTP_SSL", Server)
    call_command("invite", "ann@example.com", "--url", "https://console.example.com/")

    assert sent[:2] == [("mail.example.com", 465), ("console", "secret")]
    assert sent[2]["To"] == "ann@example.com"
    assert sent[2]["From"] == "hdeadmin@example.com"
    assert re.search(r"https://console\.example\.com/account/invitation/\S+/", sent[2].get_content())
    said = capsys.readouterr().out
    assert "was sent a link" in said
    assert "/account/invitation/" not in said


def test_where_the_mail_server_is_gone_the_link_is_shown(
    db: None, settings: Settings, capsys: pytest.CaptureFixture[str]
):
    settings.HDEADMIN_EMAIL_URL = "smtp://127.0.0.1:9"
    settings.HDEADMIN_EMAIL_FROM = "hdeadmin@example.com"
    call_command("invite", "ann@example.com")
    said = capsys.readouterr()

    assert "was not sent" in said.err
    assert "/account/invitation/" in said.out


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "@example.com", "ann@example.com\nBcc: eve@example.com"]
)
def test_what_is_no_e_mail_is_refused(db: None, email: str):
    with pytest.raises(CommandError):
        call_command("invite", email)
    assert not User.objects.exists()


def test_people_of_one_name_are_told_apart(db: None):
    names = [invitations.new_person(f"ann.lee@{host}.example").username for host in "abc"]

    assert names == ["ann-lee", "ann-lee-2", "ann-lee-3"]


def test_groups_of_ones_own_are_roles_too_and_a_name_that_is_none_is_refused(db: None):
    Group.objects.create(name="order desk")
    call_command("invite", "ann@example.com", "--role", "viewer", "order desk")

    assert {group.name for group in User.objects.get().groups.all()} == {"viewer", "order desk"}
    with pytest.raises(CommandError, match="No group is called boss"):
        call_command("invite", "bob@example.com", "--role", "boss")
    assert User.objects.count() == 1
