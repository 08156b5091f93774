"""What stands beside an entity's state about its past."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from facets.core import Event, Facet
from facets.core.records import inbound_record, state_record
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account


def url(entity_id: str = "acc-1") -> str:
    return reverse("entity", args=["BANK_ACCOUNT", entity_id])


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def drifted(account: str, ledger: Table) -> str:
    """The account, its balance and a name stored otherwise than its events say."""
    itm = '{"balance":1,"minimumBalance":-1000,"id":"acc-1","ownerFirst":"Ida","ownerLast":"Reed"}'
    ledger.load([state_record("BANK_ACCOUNT", account, 3, itm, 1).to_item()])
    return account


def test_a_state_that_is_what_its_events_come_to_says_so(viewer: Client, account: str):
    assert "The stored state is what its 3 events come to" in text_of(viewer.get(url()))


def test_drift_is_shown_at_once_where_the_whole_history_was_read(
    viewer: Client, operator: Client, drifted: str
):
    response = operator.get(url())

    assert "Stored state differs from its events: 2 fields" in text_of(response)
    assert reverse("recalculate", args=["BANK_ACCOUNT", drifted]) in response.content.decode()
    assert "A recalculation would put it right. " in text_of(viewer.get(url()))


def test_a_state_that_is_lost_is_not_told_of_as_a_field(operator: Client, ledger: Table):
    ledger.load(
        [inbound_record("BANK_ACCOUNT", "acc-1", 1, "ACCOUNT_CREATION", '{"id":"acc-1"}', 1).to_item()]
    )

    text = text_of(operator.get(url()))

    assert "No state is stored; its events come to one" in text
    assert "1 field" not in text


def test_drift_in_masked_fields_does_not_show_them(
    viewer: Client, drifted: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bank_account, "sensitive_fields", ("ownerFirst",))

    response = viewer.get(url())

    assert "differs from its events: 2 fields" in text_of(response)
    assert "Ida" not in response.content.decode()
    assert "Ada" not in response.content.decode()


@pytest.mark.parametrize("query", ["?words=Salary", "?rows=2", "?before=2"])
def test_a_part_of_the_history_is_not_taken_for_all_of_it(viewer: Client, drifted: str, query: str):
    response = viewer.get(url() + query)

    assert "differs from its events" not in text_of(response)
    assert reverse("drift", args=["BANK_ACCOUNT", drifted]) in response.content.decode()


def test_the_chart_of_a_history_that_was_read_is_there_at_once(viewer: Client, account: str):
    page = viewer.get(url()).content.decode()

    assert re.search(r'<path class="chart-line" d="M[\dHV. ]+"/>', page)
    assert "hx-trigger" not in page[page.index('id="chart"') : page.index("chart-line")]


def test_every_event_leads_to_the_state_as_it_was_after_it(viewer: Client, account: str):
    page = viewer.get(url()).content.decode()

    assert [f"{url()}?seq={seq}" in page for seq in (1, 2, 3)] == [True] * 3


def test_one_event_is_not_drawn_and_none_has_no_way_back(viewer: Client, accounts: Facet, ledger: Table):
    accounts.append("one", Event("ACCOUNT_CREATION", {"id": "one"}))
    ledger.load(
        [state_record("BANK_ACCOUNT", "none", 0, '{"balance":0,"minimumBalance":-1000}', 1).to_item()]
    )

    assert 'id="chart"' not in viewer.get(url("one")).content.decode()
    assert 'data-key="["' not in viewer.get(url("none")).content.decode()
