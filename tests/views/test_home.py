"""The list of facets."""

from django.test import Client
from django.urls import reverse

from facets.core import Facet
from facets.core.dynamodb import DynamoTable
from facets.core.records import state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.definitions.bank_account import bank_account
from tests.views.undefined import add_undefined


def test_facets_are_listed_with_their_titles_and_number_of_entities(viewer: Client, account: str):
    response = viewer.get("/")

    assert response.status_code == 200
    rows = {row.name: row for row in response.context["rows"]}
    assert list(rows)[:2] == ["BANK_ACCOUNT", "ORDER"]
    assert rows["BANK_ACCOUNT"].count == 1
    assert rows["ORDER"].count == 0
    assert "Bank accounts" in response.text


def test_a_facet_without_a_definition_is_listed_as_read_only_and_says_why(
    viewer: Client, ledger: SqliteTable
):
    add_undefined(ledger, "LEGACY/cards", "1")

    response = viewer.get("/")

    assert "LEGACY/cards" in response.text
    assert "HDEADMIN_FACETS" in response.text
    assert reverse("facet", args=["LEGACY/cards"]) in response.text


def test_a_table_that_cannot_be_counted_cheaply_is_read_only_when_asked(
    viewer: Client, dynamo_ledger: DynamoTable
):
    bank_account.facet(dynamo_ledger.db("BANK_ACCOUNT")).append("acc-1")
    dynamo_ledger.load([state_record("LEGACY", "1", 0, "{}", 0).to_item()])

    at_first = viewer.get("/")
    after_a_look = viewer.get("/?look=1")

    assert [row.count for row in at_first.context["rows"]] == [None, None]
    assert "LEGACY" not in at_first.text
    assert {row.name: row.count for row in after_a_look.context["rows"]} == {
        "BANK_ACCOUNT": 1,
        "LEGACY": 1,
        "ORDER": 0,
    }
    assert "Read 2 records in 1 request" in after_a_look.text


def test_a_place_to_look_on_from_that_was_made_up_is_a_404(viewer: Client, dynamo_ledger: DynamoTable):
    assert viewer.get("/?after=garbage").status_code == 404


def test_numbers_that_were_made_up_count_as_none(viewer: Client, dynamo_ledger: DynamoTable):
    huge = "9" * 5_000

    for found in (f'[{{"ORDER":{huge}}},1,1,1]', f"[{{}},{huge},1,1]", "[{},1,1,1e400]", "[" * 9_000):
        assert viewer.get("/", {"look": 1, "found": found}).status_code == 200
        assert viewer.get("/", {"after": "", "found": found}).status_code == 200


def test_looking_further_adds_to_what_was_found(viewer: Client, dynamo_ledger: DynamoTable):
    pad = "x" * 350_000
    dynamo_ledger.load(state_record("BANK_ACCOUNT", str(n), 0, f'"{pad}"', 0).to_item() for n in range(8))

    url, looks = "/?look=1", 0
    while url:
        look = viewer.get(url, headers={"HX-Request": "true"}).context["look"]
        looks += 1
        url = look.url() if look.next else ""

    assert looks > 1
    assert look.counts == {"BANK_ACCOUNT": 8}
    assert look.records == 8
    assert look.requests == looks


def test_what_an_address_says_was_found_is_not_believed_when_it_makes_no_sense(
    viewer: Client, dynamo_ledger: DynamoTable
):

    for found in (
        "",
        "[",
        "[[1],2,3,4]",
        '[{"A":"many"},1,1,1]',
        '[{"A":true},1,1,1]',
        '[{},1,1,"x"]',
        "[{},1,1,1" + "0" * 400 + "]",
    ):
        response = viewer.get("/", {"look": "1", "found": found})

        assert response.status_code == 200
        assert response.context["look"].counts == {}


def test_htmx_gets_the_list_alone(viewer: Client, ledger: Table):
    response = viewer.get("/", headers={"HX-Request": "true"})

    assert "<html" not in response.text
    assert "HX-Request" in response.headers["Vary"]


def test_the_search_box_opens_an_id_of_any_kind(viewer: Client, accounts: Facet):
    response = viewer.get("/open/", {"facet": "BANK_ACCOUNT", "id": "a/../b?#%2F 😀"})

    assert response.status_code == 302
    assert response.url == reverse("entity", args=["BANK_ACCOUNT", "a/../b?#%2F 😀"])


def test_the_search_box_without_an_id_opens_the_facet(viewer: Client, ledger: Table):
    assert viewer.get("/open/", {"facet": "ORDER", "id": ""}).url == reverse("facet", args=["ORDER"])
    assert viewer.get("/open/").url == "/"
