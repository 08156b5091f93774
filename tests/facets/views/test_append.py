"""Appending in the console: from a draft by way of its preview and a confirmation to the receipt."""

import json
import sqlite3
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets.core import Event, Facet, StoreUnavailable
from facets.core.dynamodb import DynamoTable
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteEventDB
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from facets.views import append
from tests.facets.views.filled import Filled, press
from tests.facets.views.undefined import add_undefined

WHY = {"reason": "Goodwill after the outage", "ticket": ""}


def url_of(entity_id: str, query: str = "type=TRANSACTION_ACCEPTED", facet: str = "BANK_ACCOUNT") -> str:
    return reverse("append", args=[facet, entity_id]) + (f"?{query}" if query else "")


def credit(amount: str = "25.5", desc: str = "Goodwill", slot: str = "e1") -> dict[str, str]:
    return {f"{slot}.amount": amount, f"{slot}.desc": desc}


def preview(client: Client, id: str, typed: dict[str, str] | None = None) -> Any:
    """The preview of one credit or debit."""
    page = client.get(url_of(id))
    return press(client, url_of(id, ""), page, "preview", typed or credit())


def confirm(client: Client, id: str, page: Any, typed: dict[str, str] | None = None) -> Any:
    return press(client, url_of(id, ""), page, "confirm", typed or WHY)


def records(facet: Facet, id: str) -> list[Any]:
    return [record for record in facet.db.get_records(id) if record.kind == "INBOUND"]


def lose_the_answer(monkeypatch: pytest.MonkeyPatch, *, after_commit: bool) -> None:
    """The table is gone during the write: before it is written, or after."""
    put_state = SqliteEventDB.put_state

    def put(self: SqliteEventDB, *args: Any, **kwargs: Any) -> None:
        if after_commit:
            put_state(self, *args, **kwargs)
        raise StoreUnavailable("no answer", maybe_written=True)

    monkeypatch.setattr(SqliteEventDB, "put_state", put)


# From draft to receipt


def test_a_credit_is_drafted_previewed_confirmed_and_receipted(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account)

    assert page.status_code == 200
    assert "1 field of the state would change" in page.text
    assert "No message would be published" in page.text
    assert accounts.get(account).record.seq == 3

    response = confirm(corrector, account, page)

    assert response.status_code == 302
    receipt = corrector.get(response.url)
    assert "Appended as event 4" in receipt.text
    assert "Goodwill after the outage" in receipt.text
    assert [(change["old"].text, change["new"].text) for change in receipt.context["changes"]] == [
        ("100", "125.5")
    ]
    assert accounts.get(account).item["balance"] == 125.5


def test_the_event_bears_who_appended_it_why_and_for_which_ticket(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account)
    confirm(corrector, account, page, {"reason": " Goodwill \n", "ticket": " T-7 "})

    record = records(accounts, account)[-1]

    assert record.itm == '{"desc":"Goodwill","amount":25.5}'
    assert json.loads(record.meta) == {
        "actor": "corrector",
        "reason": "Goodwill",
        "operation_id": page.context["draft"].operation_id,
        "ticket": "T-7",
    }


def test_the_timeline_says_who_and_why(corrector: Client, accounts: Facet, account: str):
    confirm(corrector, account, preview(corrector, account))

    page = corrector.get(reverse("entity", args=["BANK_ACCOUNT", account]))

    assert "Goodwill after the outage" in page.text
    assert (
        reverse("receipt", args=["BANK_ACCOUNT", page.context["rows"][0].origin.operation_id, account])
        in page.text
    )


def test_several_events_go_into_one_append_in_the_order_chosen(
    corrector: Client, accounts: Facet, account: str
):
    url = url_of(account, "")
    page = corrector.get(url_of(account))
    page = press(corrector, url, page, "draft-add:TRANSACTION_ACCEPTED", credit("-10", "Fee"))
    page = press(corrector, url, page, "draft-add:ACCOUNT_UPDATE", credit("10", "Fee back", "e2"))
    page = press(corrector, url, page, "draft-up:e2", {"e3.ownerFirst": "Bea"})
    page = press(corrector, url, page, "draft-remove:e3")
    page = press(corrector, url, page, "preview")
    assert page.status_code == 200
    assert [effect["sentence"] for effect in page.context["effects"]] == ["+10.00 · Fee back", "-10.00 · Fee"]
    confirm(corrector, account, page)

    assert [json.loads(record.itm)["desc"] for record in records(accounts, account)[-2:]] == [
        "Fee back",
        "Fee",
    ]
    assert len({record.ts for record in records(accounts, account)[-2:]}) == 1


