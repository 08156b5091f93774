"""The timeline in a browser: keys, news, rows that unfold, and the place that Back comes back to."""

import re

from playwright.sync_api import Page, expect

from facets.core import Event, Facet
from tests.browser.console import url_of


def test_rows_are_walked_and_unfolded_by_single_keys(signed_in: Page, accounts: Facet):
    page = signed_in
    page.goto(url_of("entity", "acc-1006"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()

    first, second = page.locator(".event").nth(0), page.locator(".event").nth(1)
    page.keyboard.press("j")
    expect(first.locator(".event-seq")).to_be_focused()
    page.keyboard.press("j")
    expect(second.locator(".event-seq")).to_be_focused()
    page.keyboard.press("o")
    expect(second.get_by_role("link", name="Record as stored")).to_be_visible()
    page.keyboard.press("o")
    expect(second.get_by_role("link", name="Record as stored")).to_be_hidden()
    page.keyboard.press("k")
    expect(first.locator(".event-seq")).to_be_focused()
    page.keyboard.type("gf")
    expect(page).to_have_url(re.compile(r"/$"))


def test_single_keys_can_be_switched_off(signed_in: Page):
    page = signed_in
    page.goto(url_of("entity", "acc-1006"))
    page.keyboard.press("?")
    page.get_by_label("Single keys are on in this browser").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("j")

    expect(page.locator(".event-seq").first).not_to_be_focused()


def test_new_events_are_announced_and_move_nothing(signed_in: Page, accounts: Facet):
    page = signed_in
    page.clock.install()
    page.goto(url_of("entity", "acc-1001"))
    rows = page.locator(".event").count()
    accounts.append("acc-1001", Event("TRANSACTION_ACCEPTED", {"desc": "While you read", "amount": 1}))
    page.clock.fast_forward(11_000)

    pill = page.get_by_role("link", name="1 new event")
    expect(pill).to_be_visible()
    expect(page.locator(".event")).to_have_count(rows)
    pill.click()
    expect(page.locator(".event").first).to_contain_text("While you read")


def test_back_comes_back_to_the_rows_that_were_read(signed_in: Page):
    page = signed_in
    page.goto(url_of("entity", "big-7f3a", "BIG"))
    page.locator("#older").scroll_into_view_if_needed()
    expect(page.locator(".event")).to_have_count(100)
    page.locator("#event-1430").scroll_into_view_if_needed()
    # Rows that take their real height move the page once more, and with it the row that its address names.
    place = re.compile(r"\?before=14[34]\d#event-14[34]\d$")
    expect(page).to_have_url(place)
    page.goto("/")
    read = page.evaluate("navigation.entries()[navigation.currentEntry.index - 1].url")
    assert place.search(read)
    page.go_back()

    expect(page).to_have_url(read)
    expect(page.locator(".event").first).to_be_in_viewport()
    expect(page.get_by_role("link", name="Newer events")).to_be_visible()


def test_a_printed_page_names_its_entity_and_facet_and_says_that_there_is_more(signed_in: Page):
    page = signed_in
    page.emulate_media(media="print")
    path = page.get_by_role("navigation", name="Path")
    for name in ("entity", "compare", "when", "chart", "drift"):
        page.goto(url_of(name, "acc-1001"))
        expect(path).to_contain_text("Bank accounts")
        expect(path).to_contain_text("acc-1001")

    page.goto(url_of("entity", "big-7f3a", "BIG"))
    expect(page.get_by_text("Older events").last).to_be_visible()
    expect(page.get_by_role("button", name="Go").first).to_be_hidden()
