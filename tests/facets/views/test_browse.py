"""A facet's entities read from the table itself, where the directory does not know them."""

import pytest
from django.test import Client
from django.urls import reverse

from facets.core import Event, Facet
from facets.core.dynamodb import DynamoTable
from facets.core.records import state_record
from facets.core.store import Table
from facets.views.browse import PAGE
from tests.facets.core.tables import spoil

URL = reverse("facet", args=["BANK_ACCOUNT"])
SCAN = f"{URL}?scan=1"


def test_entities_are_listed_with_the_values_that_staff_know_them_by(viewer: Client, account: str):
    response = viewer.get(SCAN)

    assert response.status_code == 200
    [row] = response.context["rows"]
    assert [(cell.label, cell.value.text) for cell in row.cells] == [
        ("First name", "Ada"),
        ("Last name", "Reed"),
        ("Balance, EUR", "100"),
    ]
    assert reverse("entity", args=["BANK_ACCOUNT", "acc-1"]) in response.text


def test_a_long_list_goes_on_page_by_page_without_gap_or_twin(viewer: Client, accounts: Facet):
    for number in range(PAGE + 7):
        accounts.append(f"acc-{number:03d}", Event("ACCOUNT_CREATION", {"id": "x"}))

    first = viewer.get(SCAN)
    second = viewer.get(URL, {"scan": 1, "after": first.context["page"].next})

    ids = [listed.row.id for response in (first, second) for listed in response.context["rows"]]
    assert ids == [f"acc-{number:03d}" for number in range(PAGE + 7)]
    assert second.context["page"].next is None
    assert "Next page" in first.text
    assert "First page" in second.text


def test_a_state_that_cannot_be_read_is_named_and_does_not_keep_the_others_from_view(
    viewer: Client, account: str, accounts: Facet, ledger: Table
):
    accounts.append("acc-2", Event("ACCOUNT_CREATION", {"id": "x"}))
    spoil(ledger, f"BANK_ACCOUNT/{account}", "STATE")

    response = viewer.get(SCAN)

    assert response.status_code == 200
    assert [listed.row.id for listed in response.context["rows"]] == ["acc-2"]
    assert "1 of the stored states cannot be read" in response.text
    assert f"BANK_ACCOUNT/{account}" in response.text


def test_a_table_that_is_not_indexed_is_read_a_part_at_a_time_and_says_what_that_took(
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


def test_a_table_that_is_not_indexed_offers_the_command_and_what_it_costs(
    viewer: Client, dynamo_ledger: DynamoTable
):
    dynamo_ledger.load([state_record("BANK_ACCOUNT", "1", 0, "{}", 0).to_item()])

    response = viewer.get(URL)

    assert "manage.py index" in response.text


def test_an_empty_facet_says_so(viewer: Client, ledger: Table):
    assert "No entities yet" in viewer.get(SCAN).text


@pytest.mark.parametrize("after", ["x" * 5000, "\x00", "ungültig"])
def test_a_cut_link_to_a_page_does_not_break(viewer: Client, ledger: Table, after: str):
    assert viewer.get(URL, {"scan": 1, "after": after}).status_code in (200, 404)