def test_the_first_event_begins_a_new_entity(corrector: Client, accounts: Facet):
    page = corrector.get(url_of("new/1", "type=ACCOUNT_CREATION"))
    page = press(corrector, url_of("new/1", ""), page, "preview", {"e1.id": "new/1"})
    assert "a new entity" in page.text

    response = confirm(corrector, "new/1", page)

    assert "Appended as event 1" in corrector.get(response.url).text
    assert accounts.get("new/1").record.seq == 1


def test_messages_are_shown_with_their_payloads_before_and_after(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account, credit("-150"))
    assert "1 message would be published" in page.text
    assert "accountOverdrawn" in page.text

    receipt = corrector.get(confirm(corrector, account, page).url)

    assert "1 message published" in receipt.text
    assert "acc-1" in receipt.context["messages_sent"][0]["payload"].raw


def test_the_receipt_of_a_long_history_reads_only_where_it_is(
    corrector: Client, accounts: Facet, account: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("facets.views.receipt.MAX_REPLAY", 3)
    url = confirm(corrector, account, preview(corrector, account)).url
    monkeypatch.setattr(SqliteEventDB, "get_records", None)

    page = corrector.get(url)

    assert "Appended as event 4" in page.text
    assert "What it changed cannot be shown" in page.text
    assert "Goodwill after the outage" in page.text


# Drafts


def test_every_event_type_that_has_a_rule_can_be_chosen(corrector: Client, account: str):
    page = corrector.get(url_of(account, ""))

    for text in ("Open account", "Gives a new account its number.", "Credit or debit"):
        assert text in page.text


def test_an_event_type_without_a_rule_cannot_be_chosen(corrector: Client, accounts: Facet, account: str):
    assert corrector.get(url_of(account, "type=NOPE")).status_code == 404
    page = corrector.get(url_of(account))
    forged = Filled(page).data
    forged["e1-type"] = "NOPE"
    assert corrector.post(url_of(account, ""), dict(forged.lists())).status_code == 404


def test_a_draft_like_a_past_event_begins_with_what_it_holds(corrector: Client, account: str):
    page = corrector.get(url_of(account, "like=3"))

    data = Filled(page).data
    assert (data["e1.desc"], data["e1.amount"]) == ("Salary", "100")
    assert "e1-corrects" not in data


def test_a_correction_begins_with_what_takes_the_event_back_and_links_the_two(
    corrector: Client, accounts: Facet, account: str
):
    page = corrector.get(url_of(account, "correct=3"))
    assert Filled(page).data["e1.amount"] == "-100"
    page = press(corrector, url_of(account, ""), page, "preview")
    assert "corrects event 3" in page.text
    confirm(corrector, account, page, {"reason": "Booked twice", "ticket": ""})

    assert json.loads(records(accounts, account)[-1].meta)["corrects"] == 3
    timeline = corrector.get(reverse("entity", args=["BANK_ACCOUNT", account]))
    assert "Corrects <a" in timeline.text
    assert "Corrected by <a" in timeline.text
    assert "because: <bdi>Booked twice</bdi>" in timeline.text
    assert "was corrected by event 4 already" in corrector.get(url_of(account, "correct=3")).text


def test_what_cannot_be_corrected_says_why(corrector: Client, accounts: Facet, account: str, ledger: Table):
    timeline = corrector.get(reverse("entity", args=["BANK_ACCOUNT", account]), {"unfold": "1"})
    assert timeline.text.count("does not say how to take back") == 2

    assert "does not say how to take back" in corrector.get(url_of(account, "correct=1")).text
    assert corrector.get(url_of(account, "correct=9")).status_code == 404
    assert corrector.get(url_of(account, "like=x")).status_code == 404
    ledger.load([inbound_record("BANK_ACCOUNT", account, 4, "OLD_TYPE", "{}", 0).to_item()])
    assert "There is no rule" in corrector.get(url_of(account, "like=4")).text


def test_a_mistake_is_shown_at_its_field_and_nothing_typed_is_lost(
    corrector: Client, accounts: Facet, account: str
):
    response = preview(corrector, account, credit("lots", "<i>Salary</i>"))

    assert response.status_code == 422
    assert 'id="e1.amount:error"' in response.text
    assert Filled(response).data["e1.amount"] == "lots"
    assert "&lt;i&gt;Salary&lt;/i&gt;" in response.text


def test_which_of_several_events_are_wrong_is_said_at_the_top(corrector: Client, account: str):
    url = url_of(account, "")
    page = press(corrector, url, corrector.get(url_of(account)), "draft-add:ACCOUNT_UPDATE", credit("lots"))

    response = press(corrector, url, page, "preview")

    assert response.status_code == 422
    assert [(place, slot.key) for place, slot in response.context["mistakes"]] == [(1, "e1")]


def test_the_enter_key_previews_and_removes_nothing(corrector: Client, account: str):
    assert Filled(corrector.get(url_of(account))).buttons[0] == "preview"


def test_the_draft_can_be_changed_after_its_preview(corrector: Client, accounts: Facet, account: str):
    page = preview(corrector, account, credit("25.5", "Line\nby line"))

    page = press(corrector, url_of(account, ""), page, "edit")

    data = Filled(page).data
    assert data["e1.amount"] == "25.5"
    page = press(corrector, url_of(account, ""), page, "preview", credit("5"))
    confirm(corrector, account, page)
    assert accounts.get(account).item["balance"] == 105


def test_a_draft_holds_as_many_events_as_one_append(corrector: Client, accounts: Facet, account: str):
    url = url_of(account, "")
    page = corrector.get(url_of(account))
    data = Filled(page).data
    for number in range(2, 100):
        data.appendlist("slot", f"e{number}")
        data[f"e{number}-type"] = "TRANSACTION_ACCEPTED"
        data.update(credit("1", "x", f"e{number}"))
    data.update(credit())
    data["_action"] = "draft-add:ACCOUNT_UPDATE"

    full = corrector.post(url, dict(data.lists()))
    assert "at most 99 events" in full.text
    data["_action"] = "preview"
    page = corrector.post(url, dict(data.lists()))
    assert confirm(corrector, account, page).status_code == 302
    assert accounts.get(account).record.seq == 102


def test_messages_count_against_the_transaction_too(corrector: Client, accounts: Facet, account: str):
    page = corrector.get(url_of(account))
    data = Filled(page).data
    for number in range(2, 100):
        data.appendlist("slot", f"e{number}")
        data[f"e{number}-type"] = "TRANSACTION_ACCEPTED"
        data.update(credit("-200" if number % 2 else "200", "x", f"e{number}"))
    data.update(credit("-200"))
    data["_action"] = "preview"

    response = corrector.post(url_of(account, ""), dict(data.lists()))

    assert response.status_code == 422
    assert "one append may write 100 records" in response.text
    assert "confirm" not in Filled(response).buttons


def test_an_id_in_use_cannot_begin_a_new_entity(corrector: Client, accounts: Facet, account: str):
    url = reverse("new-entity", args=["BANK_ACCOUNT"])

    assert corrector.get(url).status_code == 200
    assert corrector.get(url, {"id": "a/b"}).url == reverse("append", args=["BANK_ACCOUNT", "a/b"])
    taken = corrector.get(url, {"id": account})
    assert taken.status_code == 422
    assert reverse("entity", args=["BANK_ACCOUNT", account]) in taken.text
    assert corrector.get(url, {"id": "é" * 1100}).status_code == 422


# Previews


def test_a_preview_writes_nothing_to_sqlite(corrector: Client, account: str, settings: Settings):
    path = settings.HDEADMIN_STORE.removeprefix("sqlite:")

    def dump() -> list[str]:
        with sqlite3.connect(path) as connection:
            return list(connection.iterdump())

    before = dump()
    assert preview(corrector, account).status_code == 200

    assert dump() == before


def test_what_a_rule_refuses_is_said_at_the_event_that_caused_it(
    corrector: Client, accounts: Facet, account: str
):
    url = url_of(account, "")
    page = corrector.get(url_of(account))
    page = press(corrector, url, page, "draft-add:TRANSACTION_ACCEPTED", credit("1"))
    page = press(corrector, url, page, "draft-add:TRANSACTION_ACCEPTED", credit("-5000", "Too much", "e2"))
    response = press(corrector, url, page, "preview", credit("2", "Never", "e3"))

    assert response.status_code == 422
    effects = response.context["effects"]
    assert [(effect["error"], effect["reached"]) for effect in effects] == [
        ("", True),
        ("insufficient funds", True),
        ("", False),
    ]
    assert "confirm" not in Filled(response).buttons
    kept = Filled(press(corrector, url, response, "edit")).data
    assert kept["e2.amount"] == "-5000"


def test_a_state_that_disagrees_with_its_history_is_warned_of(
    corrector: Client, accounts: Facet, account: str, ledger: Table
):
    ledger.load([state_record("BANK_ACCOUNT", account, 3, '{"balance":7}', 0).to_item()])

    page = preview(corrector, account)

    assert "disagrees with its own history" in page.text
    assert reverse("recalculate", args=["BANK_ACCOUNT", account]) in page.text


def test_a_state_that_its_schema_rejects_is_said_and_nothing_is_written(
    corrector: Client, ledger: Table, accounts: Facet
):
    ledger.load([state_record("BANK_ACCOUNT", "odd", 1, '{"balance":"none"}', 0).to_item()])

    response = preview(corrector, "odd")

    assert response.status_code == 422
    assert "does not fit BankAccount" in response.text
    assert Filled(response).data["e1.amount"] == "25.5"


def test_events_without_a_state_must_be_recalculated_first(corrector: Client, ledger: Table, accounts: Facet):
    ledger.load([inbound_record("BANK_ACCOUNT", "lost", 1, "ACCOUNT_CREATION", '{"id":"1"}', 0).to_item()])

    response = preview(corrector, "lost")

    assert response.status_code == 422
    assert "Recalculate it first" in response.text


# Reason and ticket


@pytest.mark.parametrize("reason", ["", "    ", "oops", "x" * 501])
def test_a_reason_is_needed_and_what_was_typed_is_kept(
    corrector: Client, accounts: Facet, account: str, reason: str
):
    page = preview(corrector, account)

    response = confirm(corrector, account, page, {"reason": reason, "ticket": "T-7"})

    assert response.status_code == 422
    assert 'id="reason-error"' in response.text
    assert Filled(response).data["ticket"] == "T-7"
    assert accounts.get(account).record.seq == 3
    assert confirm(corrector, account, response).status_code == 302


def test_a_ticket_must_look_like_one_and_leads_to_it(
    corrector: Client, accounts: Facet, account: str, settings: Settings
):
    settings.HDEADMIN_TICKET_PATTERN = "[A-Z]+-[0-9]+"
    settings.HDEADMIN_TICKET_URL = "https://tickets.example/{ticket}"
    page = preview(corrector, account)
    refused = confirm(corrector, account, page, {**WHY, "ticket": "javascript:alert(1)"})
    assert refused.status_code == 422
    assert 'id="ticket-error"' in refused.text

    response = confirm(corrector, account, refused, {**WHY, "ticket": "SUP-7"})

    link = 'href="https://tickets.example/SUP-7"'
    assert link in corrector.get(response.url).text
    assert link in corrector.get(reverse("entity", args=["BANK_ACCOUNT", account])).text


# Forged, altered, expired, repeated


def posted(page: Any, **changed: str) -> dict[str, Any]:
    data = Filled(page).data
    data.update({"_action": "confirm", **WHY})
    for name, value in changed.items():
        data[name.replace("__", ".")] = value
    return dict(data.lists())


@pytest.mark.parametrize("promise", ["", "x", "<script>", "a:b:c", "\x00"])
def test_a_forged_confirmation_writes_nothing_and_keeps_the_draft(
    corrector: Client, accounts: Facet, account: str, promise: str
):
    page = preview(corrector, account)

    response = corrector.post(url_of(account, ""), posted(page, promise=promise))

    assert response.status_code == 403
    assert "nothing was written" in response.text
    assert Filled(response).data["e1.amount"] == "25.5"
    assert accounts.get(account).record.seq == 3


def test_an_altered_promise_writes_nothing(corrector: Client, accounts: Facet, account: str):
    page = preview(corrector, account)
    promise = Filled(page).data["promise"]
    place = len(promise) // 3

    other = promise[:place] + ("A" if promise[place] != "A" else "B") + promise[place + 1 :]
    assert corrector.post(url_of(account, ""), posted(page, promise=other)).status_code == 403
    assert accounts.get(account).record.seq == 3


def test_a_draft_that_differs_from_its_preview_writes_nothing(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account)

    response = corrector.post(url_of(account, ""), posted(page, e1__amount="9999"))

    assert response.status_code == 403
    assert "not what was previewed" in response.text
    assert accounts.get(account).record.seq == 3


def test_an_expired_confirmation_writes_nothing_and_offers_a_fresh_preview(
    corrector: Client, accounts: Facet, account: str
):
    with time_machine.travel("2026-11-20T10:00:00Z", tick=False):
        page = preview(corrector, account)
    with time_machine.travel("2026-11-20T11:00:01Z", tick=False):
        response = confirm(corrector, account, page)
        assert response.status_code == 403
        assert "more than an hour old" in response.text
        assert accounts.get(account).record.seq == 3
        fresh = press(corrector, url_of(account, ""), response, "preview")
        assert Filled(fresh).data["reason"] == WHY["reason"]
        assert confirm(corrector, account, fresh).status_code == 302


def test_somebody_elses_confirmation_writes_nothing(
    corrector: Client, accounts: Facet, account: str, sign_in: Callable[[str | None], Client]
):
    page = preview(corrector, account)
    operator = sign_in("operator")

    response = operator.post(url_of(account, ""), posted(page))

    assert response.status_code == 403
    assert "Somebody else previewed this" in response.text
    assert accounts.get(account).record.seq == 3


def test_a_confirmation_for_another_entity_writes_nothing(corrector: Client, accounts: Facet, account: str):
    accounts.append("acc-2", *[Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": 1})] * 3)
    page = preview(corrector, account)

    response = corrector.post(url_of("acc-2", ""), posted(page))

    assert response.status_code == 403
    assert accounts.get("acc-2").record.seq == 3


def test_a_right_that_was_taken_away_meanwhile_writes_nothing(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account)
    User.objects.get(username="corrector").groups.set([Group.objects.get(name="viewer")])

    assert corrector.post(url_of(account, ""), posted(page)).status_code == 403
    assert accounts.get(account).record.seq == 3


def test_a_confirmation_that_is_sent_twice_appends_once(corrector: Client, accounts: Facet, account: str):
    page = preview(corrector, account)

    first = confirm(corrector, account, page)
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -7}))
    second = confirm(corrector, account, page, {**WHY, "reason": "Another reason"})

    assert first.status_code == second.status_code == 302
    assert second.url == first.url + "&again=1"
    assert "It had been appended already" in corrector.get(second.url).text
    assert accounts.get(account).record.seq == 5


