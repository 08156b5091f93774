"""Going back in time in a browser: by keys, by a clock, and through a long history while it is run."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from facets.core import Facet
from facets.core.records import inbound_record, state_record
from facets.core.store import Table
from facets.entities import replay
from facets.views import long_replay
from tests.browser.console import sign_in, url_of


@pytest.fixture
def long(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account whose 200 events are run ten in each request."""
    monkeypatch.setattr(replay, "EVERY", 10)
    for module in ("chart", "past_context"):
        monkeypatch.setattr(f"facets.views.{module}.SHORT", 20)
    monkeypatch.setattr(long_replay, "SECONDS", 0)
    records = [
        inbound_record(
            "BANK_ACCOUNT", "long", seq, "TRANSACTION_ACCEPTED", '{"amount":1}', 1_795_168_800_000 + seq
        )
        for seq in range(1, 201)
    ]
    records.append(state_record("BANK_ACCOUNT", "long", 200, '{"balance":200,"minimumBalance":-1000}', 1))
    ledger.load(record.to_item() for record in records)
    return "long"


def test_keys_step_through_time_and_back_comes_back(signed_in: Page, accounts: Facet):
    page = signed_in
    page.goto(url_of("entity", "acc-1027"))
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(r"\?seq=3$"))
    expect(page.locator("#moment")).to_contain_text("As it was after event 3 of 4")
    page.wait_for_load_state()

    page.keyboard.press("[")
    expect(page.locator("#moment")).to_contain_text("As it was after event 2 of 4")
    expect(page).to_have_url(re.compile(r"\?seq=2$"))
    page.keyboard.press("]")
    expect(page.locator("#moment")).to_contain_text("As it was after event 3 of 4")
    page.keyboard.press("]")
    expect(page.locator("#moment")).to_contain_text("The newest event, 4")
    expect(page.locator("#moment")).to_contain_text("Stored state differs from its events: 2 fields")

    page.go_back()
    expect(page.locator("#moment")).to_contain_text("As it was after event 3 of 4")


def test_a_clock_is_read_in_the_browsers_zone(browser: Browser, base_url: str, long: str):
    context = browser.new_context(base_url=base_url, timezone_id="Asia/Tokyo")
    page = context.new_page()
    sign_in(page)
    page.goto(url_of("entity", long))
    expect(page.locator("[data-zone-name]").first).to_have_text("Asia/Tokyo")
    page.get_by_label("As it was at").fill("2026-11-20T18:59:00")
    page.get_by_label("As it was at").press("Enter")

    expect(page.locator("#moment")).to_contain_text(
        "2026-11-20 18:59:00 Asia/Tokyo (2026-11-20 09:59:00 UTC)"
    )
    expect(page.locator("#moment")).to_contain_text("there was no event yet")
    context.close()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_long_history_is_run_to_its_end_with_and_without_javascript(
    browser: Browser, base_url: str, long: str, javascript: bool
):
    context = browser.new_context(base_url=base_url, java_script_enabled=javascript)
    page = context.new_page()
    sign_in(page)
    page.goto(url_of("entity", long) + "?seq=40", wait_until="commit")
    expect(page.locator("#moment")).to_contain_text("As it was after event 40 of 200", timeout=20_000)
    if javascript:
        page.goto(url_of("entity", long))
        draw = page.get_by_role("link", name="Draw Balance over 200 events")
        page.emulate_media(media="print")
        expect(draw).to_be_hidden()
        page.emulate_media(media="screen")
        draw.click()
        expect(page.locator("#chart .chart-line")).to_be_visible(timeout=20_000)
        expect(page).to_have_title(re.compile(f"^{long} · "))
        page.locator("#chart .chart-link").last.click()
        expect(page.locator("#moment")).to_contain_text("The newest event, 200", timeout=20_000)
    context.close()


def test_the_moment_that_a_page_offers_is_that_of_its_event(signed_in: Page, long: str):
    page = signed_in
    page.goto(url_of("entity", long) + "?seq=1")
    for seq in (1, 2):
        expect(page.locator("#moment")).to_contain_text(f"As it was after event {seq} of 200")
        page.get_by_text("Go to", exact=True).click()
        page.locator("#travel-at ~ button").click()
        expect(page).to_have_url(re.compile(r"\?at="))
        expect(page.locator("#moment")).to_contain_text(f"As it was after event {seq} of 200")
        page.goto(url_of("entity", long) + f"?seq={seq + 1}")


def test_a_long_replay_says_how_far_it_is_can_be_stopped_and_goes_on_there(
    signed_in: Page, long: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(long_replay, "AT_ONCE", 50)
    page = signed_in
    # The page asks for the next stretch by itself; here it is held back until the test has looked.
    held: list[Route] = []
    page.route("**/*go=1*", lambda route: held.append(route))

    with page.expect_request("**/*go=1*"):
        page.goto(url_of("compare", long))
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "0")
    expect(page.get_by_text("0 of 200 events are run")).to_be_visible()
    with page.expect_request("**/*go=1*"):
        held.pop().continue_()
    expect(bar).to_have_attribute("value", "10")
    expect(page.get_by_text("10 of 200 events are run")).to_be_visible()

    page.get_by_role("link", name="Stop").click()
    expect(page).to_have_url(re.compile(f"/entity/{long}$"))
    page.wait_for_load_state()

    page.unroute_all()
    page.goto(url_of("compare", long))
    expect(page.locator("#compare")).to_contain_text("199", timeout=20_000)


@pytest.mark.parametrize("cut", ["throttled", "lost", "never answered"])
def test_a_replay_that_is_cut_off_says_so_and_can_be_gone_on_with(
    signed_in: Page, long: str, monkeypatch: pytest.MonkeyPatch, complaints: list[str], cut: str
):
    monkeypatch.setattr(long_replay, "AT_ONCE", 50)
    page = signed_in

    def answer(route: Route) -> None:
        if cut == "throttled":
            route.fulfill(
                status=503, headers={"Retry-After": "10"}, body="<h1>The table does not answer</h1>"
            )
        elif cut == "lost":
            route.abort()

    page.route("**/*go=1*", answer)
    if cut == "never answered":
        page.add_init_script(
            "if (!location.search) addEventListener('htmx:configRequest', (e) => { e.detail.timeout = 50; })"
        )
    page.goto(url_of("drift", long))

    expect(page.get_by_text("It has stopped")).to_be_visible()
    expect(page.locator("#toasts .notice")).to_be_visible()
    page.unroute_all()
    page.get_by_role("link", name="Go on").click()
    expect(page.locator("#drift")).to_contain_text("The stored state is what its 200 events come to")
    complaints.clear()
