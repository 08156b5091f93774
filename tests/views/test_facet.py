"""The list of a facet's entities."""

import pytest
from django.test import Client
from django.urls import reverse

from facets.core import Event, Facet
from facets.core.dynamodb import DynamoTable
from facets.core.records import inbound_record, state_record
from facets.core.store import Table
from facets.views.facet import PAGE
from tests.core.tables import spoil
from tests.views.undefined import add_undefined

URL = reverse("facet", args=["BANK_ACCOUNT"])


def test_entities_are_listed_with_the_values_that_staff_know_them_by(viewer: Client, account: str):
    response = viewer.get(URL)

    assert response.status_code == 200
    [row] = response.context["rows"]
    assert [(label, value.text) for label, value in row.values] == [
        ("First name", "Ada"),
        ("Last name", "Reed"),
        ("Balance", "100"),
    ]
    assert reverse("entity", args=["BANK_ACCOUNT", "acc-1"]) in response.text


def test_a_long_list_goes_on_page_by_page_without_gap_or_twin(viewer: Client, accounts: Facet):
    for number in range(PAGE + 7):
        accounts.append(f"acc-{number:03d}", Event("ACCOUNT_CREATION", {"id": "x"}))

    first = viewer.get(URL)
    second = viewer.get(URL, {"after": first.context["page"].next})

    ids = [row.record.entity_id for response in (first, second) for row in response.context["rows"]]
    assert ids == [f"acc-{number:03d}" for number in range(PAGE + 7)]
    assert second.context["page"].next is None
    assert "Next page" in first.text
    assert "First page" in second.text


def test_a_state_that_cannot_be_read_is_named_and_does_not_keep_the_others_from_view(
    viewer: Client, account: str, accounts: Facet, ledger: Table
):
    accounts.append("acc-2", Event("ACCOUNT_CREATION", {"id": "x"}))
    spoil(ledger, f"BANK_ACCOUNT/{account}", "STATE")

    response = viewer.get(URL)

    assert response.status_code == 200
    assert [row.record.entity_id for row in response.context["rows"]] == ["acc-2"]
    assert "1 of the stored states cannot be read" in response.text
    assert f"BANK_ACCOUNT/{account}" in response.text


def test_the_page_says_what_it_read(viewer: Client, account: str):
    assert "Read 1 record in 1 request" in viewer.get(URL).text


def test_a_page_of_a_dynamodb_table_says_what_it_read_even_where_it_found_nothing(
    viewer: Client, dynamo_ledger: DynamoTable
):
    pad = "x" * 350_000
    dynamo_ledger.load(state_record("ORDER", str(n), 0, f'"{pad}"', 0).to_item() for n in range(40))

    response = viewer.get(URL)

    page = response.context["page"]
    assert page.next
    assert "None in this part of the table" in response.text
    assert f"Read {page.cost.records} records in {page.cost.requests} requests" in response.text
    assert "read units" in response.text
    assert "Look further" in response.text


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
    assert reverse("new-entity", args=["LEGACY"]) not in response.text


def test_a_facet_that_does_not_exist_is_404_with_a_way_back(viewer: Client, ledger: Table):
    response = viewer.get(reverse("facet", args=["<b>NOPE</b>"]))

    assert response.status_code == 404
    assert "<b>NOPE" not in response.text
    assert 'href="/"' in response.text


@pytest.mark.parametrize("after", ["x" * 5000, "\x00", "ungültig"])
def test_a_cut_link_to_a_page_does_not_break(viewer: Client, ledger: Table, after: str):
    assert viewer.get(URL, {"after": after}).status_code in (200, 404)


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
