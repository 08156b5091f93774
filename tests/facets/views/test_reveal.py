"""Sensitive values are masked on an entity's page until they are revealed: by right, for a reason, on record."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError
from django.test import Client

from facets.core import Event, Facet, json
from facets.core.records import inbound_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.definitions.masking import BULLETS
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from hdeadmin.audit.models import AuditEntry

PAGE = "/facets/BANK_ACCOUNT/entity/acc-1"
REVEAL = "/facets/BANK_ACCOUNT/reveal/acc-1"
SECRET = "Zylberstein"
OPERATION = "11111111-2222-3333-4444-555555555555"
BECAUSE = {"reason": "The customer asks which name we have"}


@pytest.fixture(autouse=True)
def account(accounts: Facet, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(bank_account, "sensitive_fields", ("ownerLast",))
    accounts.append("acc-1", Event("ACCOUNT_UPDATE", {"ownerFirst": "Ada", "ownerLast": SECRET}))
    return "acc-1"


def test_values_are_masked_and_the_page_says_how_to_see_them(operator: Client):
    page = operator.get(PAGE)

    assert SECRET not in page.text
    assert f"Owner is now Ada {BULLETS}" in page.text
    assert f'action="{REVEAL}"' in page.text


def test_a_reason_reveals_them_on_that_page_and_is_on_record(operator: Client):
    page = operator.post(REVEAL, BECAUSE)

    assert page.status_code == 200
    assert f"Owner is now Ada {SECRET}" in page.text
    assert page.text.count(SECRET) >= 3  # the sentence, the state, the event
    assert BECAUSE["reason"] in page.text
    assert "no-store" in page.headers["Cache-Control"]
    entry = AuditEntry.objects.get(action="reveal")
    assert (entry.person, entry.facet, entry.entity) == ("operator", "BANK_ACCOUNT", "acc-1")
    assert entry.reason == BECAUSE["reason"]
    assert SECRET not in entry.details_json
    assert SECRET not in operator.get(PAGE).text


def test_what_the_reason_quotes_is_not_in_the_trail(operator: Client):
    operator.post(REVEAL, {"reason": f"He says that he is called {SECRET}"})

    assert AuditEntry.objects.get(action="reveal").reason == f"He says that he is called {BULLETS}"


def test_the_page_stays_at_its_place_in_the_history(operator: Client, accounts: Facet):
    accounts.append("acc-1", Event("ACCOUNT_UPDATE", {"ownerFirst": "Ada", "ownerLast": "Later"}))

    page = operator.post(REVEAL, BECAUSE | {"query": "before=2"})

    assert SECRET in page.text
    assert [row.seq for row in page.context["rows"]] == [1]
    assert f"{PAGE}?before=2" in page.text


@pytest.mark.parametrize("reason", ["", "why", "    x    ", "x" * 501])
def test_without_a_good_reason_nothing_is_revealed_and_what_was_typed_stays(operator: Client, reason: str):
    page = operator.post(REVEAL, {"reason": reason})

    assert page.status_code == 422
    assert SECRET not in page.text
    assert "Say why, in 5 to 500 characters" in page.text
    assert reason.strip() in page.text
    assert not AuditEntry.objects.filter(action="reveal").exists()


def test_what_cannot_be_put_on_record_is_not_revealed(operator: Client, monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError("no space left")

    monkeypatch.setattr("hdeadmin.audit.log._add", fail)

    page = operator.post(REVEAL, BECAUSE)

    assert page.status_code == 503
    assert SECRET not in page.text


@pytest.mark.parametrize("role", ["viewer", "corrector", "auditor", "administrator"])
def test_without_the_right_the_control_says_so_and_a_request_is_refused_and_recorded(
    sign_in: Callable[[str | None], Client], role: str
):
    client = sign_in(role)

    page = client.get(PAGE)
    refused = client.post(REVEAL, BECAUSE)

    assert "Needs the right to reveal sensitive values, which operator has." in page.text
    assert REVEAL not in page.text
    assert refused.status_code == 403
    assert SECRET not in page.text + refused.text
    entry = AuditEntry.objects.get(action="denied")
    assert (entry.entity, entry.result) == ("acc-1", "denied")


def test_no_address_reveals(operator: Client):
    response = operator.get(f"{REVEAL}?reason=because+I+can", follow=True)

    assert response.redirect_chain == [(PAGE, 302)]
    assert SECRET not in response.text


def test_an_entity_that_is_not_there_is_not_revealed(operator: Client):
    assert operator.post(REVEAL.replace("acc-1", "nobody"), BECAUSE).status_code == 404
    assert not AuditEntry.objects.filter(action="reveal").exists()


def test_a_facet_without_sensitive_fields_has_nothing_to_reveal(
    operator: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bank_account, "sensitive_fields", ())

    assert "Reveal" not in operator.get(PAGE).text
    assert operator.post(REVEAL, BECAUSE).status_code == 302


def test_a_forged_place_does_no_harm(operator: Client):
    page = operator.post(REVEAL, BECAUSE | {"query": 'x="><script>&event=1\r\nSet-Cookie: a=b'})

    assert page.status_code == 200
    assert "<script>&" not in page.text


def test_a_reason_that_quotes_what_stood_there_before_is_masked_too(operator: Client, ledger: Table):
    meta = json.dumps({"actor": "ann", "reason": f"No longer {SECRET}, she married"})
    data = json.dumps({"ownerFirst": "Ada", "ownerLast": "Reed"})
    assert isinstance(ledger, SqliteTable)
    ledger.load([inbound_record("BANK_ACCOUNT", "acc-1", 2, "ACCOUNT_UPDATE", data, 1, meta).to_item()])

    said = f"No longer {BULLETS}, she married"
    for address in ("", "?event=2", "?raw=INBOUND/ACCOUNT_UPDATE/2", "?seq=2"):
        page = operator.get(PAGE + address).text
        assert said in page, address
        assert SECRET not in page, address


def test_a_reason_that_quotes_what_stands_in_the_state_is_masked_too(operator: Client, ledger: Table):
    meta = json.dumps({"actor": "ann", "reason": f"Ms {SECRET} paid twice", "operation_id": OPERATION})
    paid = json.dumps({"desc": "Back", "amount": 5})
    assert isinstance(ledger, SqliteTable)
    ledger.load([inbound_record("BANK_ACCOUNT", "acc-1", 2, "TRANSACTION_ACCEPTED", paid, 1, meta).to_item()])
    receipt = f"/facets/BANK_ACCOUNT/receipt/{OPERATION}/acc-1"

    for address in (PAGE, f"{PAGE}?raw=INBOUND/TRANSACTION_ACCEPTED/2", f"{PAGE}?seq=2", receipt):
        page = operator.get(address).text
        assert f"Ms {BULLETS} paid twice" in page, address
        assert SECRET not in page, address


def test_so_is_the_reason_of_a_correction_at_the_event_that_it_makes_good(operator: Client, ledger: Table):
    meta = json.dumps({"actor": "ann", "reason": f"No longer {SECRET}", "corrects": 2})
    named = json.dumps({"ownerFirst": "Ada", "ownerLast": "Reed"})
    assert isinstance(ledger, SqliteTable)
    for seq, said in ((2, None), (3, meta)):
        ledger.load(
            [inbound_record("BANK_ACCOUNT", "acc-1", seq, "ACCOUNT_UPDATE", named, 1, said).to_item()]
        )

    page = operator.get(PAGE).text

    assert "Corrected by" in page
    assert page.count(f"No longer {BULLETS}") == 2
    assert SECRET not in page


def test_how_much_changed_below_a_masked_field_is_not_told(
    operator: Client, ledger: Table, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order, "sensitive_fields", ("items",))
    items = [{"desc": f"Lamp {number}", "cost": number} for number in range(9)]
    order.facet(ledger.db("ORDER")).append("o-1", Event("ORDER_CREATED", {"id": "o-1", "items": items}))
    order.facet(ledger.db("ORDER")).append("o-1", Event("ORDER_CREATED", {"id": "o-1", "items": items[::-1]}))

    page = operator.get("/facets/ORDER/entity/o-1")

    newest = page.context["rows"][0].changed
    assert [(change["path"], change["new"].text) for change in newest.changes] == [("Items", BULLETS)]
    assert newest.more == 0
    assert len(newest.paths) == 1
