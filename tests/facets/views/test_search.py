"""The search of every page: an id opened at once, words over all facets that a person may view."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from facets import conf
from facets.core import Event, Facet
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import facts_of
from facets.core.errors import StoreUnavailable
from facets.core.records import state_record
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from facets.directory import full_scan, id_lookup
from facets.directory.index_entry import versions_of
from facets.directory.models import Entity, TableFacet
from facets.directory.writer import secret
from facets.importing.dynamodb_json import parse
from hdeadmin import ratelimit
from hdeadmin.permissions.models import Grant

URL = reverse("search")


def found(response: Any) -> list[tuple[str, str]]:
    return [(hit.facet, hit.listed.row.id) for hit in response.context["hits"]]


def as_typed(client: Client, text: str) -> Any:
    return client.get(URL, {"q": text}, headers={"HX-Request": "true", "HX-Target": "palette"})


@pytest.mark.parametrize("id", ["acc-1", "a/../b?#%2F 😀", "BANK_ACCOUNT/7"])
def test_an_id_opens_its_entity(viewer: Client, accounts: Facet, id: str):
    accounts.append(id, Event("ACCOUNT_CREATION", {"id": "x"}))

    response = viewer.get(URL, {"q": f"  {id} "})

    assert response.status_code == 302
    assert response.url == reverse("entity", args=["BANK_ACCOUNT", id])


def test_an_id_as_the_tables_keys_are_written_opens_its_entity(viewer: Client, account: str):
    assert viewer.get(URL, {"q": "BANK_ACCOUNT/acc-1"}).url == reverse(
        "entity", args=["BANK_ACCOUNT", "acc-1"]
    )


def test_an_id_that_two_facets_have_is_a_choice(viewer: Client, account: str, ledger: Table):
    order.facet(ledger.db("ORDER")).append("acc-1", Event("ORDER_CREATED", {"id": "acc-1", "items": []}))

    response = viewer.get(URL, {"q": "acc-1"})

    assert response.status_code == 200
    assert found(response)[:2] == [("BANK_ACCOUNT", "acc-1"), ("ORDER", "acc-1")]


def test_an_id_is_found_in_the_table_though_the_directory_has_never_read_it(
    viewer: Client, dynamo_ledger: DynamoTable
):
    dynamo_ledger.load([state_record("BANK_ACCOUNT", "acc-9", 1, "{}", 0).to_item()])

    assert viewer.get(URL, {"q": "acc-9"}).status_code == 302
    assert found(as_typed(viewer, "acc-9")) == [("BANK_ACCOUNT", "acc-9")]


def test_an_id_is_looked_up_in_many_facets_and_no_more_than_are_said(
    viewer: Client, account: str, ledger: Table
):
    many = [f"FACET-{number}" for number in range(id_lookup.MOST)]

    assert [state.entity_id for state in id_lookup.by_id(ledger, account, ["BANK_ACCOUNT", *many]).found] == [
        account
    ]
    assert id_lookup.by_id(ledger, account, [*many, "BANK_ACCOUNT"]).found == []
    assert id_lookup.by_id(ledger, "x" * 5_000, many).found == []


def test_words_find_entities_of_every_facet_and_an_exact_id_stands_first(
    viewer: Client, accounts: Facet, ledger: Table
):
    accounts.append("ada", Event("ACCOUNT_CREATION", {"id": "1"}))
    accounts.append("x-1", Event("ACCOUNT_UPDATE", {"ownerFirst": "Ada", "ownerLast": "Reed"}))
    order.facet(ledger.db("ORDER")).append("adam-7", Event("ORDER_CREATED", {"id": "adam-7", "items": []}))

    response = as_typed(viewer, "ada")

    assert found(response)[0] == ("BANK_ACCOUNT", "ada")
    assert set(found(response)) == {("BANK_ACCOUNT", "ada"), ("BANK_ACCOUNT", "x-1"), ("ORDER", "adam-7")}
    assert "<mark>Ada</mark>" in response.text
    assert "<html" not in response.text


def test_the_page_of_results_can_look_into_one_facet(viewer: Client, account: str, ledger: Table):
    order.facet(ledger.db("ORDER")).append("acc-2", Event("ORDER_CREATED", {"id": "acc-2", "items": []}))

    assert found(viewer.get(URL, {"q": "acc", "in": "ORDER"})) == [("ORDER", "acc-2")]
    assert found(viewer.get(URL, {"q": "acc", "in": "NOPE"})) == []


def test_numbers_of_one_facet_have_as_many_decimals_as_in_its_list(viewer: Client, ledger: Table):
    ledger.load(
        state_record("BANK_ACCOUNT", f"acc-{balance}", 1, f'{{"balance":{balance}}}', 0).to_item()
        for balance in ("7239", "5499.75")
    )

    text = viewer.get(URL, {"q": "acc"}).text

    assert "7,239.00" in text
    assert "5,499.75" in text


def test_the_rest_is_offered_of_facets_that_have_any(viewer: Client, account: str):
    response = viewer.get(URL, {"q": "ada"})

    assert "All in Bank accounts" in response.text
    assert "All in Orders" not in response.text


def test_a_facet_that_may_not_be_viewed_leaves_no_trace(
    sign_in: Callable[[str | None], Client], account: str, ledger: Table
):
    group = Group.objects.create(name="orders only")
    Grant.objects.create(group=group, action="view", facet="ORDER")
    client = sign_in(None)
    User.objects.get(username="nobody").groups.add(group)

    for response in (
        client.get(URL, {"q": "acc-1"}),
        as_typed(client, "ada"),
        client.get(URL, {"q": "x", "in": "BANK_ACCOUNT"}),
    ):
        assert response.status_code == 200
        assert found(response) == []
        assert "Bank accounts" not in response.text.replace("Bank accounts' ", "")


def test_nothing_found_says_so_and_hostile_text_stays_text(viewer: Client, account: str):
    for text in (
        "<script>alert(1)</script>",
        '" OR 1=1 --',
        "*",
        "NEAR(",
        "\x00",
        "\ud800".encode("utf-8", "surrogatepass"),
    ):
        response = viewer.get(URL, {"q": text, "all": 1})

        assert response.status_code == 200
        assert "<script>alert" not in response.text


def test_the_palette_offers_no_page_of_results_without_any(viewer: Client, account: str):
    assert "All results" in as_typed(viewer, "ada").text
    assert "All results" not in as_typed(viewer, "zzz").text


def test_the_palette_says_what_it_cannot_find_before_the_table_is_indexed(
    viewer: Client, dynamo_ledger: DynamoTable
):
    assert "Not every entity is searched yet; a whole id finds its own." in as_typed(viewer, "ada").text


def test_no_words_ask_for_some(viewer: Client, account: str):
    assert "What are you looking for?" in viewer.get(URL).text
    assert "Type an id, or words." in as_typed(viewer, "  ").text


def test_words_still_find_entities_where_the_table_does_not_answer(
    viewer: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    as_typed(viewer, "ada")

    def down(self: object, id: str) -> None:
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(type(conf.current_table().db("ORDER")), "get_state", down)

    response = as_typed(viewer, "ada")

    assert found(response) == [("BANK_ACCOUNT", "acc-1")]
    assert "The table does not answer" in response.text


CASES = Path(__file__).parents[2] / "fixtures/cases"


@pytest.mark.parametrize("engine", ["sqlite", "dynamodb"])
@pytest.mark.parametrize(
    ("case", "id", "typed"),
    [
        ("search-apostrophe", "SEARCH-APOSTROPHE", ["O\u2019Brannigan", "O\u02bcBrannigan", "o`brannigan"]),
        ("search-en-dash", "SEARCH-EN-DASH", ["Vogt\u2013Karlsen", "Vogt\u2010Karlsen", "Vogt\u2011Karlsen"]),
        ("search-zero-width-space", "ZERO-WIDTH", ["Maeve\u200bBrannigan", "Maeve Bran\u200bnigan"]),
    ],
)
def test_text_pasted_from_elsewhere_finds_its_entity(
    request: pytest.FixtureRequest,
    sign_in: Callable[[str | None], Client],
    engine: str,
    case: str,
    id: str,
    typed: list[str],
):
    table = request.getfixturevalue("ledger" if engine == "sqlite" else "local_ledger")
    table.load(parse(line) for line in (CASES / case / "items.jsonl").read_bytes().split(b"\n") if line)
    if engine == "dynamodb":
        full_scan.run(table, facts_of(table))
    client = sign_in("viewer")
    for text in typed:
        listed = client.get(reverse("facet", args=["BANK_ACCOUNT"]), {"q": text})
        assert [each.row.id for each in listed.context["rows"]] == [id]
        for response in (as_typed(client, text), client.get(URL, {"q": text})):
            assert found(response) == [("BANK_ACCOUNT", id)]
            assert "<mark>" in response.text


def test_an_id_in_other_punctuation_is_found_before_the_table_is_indexed(
    viewer: Client, dynamo_ledger: DynamoTable
):
    dynamo_ledger.load([state_record("BANK_ACCOUNT", "acc-9's", 1, "{}", 0).to_item()])

    for typed in ("acc\u20119\u2019s", "acc-9's\u200b"):
        response = viewer.get(URL, {"q": typed})
        assert found(response) == [("BANK_ACCOUNT", "acc-9's")]
        assert not response.context["hits"][0].exact


def test_an_index_of_an_earlier_version_says_that_it_must_be_made_again(
    viewer: Client, local_ledger: DynamoTable
):
    local_ledger.load([state_record("BANK_ACCOUNT", "acc-9", 1, '{"ownerLast":"Reed"}', 0).to_item()])
    full_scan.run(local_ledger, facts_of(local_ledger))
    pages = (URL + "?q=reed", reverse("home"), reverse("facet", args=["BANK_ACCOUNT"]))
    assert not any("manage.py index" in viewer.get(page).text for page in pages)
    TableFacet.objects.update(version=versions_of(bank_account, secret())[1])
    Entity.objects.update(version=versions_of(bank_account, secret())[1])
    for page in pages:
        assert "manage.py index" in viewer.get(page).text
    assert found(as_typed(viewer, "reed")) == [("BANK_ACCOUNT", "acc-9")]
    assert "earlier version" in as_typed(viewer, "reed").text
    full_scan.run(local_ledger, facts_of(local_ledger))
    assert not any("manage.py index" in viewer.get(page).text for page in pages)


def test_too_many_searches_are_refused_and_the_palette_says_so(
    viewer: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ratelimit, "allow", lambda *args, **options: False)

    assert viewer.get(URL, {"q": "ada"}).status_code == 429
    typed = as_typed(viewer, "ada")
    assert typed.status_code == 429
    assert "Wait a moment" in typed.text


def test_the_box_is_on_every_page_and_leads_to_the_page_of_results(viewer: Client, account: str):
    text = viewer.get(reverse("entity", args=["BANK_ACCOUNT", "acc-1"])).text

    assert f'action="{URL}"' in text
    assert 'role="combobox"' in text
