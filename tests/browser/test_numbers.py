"""Numbers as staff type and paste them, in a browser: what arrives is what was typed, with and without JavaScript."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from facets.core import Event, Facet
from facets.core.store import Table
from tests.browser.console import sign_in, url_of

CASE = Path(__file__).parent.parent / "fixtures" / "cases" / "amount-with-comma" / "items.jsonl"
ID = "AMOUNT-COMMA"


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def desk(
    request: pytest.FixtureRequest, browser: Browser, base_url: str, ledger: Table, complaints: list[str]
) -> Iterator[Page]:
    """The desk of somebody who is signed in, with and without JavaScript."""
    ledger.load(json.loads(line) for line in CASE.read_text(encoding="utf-8").split("\n") if line)
    context = browser.new_context(base_url=base_url, java_script_enabled=request.param)
    page = context.new_page()
    sign_in(page)
    yield page
    context.close()


def type_amount(page: Page, text: str) -> None:
    page.get_by_label("Amount").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def paste_amount(page: Page, text: str) -> None:
    """Cut the text out of another box and paste it."""
    page.get_by_label("Description").fill(text)
    page.get_by_label("Description").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("ControlOrMeta+x")
    page.get_by_label("Amount").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("ControlOrMeta+v")


def preview(page: Page) -> None:
    page.get_by_label("Description").fill("Bicycle sold")
    page.get_by_role("button", name="Preview", exact=True).last.click()
    page.wait_for_load_state()


@pytest.mark.parametrize("write", [type_amount, paste_amount])
def test_an_amount_is_previewed_as_it_was_typed_or_refused(desk: Page, write):
    for text, balance in [
        ("\u221212.50", "62"),
        ("+1,234.50\u00a0EUR", "1309"),
        ("1\u2009000 EUR", "1074.5"),
    ]:
        desk.goto(url_of("append", ID) + "?type=TRANSACTION_ACCEPTED")
        write(desk, text)
        preview(desk)
        expect(desk.locator(".panel", has_text="Balance").first).to_contain_text(balance)
    for text, advice in [("12,50", "Write 12.50"), ("1.234,56", "Write 1234.56")]:
        desk.goto(url_of("append", ID) + "?type=TRANSACTION_ACCEPTED")
        write(desk, text)
        preview(desk)
        expect(desk.get_by_label("Amount")).to_have_value(text)
        expect(desk.get_by_role("alert").first).to_contain_text(advice)


def test_a_comma_with_two_readings_is_chosen_by_a_button(desk: Page, accounts: Facet):
    desk.goto(url_of("append", ID) + "?type=TRANSACTION_ACCEPTED")
    type_amount(desk, "1,234")
    preview(desk)
    expect(desk.get_by_label("Amount")).to_have_value("1,234")

    desk.get_by_role("button", name="Use 1.234", exact=True).click()
    expect(desk.get_by_label("Amount")).to_have_value("1.234")
    type_amount(desk, "-1,034")
    preview(desk)
    desk.get_by_role("button", name="Use -1034", exact=True).click()
    expect(desk.get_by_label("Amount")).to_have_value("-1034")
    preview(desk)
    desk.get_by_label("Reason").fill("Typed as on the receipt")
    desk.get_by_role("button", name="Append 1 event").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text("Appended as event 5")

    assert accounts.get(ID).item["balance"] == 74.5 - 1034


def test_a_question_about_a_field_asks_about_a_comma_too(desk: Page):
    desk.goto(url_of("when", ID) + "?field=balance&is=lt&value=1,234")
    desk.get_by_role("link", name="Use 1234", exact=True).click()

    expect(desk.get_by_label("Value")).to_have_value("1234")
    expect(desk.get_by_role("alert")).to_have_count(0)


def test_a_copied_number_is_the_stored_one_without_its_groups(signed_in: Page, accounts: Facet):
    page = signed_in
    accounts.append("rich", Event("TRANSACTION_ACCEPTED", {"desc": "Inheritance", "amount": 1234567.5}))
    page.goto(url_of("entity", "rich"))
    page.goto("/facets/BANK_ACCOUNT/")
    number = page.locator("[data-digits]", has_text="1,234,567.5")
    number.click(click_count=3)
    page.keyboard.press("ControlOrMeta+c")
    page.goto(url_of("append", "rich") + "?type=TRANSACTION_ACCEPTED")
    page.get_by_label("Amount").click()
    page.keyboard.press("ControlOrMeta+v")

    expect(page.get_by_label("Amount")).to_have_value("1234567.5")
