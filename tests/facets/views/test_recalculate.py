"""Recalculating a state in the console."""

import html
import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from facets.changes import preview_token
from facets.core import Event, Facet, StoreUnavailable
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.sqlite import SqliteEventDB
from facets.core.store import Table
from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.audit.outage import unwritable

REASON = "Rule of October was wrong"


def url_of(entity_id: str) -> str:
    return reverse("recalculate", args=["BANK_ACCOUNT", entity_id])


def tamper(ledger: Table, accounts: Facet, entity_id: str) -> None:
    record = accounts.get(entity_id).record
    itm = '{"balance":9999,"minimumBalance":-1000,"id":"acc-1","ownerFirst":"Ada","tier":"gold"}'
    ledger.load([state_record("BANK_ACCOUNT", entity_id, record.seq, itm, record.ts).to_item()])


def load_event(ledger: Table, entity_id: str, seq: int, type: str, itm: str) -> None:
    ledger.load([inbound_record("BANK_ACCOUNT", entity_id, seq, type, itm, 0).to_item()])


def form(page: Any, reason: str = REASON) -> dict[str, str]:
    """What the page's form sends, as a browser reads it from the page."""
    found = re.search(r'name="promise" value="([^"]+)"', page.text)
    assert found, "the page has no form"
    return {"promise": html.unescape(found[1]), "reason": reason}


def user_of(client: Client) -> Any:
    return User.objects.get(pk=client.session["_auth_user_id"])


@pytest.fixture
def drifted(ledger: Table, accounts: Facet, account: str) -> str:
    tamper(ledger, accounts, account)
    return account


def test_what_would_change_is_shown_and_nothing_written(operator: Client, accounts: Facet, drifted: str):
    before = accounts.db.get_records(drifted)

    response = operator.get(url_of(drifted))

    assert response.status_code == 200
    changes = [(c["path"], c["old"].text, c["new"].text) for c in response.context["changes"]]
    assert changes == [("Balance, EUR", "9999", "100"), ("Last name", "not set", "Reed")]
    assert "3 events read" in response.text
    assert accounts.db.get_records(drifted) == before


def test_the_state_is_put_right_for_a_reason_which_goes_on_record(
    operator: Client, accounts: Facet, drifted: str
):
    response = operator.post(url_of(drifted), form(operator.get(url_of(drifted))))

    assert response.status_code == 302
    after = accounts.get(drifted)
    assert (after.record.seq, after.item["balance"], after.item["ownerLast"]) == (3, 100, "Reed")
    assert after.item["tier"] == "gold"
    assert "Recalculated from 3 events." in operator.get(response.url).text
    preview, intent, outcome = AuditEntry.objects.exclude(action="view").order_by("number")
    assert (preview.action, preview.entity) == ("preview", drifted)
    assert (intent.phase, intent.person, intent.reason) == ("intent", "operator", REASON)
    assert (outcome.phase, outcome.intent, outcome.result) == ("outcome", intent.number, "applied")
    assert (outcome.seq_before, outcome.seq_after) == (3, 3)


def test_where_the_intent_cannot_be_recorded_nothing_is_written_and_the_reason_is_kept(
    operator: Client, accounts: Facet, drifted: str
):
    sent = form(operator.get(url_of(drifted)))
    before = accounts.db.get_records(drifted)

    with unwritable():
        response = operator.post(url_of(drifted), sent)

    assert response.status_code == 503
    assert "The audit trail cannot be written; nothing was written" in response.text
    assert accounts.db.get_records(drifted) == before
    assert operator.post(url_of(drifted), form(response)).status_code == 302
    assert accounts.get(drifted).item["balance"] == 100


def test_a_confirmation_of_anothers_making_is_on_record(operator: Client, drifted: str):
    operator.post(url_of(drifted), {"promise": "forged", "reason": REASON})

    entry = AuditEntry.objects.get(action="confirm-refused")
    assert (entry.result, entry.entity, entry.details["of"]) == ("refused", drifted, "recalculate")


def test_a_state_that_is_right_offers_nothing_to_confirm(operator: Client, account: str):
    page = operator.get(url_of(account))

    assert "Nothing would change" in page.text
    assert 'name="promise"' not in page.text


def test_a_second_click_writes_nothing_and_says_so(operator: Client, accounts: Facet, drifted: str):
    sent = form(operator.get(url_of(drifted)))
    operator.post(url_of(drifted), sent)
    before = accounts.db.get_records(drifted)

    again = operator.post(url_of(drifted), sent)

    assert "nothing was written" in operator.get(again.url).text
    assert accounts.db.get_records(drifted) == before


def test_a_confirmation_is_good_once_even_if_the_state_drifts_again(
    operator: Client, ledger: Table, accounts: Facet, drifted: str
):
    sent = form(operator.get(url_of(drifted)))
    operator.post(url_of(drifted), sent)
    tamper(ledger, accounts, drifted)

    again = operator.post(url_of(drifted), sent)

    assert again.status_code == 422
    assert "was used before" in again.text
    assert accounts.get(drifted).item["balance"] == 9999


