"""The console in a browser: the main job, with and without JavaScript, by keyboard, in light and dark, wide and narrow."""

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect

from facets.core import Event, Facet
from facets.core.store import Table
from tests.browser.console import faults, sign_in, url_of
from tests.facets.test_converters import NASTY


def test_an_account_is_found_read_corrected_and_recalculated(signed_in: Page, accounts: Facet):
    page = signed_in
    page.locator("main").get_by_role("link", name="Bank accounts").click()
    page.get_by_role("link", name="acc-1027").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("acc-1027")
    expect(page.get_by_role("region", name="State").first).to_contain_text("9999")

    page.get_by_role("link", name="Recalculate").click()
    expect(page.get_by_role("heading", name="2 fields would change")).to_be_visible()
    page.get_by_label("Reason").fill("Balance was edited by hand")
    page.get_by_role("button", name="Recalculate").click()
    expect(page.get_by_role("status").first).to_contain_text("Recalculated from 4 events.")
    expect(page.get_by_role("region", name="State").first).to_contain_text("255")

    page.get_by_role("link", name="Append event").click()
    page.get_by_role("link", name="Credit or debit").click()
    page.get_by_label("Description").fill("Goodwill")
    page.get_by_label("Amount").fill("-5")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("Agreed on the phone")
    page.get_by_role("button", name="Append 1 event").click()
    page.get_by_role("link", name="Open the history").click()
    expect(page).to_have_url(re.compile(r"\?event=5#event-5$"))
    expect(page.locator("#event-5")).to_contain_text("-5.00 · Goodwill")
    expect(page.locator("#event-5")).to_contain_text("operator: Agreed on the phone")
    assert accounts.get("acc-1027").item["balance"] == 250


PAGES = {
    "home": lambda: "/",
    "facet": lambda: reverse("facet", args=["BANK_ACCOUNT"]),
    "empty facet": lambda: reverse("facet", args=["BANK_ACCOUNT"]) + "?q=zzzzzz",
    "entity": lambda: url_of("entity", "acc-1006") + "?event=26",
    "entity with nested state": lambda: url_of("entity", "ord-5007", "ORDER") + "?event=4",
    "entity of an undefined facet": lambda: url_of("entity", "big-7f3a", "BIG") + "?before=9",
    "entity with markup": lambda: url_of("entity", "acc-1014"),
    "entity with payloads that do not fit": lambda: url_of("entity", "acc-1023"),
    "types": lambda: url_of("append", "acc-1006"),
    "form": lambda: url_of("append", "acc-1006") + "?type=TRANSACTION_ACCEPTED",
    "nested form": lambda: url_of("append", "ord-5001", "ORDER") + "?type=PAYMENT_COMPLETED",
    "new entity": lambda: reverse("new-entity", args=["ORDER"]),
    "first event": lambda: url_of("append", "new") + "?type=ACCOUNT_CREATION",
    "drift": lambda: url_of("recalculate", "acc-1027"),
    "as it was": lambda: url_of("entity", "acc-1006") + "?seq=26",
    "compared": lambda: url_of("compare", "acc-1006") + "?from=3&to=26",
    "chart": lambda: url_of("chart", "acc-1006"),
    "became true": lambda: url_of("when", "acc-1006") + "?field=balance&is=changed",
    "stored against replayed": lambda: url_of("drift", "acc-1027"),
    "no drift": lambda: url_of("recalculate", "acc-1006"),
}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_every_page_is_accessible_and_fits_the_window(
    browser: Browser, base_url: str, ledger: Table, scheme: Any, width: int, complaints: list[str]
):
    context = browser.new_context(
        base_url=base_url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto("/login/")
    found = {"login": faults(page)}
    sign_in(page)
    for name, url in PAGES.items():
        page.goto(url())
        page.evaluate(
            "document.querySelectorAll('main details').forEach((details) => { details.open = true })"
        )
        found[name] = faults(page)
    page.locator(".topbar-end summary").click()
    found["user menu"] = faults(page)
    context.close()

    assert {name: problems for name, problems in found.items() if problems} == {}


def test_a_browser_opens_an_id_of_any_kind_by_its_link(signed_in: Page, ledger: Table, accounts: Facet):
    ids = [id for id in NASTY if id]
    for entity_id in ids:
        accounts.append(entity_id, Event("ACCOUNT_CREATION", {"id": "x"}))
    page = signed_in
    for entity_id in ids:
        page.goto(url_of("entity", entity_id), wait_until="domcontentloaded")
        assert page.locator("#event-1").count() == 1, entity_id
        # HTML cannot hold a NUL.
        assert page.locator("[data-copy]").get_attribute("data-copy") == entity_id.replace("\x00", "�")


def test_everything_works_without_javascript(browser: Browser, base_url: str, accounts: Facet):
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.get_by_label("Find an entity by its id, or by words").fill("acc-1027")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("time").first).to_contain_text("UTC")
    page.get_by_role("link", name="Append event").click()
    page.get_by_role("link", name="Credit or debit").click()
    page.get_by_label("Amount").fill("")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".errors").first).to_be_visible()
    page.get_by_label("Amount").fill("1")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("Agreed on the phone")
    page.get_by_role("button", name="Append 1 event").click()
    page.get_by_role("link", name="Open the history").click()
    expect(page.locator("#event-5")).to_be_visible()
    page.get_by_role("link", name="Recalculate").click()
    page.get_by_label("Reason").fill("Balance was edited by hand")
    page.get_by_role("button", name="Recalculate").click()
    expect(page.get_by_text("Recalculated from 5 events.")).to_be_visible()
    page.goto(url_of("entity", "big-7f3a", "BIG"))
    # By key, since rows take their real height as they come into view and would move the link from under a pointer.
    page.get_by_role("link", name="Older events").press("Enter")
    expect(page.locator("#event-1450")).to_be_visible()
    page.locator(".topbar-end summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()
    assert accounts.get("acc-1027").item["balance"] == 256


def test_older_events_arrive_in_place(signed_in: Page, accounts: Facet):
    page = signed_in
    page.goto(url_of("entity", "big-7f3a", "BIG"))
    expect(page.locator(".event")).to_have_count(50)
    page.locator("#older").scroll_into_view_if_needed()

    expect(page.locator(".event")).to_have_count(100)
    page.locator("#event-1401").scroll_into_view_if_needed()
    expect(page.locator("#event-1401")).to_be_visible()
    expect(page.locator("#event-1401 time")).not_to_contain_text("UTC")
    expect(page.locator("#older")).to_have_count(1)


def test_a_slash_and_control_k_lead_to_the_search_box(signed_in: Page):
    page = signed_in
    for keys in ("/", "Control+k"):
        page.locator("main").focus()
        page.keyboard.press(keys)
        expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("acc/1")
    expect(page.locator("#search")).to_have_value("acc/1")


def test_the_theme_changes_at_once_and_stays(signed_in: Page, complaints: list[str]):
    page = signed_in
    page.locator(".topbar-end summary").click()
    page.get_by_role("button", name="Dark").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 15, 19)"


