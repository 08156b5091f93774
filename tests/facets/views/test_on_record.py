"""What is previewed, confirmed and refused in the console is on record."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets.changes import recovery
from facets.core import Event, Facet, StoreUnavailable
from facets.core.sqlite import SqliteEventDB
from facets.definitions.masking import BULLETS
from facets.demo.definitions.bank_account import bank_account
from hdeadmin.audit import log
from hdeadmin.audit.models import AuditEntry
from tests.facets.views.filled import press
from tests.facets.views.test_append import WHY, confirm, lose_the_answer, preview, records, url_of
from tests.hdeadmin.audit.outage import unwritable


def on_record(*actions: str) -> list[Any]:
    return list(AuditEntry.objects.filter(action__in=actions).order_by("number"))


def test_a_look_at_what_one_may_not_view_is_on_record_whether_or_not_it_exists(
    sign_in: Callable[[str | None], Client], account: str
):
    client = sign_in(None)
    urls = [reverse("entity", args=[facet, account]) for facet in ("BANK_ACCOUNT", "NO_SUCH")]

    assert [client.get(url).status_code for url in urls] == [404, 404]

    assert [(each.facet, each.entity, each.result, each.details) for each in on_record("denied")] == [
        (facet, account, "denied", {"right": "view"}) for facet in ("BANK_ACCOUNT", "NO_SUCH")
    ]


def test_a_correction_is_on_record_before_and_after(corrector: Client, accounts: Facet, account: str):
    response = confirm(corrector, account, preview(corrector, account), {**WHY, "ticket": "SUP-7"})

    assert response.status_code == 302
    looked, intent, outcome = on_record("preview", "append")
    assert (looked.action, looked.result, looked.details["events"]) == (
        "preview",
        "ok",
        ["TRANSACTION_ACCEPTED"],
    )
    assert (intent.phase, intent.person, intent.facet, intent.entity) == (
        "intent",
        "corrector",
        "BANK_ACCOUNT",
        account,
    )
    assert (intent.reason, intent.ticket, intent.seq_before, intent.seq_after) == (
        "Goodwill after the outage",
        "SUP-7",
        3,
        4,
    )
    assert intent.changes == [{"path": ["balance"], "kind": "changed", "old": "100", "new": "125.5"}]
    assert (outcome.phase, outcome.intent, outcome.result, outcome.seq_after) == (
        "outcome",
        intent.number,
        "applied",
        4,
    )
    assert intent.operation_id == outcome.operation_id == looked.operation_id
    assert intent.operation_id in accounts.db.get_records(account)[3].meta


def test_where_the_intent_cannot_be_recorded_the_table_is_not_touched_and_the_draft_is_kept(
    corrector: Client, accounts: Facet, account: str, monkeypatch: pytest.MonkeyPatch
):
    page = preview(corrector, account)
    with monkeypatch.context() as patch, unwritable():
        patch.setattr(SqliteEventDB, "put_state", None)
        response = confirm(corrector, account, page)

    assert response.status_code == 503
    assert "The audit trail cannot be written; nothing was written" in response.text
    assert len(records(accounts, account)) == 3

    again = press(corrector, url_of(account, ""), response, "confirm", {})
    assert again.status_code == 302
    assert records(accounts, account)[-1].data["amount"] == 25.5


def test_a_preview_that_cannot_be_recorded_is_not_shown_and_the_draft_is_kept(
    corrector: Client, account: str
):
    with unwritable():
        response = preview(corrector, account)

    assert response.status_code == 503
    assert "+25.5" in response.text
    assert press(corrector, url_of(account, ""), response, "preview", {}).status_code == 200


def test_an_altered_confirmation_is_on_record(corrector: Client, account: str):
    confirm(corrector, account, preview(corrector, account), {**WHY, "e1.amount": "9999"})

    (entry,) = on_record("confirm-refused")
    assert (entry.result, entry.person, entry.entity) == ("refused", "corrector", account)
    assert "not what was previewed" in entry.details["why"]


def test_a_confirmation_that_is_sent_again_is_on_record(corrector: Client, account: str):
    page = preview(corrector, account)
    confirm(corrector, account, page)
    confirm(corrector, account, page)

    (entry,) = on_record("confirm-refused")
    assert entry.result == "repeated"
    assert [entry.phase for entry in on_record("append")] == ["intent", "outcome"]


def test_a_lost_race_is_on_record(
    corrector: Client, accounts: Facet, account: str, monkeypatch: pytest.MonkeyPatch
):
    page = preview(corrector, account)
    put_state = SqliteEventDB.put_state

    def second(self: SqliteEventDB, *args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(SqliteEventDB, "put_state", put_state)
        accounts.append(account, Event("TRANSACTION_ACCEPTED", {"amount": 1}))
        put_state(self, *args, **kwargs)

    monkeypatch.setattr(SqliteEventDB, "put_state", second)

    assert confirm(corrector, account, page).status_code == 409
    _, outcome = on_record("append")
    assert (outcome.result, outcome.details["why"], outcome.seq_after) == (
        "not-applied",
        "SequenceConflict",
        None,
    )


def test_where_the_answer_is_lost_the_intent_stays_open(
    corrector: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    page = preview(corrector, account)
    lose_the_answer(monkeypatch, after_commit=True)

    assert confirm(corrector, account, page).status_code == 503
    assert [entry.entity for entry in log.open_intents()] == [account]


def test_where_only_the_outcome_cannot_be_recorded_the_append_stands_and_is_settled_later(
    corrector: Client, accounts: Facet, account: str, monkeypatch: pytest.MonkeyPatch
):
    page = preview(corrector, account)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise log.AuditUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(log, "record_outcome", refuse)
        assert confirm(corrector, account, page).status_code == 302

    assert len(records(accounts, account)) == 4
    assert log.open_intents().count() == 1
    (settled,) = recovery.settle(after=timedelta(0), by="ann")
    assert settled.verdict
    assert settled.verdict.ending == "applied"


def test_where_it_was_never_sent_that_is_known_at_once(
    corrector: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    page = preview(corrector, account)

    def gone(*args: Any, **kwargs: Any) -> None:
        raise StoreUnavailable("no route")

    monkeypatch.setattr(SqliteEventDB, "put_state", gone)

    assert confirm(corrector, account, page).status_code == 503
    assert not log.open_intents().exists()
    assert on_record("append")[-1].result == "not-applied"


# Looking


@pytest.mark.parametrize("name", ["entity", "drift", "append"])
def test_every_look_at_an_entity_is_on_record_where_that_is_asked_for(
    corrector: Client, account: str, settings: Settings, name: str
):
    url = reverse(name, args=["BANK_ACCOUNT", account])
    assert corrector.get(url).status_code == 200
    assert on_record("view") == []

    settings.HDEADMIN_AUDIT_VIEWS = True
    corrector.get(url)

    (entry,) = on_record("view")
    assert (entry.person, entry.entity, entry.details) == ("corrector", account, {"page": name})


def test_what_cannot_be_recorded_is_not_shown_then(corrector: Client, account: str, settings: Settings):
    settings.HDEADMIN_AUDIT_VIEWS = True

    with unwritable():
        response = corrector.get(reverse("entity", args=["BANK_ACCOUNT", account]))

    assert response.status_code == 503
    assert "Reed" not in response.text


def test_what_a_reason_quotes_of_a_masked_value_is_not_in_the_trail(
    corrector: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    """Neither of the state nor of what is written."""
    monkeypatch.setattr(bank_account, "sensitive_fields", ("ownerLast", "desc"))

    confirm(
        corrector,
        account,
        preview(corrector, account),
        {"reason": "Goodwill to Ms Reed, who was charged twice"},
    )

    assert {entry.reason for entry in on_record("append")} == {
        f"{BULLETS} to Ms {BULLETS}, who was charged twice"
    }


def test_a_right_that_was_taken_away_since_the_preview_confirms_nothing(
    corrector: Client, account: str, accounts: Facet
):
    page = preview(corrector, account)
    person = User.objects.get(username="corrector")
    for groups, status in ((["viewer"], 403), ([], 404)):
        person.groups.set(Group.objects.filter(name__in=groups))
        assert confirm(corrector, account, page).status_code == status
    person.is_active = False
    person.save()
    assert confirm(corrector, account, page).status_code == 302

    assert accounts.get(account).record.seq == 3
    assert on_record("append") == []


def test_a_state_that_cannot_be_recorded_does_not_leave_as_a_file(operator: Client, account: str):
    with unwritable():
        response = operator.post(reverse("entity-state", args=["BANK_ACCOUNT", account]))

    assert response.status_code == 503
    assert "Reed" not in response.text


def test_an_entity_and_a_receipt_lead_to_their_entries(
    corrector: Client, sign_in: Callable[[str | None], Client], account: str
):
    receipt = confirm(corrector, account, preview(corrector, account)).url
    assert "/audit/" not in corrector.get(receipt).text

    auditor = sign_in("auditor")
    number = on_record("append")[0].number
    assert f'href="/audit/{number}/"' in auditor.get(receipt).text
    entity = auditor.get(reverse("entity", args=["BANK_ACCOUNT", account])).text
    assert f"/audit/?facet=BANK_ACCOUNT&amp;entity={account}" in entity
