"""Coming in as a browser sees it: passkeys, the way to a provider, and pages that fit and can be read."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from facets.core.store import Table
from tests.browser.console import PASSWORD, faults
from tests.hdeadmin.accounts.browsing import code_of
from tests.hdeadmin.accounts.oidc import CLIENT, SECRET, Provider, provider

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def root(ledger: Table, settings: Settings) -> User:
    """An administrator, who must have a second factor."""
    settings.HDEADMIN_MFA = True
    root = User.objects.create_user("root", "root@example.com", PASSWORD)
    root.groups.add(Group.objects.get(name="administrator"))
    return root


@pytest.fixture
def key(context: BrowserContext, page: Page) -> Callable[[bool], None]:
    """A device that keeps passkeys; say whether it knows its owner by finger or face."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})

    def recognise(owner: bool) -> None:
        session.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": made["authenticatorId"], "isUserVerified": owner},
        )

    return recognise


@pytest.fixture
def acme(ledger: Table, settings: Settings) -> Iterator[Provider]:
    with provider() as running:
        running.claims = {
            "sub": "1",
            "email": "ann@example.com",
            "preferred_username": "ann",
            "groups": ["support"],
        }
        app: dict[str, Any] = {"provider_id": "sso", "name": "Acme", "client_id": CLIENT, "secret": SECRET}
        app["settings"] = {"server_url": running.issuer, "oauth_pkce_enabled": True}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
        settings.HDEADMIN_OIDC_ROLES = {"support": frozenset({"corrector"})}
        yield running


def sign_in_as_root(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Name or e-mail").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_set_up_signs_in_without_a_password_and_takes_its_owner(
    page: Page, root: User, key: Callable[[bool], None]
):
    sign_in_as_root(page)
    expect(page.get_by_text("Set one up to go on")).to_be_visible()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What you call it").fill("Laptop")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    page.locator(".topbar-end summary").click()
    page.get_by_role("button", name="Sign out").click()

    # Somebody else's finger.
    key(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").filter(has_text="No passkey was given")).to_be_visible()
    key(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url("/")

    # As the second factor after a password too.
    page.locator(".topbar-end summary").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in_as_root(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url("/")


def test_a_browser_that_knows_no_passkeys_says_so_and_sends_none(page: Page, root: User):
    page.add_init_script("delete window.PublicKeyCredential")
    sign_in_as_root(page)
    page.get_by_role("link", name="Add a passkey").click()

    expect(page.get_by_role("alert")).to_have_text("This browser knows no passkeys.")
    expect(page.get_by_role("button", name="Add")).to_be_disabled()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_pages_of_accounts_and_people_are_accessible_and_fit(
    page: Page, root: User, scheme: Any, width: int
):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    sign_in_as_root(page)
    found = {"factors": faults(page)}
    page.get_by_role("link", name="Set up an app").click()
    found["app"] = faults(page)
    secret = page.get_by_label("Or type this secret").input_value()
    # A code is good for what is left of its half minute, which may be nothing.
    with time_machine.travel(timezone.now(), tick=False):
        page.get_by_label("The six digits").fill(code_of(secret))
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    found["codes"] = faults(page)
    for name, url in {
        "account": "/account/",
        "sessions": "/account/sessions/",
        "password": "/account/password/",
        "passkey": "/account/factors/passkeys/add/",
        "people": "/people/",
        "person": f"/people/{User.objects.get(username='operator').pk}/",
        "invite": "/people/invite/",
    }.items():
        page.goto(url)
        found[name] = faults(page)
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_role("button", name="Invite").click()
    found["invited"] = faults(page)
    link = page.get_by_label("Link", exact=True).input_value()
    # Django's own pages: no complaint of our policy's, which the fixture listens for.
    for url in (
        "/admin/",
        "/admin/auth/user/",
        f"/admin/auth/user/{root.pk}/change/",
        "/admin/auth/group/add/",
    ):
        page.goto(url)
    page.goto("/account/")
    page.locator(".topbar-end summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(link)
    found["welcome"] = faults(page)
    sign_in_as_root(page)
    found["code"] = faults(page)

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_the_way_to_the_provider_and_back_needs_no_script_and_breaks_no_policy(page: Page, acme: Provider):
    page.goto("/login/?next=/account/")
    with page.expect_request(lambda request: request.url.startswith(acme.issuer)) as gone:
        page.get_by_role("button", name="Sign in with Acme").click()
    page.wait_for_url(f"{acme.issuer}/**")
    page.goto(acme.authorize(gone.value.url))

    expect(page).to_have_url("/account/")
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
