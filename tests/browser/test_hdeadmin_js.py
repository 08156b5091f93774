"""What static/hdeadmin.js says to people: how long ago something was, and what went wrong with a part of a page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from facets.core.store import Table
from tests.browser.console import sign_in, url_of

MINUTE, HOUR, DAY = 60, 3_600, 86_400
AGO = {
    45: "45 seconds ago",
    59.7: "1 minute ago",
    40 * MINUTE: "40 minutes ago",
    59 * MINUTE + 40: "1 hour ago",
    90 * MINUTE: "2 hours ago",
    30 * HOUR: "1 day ago",
    47 * HOUR: "2 days ago",
    364 * DAY: "1 year ago",
}


@pytest.fixture
def page(browser: Browser, base_url: str, ledger: Table) -> Iterator[Page]:
    context = browser.new_context(base_url=base_url, locale="en-GB")
    page = context.new_page()
    sign_in(page)
    yield page
    context.close()


def test_how_long_ago_is_rounded_to_the_nearest(page: Page):
    # No time passes between the asking and the answer.
    page.clock.set_fixed_time("2026-11-20T10:00:00Z")
    said = page.evaluate(
        """seconds => seconds.map(ago => {
            const time = document.createElement("time");
            time.dateTime = new Date(Date.now() - 1000 * ago).toISOString();
            document.dispatchEvent(new CustomEvent("htmx:load", {detail: {elt: time}}));
            return time.title.split(" · ")[1];
        })""",
        list(AGO),
    )

    assert said == list(AGO.values())


def test_a_copy_button_says_that_it_has_copied_and_then_its_name_again(page: Page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    # It stands still, so that what is said for a moment is there however late the test looks.
    page.clock.install(time="2026-11-20T10:00:00Z")
    page.goto(url_of("entity", "acc-1001"))
    page.clock.pause_at("2026-11-20T11:00:00Z")
    page.get_by_role("button", name="Copy the id").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "acc-1001"
    page.clock.run_for(2_000)
    expect(page.get_by_role("button", name="Copy the id")).to_be_visible()


def test_a_part_of_a_page_that_fails_says_so_in_passing_with_the_requests_id(page: Page):
    with page.expect_response("**/nope") as answer:
        page.evaluate("htmx.ajax('GET', '/nope', {target: '#main'})")

    toast = page.locator("#toasts")
    expect(toast).to_contain_text("Not found. Reload the page to see more.")
    expect(toast).to_contain_text(answer.value.headers["x-request-id"])
    expect(page.locator("#main h1")).not_to_have_text("Not found")