def test_going_back_and_previewing_again_does_not_append_twice(
    corrector: Client, accounts: Facet, account: str
):
    draft = corrector.get(url_of(account))
    page = press(corrector, url_of(account, ""), draft, "preview", credit())
    confirm(corrector, account, page)

    again = press(corrector, url_of(account, ""), draft, "preview", credit())

    assert "appended already" in again.text
    assert "confirm" not in Filled(again).buttons
    once_more = press(corrector, url_of(account, ""), again, "renew")
    assert confirm(corrector, account, once_more).status_code == 302
    assert accounts.get(account).record.seq == 5


# Conflicts


def test_an_entity_that_moved_on_is_a_409_that_shows_what_arrived_and_keeps_the_draft(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account)
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -7}))

    response = confirm(corrector, account, page)

    assert response.status_code == 409
    assert "nothing was written" in response.text
    assert "-7.00 · Card" in response.text
    assert accounts.get(account).record.seq == 4
    fresh = press(corrector, url_of(account, ""), response, "renew")
    assert "118.5" in fresh.text
    assert Filled(fresh).data["reason"] == WHY["reason"]
    assert confirm(corrector, account, fresh).status_code == 302
    assert accounts.get(account).item["balance"] == 118.5


def test_a_conflict_is_said_before_what_the_rule_would_say_of_a_state_nobody_saw(
    corrector: Client, accounts: Facet, account: str
):
    page = preview(corrector, account, credit("-50"))
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -1100}))

    response = confirm(corrector, account, page)

    assert response.status_code == 409
    assert "insufficient funds" not in response.text


