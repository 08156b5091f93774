"""Appending an event in the console."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets.core import Event, Facet, StoreUnavailable
from facets.core.sqlite import SqliteEventDB
from facets.core.store import Table
from tests.views.undefined import add_undefined

Hidden = Callable[[Any], dict[str, str]]


def url_of(entity_id: str, type: str = "TRANSACTION_ACCEPTED") -> str:
    return reverse("append", args=["BANK_ACCOUNT", entity_id]) + f"?type={type}"


def credit(amount: str = "25.5", desc: str = "Goodwill") -> dict[str, str]:
    return {"event-amount": amount, "event-desc": desc}


def test_an_event_is_appended_and_its_own_link_opened(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = corrector.get(url_of(account))

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit()})

    assert response.status_code == 302
    assert response.url == reverse("entity", args=["BANK_ACCOUNT", account]) + "?event=4#event-4"
    assert accounts.get(account).item["balance"] == 125.5
    assert "Credit or debit: appended as event 4." in corrector.get(response.url).text


def test_the_event_bears_who_appended_it(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = corrector.get(url_of(account))
    corrector.post(url_of(account), {**hidden_fields(page), **credit()})

    record = next(record for record in accounts.db.get_records(account) if record.seq == 4)

    assert record.itm == '{"desc":"Goodwill","amount":25.5}'
    assert json.loads(record.meta) == {"actor": "corrector", "operation_id": page.context["operation_id"]}


def test_the_first_event_begins_a_new_entity(corrector: Client, accounts: Facet, hidden_fields: Hidden):
    page = corrector.get(url_of("new/1", "ACCOUNT_CREATION"))

    response = corrector.post(
        url_of("new/1", "ACCOUNT_CREATION"), {**hidden_fields(page), "event-id": "new/1"}
    )

    assert response.status_code == 302
    assert accounts.get("new/1").record.seq == 1


def test_every_event_type_that_has_a_rule_can_be_chosen(corrector: Client, account: str):
    page = corrector.get(reverse("append", args=["BANK_ACCOUNT", account]))

    for title in ("Open account", "Credit or debit"):
        assert title in page.text
    assert "operation_id" not in page.text


def test_a_mistake_is_shown_at_its_field_and_nothing_typed_is_lost(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = corrector.get(url_of(account))

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit("lots", "<i>Salary</i>")})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["amount"]
    assert 'value="lots"' in response.text
    assert "&lt;i&gt;Salary&lt;/i&gt;" in response.text
    assert hidden_fields(response) == hidden_fields(page)
    assert accounts.get(account).record.seq == 3


def test_what_a_rule_refuses_is_said_in_its_words_and_nothing_is_written(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = corrector.get(url_of(account))

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit("-5000")})

    assert response.status_code == 422
    assert "insufficient funds" in response.text
    assert 'value="-5000"' in response.text
    assert accounts.get(account).record.seq == 3


def test_an_entity_that_moved_on_is_a_409_that_keeps_what_was_typed(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = corrector.get(url_of(account))
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -7}))

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit()})

    assert response.status_code == 409
    assert accounts.get(account).record.seq == 4
    assert "nothing was written" in response.text
    assert "-7.00 · Card" in response.text
    assert 'value="25.5"' in response.text
    again = corrector.post(url_of(account), {**hidden_fields(response), **credit()})
    assert again.status_code == 302
    assert accounts.get(account).record.seq == 5


def test_a_conflict_is_said_before_what_the_rule_would_say_of_a_state_nobody_saw(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    page = corrector.get(url_of(account))
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -1100}))

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit("-50")})

    assert response.status_code == 409
    assert "insufficient funds" not in response.text


def test_a_writer_between_our_read_and_our_write_is_a_409(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden, monkeypatch: pytest.MonkeyPatch
):
    page = corrector.get(url_of(account))
    put_state = SqliteEventDB.put_state

    def be_second(self: SqliteEventDB, *args: Any, **kwargs: Any) -> None:
        monkeypatch.undo()
        accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -7}))
        put_state(self, *args, **kwargs)

    monkeypatch.setattr(SqliteEventDB, "put_state", be_second)

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit()})

    assert response.status_code == 409
    assert accounts.get(account).item["balance"] == 93


def test_a_form_that_is_sent_twice_appends_once(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden
):
    form = {**hidden_fields(corrector.get(url_of(account))), **credit()}

    first = corrector.post(url_of(account), form)
    second = corrector.post(url_of(account), form)

    assert first.status_code == second.status_code == 302
    assert first.url == second.url
    assert accounts.get(account).record.seq == 4


def test_a_form_is_appended_once_where_the_answer_was_lost(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden, monkeypatch: pytest.MonkeyPatch
):
    form = {**hidden_fields(corrector.get(url_of(account))), **credit()}
    put_state = SqliteEventDB.put_state

    def lose_the_answer(self: SqliteEventDB, *args: Any, **kwargs: Any) -> None:
        put_state(self, *args, **kwargs)
        raise StoreUnavailable("the answer was lost", maybe_written=True)

    monkeypatch.setattr(SqliteEventDB, "put_state", lose_the_answer)
    response = corrector.post(url_of(account), form)
    monkeypatch.undo()

    assert response.status_code == 503
    assert "whether the event was written is not known" in response.text
    assert 'value="25.5"' in response.text
    assert hidden_fields(response) == {name: form[name] for name in ("seq", "operation_id")}
    assert corrector.post(url_of(account), form).status_code == 302
    assert accounts.get(account).record.seq == 4


def test_a_table_that_is_gone_loses_nothing_that_was_typed(
    corrector: Client, account: str, hidden_fields: Hidden, settings: Settings
):
    form = {**hidden_fields(corrector.get(url_of(account))), **credit()}
    settings.HDEADMIN_STORE = "sqlite:gone/ledger.sqlite3"

    response = corrector.post(url_of(account), form)

    assert response.status_code == 503
    assert "nothing was written" in response.text
    assert 'value="25.5"' in response.text


@pytest.mark.parametrize(
    "forged",
    [
        {"seq": ""},
        {"seq": "-1"},
        {"seq": "3.0"},
        {"seq": "9" * 30},
        {"operation_id": ""},
        {"operation_id": "x"},
        {"operation_id": "<script>"},
    ],
)
def test_a_form_with_forged_hidden_fields_is_refused(
    corrector: Client, accounts: Facet, account: str, hidden_fields: Hidden, forged: dict[str, str]
):
    page = corrector.get(url_of(account))

    response = corrector.post(url_of(account), {**hidden_fields(page), **credit(), **forged})

    assert response.status_code == 403
    assert accounts.get(account).record.seq == 3


def test_an_event_type_without_a_rule_is_404(corrector: Client, accounts: Facet, account: str):
    assert corrector.get(url_of(account, "NOPE")).status_code == 404
    assert corrector.post(url_of(account, "NOPE"), {}).status_code == 404
    assert corrector.post(reverse("append", args=["BANK_ACCOUNT", account]), {}).status_code == 404


def test_a_viewer_is_refused_and_told_which_role_it_takes(viewer: Client, accounts: Facet, account: str):
    for response in (viewer.get(url_of(account)), viewer.post(url_of(account), credit())):
        assert response.status_code == 403
        assert "corrector or operator" in response.text
    assert accounts.get(account).record.seq == 3
    assert viewer.get(reverse("new-entity", args=["BANK_ACCOUNT"])).status_code == 403


def test_a_facet_without_a_definition_cannot_be_written_to(operator: Client, ledger: Table):
    add_undefined(ledger, "LEGACY", "1")

    for name in ("append", "recalculate"):
        assert operator.get(reverse(name, args=["LEGACY", "1"])).status_code == 403
        assert operator.post(reverse(name, args=["LEGACY", "1"]), {}).status_code == 403


def test_a_form_from_another_site_is_refused(account: str, accounts: Facet, corrector: Client):
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies = corrector.cookies

    response = stranger.post(url_of(account), {"seq": "3", "operation_id": "x", **credit()})

    assert response.status_code == 403
    assert "The form could not be trusted" in response.text
    assert accounts.get(account).record.seq == 3


def test_a_new_entity_begins_with_its_id(corrector: Client, ledger: Table):
    url = reverse("new-entity", args=["BANK_ACCOUNT"])

    assert corrector.get(url).status_code == 200
    assert corrector.get(url, {"id": "a/b"}).url == reverse("append", args=["BANK_ACCOUNT", "a/b"])


def test_an_id_that_no_key_can_hold_is_refused(corrector: Client, ledger: Table, hidden_fields: Hidden):
    url = url_of("é" * 1100, "ACCOUNT_CREATION")

    response = corrector.post(url, {**hidden_fields(corrector.get(url)), "event-id": "x"})

    assert response.status_code == 422
    assert "2048" in response.text


def test_a_state_that_its_schema_rejects_is_said_and_nothing_is_written(
    corrector: Client, ledger: Table, accounts: Facet, hidden_fields: Hidden
):
    from facets.core.records import state_record

    ledger.load([state_record("BANK_ACCOUNT", "odd", 0, '{"balance":"none"}', 0).to_item()])

    response = corrector.post(url_of("odd"), {**hidden_fields(corrector.get(url_of("odd"))), **credit()})

    assert response.status_code == 422
    assert "does not fit BankAccount" in response.text


def test_other_methods_are_refused_with_a_page(corrector: Client, account: str):
    response = corrector.put(url_of(account))

    assert response.status_code == 405
    assert "This page does not take that" in response.text
    assert "POST" in response.headers["Allow"]