def test_times_are_the_readers_own_with_utc_on_hover(browser: Browser, base_url: str, accounts: Facet):
    context = browser.new_context(base_url=base_url, locale="en-GB", timezone_id="Asia/Tokyo")
    page = context.new_page()
    sign_in(page)
    page.goto(url_of("entity", "acc-1001"))
    date = accounts.get("acc-1001").record.date
    time = page.locator("#event-1 time")

    expect(time).to_have_attribute("datetime", date)
    expect(time).to_have_attribute(
        "title", re.compile(re.escape(date.replace("T", " ").replace("Z", " UTC")))
    )
    expect(time).to_contain_text(f"{(int(date[11:13]) + 9) % 24:02d}:{date[14:19]}")
    context.close()


def test_the_id_is_copied_as_it_is(signed_in: Page, context: BrowserContext, accounts: Facet):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    signed_in.clock.install(time="2026-11-20T10:00:00Z")
    signed_in.goto(url_of("entity", "a b/c%2F?#é😀"))
    # It says so for a moment, which ends when the test has looked.
    signed_in.clock.pause_at("2026-11-20T11:00:00Z")
    signed_in.get_by_role("button", name="Copy the id").click()
    expect(signed_in.get_by_role("button", name="Copied")).to_be_visible()

    assert signed_in.evaluate("navigator.clipboard.readText()") == "a b/c%2F?#é😀"


def test_a_session_that_ended_leads_to_the_sign_in_page(signed_in: Page, context: BrowserContext):
    signed_in.goto(url_of("entity", "big-7f3a", "BIG"))
    context.clear_cookies()
    signed_in.locator("#older").scroll_into_view_if_needed()

    expect(signed_in).to_have_url(re.compile("/login/"))
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()
