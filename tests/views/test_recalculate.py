"""Recalculating a state in the console."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from facets.core import Event, Facet
from facets.core.records import inbound_record, state_record
from facets.core.store import Table

Hidden = Callable[[Any], dict[str, str]]


def url_of(entity_id: str) -> str:
    return reverse("recalculate", args=["BANK_ACCOUNT", entity_id])


def tamper(ledger: Table, accounts: Facet, entity_id: str) -> None:
    record = accounts.get(entity_id).record
    itm = '{"balance":9999,"minimumBalance":-1000,"id":"acc-1","ownerFirst":"Ada","tier":"gold"}'
    ledger.load([state_record("BANK_ACCOUNT", entity_id, record.seq, itm, record.ts).to_item()])


def test_what_would_change_is_shown_and_nothing_written(
    operator: Client, ledger: Table, accounts: Facet, account: str
):
    tamper(ledger, accounts, account)
    before = accounts.db.get_records(account)

    response = operator.get(url_of(account))

    assert response.status_code == 200
    changes = [(c["path"], c["old"].text, c["new"].text) for c in response.context["changes"]]
    assert changes == [("Balance", "9999", "100"), ("Last name", "not set", "Reed")]
    assert "3 events read" in response.text
    assert accounts.db.get_records(account) == before


def test_the_state_is_put_right_on_post(
    operator: Client, ledger: Table, accounts: Facet, account: str, hidden_fields: Hidden
):
    tamper(ledger, accounts, account)

    response = operator.post(url_of(account), hidden_fields(operator.get(url_of(account))))

    assert response.status_code == 302
    after = accounts.get(account)
    assert (after.record.seq, after.item["balance"], after.item["ownerLast"]) == (3, 100, "Reed")
    assert after.item["tier"] == "gold"
    assert "Recalculated from 3 events." in operator.get(response.url).text


def test_a_state_that_is_right_is_not_written_again(
    operator: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    before = accounts.db.get_records(account)
    page = operator.get(url_of(account))

    response = operator.post(url_of(account), hidden_fields(page))

    assert "Nothing would change" in page.text
    assert accounts.db.get_records(account) == before
    assert "nothing was written" in operator.get(response.url).text


def test_an_entity_that_moved_on_is_a_409_with_a_fresh_look(
    operator: Client, ledger: Table, accounts: Facet, account: str, hidden_fields: Hidden
):
    tamper(ledger, accounts, account)
    page = operator.get(url_of(account))
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -7}))

    response = operator.post(url_of(account), hidden_fields(page))

    assert response.status_code == 409
    assert accounts.get(account).item["balance"] == 9992
    assert operator.post(url_of(account), hidden_fields(response)).status_code == 302
    assert accounts.get(account).item["balance"] == 93


def test_a_state_that_was_lost_is_made_again(
    operator: Client, ledger: Table, accounts: Facet, hidden_fields: Hidden
):
    ledger.load(
        inbound_record("BANK_ACCOUNT", "lost", seq, "TRANSACTION_ACCEPTED", '{"amount":5}', 0).to_item()
        for seq in (1, 2)
    )

    page = operator.get(url_of("lost"))
    operator.post(url_of("lost"), hidden_fields(page))

    assert "The state is missing" in page.text
    assert accounts.get("lost").record.seq == 2
    assert accounts.get("lost").item["balance"] == 10


def test_a_state_that_is_not_even_json_is_made_again(
    operator: Client, ledger: Table, accounts: Facet, account: str, hidden_fields: Hidden
):
    ledger.load([state_record("BANK_ACCOUNT", account, 3, "{broken", 0).to_item()])

    operator.post(url_of(account), hidden_fields(operator.get(url_of(account))))

    assert accounts.get(account).item["balance"] == 100


def test_events_without_a_rule_are_named(operator: Client, ledger: Table, accounts: Facet, account: str):
    ledger.load([inbound_record("BANK_ACCOUNT", account, 4, "CARD_<b>", "{}", 0).to_item()])

    response = operator.get(url_of(account))

    assert response.context["outcome"].skipped == ["CARD_<b>"]
    assert "CARD_&lt;b&gt;" in response.text


def test_a_history_that_the_rules_refuse_says_so_and_writes_nothing(
    operator: Client, ledger: Table, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = operator.get(url_of(account))
    debit = inbound_record("BANK_ACCOUNT", account, 4, "TRANSACTION_ACCEPTED", '{"amount":-9999}', 0)
    ledger.load([debit.to_item()])
    before = accounts.db.get_records(account)

    shown, sent = operator.get(url_of(account)), operator.post(url_of(account), hidden_fields(page))

    assert (shown.status_code, sent.status_code) == (200, 422)
    assert "insufficient funds" in shown.text
    assert accounts.db.get_records(account) == before


def test_a_corrector_is_refused_and_told_which_role_it_takes(
    corrector: Client, ledger: Table, accounts: Facet, account: str
):
    tamper(ledger, accounts, account)

    for response in (corrector.get(url_of(account)), corrector.post(url_of(account), {})):
        assert response.status_code == 403
        assert "operator" in response.text
    assert accounts.get(account).item["balance"] == 9999


def test_an_entity_that_does_not_exist_is_404(operator: Client, ledger: Table):
    form = {"seq": "0", "operation_id": "6f1c1a55-6d6c-4b0a-9b8e-0a5b8a5ac0de"}

    assert operator.get(url_of("nope")).status_code == 404
    assert operator.post(url_of("nope"), form).status_code == 404
