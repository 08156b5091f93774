"""The second factor: who must have one, and what it holds against (ASVS 5.0: V6.3.3, V6.5, V6.6)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from hdeadmin.accounts.mfa import Factors
from hdeadmin.audit.models import AuditEntry
from hdeadmin.permissions.models import Grant
from tests.hdeadmin.accounts.browsing import code_of, is_in, sign_in
from tests.hdeadmin.accounts.conftest import PASSWORD, Make

NOW = 1_800_000_000  # seconds since 1970; the begin of a half minute
WRONG = "That code is wrong"


@pytest.fixture(autouse=True)
def required(settings: Settings) -> None:
    settings.HDEADMIN_MFA = True


@pytest.fixture
def set_up(django_capture_on_commit_callbacks: Any) -> Callable[[Client], str]:
    """Set up an authenticator app in a browser in which somebody is signed in; its secret."""

    def set_up(client: Client) -> str:
        secret = re.search(r'id="secret"[^>]* value="(\w+)"', client.get("/account/factors/app/add/").text)
        assert secret
        # A code is good for what is left of its half minute, which may be nothing.
        with (
            time_machine.travel(timezone.now(), tick=False),
            django_capture_on_commit_callbacks(execute=True),
        ):
            answer = client.post("/account/factors/app/add/", {"code": code_of(secret[1])})
        assert answer.url == "/account/factors/codes/"
        return secret[1]

    return set_up


@pytest.fixture
def bob(make_person: Make) -> User:
    """A corrector, who must have a second factor."""
    return make_person("bob", "corrector")


@pytest.mark.parametrize("role", ["corrector", "operator", "administrator"])
def test_whoever_may_write_or_administer_does_nothing_before_they_have_a_second_factor(
    make_person: Make, client: Client, role: str, set_up: Callable[[Client], str]
):
    make_person("bob", role)
    sign_in(client, "bob")

    for url in ("/", "/facets/BANK_ACCOUNT/", "/people/", "/admin/", "/account/", "/account/sessions/"):
        assert client.get(url).url == "/account/factors/", url
        assert client.post(url).url == "/account/factors/", url
    part = client.get("/facets/BANK_ACCOUNT/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == "/account/factors/"
    assert "Set one up to go on" in client.get("/account/factors/").text

    set_up(client)
    assert is_in(client)


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_whoever_may_only_look_need_not_have_one(make_person: Make, client: Client, role: str):
    make_person("bob", role)
    sign_in(client, "bob")

    assert is_in(client)


def test_a_right_in_a_single_facet_asks_for_one_too(make_person: Make, client: Client):
    bob = make_person("bob", "viewer", "specialists")
    Grant.objects.create(group=Group.objects.get(name="specialists"), action="reveal", facet="ORDER")
    sign_in(client, bob.username)

    assert client.get("/account/").url == "/account/factors/"


def test_where_the_setting_says_so_nobody_must(bob: User, client: Client, settings: Settings):
    settings.HDEADMIN_MFA = False
    sign_in(client, "bob")

    assert is_in(client)


def test_the_password_alone_does_not_open_an_account_that_has_one(
    bob: User, client: Client, set_up: Callable[[Client], str], trail: Callable[[], list[str]]
):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client, "bob")
        secret = set_up(client)
        other = Client()
        clock.shift(60)
        asked = sign_in(other, "bob")
        out = other.get("/account/").url
        wrong = other.post("/account/factors/sign-in/", {"code": "000000"})
        right = other.post("/account/factors/sign-in/", {"code": code_of(secret)})
        assert is_in(other)

    assert asked.url == "/account/factors/sign-in/"
    assert out.startswith("/login/")
    assert WRONG in wrong.text
    assert right.url == "/"
    assert trail()[-2:] == ["sign-in-failed bob", "sign-in bob"]
    assert AuditEntry.objects.latest("number").signed_in_by == "password, totp"
    assert AuditEntry.objects.filter(action="factor-added").count() == 2


def test_a_new_password_is_no_way_round_it(
    bob: User, client: Client, administrator: Client, set_up: Callable[[Client], str], settings: Settings
):
    settings.HDEADMIN_MFA = False
    sign_in(client, "bob")
    set_up(client)
    page = administrator.post(f"/people/{bob.pk}/link/").text
    link = re.search(r"http://testserver(/account/invitation/[^\"]+)", page)
    assert link
    other = Client()
    other.get(link[1])
    new = {"password1": "four words in a row", "password2": "four words in a row"}

    assert other.post("/account/welcome/", new).url == "/account/factors/sign-in/"
    assert not is_in(other)


def test_a_code_opens_once_and_in_its_own_half_minute(
    bob: User, client: Client, set_up: Callable[[Client], str]
):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client, "bob")
        secret = set_up(client)
        clock.shift(600)

        def come_in(ago: int) -> bool:
            browser = Client()
            sign_in(browser, "bob")
            browser.post("/account/factors/sign-in/", {"code": code_of(secret, ago=ago)})
            return is_in(browser)

        assert not come_in(1)
        assert not come_in(-1)
        assert come_in(0)
        clock.shift(29)
        assert not come_in(0)


def test_five_wrong_codes_refuse_the_right_one(bob: User, client: Client, set_up: Callable[[Client], str]):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client, "bob")
        secret = set_up(client)
        clock.shift(600)
        other = Client()
        sign_in(other, "bob")
        for _ in range(5):
            assert WRONG in other.post("/account/factors/sign-in/", {"code": "000000"}).text
        locked = other.post("/account/factors/sign-in/", {"code": code_of(secret)})
        again = Client()
        sign_in(again, "bob")
        still = again.post("/account/factors/sign-in/", {"code": code_of(secret)})
        clock.shift(301)
        sign_in(again, "bob")
        later = again.post("/account/factors/sign-in/", {"code": code_of(secret)})

    assert "Too many wrong answers" in locked.text
    assert "Too many wrong answers" in still.text
    assert later.status_code == 302
    assert AuditEntry.objects.filter(action="lockout", person="bob").count() == 1


def test_a_recovery_code_opens_once_and_is_shown_once(
    bob: User, client: Client, set_up: Callable[[Client], str]
):
    sign_in(client, "bob")
    set_up(client)
    codes = re.findall(r"<li>(\d{8})</li>", client.get("/account/factors/codes/").text)
    assert len(codes) == 10
    assert codes[0] not in client.get("/account/factors/codes/").text

    answers = []
    for _ in range(2):
        browser = Client()
        sign_in(browser, "bob")
        browser.post("/account/factors/sign-in/", {"code": codes[0]})
        answers.append(is_in(browser))

    assert answers == [True, False]


def test_new_recovery_codes_end_the_old_ones(bob: User, client: Client, set_up: Callable[[Client], str]):
    sign_in(client, "bob")
    set_up(client)
    old = re.findall(r"<li>(\d{8})</li>", client.get("/account/factors/codes/").text)
    client.post("/account/factors/codes/new/")
    new = re.findall(r"<li>(\d{8})</li>", client.get("/account/factors/codes/").text)

    assert len(new) == 10
    assert not set(old) & set(new)


def test_secrets_are_kept_encrypted_under_a_key_that_can_be_changed(
    bob: User, client: Client, set_up: Callable[[Client], str], settings: Settings
):
    sign_in(client, "bob")
    secret = set_up(client)
    kept = {each.type: each.data for each in Authenticator.objects.all()}
    assert secret not in str(kept)
    assert Factors().decrypt(kept["totp"]["secret"]) == secret
    seed = Factors().decrypt(kept["recovery_codes"]["seed"])
    assert seed not in str(kept)

    first = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key " * 6, [first]
    with time_machine.travel(NOW, tick=False):
        other = Client()
        sign_in(other, "bob")
        other.post("/account/factors/sign-in/", {"code": code_of(secret)})
        assert is_in(other)

    # Using it once has brought it under the new key, so the old one can be dropped.
    settings.SECRET_KEY_FALLBACKS = []
    now = {each.type: each.data for each in Authenticator.objects.all()}
    assert Factors().decrypt(now["totp"]["secret"]) == secret
    assert Factors().decrypt(now["recovery_codes"]["seed"]) == seed
    with pytest.raises(ValidationError, match="Ask an administrator"):
        Factors().decrypt(kept["totp"]["secret"])


def test_a_secret_that_waits_to_be_confirmed_is_not_to_be_read_in_the_database(
    bob: User, client: Client, settings: Settings
):
    sign_in(client, "bob")
    secret = re.search(r'id="secret"[^>]* value="(\w+)"', client.get("/account/factors/app/add/").text)
    assert secret
    kept = Session.objects.get(session_key=client.session.session_key)

    def read() -> str:
        return str(signing.loads(kept.session_data, salt=client.session.key_salt, serializer=_Bytes))

    assert secret[1] not in read()
    assert secret[1] in str(client.session.items())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, as long as it has to be " * 2
    assert client.get("/account/factors/app/add/").status_code == 200


class _Bytes:
    """What a session's row holds, once its compression is undone."""

    def loads(self, data: bytes) -> bytes:
        return data