def test_a_writer_between_our_read_and_our_write_is_a_409(
    corrector: Client, accounts: Facet, account: str, monkeypatch: pytest.MonkeyPatch
):
    page = preview(corrector, account)
    put_state = SqliteEventDB.put_state

    def be_second(self: SqliteEventDB, *args: Any, **kwargs: Any) -> None:
        monkeypatch.undo()
        accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "Card", "amount": -7}))
        put_state(self, *args, **kwargs)

    monkeypatch.setattr(SqliteEventDB, "put_state", be_second)

    assert confirm(corrector, account, page).status_code == 409
    assert accounts.get(account).item["balance"] == 93


def test_a_recalculation_since_the_preview_is_a_409_though_the_seq_is_the_same(
    corrector: Client, accounts: Facet, account: str, ledger: Table
):
    page = preview(corrector, account)
    ledger.load([state_record("BANK_ACCOUNT", account, 3, '{"balance":7}', 0).to_item()])

    response = confirm(corrector, account, page)

    assert response.status_code == 409
    assert "was recalculated" in response.text
    assert accounts.get(account).record.seq == 3


def test_a_new_id_that_is_taken_meanwhile_is_a_409(corrector: Client, accounts: Facet):
    page = corrector.get(url_of("new", "type=ACCOUNT_CREATION"))
    page = press(corrector, url_of("new", ""), page, "preview", {"e1.id": "new"})
    accounts.append("new", Event("ACCOUNT_CREATION", {"id": "theirs"}))

    response = confirm(corrector, "new", page)

    assert response.status_code == 409
    assert "The id has been taken" in response.text
    assert "Account theirs opened" in response.text


