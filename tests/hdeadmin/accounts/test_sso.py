"""Single sign-on at an OpenID Connect provider (ASVS 5.0: V6.8, V10.5)."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.accounts.browsing import is_in, sign_in
from tests.hdeadmin.accounts.conftest import Make
from tests.hdeadmin.accounts.oidc import CLIENT, SECRET, Provider, provider

PERSON = {
    "sub": "person-1",
    "email": "ann@example.com",
    "email_verified": True,
    "preferred_username": "ann",
    "given_name": "Ann",
    "family_name": "Lee",
    "groups": ["support"],
}


@pytest.fixture
def acme(db: None, settings: Settings) -> Iterator[Provider]:
    """A provider that the console trusts, and a person there."""
    with provider() as running:
        running.claims = dict(PERSON)
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {
                "APPS": [
                    {
                        "provider_id": "sso",
                        "name": "Acme",
                        "client_id": CLIENT,
                        "secret": SECRET,
                        "settings": {
                            "server_url": running.issuer,
                            "scope": ["openid", "profile", "email"],
                            "oauth_pkce_enabled": True,
                        },
                    }
                ]
            }
        }
        settings.HDEADMIN_OIDC_ROLES = {
            "support": frozenset({"corrector"}),
            "sre": frozenset({"operator", "auditor"}),
        }
        yield running


def begin(client: Client, **form: str) -> str:
    """Press the button; the provider's address that the browser goes on to."""
    page = client.post("/account/sso/", form)
    assert page.status_code == 200, page
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def come_by(acme: Provider, client: Client, **form: str) -> Any:
    """Sign in at the provider; what the console answers in the end."""
    back = acme.authorize(begin(client, **form))
    return client.get(back.removeprefix("http://testserver"))


def roles() -> set[str]:
    return {group.name for group in User.objects.get(username="ann").groups.all()}


def test_whoever_comes_by_the_provider_is_in_with_the_roles_of_their_groups(
    acme: Provider, client: Client, trail: Callable[[], list[str]]
):
    assert "Sign in with Acme" in client.get("/login/").text
    done = come_by(acme, client, next="/open/?id=7")
    ann = User.objects.get()

    assert done.url == "/open/?id=7"
    assert is_in(client)
    assert (ann.username, ann.email, ann.get_full_name()) == ("ann", "ann@example.com", "Ann Lee")
    assert not ann.has_usable_password()
    assert roles() == {"corrector"}
    assert trail() == ["granted ann", "sign-in ann"]
    assert AuditEntry.objects.latest("number").signed_in_by == "sso"
    assert not SocialToken.objects.exists()


def test_the_provider_is_asked_with_pkce_a_nonce_and_a_state(acme: Provider, client: Client):
    come_by(acme, client)
    come_by(acme, Client())
    first, second = acme.asked

    assert first["response_type"] == "code"
    assert first["code_challenge_method"] == "S256"
    assert set(first["scope"].split()) == {"openid", "profile", "email"}
    assert first["redirect_uri"] == "http://testserver/account/sso/callback/"
    for name in ("code_challenge", "nonce", "state"):
        assert len(first[name]) >= 16
        assert first[name] != second[name]


