"""The list of a facet's entities."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets import directory, registry
from facets.core.records import inbound_record, state_record
from facets.core.store import Table
from facets.definitions import FacetDefinition
from facets.demo.definitions.bank_account import BankAccount
from facets.directory.queries import Count
from tests.facets.views.undefined import add_undefined

URL = reverse("facet", args=["BANK_ACCOUNT"])

Fill = Callable[..., None]


@pytest.fixture
def fill(ledger: Table) -> Fill:
    """Put accounts into the table: of each its id, first name, balance, and when it was changed last."""

    def fill(*rows: tuple[str, str | None, float, int]) -> None:
        ledger.load(
            state_record(
                "BANK_ACCOUNT",
                id,
                1,
                f'{{"balance":{balance}' + (f',"ownerFirst":"{name}"' if name is not None else "") + "}",
                ts,
            ).to_item()
            for id, name, balance, ts in rows
        )

    return fill


def ids(response: Any) -> list[str]:
    return [listed.row.id for listed in response.context["rows"]]


def many(count: int) -> Sequence[tuple[str, str, float, int]]:
    return [
        (f"acc-{number:03d}", f"Name {number % 7}", number % 5, 1_000 * number) for number in range(count)
    ]


def test_entities_are_listed_with_the_values_that_staff_know_them_by(viewer: Client, account: str):
    response = viewer.get(URL)

    assert response.status_code == 200
    [listed] = response.context["rows"]
    assert [(cell.label, cell.value.text) for cell in listed.cells] == [
        ("First name", "Ada"),
        ("Last name", "Reed"),
        ("Balance, EUR", "100"),
    ]
    assert reverse("entity", args=["BANK_ACCOUNT", "acc-1"]) in response.text
    assert "1 entity" in response.text


def test_the_last_changed_stand_first(viewer: Client, fill: Fill):
    fill(("a", "x", 1, 10), ("b", "x", 1, 30), ("c", "x", 1, 20))

    assert ids(viewer.get(URL)) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("@id", ["a", "b", "c"]),
        ("-@id", ["c", "b", "a"]),
        ("balance", ["c", "a", "b"]),
        ("-balance", ["b", "a", "c"]),
        ("ownerFirst", ["c", "b", "a"]),
        ("-ownerFirst", ["b", "c", "a"]),
        ("nonsense", ["b", "c", "a"]),
    ],
)
def test_a_list_is_sorted_by_any_column_those_without_a_value_last(
    viewer: Client, fill: Fill, sort: str, expected: list[str]
):
    fill(("a", None, 9, 10), ("b", "Zed", 10, 30), ("c", "ann", -1, 20))

    assert ids(viewer.get(URL, {"sort": sort})) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from.balance=2", ["b"]),
        ("to.balance=2&from.balance=1", ["c"]),
        ("has.ownerFirst=LUK", ["b"]),
        ("empty.ownerFirst=1", ["a"]),
        ("q=lukasz", ["b"]),
        ("q=acc-b+ukas", ["b"]),
        ("q=%22%27+OR+*", []),
        ("changed=1970-01-02", ["c"]),
    ],
)
def test_a_list_is_filtered_by_values_words_and_time(
    viewer: Client, fill: Fill, query: str, expected: list[str]
):
    fill(("acc-a", None, -5, 10), ("acc-b", "Łukasz", 10, 30), ("acc-c", "Ann", 1.5, 200_000_000))

    response = viewer.get(f"{URL}?{query}")

    assert [id.removeprefix("acc-") for id in ids(response)] == expected
    if not expected:
        assert "Nothing matches" in response.text


def test_found_words_are_marked_and_hostile_text_stays_text(viewer: Client, fill: Fill):
    fill(("<b>1", "<script>Ada</script>", 1, 1))

    response = viewer.get(URL, {"q": "script"})

    assert "&lt;<mark>script</mark>&gt;Ada&lt;/<mark>script</mark>&gt;" in response.text
    assert "<script>Ada" not in response.text
    assert "&lt;b&gt;1" in response.text


def test_pages_go_on_and_back_without_gap_or_twin_whatever_the_order(viewer: Client, fill: Fill):
    fill(*many(130))

    for sort in ("", "-@updated", "@id", "balance", "-ownerFirst"):
        seen: list[list[str]] = []
        response = viewer.get(URL, {"sort": sort, "size": 50}) if sort else viewer.get(f"{URL}?size=50")
        seen.append(ids(response))
        while query := response.context["next"]:
            response = viewer.get(URL + query)
            seen.append(ids(response))
        assert [len(page) for page in seen] == [50, 50, 30]
        assert len({id for page in seen for id in page}) == 130
        for page in reversed(seen[:-1]):
            response = viewer.get(URL + response.context["previous"])
            assert ids(response) == page


def test_a_link_to_a_page_holds_where_entities_were_added_before_it(viewer: Client, fill: Fill):
    fill(*many(60))
    link = URL + viewer.get(URL, {"sort": "@id"}).context["next"]
    before = ids(viewer.get(link))

    fill(("aaa", "New", 1, 99_000))

    assert ids(viewer.get(link)) == before


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("place", ["x" * 7000, "\x00", "ungültig", "W10", "e30", "WyJAaWQiLG51bGwsIngiXQ"])
def test_a_cut_link_to_a_page_is_404(viewer: Client, account: str, name: str, place: str):
    assert viewer.get(URL, {name: place}).status_code in (200, 404)


def test_a_filter_that_makes_no_sense_is_told_and_nothing_is_listed(viewer: Client, account: str):
    response = viewer.get(URL, {"from.balance": "lots"})

    assert response.status_code == 422
    assert response.context["rows"] == []
    assert "This is not a number." in response.text
    assert 'value="lots"' in response.text


def test_filters_are_chips_that_can_be_taken_away(viewer: Client, fill: Fill):
    fill(*many(3))

    response = viewer.get(f"{URL}?q=acc&from.balance=1")

    [chip] = response.context["asked"].chips
    assert (chip.label, chip.text) == ("Balance", "from 1")
    assert len(ids(viewer.get(URL + chip.without))) == 3


def test_an_address_loses_what_a_form_left_empty(viewer: Client, account: str):
    response = viewer.get(f"{URL}?q=&has.ownerFirst=Ada&from.balance=&to.balance=")

    assert response.status_code == 302
    assert response.url == f"{URL}?has.ownerFirst=Ada"


def test_htmx_gets_what_was_found_or_the_filters_too_and_the_address_to_pass_on(viewer: Client, account: str):
    def ask(target: str) -> Any:
        return viewer.get(f"{URL}?q=ada&has.ownerFirst=", headers={"HX-Request": "true", "HX-Target": target})

    found, whole = ask("results"), ask("entities")

    assert 'id="ask"' not in found.text
    assert found.headers["HX-Replace-Url"] == f"{URL}?q=ada"
    assert 'id="ask"' in whole.text
    assert "<html" not in whole.text
    assert {"HX-Request", "HX-Target"} <= set(re.split(r",\s*", found.headers["Vary"]))


def test_the_browsers_way_back_gets_a_whole_page(viewer: Client, account: str):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}

    assert "<html" in viewer.get(URL, headers=headers).text


def test_masked_values_are_bullets_and_cannot_be_asked_for(
    viewer: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    definition = FacetDefinition(
        name="BANK_ACCOUNT",
        title="Accounts",
        state=BankAccount,
        list_display=("ownerFirst", "ownerLast"),
        search_fields=("ownerFirst", "ownerLast"),
        sensitive_fields=("ownerLast",),
    )
    monkeypatch.setattr(registry, "definitions", lambda: {"BANK_ACCOUNT": definition})

    response = viewer.get(URL)
    asked = viewer.get(URL, {"has.ownerLast": "x", "sort": "ownerLast"})

    assert "••••••" in response.text
    assert "Reed" not in response.text
    assert asked.context["asked"].here == "?"
    assert viewer.get(URL, {"q": "Reed"}).context["rows"] == []


def test_a_picture_of_the_last_30_days_leads_to_the_entities_of_a_day(viewer: Client, fill: Fill):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    moments = [round((now - timedelta(days=days)).timestamp() * 1000) for days in (0, 1, 1, 29, 30)]
    # What is older than a month when it is read is not counted.
    with time_machine.travel(now):
        # What is there at the first reading are states without events.
        viewer.get(URL)
        fill(*((f"acc-{number}", "x", 1, moment) for number, moment in enumerate(moments)))
        response = viewer.get(URL)

    links = re.findall(r'<a href="([^"]*)" tabindex="-1" aria-hidden="true"><rect', response.text)
    assert [len(ids(viewer.get(unescape(link)))) for link in links] == [1, 2, 1]


def test_the_days_of_the_last_change_are_a_filter_like_any_other(viewer: Client, fill: Fill):
    fill(("a", "x", 1, 10), ("b", "x", 1, 200_000_000))
    query = "?from.@updated=1970-01-03&to.@updated=1970-01-03"

    response = viewer.get(URL + query)

    assert ids(response) == ["b"]
    [chip] = response.context["asked"].chips
    assert (chip.label, chip.text) == ("Last change", "1970-01-03")
    assert '<input type="date" name="from.@updated" value="1970-01-03"' in response.text


def test_the_days_of_a_filter_are_said_to_be_of_a_zone(viewer: Client, fill: Fill, settings: Settings):
    """The times in the list are in the reader's zone, and an address must mean the same for everybody."""
    settings.TIME_ZONE = "Asia/Kolkata"
    fill(("a", "x", 1, 10))

    assert ">days in IST<" in viewer.get(URL).text