def test_a_session_without_it_is_asked_for_it_when_the_person_has_one(
    bob: User, client: Client, set_up: Callable[[Client], str], settings: Settings
):
    settings.HDEADMIN_MFA = False
    old = Client()
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(old, "bob")
        sign_in(client, "bob")
        secret = set_up(client)
        settings.HDEADMIN_MFA = True
        clock.shift(60)
        sent = old.get("/people/?q=1").url
        old.post("/account/factors/confirm/?next=/account/", {"code": code_of(secret)})
        assert is_in(old)

    assert sent == "/account/factors/confirm/?next=%2Fpeople%2F%3Fq%3D1"


def test_changing_factors_takes_a_fresh_proof_and_the_factor_itself(
    bob: User, client: Client, set_up: Callable[[Client], str], trail: Callable[[], list[str]]
):
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client, "bob")
        secret = set_up(client)
        clock.shift(6 * 60)
        asked = client.get("/account/factors/app/remove/").url
        # The password is no way round it.
        by_password = client.post("/account/confirm/", {"password": PASSWORD}).url
        client.post(asked, {"code": code_of(secret)})
        removed = client.post("/account/factors/app/remove/")
        next_page = client.get("/").url

    assert asked.startswith("/account/factors/confirm/")
    assert by_password.startswith("/account/factors/confirm/")
    assert removed.url == "/account/factors/"
    assert not Authenticator.objects.exists()
    assert "factor-removed bob" in trail()
    # And nothing goes on until there is another one.
    assert next_page == "/account/factors/"


def test_django_admin_is_no_way_round_it(make_person: Make, client: Client, set_up: Callable[[Client], str]):
    with time_machine.travel(NOW, tick=False) as clock:
        make_person("root", is_superuser=True, is_staff=True)
        sign_in(client, "root")
        set_up(client)
        clock.shift(60)
        other = Client()
        sign_in(other, "root")

        assert other.get("/admin/", follow=True).redirect_chain[-1][0] == "/account/factors/sign-in/"
        password = {"username": "root", "login": "root", "password": PASSWORD}
        assert other.post("/admin/login/", password).url.startswith("/login/")
        assert other.get("/admin/").url.startswith("/admin/login/")


def test_whoever_is_asked_for_a_code_can_turn_back(
    bob: User, client: Client, set_up: Callable[[Client], str]
):
    sign_in(client, "bob")
    set_up(client)
    other = Client()
    sign_in(other, "bob")
    assert other.get("/login/").url == "/account/factors/sign-in/"
    other.post("/logout/")

    assert "Name or e-mail" in other.get("/login/").text
