"""Bank accounts: given these events, expect this state and these messages."""

from __future__ import annotations

from typing import Any

import pytest

from facets.core import Event, InvalidRecord
from facets.demo.definitions.bank_account import (
    InsufficientFunds,
    Transaction,
    bank_account,
    reverse_transaction,
)


def given(*events: Event) -> Any:
    return bank_account.processor.process(None, [], events)


def opened(id: str = "acc-1") -> Event:
    return Event("ACCOUNT_CREATION", {"id": id})


def renamed(**names: str | None) -> Event:
    return Event("ACCOUNT_UPDATE", names)


def transaction(amount: float, desc: str = "") -> Event:
    return Event("TRANSACTION_ACCEPTED", {"desc": desc, "amount": amount})


def test_before_its_first_event_an_account_is_empty():
    assert given().state == {"balance": 0, "minimumBalance": -1000}


def test_an_opened_account_has_its_number():
    assert given(opened()).state == {"balance": 0, "minimumBalance": -1000, "id": "acc-1"}


def test_an_owner_is_renamed():
    state = given(
        opened(), renamed(ownerFirst="Ada", ownerLast="Reed"), renamed(ownerFirst="Ada", ownerLast="King")
    ).state

    assert (state["ownerFirst"], state["ownerLast"]) == ("Ada", "King")


def test_a_name_that_an_update_leaves_out_is_taken_from_the_account():
    state = given(renamed(ownerFirst="Ada", ownerLast="Reed"), renamed(ownerLast="King")).state

    assert state == {"balance": 0, "minimumBalance": -1000, "ownerLast": "King"}


def test_transactions_add_up_as_doubles_do():
    assert given(transaction(0.1), transaction(0.2)).state["balance"] == 0.30000000000000004


def test_an_account_goes_down_to_its_minimum_exactly():
    assert given(transaction(-1000)).state["balance"] == -1000


@pytest.mark.parametrize("amount", [-1000.01, -5000])
def test_an_account_does_not_go_below_its_minimum(amount):
    with pytest.raises(InsufficientFunds, match="insufficient funds"):
        given(opened(), transaction(amount))


def test_an_account_with_another_minimum_keeps_to_it():
    state = {"balance": 0, "minimumBalance": 0}

    with pytest.raises(InsufficientFunds):
        bank_account.processor.process(state, [], [transaction(-1)])


def test_an_account_that_becomes_overdrawn_says_so_each_time():
    result = given(opened(), transaction(-1), transaction(-1), transaction(2), transaction(-1))

    assert result.new_outbound_events == [Event("accountOverdrawn", {"accountId": "acc-1"})] * 2


def test_an_overdrawn_account_without_a_number_says_so_without_one():
    assert given(transaction(-1)).new_outbound_events == [Event("accountOverdrawn", {})]


def test_an_account_at_exactly_zero_is_not_overdrawn():
    assert given(transaction(5), transaction(-5)).new_outbound_events == []


@pytest.mark.parametrize("amount", [10, -10.5, 0.1])
def test_a_reversal_takes_a_transaction_back(amount):
    event = Transaction(desc="Rent", amount=amount)

    type, reversal = reverse_transaction(event)

    assert (type, reversal.desc) == ("TRANSACTION_ACCEPTED", "Reversal: Rent")
    state = given(transaction(amount), Event(type, reversal.model_dump())).state
    assert state["balance"] == 0
    assert bank_account.events["TRANSACTION_ACCEPTED"].compensate is reverse_transaction


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (Event("TRANSACTION_ACCEPTED", {"desc": "no amount"}), "amount"),
        (Event("TRANSACTION_ACCEPTED", {"amount": "much"}), "amount"),
        (Event("TRANSACTION_ACCEPTED", None), "TRANSACTION_ACCEPTED"),
        (Event("ACCOUNT_CREATION", {}), "id"),
        (Event("ACCOUNT_CREATION", {"id": ""}), "id"),
        (Event("ACCOUNT_UPDATE", []), "ACCOUNT_UPDATE"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_by_its_place_and_field(event, field):
    with pytest.raises(InvalidRecord, match=rf"^Event 2 .*{field}"):
        given(opened(), event)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (opened("7"), "Account 7 opened"),
        (renamed(ownerFirst="Ada", ownerLast="Reed"), "Owner is now Ada Reed"),
        (transaction(1234.5, "Salary"), "+1,234.50 · Salary"),
        (transaction(-20, "Rent"), "-20.00 · Rent"),
    ],
)
def test_the_timeline_says_what_happened(event, sentence):
    assert bank_account.sentence(event.type, event.data) == sentence