# Faults


def test_a_table_that_is_gone_before_the_preview_loses_nothing(
    corrector: Client, account: str, settings: Settings
):
    page = corrector.get(url_of(account))
    there = settings.HDEADMIN_STORE
    settings.HDEADMIN_STORE = "sqlite:gone/ledger.sqlite3"

    edited = press(corrector, url_of(account, ""), page, "draft-add:ACCOUNT_UPDATE", credit())
    assert edited.status_code == 200
    response = press(corrector, url_of(account, ""), edited, "preview", {"e2.ownerFirst": "Bea"})

    assert response.status_code == 503
    assert "nothing was written" in response.text
    settings.HDEADMIN_STORE = there
    assert "+25.50" in press(corrector, url_of(account, ""), response, "preview").text


def test_a_table_that_is_gone_between_preview_and_confirm_has_nothing_written(
    corrector: Client, account: str, accounts: Facet, settings: Settings
):
    page = preview(corrector, account)
    there = settings.HDEADMIN_STORE
    settings.HDEADMIN_STORE = "sqlite:gone/ledger.sqlite3"

    response = confirm(corrector, account, page)

    assert response.status_code == 503
    assert "nothing was written" in response.text
    settings.HDEADMIN_STORE = there
    assert press(corrector, url_of(account, ""), response, "confirm").status_code == 302
    assert accounts.get(account).record.seq == 4


