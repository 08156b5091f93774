"""Corrections in a browser: an account and an order from draft to receipt, with a mouse, by keyboard, without JavaScript."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from facets.core import Event, Facet
from facets.core.store import Table
from facets.definitions.order import order
from tests.browser.console import faults, sign_in, url_of


def test_a_wrong_booking_is_corrected_from_its_row_in_the_timeline(signed_in: Page, accounts: Facet):
    page = signed_in
    accounts.append("acc-1002", Event("TRANSACTION_ACCEPTED", {"desc": "Booked twice", "amount": -30}))
    seq = accounts.get("acc-1002").record.seq
    before = accounts.get("acc-1002").item["balance"]
    page.goto(url_of("entity", "acc-1002"))
    row = page.locator(f"#event-{seq}")
    row.locator("summary").first.click()
    row.get_by_role("link", name="Correct this event").click()
    expect(page.get_by_label("Description")).to_have_value("Reversal: Booked twice")

    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="1 field of the state would change")).to_be_visible()
    page.get_by_label("Reason").fill("The card terminal booked it twice")
    page.get_by_role("button", name="Append 1 event").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Appended as event {seq + 1}")
    page.get_by_role("link", name="Open the history").click()

    expect(page.locator(f"#event-{seq}")).to_contain_text(
        f"Corrected by event {seq + 1} of operator, because: The card terminal booked it twice"
    )
    expect(page.locator(f"#event-{seq + 1}")).to_contain_text(f"Corrects event {seq}")
    assert accounts.get("acc-1002").item["balance"] == before + 30


def draft_an_order(page: Page, press: Any) -> None:
    """An order of two items, in the other order than they were typed in, and its payment, in one append."""
    page.goto(url_of("append", "ord-new", "ORDER"))
    press(page.get_by_role("link", name="Create order"))
    page.get_by_label("Order number").fill("ord-new")
    press(page.get_by_role("button", name="Add item"))
    page.get_by_label("Description").fill("Pears")
    page.get_by_label("Cost").fill("4")
    press(page.get_by_role("button", name="Add item"))
    page.get_by_label("Description").nth(1).fill("Apples")
    page.get_by_label("Cost").nth(1).fill("3")
    press(page.get_by_role("button", name="Move up item 2"))
    expect(page.get_by_label("Description").first).to_have_value("Apples")
    press(page.get_by_text("Add another event"))
    press(page.get_by_role("button", name="Record payment"))
    payment = page.locator(".slot").nth(1)
    payment.get_by_label("Amount").fill("7")
    payment.get_by_label("Payment number").fill("pay-1")
    expect(page.get_by_label("Description").first).to_have_value("Apples")
    press(page.get_by_role("button", name="Preview"))
    expect(page.get_by_role("heading", name="2 events would be appended")).to_be_visible()
    expect(page.get_by_role("heading", name="1 message would be published")).to_be_visible()
    page.get_by_label("Reason").fill("Ordered on the phone")
    press(page.get_by_role("button", name="Append 2 events"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Appended as events 1 to 2")


def assert_ordered(ledger: Table) -> None:
    stored = order.facet(ledger.db("ORDER")).get("ord-new")
    assert stored is not None
    assert [item["desc"] for item in stored.item["items"]] == ["Apples", "Pears"]
    assert stored.item["balance"] == 0
    assert stored.record.seq == 2


def test_an_order_with_its_items_and_payment_is_one_append(signed_in: Page, ledger: Table):
    draft_an_order(signed_in, lambda button: button.click())

    assert_ordered(ledger)


def test_an_order_is_appended_by_keyboard_alone(signed_in: Page, ledger: Table):
    def press(button: Locator) -> None:
        """Reach it with Tab, as somebody without a mouse does, and press Enter."""
        page = button.page
        for _ in range(150):
            page.keyboard.press("Tab")
            if button.first.evaluate(
                "element => (element.closest('summary') ?? element) === document.activeElement"
            ):
                break
        else:
            raise AssertionError(f"Tab does not reach {button}")
        page.keyboard.press("Enter")

    draft_an_order(signed_in, press)

    assert_ordered(ledger)


def test_an_order_is_appended_without_javascript(browser: Browser, base_url: str, ledger: Table):
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)

    draft_an_order(page, lambda button: button.click())
    context.close()

    assert_ordered(ledger)


def test_enter_in_a_box_leads_to_the_preview(signed_in: Page, accounts: Facet):
    page = signed_in
    page.goto(url_of("append", "acc-1002") + "?type=TRANSACTION_ACCEPTED")
    page.get_by_label("Amount").fill("7")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Preview")


def test_a_conflict_keeps_the_draft_and_a_fresh_preview_is_one_click_away(
    signed_in: Page, accounts: Facet, complaints: list[str]
):
    page = signed_in
    page.goto(url_of("append", "acc-1002") + "?type=TRANSACTION_ACCEPTED")
    page.get_by_label("Description").fill("Goodwill")
    page.get_by_label("Amount").fill("7")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("Agreed on the phone")
    accounts.append("acc-1002", Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": 3}))
    page.get_by_role("button", name="Append 1 event").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("nothing was written")
    expect(page.get_by_text("+3.00 · Card")).to_be_visible()
    page.get_by_role("button", name="Look at a fresh preview").click()
    expect(page.get_by_label("Reason")).to_have_value("Agreed on the phone")
    page.get_by_role("button", name="Append 1 event").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Appended as event 4")
    assert [complaint for complaint in complaints if "409" not in complaint] == []
    complaints.clear()


def test_a_double_click_appends_once(signed_in: Page, accounts: Facet):
    page = signed_in
    page.goto(url_of("append", "acc-1002") + "?type=TRANSACTION_ACCEPTED")
    page.get_by_label("Amount").fill("7")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("Agreed on the phone")
    page.get_by_role("button", name="Append 1 event").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Appended as event 3")
    assert accounts.get("acc-1002").record.seq == 3


def test_a_confirmation_that_the_browser_sends_again_appends_once(signed_in: Page, accounts: Facet):
    page = signed_in
    page.goto(url_of("append", "acc-1002") + "?type=TRANSACTION_ACCEPTED")
    page.get_by_label("Amount").fill("7")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("Agreed on the phone")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.get_by_role("button", name="Append 1 event").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Appended as event 3")

    confirmation = sent[-1]
    again = page.request.post(
        confirmation.url,
        data=confirmation.post_data,
        headers={"Content-Type": confirmation.headers["content-type"]},
    )

    assert again.ok
    assert "appended already" in again.text()
    assert accounts.get("acc-1002").record.seq == 3


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_each_step_is_accessible_and_fits_the_window(
    browser: Browser, base_url: str, accounts: Facet, scheme: Any, width: int, complaints: list[str]
):
    context = browser.new_context(
        base_url=base_url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    sign_in(page)
    found = {}

    def look(name: str) -> None:
        page.evaluate(
            "document.querySelectorAll('main details').forEach((details) => { details.open = true })"
        )
        found[name] = faults(page)

    page.goto(url_of("append", "ord-5001", "ORDER") + "?like=1")
    page.get_by_text("Add another event").click()
    page.get_by_role("button", name="Record payment").click()
    expect(page.locator(".slot")).to_have_count(2)
    look("draft of two")
    page.get_by_role("button", name="Preview").click()
    look("mistakes")
    page.locator(".slot").nth(1).get_by_label("Amount").fill("10")
    page.locator(".slot").nth(1).get_by_label("Payment number").fill("p-9")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Reason")).to_be_visible()
    look("preview")
    page.get_by_role("button", name="Append 2 events").click()
    look("no reason")
    page.get_by_label("Reason").fill("Ordered on the phone")
    page.get_by_role("button", name="Append 2 events").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Appended as")
    look("receipt")
    page.goto(url_of("append", "acc-1027") + "?type=TRANSACTION_ACCEPTED")
    page.get_by_label("Amount").fill("-99999")
    page.get_by_role("button", name="Preview").click()
    look("refused by a rule")
    page.get_by_role("button", name="Change the draft").click()
    page.get_by_label("Amount").fill("-1")
    page.get_by_role("button", name="Preview").click()
    look("warned of drift")
    page.get_by_label("Reason").fill("Agreed on the phone")
    accounts.append("acc-1027", Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": 3}))
    page.get_by_role("button", name="Append 1 event").click()
    look("conflict")
    page.goto(url_of("entity", "acc-1027"))
    look("timeline")
    context.close()

    assert {name: problems for name, problems in found.items() if problems} == {}
    assert [complaint for complaint in complaints if "409" not in complaint and "422" not in complaint] == []
    complaints.clear()