def test_a_browser_cannot_choose_what_the_provider_is_asked(acme: Provider, client: Client):
    page = client.post("/account/sso/?auth_params=nonce%3Dmine&scope=everything&process=redirect")
    url = re.search(r"url=([^\"]+)", page.text)
    assert url
    acme.authorize(html.unescape(url[1]))

    assert acme.asked[0]["nonce"] != "mine"
    assert "everything" not in acme.asked[0]["scope"]


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "another-client"},
        {"aud": ["hdeadmin", "another-client"], "azp": "another-client"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_is_refused(acme: Provider, client: Client, lie: dict[str, Any]):
    acme.lies = lie
    answer = come_by(acme, client)

    assert answer.status_code == 401
    assert "Acme did not sign you in" in answer.text
    assert not is_in(client)
    assert not User.objects.exists()


def test_a_signature_of_another_key_is_refused(acme: Provider, client: Client):
    acme.sign_with_another_key()

    assert come_by(acme, client).status_code == 401
    assert not User.objects.exists()


@pytest.mark.parametrize(("algorithm", "key"), [("none", None), ("HS256", SECRET * 3)])
def test_a_token_without_a_signature_by_a_key_pair_is_refused(
    acme: Provider, client: Client, algorithm: str, key: Any
):
    acme.algorithm, acme.key = algorithm, key

    assert come_by(acme, client).status_code == 401
    assert not User.objects.exists()


def test_a_token_of_a_key_that_the_provider_does_not_have_is_refused(acme: Provider, client: Client):
    acme.key_id = "key-2"

    assert come_by(acme, client).status_code == 401


def test_a_provider_that_calls_itself_otherwise_is_not_asked(acme: Provider, client: Client):
    acme.calls_itself = "https://evil.example"
    answer = client.post("/account/sso/")

    assert answer.status_code == 401
    assert "evil.example" not in answer.text


def test_a_provider_that_tells_of_somebody_else_is_refused(acme: Provider, client: Client):
    del acme.claims["email"]
    acme.userinfo = {"sub": "person-2", "email": "eve@example.com"}

    assert come_by(acme, client).status_code == 401
    assert not User.objects.exists()


def test_an_answer_to_another_browser_or_a_second_time_is_refused(acme: Provider, client: Client):
    back = acme.authorize(begin(client)).removeprefix("http://testserver")

    assert Client().get(back).status_code == 401
    assert client.get(back).status_code == 302
    client.post("/logout/")
    assert client.get(back).status_code == 401
    assert not is_in(client)


def test_a_provider_that_is_gone_is_said_to_be(acme: Provider, client: Client, settings: Settings):
    back = acme.authorize(begin(client)).removeprefix("http://testserver")
    acme.refuses = True
    assert client.get(back).status_code == 401
    [app] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    app["settings"]["server_url"] = "http://127.0.0.1:9"
    answer = client.post("/account/sso/")

    assert answer.status_code == 401
    assert "did not answer" in answer.text


def test_whoever_turns_back_is_told_so(acme: Provider, client: Client):
    state = re.search(r"state=(\w+)", begin(client))
    assert state
    answer = client.get(f"/account/sso/callback/?error=access_denied&state={state[1]}", follow=True)

    assert "You turned back" in answer.text


def test_roles_follow_the_groups_at_each_sign_in(
    acme: Provider, client: Client, trail: Callable[[], list[str]]
):
    come_by(acme, client)
    acme.claims["groups"] = ["sre", "cooks"]
    come_by(acme, Client())
    assert roles() == {"operator", "auditor"}
    acme.claims["groups"] = ["cooks"]
    third = Client()
    come_by(acme, third)
    told = third.get("/account/").text

    assert roles() == set()
    assert "give you no role here" in told
    assert [each for each in trail() if "sign" not in each] == [
        "granted ann",
        "granted ann",
        "revoked ann",
        "revoked ann",
    ]


def test_no_groups_at_all_are_no_role(acme: Provider, client: Client):
    del acme.claims["groups"]
    come_by(acme, client)

    assert is_in(client)
    assert roles() == set()


def test_groups_are_read_from_where_the_setting_says(acme: Provider, client: Client, settings: Settings):
    settings.HDEADMIN_OIDC_GROUPS_CLAIM = "realm_access.roles"
    del acme.claims["groups"]
    # Some providers tell of groups on the userinfo page only.
    acme.userinfo = {"realm_access": {"roles": ["support"]}, "email": "other@example.com"}
    come_by(acme, client)

    assert roles() == {"corrector"}
    assert User.objects.get().email == "ann@example.com"


def test_without_a_mapping_roles_are_the_console_s_own(acme: Provider, client: Client, settings: Settings):
    settings.HDEADMIN_OIDC_ROLES = {}
    come_by(acme, client)
    assert roles() == set()
    assert "give you no role here" in client.get("/account/").text
    User.objects.get().groups.add(Group.objects.get(name="viewer"))
    come_by(acme, Client())

    assert roles() == {"viewer"}


@pytest.mark.parametrize("verified", [True, False, "true", None])
def test_an_identity_takes_over_no_account_that_has_its_e_mail(
    acme: Provider, client: Client, make_person: Make, verified: Any, trail: Callable[[], list[str]]
):
    ann = make_person("ann", "administrator")
    acme.claims["email_verified"] = verified
    answer = come_by(acme, client)

    assert answer.status_code == 403
    assert "There is an account already" in answer.text
    assert not is_in(client)
    assert not SocialAccount.objects.exists()
    assert roles() == {"administrator"}
    assert sign_in(Client(), "ann").url == "/"
    assert trail()[0] == "sign-in-failed ann"
    assert User.objects.get() == ann


@pytest.mark.parametrize(
    ("verified", "linked"), [(True, True), (False, False), ("true", False), (None, False)]
)
def test_where_the_setting_says_so_a_verified_e_mail_links_to_the_account(
    acme: Provider, client: Client, make_person: Make, settings: Settings, verified: Any, linked: bool
):
    settings.HDEADMIN_OIDC_LINK_EMAIL = True
    make_person("someone", email="ann@example.com")
    acme.claims["email_verified"] = verified
    come_by(acme, client)

    assert is_in(client) is linked
    assert SocialAccount.objects.count() == int(linked)
    # The password still opens it.
    assert sign_in(Client(), "someone").url == "/"


def test_what_is_verified_is_the_address_that_was_told_with_it(
    acme: Provider, client: Client, make_person: Make, settings: Settings
):
    """The token names one address, and the userinfo page, which is asked for groups, says of another that it is verified."""
    settings.HDEADMIN_OIDC_LINK_EMAIL = True
    make_person("someone", email="ann@example.com")
    for claim in ("email_verified", "groups"):
        del acme.claims[claim]
    acme.userinfo = {"groups": ["support"], "email": "mallory@example.com", "email_verified": True}

    assert come_by(acme, client).status_code == 403
    assert not SocialAccount.objects.exists()


def test_an_address_that_two_have_links_to_neither(
    acme: Provider, client: Client, make_person: Make, settings: Settings
):
    settings.HDEADMIN_OIDC_LINK_EMAIL = True
    make_person("someone", email="ann@example.com")
    make_person("another", email="Ann@Example.com")

    assert come_by(acme, client).status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_name_that_is_taken_is_another_person(acme: Provider, client: Client, make_person: Make):
    make_person("ann", "administrator", email="first@example.com")
    come_by(acme, client)
    second = User.objects.get(email="ann@example.com")

    assert second.username != "ann"
    assert {group.name for group in second.groups.all()} == {"corrector"}


def test_the_same_subject_of_another_issuer_is_another_person(
    acme: Provider, client: Client, settings: Settings
):
    come_by(acme, client)
    with provider() as other:
        other.claims = {**PERSON, "email": "eve@example.com", "preferred_username": "eve"}
        [app] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        app["settings"]["server_url"] = other.issuer
        come_by(other, Client())

    assert set(User.objects.values_list("username", flat=True)) == {"ann", "eve"}


def test_whoever_is_signed_in_links_their_identity_and_takes_it_off_again(
    acme: Provider, client: Client, make_person: Make, trail: Callable[[], list[str]]
):
    make_person("ada", "viewer")
    sign_in(client)
    assert client.get("/account/sso/").status_code == 405
    linked = come_by(acme, client)
    assert linked.url == "/account/"
    assert "ann@example.com" in client.get("/account/").text

    other = Client()
    come_by(acme, other)
    assert "ada" in other.get("/account/").text
    identity = SocialAccount.objects.get()
    assert client.post(f"/account/sso/{identity.pk}/unlink/").url == "/account/"
    assert not SocialAccount.objects.exists()
    assert "identity-linked ada" in trail()
    assert "identity-unlinked ada" in trail()


def test_the_only_way_in_is_not_taken_off(acme: Provider, client: Client):
    come_by(acme, client)
    identity = SocialAccount.objects.get()

    assert client.post(f"/account/sso/{identity.pk}/unlink/").status_code == 403
    assert client.get("/account/password/").status_code == 403
    assert "Unlink" not in client.get("/account/").text


def test_a_disabled_person_does_not_come_in_by_the_provider_either(acme: Provider, client: Client):
    come_by(acme, client)
    User.objects.update(is_active=False)
    answer = come_by(acme, Client(), next="/open/")

    assert answer.url == "/account/inactive/"
    assert not is_in(client)


def test_the_second_factor_is_ours_unless_the_provider_tells_of_one(
    acme: Provider, client: Client, settings: Settings
):
    settings.HDEADMIN_MFA = True
    settings.HDEADMIN_OIDC_MFA = ["mfa", "gold"]
    # A provider that tells nothing counts as one that asked for a password only.
    for told in ({}, {"amr": ["pwd"]}, {"amr": "mfa"}, {"acr": "bronze"}):
        acme.lies = told
        browser = Client()
        come_by(acme, browser)
        assert browser.get("/account/").url == "/account/factors/", told
        # Of a password they know nothing.
        assert "Besides how you signed in" in browser.get("/account/factors/").text

    for told in ({"amr": ["pwd", "mfa"]}, {"acr": "gold"}):
        acme.lies = told
        browser = Client()
        come_by(acme, browser)
        assert is_in(browser), told


def test_no_token_and_no_secret_is_kept_or_shown(acme: Provider, client: Client):
    come_by(acme, client)
    kept = str(list(SocialAccount.objects.values())) + str(list(AuditEntry.objects.values()))

    assert SECRET not in kept
    assert "eyJ" not in kept
    assert "id_token" not in str(dict(client.session))