def test_a_table_that_does_not_answer_a_read_has_nothing_written(
    corrector: Client, account: str, accounts: Facet, monkeypatch: pytest.MonkeyPatch
):
    def down(self: SqliteEventDB, id: str) -> None:
        raise StoreUnavailable("connection refused")

    page = preview(corrector, account)
    monkeypatch.setattr(SqliteEventDB, "get_state", down)

    edited = press(corrector, url_of(account, ""), page, "edit")
    assert "the state cannot be shown" in edited.text
    assert press(corrector, url_of(account, ""), edited, "preview").status_code == 503
    response = confirm(corrector, account, page)
    assert response.status_code == 503
    assert "The table does not answer; nothing was written" in response.text
    assert response.headers["Retry-After"]
    monkeypatch.undo()
    assert press(corrector, url_of(account, ""), response, "confirm").status_code == 302
    assert accounts.get(account).record.seq == 4


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_lost_answer_may_have_been_written_and_is_confirmed_again_once(
    corrector: Client, accounts: Facet, account: str, monkeypatch: pytest.MonkeyPatch, after_commit: bool
):
    page = preview(corrector, account)
    lose_the_answer(monkeypatch, after_commit=after_commit)

    response = confirm(corrector, account, page)
    monkeypatch.undo()

    assert response.status_code == 503
    assert "It may have been written" in response.text
    assert "it cannot be written twice" in response.text
    assert accounts.get(account).record.seq == (4 if after_commit else 3)
    assert Filled(response).data["reason"] == WHY["reason"]
    again = press(corrector, url_of(account, ""), response, "confirm")
    assert "Appended as event 4" in corrector.get(again.url).text
    assert accounts.get(account).item["balance"] == 125.5
    assert accounts.get(account).record.seq == 4