def test_the_number_of_events_has_its_thousands_apart(viewer: Client, ledger: Table):
    ledger.load([state_record("BANK_ACCOUNT", "long", 20_000, "{}", 0).to_item()])

    assert ">20,000<" in viewer.get(URL).text


def test_an_empty_list_explains_words_only_where_some_were_asked_for(viewer: Client, account: str):
    assert "Words are looked for in: id, first name, last name." in viewer.get(URL, {"q": "zzz"}).text
    assert "Words are looked for" not in viewer.get(URL, {"from.balance": "1000000"}).text


def test_a_count_is_exact_up_to_ten_thousand_then_about(
    viewer: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    counted = directory.counted
    monkeypatch.setattr(
        directory, "counted", lambda *asked, **page: (counted(*asked, **page)[0], Count(1_200_000, False))
    )

    assert "About 1,200,000 entities" in viewer.get(URL).text


def test_an_empty_facet_says_so(viewer: Client, ledger: Table):
    response = viewer.get(URL)

    assert response.status_code == 200
    assert "No entities yet" in response.text


def test_a_state_that_is_not_json_or_no_object_does_not_break_the_list(viewer: Client, ledger: Table):
    ledger.load(
        state_record("BANK_ACCOUNT", id, 1, itm, 0).to_item()
        for id, itm in (("a", "{broken"), ("b", "[1]"), ("c", "null"), ("d", '{"balance":{"deep":[1]}}'))
    )

    response = viewer.get(URL)

    assert response.status_code == 200
    assert len(response.context["rows"]) == 4


def test_a_facet_without_a_definition_is_read_only(viewer: Client, ledger: Table):
    add_undefined(ledger, "LEGACY", "1")

    response = viewer.get(reverse("facet", args=["LEGACY"]))

    assert response.status_code == 200
    assert "Read-only" in response.text
    assert ids(response) == ["1"]
    assert reverse("new-entity", args=["LEGACY"]) not in response.text
    assert 'name="drifted"' not in response.text


def test_a_facet_that_does_not_exist_is_404_with_a_way_back(viewer: Client, ledger: Table):
    response = viewer.get(reverse("facet", args=["<b>NOPE</b>"]))

    assert response.status_code == 404
    assert "<b>NOPE" not in response.text
    assert 'href="/"' in response.text


def test_a_viewer_sees_why_they_cannot_begin_an_entity(viewer: Client, ledger: Table):
    response = viewer.get(URL)

    assert 'aria-disabled="true"' in response.text
    assert "Needs the right to append events, which corrector and operator have." in response.text


@pytest.mark.parametrize(
    "state", ['{"balance":1e400,"ownerFirst":-1e400}', '{"balance":' + "[" * 900 + "]" * 900 + "}"]
)
@pytest.mark.parametrize("name", ["facet", "entity", "append"])
def test_one_state_that_no_reader_can_hold_does_not_take_the_page_down(
    corrector: Client, ledger: Table, account: str, state: str, name: str
):
    ledger.load(
        [
            state_record("BANK_ACCOUNT", "odd", 1, state, 0).to_item(),
            inbound_record("BANK_ACCOUNT", "odd", 1, "TRANSACTION_ACCEPTED", state, 0).to_item(),
        ]
    )

    response = corrector.get(reverse(name, args=["BANK_ACCOUNT"] + ["odd"] * (name != "facet")))

    assert response.status_code == 200
    assert "odd" in response.text
