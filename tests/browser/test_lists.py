"""Lists, search and the overview in a browser: by keyboard, as one types, at every width, in either theme."""

import re

import pytest
from playwright.sync_api import Page, expect

from facets.core import Event, Facet
from hdeadmin.permissions.models import Grant
from tests.browser.console import faults, url_of

LIST = "/facets/BANK_ACCOUNT/"


@pytest.fixture
def people(accounts: Facet) -> None:
    for number, name in enumerate(("Xenia", "Xeniad", "Ygrace", "Łuxasz")):
        accounts.append(
            f"who-{number}", Event("ACCOUNT_UPDATE", {"ownerFirst": name, "ownerLast": "Zenobes"})
        )


def test_the_palette_finds_as_one_types_and_opens_by_keyboard_alone(signed_in: Page, people: None):
    page = signed_in
    page.goto("/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Find an entity")
    expect(box).to_be_focused()

    box.press_sequentially("xenia", delay=20)

    options = page.get_by_role("option")
    expect(options).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    first = options.nth(0)
    expect(first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", first.get_attribute("id") or "")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("xenia")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/entity/who-[01]$"))


def test_a_palette_that_scrolls_has_no_faults(signed_in: Page, accounts: Facet):
    for number in range(13):
        accounts.append(f"many-{number}", Event("ACCOUNT_UPDATE", {"ownerFirst": "M", "ownerLast": "N"}))
    page = signed_in
    page.set_viewport_size({"width": 1440, "height": 500})
    page.goto("/")

    page.get_by_role("combobox", name="Find an entity").fill("many")

    expect(page.get_by_role("option")).to_have_count(12)
    assert faults(page) == []
    for _ in range(11):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").nth(11)).to_be_in_viewport()
    expect(page.get_by_role("link", name="All results")).to_be_in_viewport()


def test_enter_before_an_answer_never_opens_what_was_found_before(signed_in: Page, people: None):
    page = signed_in
    page.goto("/")
    box = page.get_by_role("combobox", name="Find an entity")
    box.press_sequentially("who-1", delay=5)
    expect(page.get_by_role("option")).to_have_count(1)

    box.fill("who-2")
    box.press("Enter")

    expect(page).to_have_url(re.compile(re.escape(url_of("entity", "who-2"))))


def test_a_list_is_filtered_as_one_types_and_its_address_can_be_passed_on(signed_in: Page, people: None):
    page = signed_in
    page.goto(LIST)

    page.get_by_label("Words in the id").press_sequentially("luxasz", delay=10)

    expect(page.locator("mark")).to_have_text("Łuxasz")
    expect(page).to_have_url(re.compile(r"\?q=luxasz$"))
    expect(page.get_by_role("status").filter(has_text="1 entity found")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Words in the id")).to_have_value("luxasz")
    expect(page.locator("main tbody tr")).to_have_count(1)


def test_filters_sorting_and_rows_work_by_keyboard(signed_in: Page, people: None):
    page = signed_in
    page.goto(LIST)
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Last name contains").fill("zenobes")
    chip = page.get_by_role("link", name="Last name: contains “zenobes”")
    expect(chip).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="First name").press("Enter")
    expect(page).to_have_url(re.compile("sort=ownerFirst"))
    expect(page.get_by_role("columnheader", name="First name")).to_have_attribute("aria-sort", "ascending")
    # A link that is pressed before htmx has seen it opens a whole page.
    page.wait_for_load_state()

    page.locator("main").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="who-0", exact=True)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/entity/who-3$"))
    page.go_back()
    expect(chip).to_be_visible()
    chip.click()
    expect(chip).to_have_count(0)
    expect(page.get_by_label("Last name contains")).to_have_value("")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_have_no_faults_at_any_width_in_either_theme(
    signed_in: Page, people: None, width: int, scheme: str
):
    page = signed_in
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for address in (
        "/",
        f"{LIST}?q=zenobes&sort=-balance",
        "/search/?q=zenobes&all=1",
        f"{LIST}?scan=1",
        f"{LIST}?q=zzzz",
    ):
        page.goto(address)
        assert faults(page) == [], address


def test_why_somebody_may_not_export_can_be_read_on_a_telephone(signed_in: Page, people: None):
    Grant.objects.filter(group__name="operator", action="export").delete()
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(LIST)

    page.get_by_role("link", name="Export").focus()

    expect(page.get_by_text("Needs the right to export")).to_be_in_viewport(ratio=0.95)


def test_an_export_is_a_download_that_can_be_had_again(signed_in: Page, people: None):
    page = signed_in
    page.goto(f"{LIST}?q=xenia")
    for _ in range(2):
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        assert download.value.suggested_filename.endswith(".csv")