@pytest.mark.parametrize("reason", ["", "    ", "oops", "x" * 501])
def test_a_reason_is_needed_and_what_was_typed_is_kept(
    operator: Client, accounts: Facet, drifted: str, reason: str
):
    response = operator.post(url_of(drifted), form(operator.get(url_of(drifted)), reason))

    assert response.status_code == 422
    assert "5 to 500 characters" in response.context["reason_error"]
    assert f">{reason.strip()}</textarea>" in response.text
    assert accounts.get(drifted).item["balance"] == 9999
    assert operator.post(url_of(drifted), form(response)).status_code == 302


@pytest.mark.parametrize("promise", ["", "forged", "WyIxIl0:1vN:abc"])
def test_a_forged_confirmation_is_refused_and_says_why(
    operator: Client, accounts: Facet, drifted: str, promise: str
):
    response = operator.post(url_of(drifted), {"promise": promise, "reason": REASON})

    assert response.status_code == 422
    assert "altered on its way" in response.text
    assert f">{REASON}</textarea>" in response.text
    assert accounts.get(drifted).item["balance"] == 9999


def test_an_expired_confirmation_is_refused_and_says_why(operator: Client, accounts: Facet, drifted: str):
    with time_machine.travel("2026-11-20T12:00:00Z", tick=False):
        client = operator
        person = user_of(client)
        client.force_login(person)
        sent = form(client.get(url_of(drifted)))
    with time_machine.travel("2026-11-20T13:00:01Z", tick=False):
        # Idle for so long, the session is over too.
        client.force_login(person)
        response = client.post(url_of(drifted), sent)

    assert response.status_code == 422
    assert "more than an hour old" in response.text
    assert accounts.get(drifted).item["balance"] == 9999


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"person": "4711"}, "Somebody else"),
        ({"id": "acc-2"}, "something else"),
        ({"facet": "ORDER"}, "something else"),
        ({"action": "append"}, "something else"),
    ],
)
def test_a_confirmation_of_another_person_or_entity_is_refused(
    operator: Client, accounts: Facet, drifted: str, change: dict[str, str], why: str
):
    person = {"person": str(user_of(operator).pk), "action": "recalculate", "facet": "BANK_ACCOUNT"}
    given = person | {"id": drifted} | change
    promise = preview_token.Promise(**given, seq=3, operation_id="6f1c1a55").sign()

    response = operator.post(url_of(drifted), {"promise": promise, "reason": REASON})

    assert response.status_code == 422
    assert why in response.text
    assert accounts.get(drifted).item["balance"] == 9999


def test_an_entity_that_moved_on_is_a_409_with_what_arrived_and_a_fresh_look(
    operator: Client, accounts: Facet, drifted: str
):
    page = operator.get(url_of(drifted))
    accounts.append(drifted, Event("TRANSACTION_ACCEPTED", {"desc": "<b>Card", "amount": -7}))

    response = operator.post(url_of(drifted), form(page))

    assert response.status_code == 409
    assert "-7.00 · &lt;b&gt;Card" in response.text
    assert "event=4#event-4" in response.text
    assert f">{REASON}</textarea>" in response.text
    assert accounts.get(drifted).item["balance"] == 9992
    assert operator.post(url_of(drifted), form(response)).status_code == 302
    assert accounts.get(drifted).item["balance"] == 93


def test_what_would_be_written_has_to_be_what_was_seen(
    operator: Client, ledger: Table, accounts: Facet, drifted: str
):
    """An event without its STATE: the seq is still the one seen, the state is not."""
    page = operator.get(url_of(drifted))
    load_event(ledger, drifted, 4, "TRANSACTION_ACCEPTED", '{"amount":1}')

    response = operator.post(url_of(drifted), form(page))

    assert response.status_code == 409
    assert "no longer what you saw" in response.text
    assert accounts.get(drifted).item["balance"] == 9999


def test_a_state_that_was_lost_is_made_again(operator: Client, ledger: Table, accounts: Facet):
    for seq in (1, 2):
        load_event(ledger, "lost", seq, "TRANSACTION_ACCEPTED", '{"amount":5}')

    page = operator.get(url_of("lost"))
    operator.post(url_of("lost"), form(page))

    assert "The state is missing" in page.text
    assert accounts.get("lost").record.seq == 2
    assert accounts.get("lost").item["balance"] == 10


def test_a_state_that_is_not_even_json_is_made_again(
    operator: Client, ledger: Table, accounts: Facet, account: str
):
    ledger.load([state_record("BANK_ACCOUNT", account, 3, "{broken", 0).to_item()])

    operator.post(url_of(account), form(operator.get(url_of(account))))

    assert accounts.get(account).item["balance"] == 100


