"""The audit trail in a browser: by keyboard, at every width, in either theme, without JavaScript."""

import re

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from hdeadmin.audit import log
from tests.browser.console import faults

HOSTILE = "<img src=x onerror=alert(1)>\u202e" + "long " * 40


@pytest.fixture
def intent(signed_in: Page) -> int:
    """The number of an append that is on record; whoever is signed in may audit."""
    User.objects.get(username="operator").groups.add(Group.objects.get(name="auditor"))
    intent = log.record(
        "append",
        user="ann",
        facet="BANK_ACCOUNT",
        entity="who/1 %2F",
        phase="intent",
        result="announced",
        reason=HOSTILE,
        ticket="SUP-1",
        operation_id="00000000-0000-0000-0000-000000000001",
        seq_before=1,
        seq_after=2,
        changes=[{"path": ["balance"], "kind": "changed", "old": "1", "new": '"' + "x" * 900 + '"'}],
    )
    log.record_outcome(intent, "applied", user="ann")
    return intent.number


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_an_entry_is_found_and_opened_by_keyboard(signed_in: Page, intent: int, width: int, scheme: str):
    page = signed_in
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/audit/")
    assert faults(page) == []

    page.get_by_label("Ticket").fill("SUP-1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("ticket=SUP-1"))
    expect(page.get_by_role("link", name=f"Entry {intent}", exact=True)).to_be_visible()
    page.get_by_role("link", name=f"Entry {intent}", exact=True).focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Append, intent")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("link", name=re.compile("Append, outcome")).click()
    expect(page.get_by_role("heading", name="Append, outcome")).to_be_visible()


def test_single_keys_walk_the_entries_and_open_one(signed_in: Page, intent: int):
    page = signed_in
    page.goto("/audit/?ticket=SUP-1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")

    expect(page).to_have_url(re.compile(f"/audit/{intent}/"))


def test_one_export_after_the_other_comes(signed_in: Page, intent: int):
    page = signed_in
    page.goto("/audit/?ticket=SUP-1")
    for button, ending in (("JSON lines", ".jsonl"), ("CSV", ".csv"), ("CSV", ".csv")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename.endswith(ending)


def test_the_click_that_asks_to_reveal_is_in_the_reason_when_it_ends(signed_in: Page):
    page = signed_in
    page.goto("/facets/BANK_ACCOUNT/entity/acc-1002")

    assert (
        page.evaluate(
            "() => { document.querySelector('.reveal > summary').click(); return document.activeElement.name }"
        )
        == "reason"
    )


def test_a_reason_to_reveal_is_typed_at_once(signed_in: Page):
    page = signed_in
    page.goto("/facets/BANK_ACCOUNT/entity/acc-1002")
    page.locator(".reveal > summary").click()
    # Each of these letters would be a key of the page.
    page.keyboard.type("jokgf")

    expect(page.get_by_label("Reason")).to_have_value("jokgf")


def test_it_works_without_javascript(browser: Browser, live_server: LiveServer, signed_in: Page, intent: int):
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    context.add_cookies(signed_in.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/audit/")
    page.get_by_label("What").select_option("append")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("tbody tr")).to_have_count(2)

    with page.expect_download() as download:
        page.get_by_role("button", name="JSON lines").click()
    assert download.value.suggested_filename.endswith(".jsonl")
    context.close()