# Rights


def test_a_viewer_is_refused_and_told_which_role_it_takes(viewer: Client, accounts: Facet, account: str):
    for response in (viewer.get(url_of(account)), viewer.post(url_of(account), credit())):
        assert response.status_code == 403
        assert "which corrector and operator have" in response.text
    assert accounts.get(account).record.seq == 3
    assert viewer.get(reverse("new-entity", args=["BANK_ACCOUNT"])).status_code == 403


def test_a_viewer_sees_what_could_be_done_and_which_role_it_takes(
    viewer: Client, accounts: Facet, account: str
):
    page = viewer.get(reverse("entity", args=["BANK_ACCOUNT", account]), {"unfold": "1"})

    assert page.text.count("Correct this event<span") == 3
    assert "Needs the right to append events, which corrector and operator have." in page.text
    assert "?correct=" not in page.text


def test_a_viewer_may_read_a_receipt(
    corrector: Client, accounts: Facet, account: str, sign_in: Callable[[str | None], Client]
):
    url = confirm(corrector, account, preview(corrector, account)).url

    page = sign_in("viewer").get(url)

    assert page.status_code == 200
    assert "Append more" not in page.text
    assert (
        corrector.get(url.replace(url.split("/")[4], "00000000-0000-0000-0000-000000000000")).status_code
        == 404
    )


def test_a_facet_without_a_definition_cannot_be_written_to(operator: Client, ledger: Table):
    add_undefined(ledger, "LEGACY", "1")

    for name in ("append", "recalculate"):
        assert operator.get(reverse(name, args=["LEGACY", "1"])).status_code == 403
        assert operator.post(reverse(name, args=["LEGACY", "1"]), {}).status_code == 403


def test_a_form_from_another_site_is_refused(account: str, accounts: Facet, corrector: Client):
    page = preview(corrector, account)
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies = corrector.cookies
    sent = {name: value for name, value in posted(page).items() if name != "csrfmiddlewaretoken"}

    response = stranger.post(url_of(account), sent)

    assert response.status_code == 403
    assert "The form could not be trusted" in response.text
    assert accounts.get(account).record.seq == 3


def test_other_methods_are_refused_with_a_page(corrector: Client, account: str):
    response = corrector.put(url_of(account))

    assert response.status_code == 405
    assert "This page does not take that" in response.text
    assert "POST" in response.headers["Allow"]


# Nested events, and DynamoDB


def test_an_order_with_nested_items_is_appended(corrector: Client, ledger: Table):
    orders = order.facet(ledger.db("ORDER"))
    url = url_of("ord-1", "", "ORDER")
    page = corrector.get(url_of("ord-1", "type=ORDER_CREATED", "ORDER"))
    page = press(corrector, url, page, "add:e1.items", {"e1.id": "ord-1"})
    page = press(corrector, url, page, "add:e1.items", {"e1.items.0.desc": "Pears"})
    page = press(corrector, url, page, "up:e1.items.1", {"e1.items.1.desc": "Apples", "e1.items.1.cost": "3"})
    page = press(corrector, url, page, "preview")
    press(corrector, url, page, "confirm", WHY)

    assert [item["desc"] for item in orders.get("ord-1").item["items"]] == ["Apples", "Pears"]


