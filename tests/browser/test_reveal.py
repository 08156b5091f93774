"""Sensitive values revealed in a browser: on the page that was asked for, and nowhere after it."""

import pytest
from playwright.sync_api import Page, expect

from facets.core import Event, Facet
from facets.definitions.masking import BULLETS
from hdeadmin.audit.models import AuditEntry
from tests.browser.console import faults, url_of

FIRST, LAST = "first@example.com", "last@example.com"


@pytest.fixture
def long(accounts: Facet) -> str:
    """The id of an account whose newest event and oldest one hold an address, more than a page apart."""
    accounts.append("a-long", Event("ACCOUNT_CREATION", {"id": "a-long"}))
    accounts.append("a-long", Event("CONTACT_UPDATE", {"email": FIRST}))
    credits = [Event("TRANSACTION_ACCEPTED", {"desc": "Coffee", "amount": 1})] * 60
    accounts.append("a-long", *credits)
    accounts.append("a-long", Event("CONTACT_UPDATE", {"email": LAST}))
    return "a-long"


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_revealed_is_shown_on_that_page_and_what_opens_later_is_masked(
    signed_in: Page, long: str, complaints: list[str], width: int
):
    page = signed_in
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(url_of("entity", long))
    expect(page.get_by_text(LAST)).to_have_count(0)

    page.locator("summary", has_text="Reveal").click()
    assert faults(page) == []
    page.get_by_label("Reason").fill("why")
    page.get_by_role("button", name="Reveal", exact=True).click()
    expect(page.get_by_text("Say why, in 5 to 500 characters")).to_be_visible()
    # Chromium complains of every 422.
    complaints.clear()
    expect(page.get_by_text(LAST)).to_have_count(0)
    page.get_by_label("Reason").fill("The customer asks which address we have")
    page.get_by_role("button", name="Reveal", exact=True).click()

    expect(page.get_by_text("Sensitive values are shown on this page")).to_be_visible()
    expect(page.locator("section", has_text="State").first).to_contain_text(LAST)
    assert faults(page) == []
    assert AuditEntry.objects.filter(action="reveal").count() == 1

    # What is fetched further down has not been asked for, and is not on record.
    page.locator("#older").scroll_into_view_if_needed()
    expect(page.locator("#event-1")).to_be_attached()
    expect(page.locator("#event-2")).to_contain_text(BULLETS)
    expect(page.locator("#event-2")).not_to_contain_text(FIRST)

    page.get_by_role("link", name="Hide them").click()
    expect(page.get_by_text("Sensitive values are shown on this page")).to_have_count(0)
    expect(page.get_by_text(LAST)).to_have_count(0)
    assert AuditEntry.objects.filter(action="reveal").count() == 1
