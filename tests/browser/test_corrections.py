"""Corrections in a browser: an account and an order from draft to receipt, with a mouse, by keyboard, without JavaScript."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from facets.core import Event, Facet
from facets.core.store import Table
from facets.demo.definitions.order import order
from tests.browser.console import faults, sign_in, url_of


def click(target: Locator) -> None:
    target.click()


def press(target: Locator) -> None:
    """Reach it with Tab, as somebody without a mouse does, and press Enter."""
    reach(target)
    target.page.keyboard.press("Enter")


def fill(box: Locator, text: str) -> None:
    box.fill(text)


def type_in(box: Locator, text: str) -> None:
    """Reach the box with Tab and type, over whatever stands in it."""
    reach(box)
    box.page.keyboard.press("ControlOrMeta+a")
    box.page.keyboard.type(text)


def reach(target: Locator) -> None:
    for _ in range(200):
        target.page.keyboard.press("Tab")
        if target.first.evaluate(
            "element => (element.closest('summary') ?? element) === document.activeElement"
        ):
            return
    raise AssertionError(f"Tab does not reach {target}")


def correct_a_booking(page: Page, accounts: Facet, go: Any, write: Any, *, javascript: bool = True) -> None:
    """From the row of a wrong booking to the two rows that say what was corrected by whom, and why."""
    accounts.append("acc-1002", Event("TRANSACTION_ACCEPTED", {"desc": "Booked twice", "amount": -30}))
    seq = accounts.get("acc-1002").record.seq
    before = accounts.get("acc-1002").item["balance"]
    page.goto(url_of("entity", "acc-1002"))
    row = page.locator(f"#event-{seq}")
    go(row.locator("summary").first)
    if not javascript:
        go(row.get_by_role("link", name=f"Open event {seq}"))
    go(row.get_by_role("link", name="Correct this event"))
    expect(page.get_by_label("Description")).to_have_value("Reversal: Booked twice")

    write(page.get_by_label("Description"), "Taken back")
    go(page.get_by_role("button", name="Preview"))
    expect(page.get_by_role("heading", name="1 field of the state would change")).to_be_visible()
    write(page.get_by_label("Reason"), "The card terminal booked it twice")
    go(page.get_by_role("button", name="Append 1 event"))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Appended as event {seq + 1}")
    go(page.get_by_role("link", name="Open the history"))

    expect(page.locator(f"#event-{seq}")).to_contain_text(
        f"Corrected by event {seq + 1} of operator, because: The card terminal booked it twice"
    )
    expect(page.locator(f"#event-{seq + 1}")).to_contain_text(f"Corrects event {seq}")
    expect(page.locator(f"#event-{seq + 1}")).to_contain_text("Taken back")
    assert accounts.get("acc-1002").item["balance"] == before + 30


def test_a_wrong_booking_is_corrected_from_its_row_in_the_timeline(signed_in: Page, accounts: Facet):
    correct_a_booking(signed_in, accounts, click, fill)


def test_a_wrong_booking_is_corrected_by_keyboard_alone(signed_in: Page, accounts: Facet):
    correct_a_booking(signed_in, accounts, press, type_in)


def test_a_wrong_booking_is_corrected_without_javascript(browser: Browser, base_url: str, accounts: Facet):
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)

    correct_a_booking(page, accounts, click, fill, javascript=False)
    context.close()


def draft_an_order(page: Page, go: Any, write: Any) -> None:
    """An order of two items, in the other order than they were typed in, and its payment, in one append."""
    page.goto(url_of("append", "ord-new", "ORDER"))
    go(page.get_by_role("link", name="Create order"))
    write(page.get_by_label("Order number"), "ord-new")
    go(page.get_by_role("button", name="Add item"))
    write(page.get_by_label("Description"), "Pears")
    write(page.get_by_label("Cost"), "4")
    go(page.get_by_role("button", name="Add item"))
    write(page.get_by_label("Description").nth(1), "Apples")
    write(page.get_by_label("Cost").nth(1), "3")
    go(page.get_by_role("button", name="Move up item 2"))
    expect(page.get_by_label("Description").first).to_have_value("Apples")
    go(page.get_by_text("Add another event"))
    go(page.get_by_role("button", name="Record payment"))
    payment = page.locator(".slot").nth(1)
    write(payment.get_by_label("Amount"), "7")
    write(payment.get_by_label("Payment number"), "pay-1")
    expect(page.get_by_label("Description").first).to_have_value("Apples")
    go(page.get_by_role("button", name="Preview"))
    expect(page.get_by_role("heading", name="2 events would be appended")).to_be_visible()
    expect(page.get_by_role("heading", name="1 message would be published")).to_be_visible()
    write(page.get_by_label("Reason"), "Ordered on the phone")
    go(page.get_by_role("button", name="Append 2 events"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Appended as events 1 to 2")


def assert_ordered(ledger: Table) -> None:
    stored = order.facet(ledger.db("ORDER")).get("ord-new")
    assert stored is not None
    assert [item["desc"] for item in stored.item["items"]] == ["Apples", "Pears"]
    assert stored.item["balance"] == 0
    assert stored.record.seq == 2


def test_an_order_with_its_items_and_payment_is_one_append(signed_in: Page, ledger: Table):
    draft_an_order(signed_in, click, fill)

    assert_ordered(ledger)


def test_an_order_is_appended_by_keyboard_alone(signed_in: Page, ledger: Table):
    draft_an_order(signed_in, press, type_in)

    assert_ordered(ledger)


def test_an_order_is_appended_without_javascript(browser: Browser, base_url: str, ledger: Table):
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)

    draft_an_order(page, click, fill)
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
        page.wait_for_load_state()
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