def test_a_preview_makes_no_write_call_to_dynamodb(
    local_ledger: DynamoTable,
    sign_in: Callable[[str | None], Client],
):
    accounts = bank_account.facet(local_ledger.db("BANK_ACCOUNT"))
    accounts.append("acc-1", Event("ACCOUNT_CREATION", {"id": "acc-1"}))
    calls: list[str] = []
    local_ledger.client.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    corrector = sign_in("corrector")

    page = preview(corrector, "acc-1")
    assert page.status_code == 200
    seen = set(calls)
    assert confirm(corrector, "acc-1", page).status_code == 302

    assert seen <= {"GetItem", "Query"}
    assert calls.count("TransactWriteItems") == 1
    assert accounts.get("acc-1").record.seq == 2


def test_a_draft_as_large_as_one_append_may_be_comes_through_as_a_browser_sends_it(
    corrector: Client, accounts: Facet, account: str
):
    """3.5 MB in nine events, of letters that take three times as much in a form, and again in the signed preview."""
    letters = [chr(code) for code in range(0x4E00, 0x9F00)]
    texts = ["".join(Random(number).choices(letters, k=130_000)) for number in range(9)]
    typed = {
        name: value
        for number, text in enumerate(texts, start=1)
        for name, value in [
            (f"e{number}-type", "TRANSACTION_ACCEPTED"),
            *credit("1", text, f"e{number}").items(),
        ]
    }
    typed |= {"since": "3", "_action": "preview"}
    slots = [("slot", f"e{number}") for number in range(1, 10)]

    page = as_a_browser(corrector, account, [*slots, *typed.items()])
    draft = [(name, value) for name, values in Filled(page).data.lists() for value in values]
    done = as_a_browser(corrector, account, [*draft, *WHY.items(), ("_action", "confirm")])

    assert page.status_code == 200
    assert done.status_code == 302
    assert [json.loads(record.itm)["desc"] for record in records(accounts, account)[-9:]] == texts


def as_a_browser(client: Client, id: str, fields: list[tuple[str, str]]) -> Any:
    """A POST in the form's own encoding, in which a letter may take nine bytes."""
    return client.post(url_of(id, ""), urlencode(fields), content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("limit", ["bytes", "fields"])
def test_a_draft_beyond_what_is_read_is_a_413_that_says_how_much_is(
    corrector: Client, settings: Settings, account: str, limit: str
):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000 if limit == "bytes" else 10_000_000
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
    fields = [
        ("slot", "e1"),
        ("e1.desc", "x" * 120_000),
        *([("x", "1")] * 1_500 if limit == "fields" else []),
    ]

    response = as_a_browser(corrector, account, fields)

    assert response.status_code == 413
    assert ("1000 fields" if limit == "fields" else "97.7\xa0KB") in response.text
    assert "Nothing was changed" in response.text


def test_a_draft_like_an_event_leaves_sensitive_boxes_empty_and_says_which(
    operator: Client, accounts: Facet, account: str
):
    accounts.append(
        account, Event("CONTACT_UPDATE", {"email": "ada@example.org", "phone": "+44 20 7946 0000"})
    )

    page = operator.get(f"{url_of(account, '')}?like=4")

    assert "Sensitive values were not copied; fill in what belongs there: E-mail, Phone." in page.text
    assert Filled(page).data["e1.email"] == ""
    assert "ada@example.org" not in page.text


def test_previews_of_what_is_masked_are_not_given_without_end(
    corrector: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    """Each tells whether the value that was typed is the masked one."""
    monkeypatch.setattr(append, "_PREVIEWS", 2)
    with time_machine.travel("2026-11-20T10:01:00Z", tick=False):
        pages = [preview(corrector, account) for _ in range(3)]

    assert [page.status_code for page in pages] == [200, 200, 429]
    assert int(pages[2].headers["Retry-After"]) > 0
    assert "Too many previews" in pages[2].text
    assert Filled(pages[2]).data["e1.amount"] == credit()["e1.amount"]
    monkeypatch.setattr(bank_account, "sensitive_fields", ())
    assert preview(corrector, account).status_code == 200