def test_events_without_a_rule_are_named_and_lead_to_their_events(
    operator: Client, ledger: Table, account: str
):
    load_event(ledger, account, 4, "CARD_<b>", "{}")

    response = operator.get(url_of(account))

    assert [unruled.type for unruled in response.context["outcome"].unruled] == ["CARD_<b>"]
    assert "CARD_&lt;b&gt;" in response.text
    assert f'href="{reverse("entity", args=["BANK_ACCOUNT", account])}?event=4#event-4"' in response.text


def test_failing_events_are_linked_and_explained_and_nothing_can_be_confirmed(
    operator: Client, ledger: Table, accounts: Facet, drifted: str
):
    sent = form(operator.get(url_of(drifted)))
    load_event(ledger, drifted, 4, "TRANSACTION_ACCEPTED", '{"amount":-9999}')
    load_event(ledger, drifted, 5, "TRANSACTION_ACCEPTED", "{broken")
    before = accounts.db.get_records(drifted)

    shown, posted = operator.get(url_of(drifted)), operator.post(url_of(drifted), sent)

    assert (shown.status_code, posted.status_code) == (200, 422)
    for page in (shown, posted):
        assert [failure["seq"] for failure in page.context["failures"]] == [4, 5]
        assert "insufficient funds" in page.text
        assert "Not JSON" in page.text
        assert "?event=4#event-4" in page.text
        assert 'name="promise"' not in page.text
    assert accounts.db.get_records(drifted) == before


def test_messages_are_reconciled(operator: Client, ledger: Table, accounts: Facet, account: str):
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"amount": -150}))
    ledger.load([outbound_record("BANK_ACCOUNT", account, 3, 0, "CARD_<b>", '{"a":"<script>"}', 0).to_item()])
    state = accounts.get(account).record
    before = accounts.db.get_records(account)

    page = operator.get(url_of(account))

    assert [(found["kind"], found["seq"]) for found in page.context["findings"]] == [("unexpected", 3)]
    assert "2 stored · a replay publishes 1" in page.text
    assert "<script>&quot;" not in page.text
    assert "Nothing would change" in page.text
    assert accounts.get(account).record == state
    assert accounts.db.get_records(account) == before


def test_a_message_that_differs_shows_in_what(operator: Client, ledger: Table, accounts: Facet, account: str):
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"amount": -150}))
    itm = '{"accountId":"acc-9"}'
    ledger.load([outbound_record("BANK_ACCOUNT", account, 4, 0, "accountOverdrawn", itm, 0).to_item()])

    page = operator.get(url_of(account))

    [found] = page.context["findings"]
    assert found["kind"] == "differs"
    assert [(change["old"].text, change["new"].text) for change in found["changes"]] == [("acc-9", "acc-1")]


@pytest.mark.parametrize(("maybe_written", "words"), [(True, "is not known"), (False, "nothing was written")])
def test_an_outage_while_confirming_says_what_is_known_and_keeps_the_reason(
    operator: Client,
    accounts: Facet,
    drifted: str,
    monkeypatch: pytest.MonkeyPatch,
    maybe_written: bool,
    words: str,
):
    page = operator.get(url_of(drifted))

    def fail(*given: Any, **options: Any) -> None:
        raise StoreUnavailable("gone", maybe_written=maybe_written)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteEventDB, "put_state", fail)
        response = operator.post(url_of(drifted), form(page))

    assert response.status_code == 503
    assert words in response.text
    assert f">{REASON}</textarea>" in response.text
    assert operator.post(url_of(drifted), form(response)).status_code == 302
    assert accounts.get(drifted).item["balance"] == 100


def test_an_outage_between_preview_and_confirm_says_that_nothing_was_written(
    operator: Client, accounts: Facet, drifted: str, monkeypatch: pytest.MonkeyPatch
):
    page = operator.get(url_of(drifted))

    def fail(*given: Any) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteEventDB, "get_records", fail)
        response = operator.post(url_of(drifted), form(page))

    assert response.status_code == 503
    assert "nothing was written" in response.text
    assert accounts.get(drifted).item["balance"] == 9999


def test_a_corrector_is_refused_and_told_which_role_it_takes(
    corrector: Client, accounts: Facet, drifted: str
):
    for response in (corrector.get(url_of(drifted)), corrector.post(url_of(drifted), {})):
        assert response.status_code == 403
        assert "operator" in response.text
    assert accounts.get(drifted).item["balance"] == 9999


def test_an_entity_that_does_not_exist_is_404(operator: Client, ledger: Table):
    promise = preview_token.Promise(
        person=str(user_of(operator).pk),
        action="recalculate",
        facet="BANK_ACCOUNT",
        id="nope",
        seq=0,
        operation_id="6f1c1a55",
    ).sign()

    assert operator.get(url_of("nope")).status_code == 404
    assert operator.get(url_of("n" * 2100)).status_code == 404
    assert operator.post(url_of("nope"), {"promise": promise, "reason": REASON}).status_code == 404
