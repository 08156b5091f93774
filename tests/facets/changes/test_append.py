"""Previewing and applying corrections, without pages."""

from typing import Any

import pytest

from facets.changes import append
from facets.changes.append import Preview, RuleRefused, StateChanged
from facets.changes.preview_token import PromisedEvent
from facets.changes.warnings import cautions
from facets.core import Event, Facet, FacetError, InvalidRecord, SequenceConflict, json
from facets.core.facet import ChangeOutput
from facets.core.processor import Publish
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table, new_operation_id
from facets.definitions import FacetDefinition, Model
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from facets.entities import metadata
from tests.support.unannounced import unannounced


def credit(amount: float, desc: str = "x", corrects: int | None = None) -> PromisedEvent:
    return PromisedEvent("TRANSACTION_ACCEPTED", {"desc": desc, "amount": amount}, corrects)


@pytest.fixture
def accounts(sqlite_table: SqliteTable) -> Facet:
    facet = bank_account.facet(sqlite_table.db("BANK_ACCOUNT"))
    facet.append("1", Event("ACCOUNT_CREATION", {"id": "1"}), Event("TRANSACTION_ACCEPTED", {"amount": 100}))
    return facet


def apply(facet: Facet, preview: Preview, **changed: Any) -> append.Receipt:
    given: dict[str, Any] = {
        "seen_seq": preview.seq,
        "seen_state": preview.state,
        "actor": "ada",
        "reason": "booked twice",
        "operation_id": new_operation_id(),
        "announce": unannounced,
    }
    return append.apply(facet, "1", [effect.event for effect in preview.effects], **given | changed)


def titles(definition: FacetDefinition[Any], preview: Preview) -> str:
    return " / ".join(f"{caution.title}: {caution.text}" for caution in cautions(definition, preview))


def test_a_preview_tells_what_each_event_changes_and_publishes(accounts: Facet) -> None:
    preview = append.preview(accounts, "1", [credit(-150), credit(60)])

    assert (preview.seq, preview.last_seq, preview.drift, preview.failed) == (2, 4, "none", False)
    assert [[(change.old, change.new) for change in effect.changes] for effect in preview.effects] == [
        [(100, -50)],
        [(-50, 10)],
    ]
    assert [message.type for message in preview.messages] == ["accountOverdrawn"]
    assert [(change.path, change.old, change.new) for change in preview.changes] == [(("balance",), 100, 10)]


def test_a_preview_writes_nothing_on_any_engine(table: Table) -> None:
    facet = bank_account.facet(table.db("BANK_ACCOUNT"))
    facet.append("1", Event("ACCOUNT_CREATION", {"id": "1"}))
    before = facet.db.get_records("1")

    append.preview(facet, "1", [credit(-150)])
    append.preview(facet, "new", [credit(5)])

    assert facet.db.get_records("1") == before
    assert facet.db.get_records("new") == []


def test_what_was_previewed_is_appended_with_who_and_why_on_any_engine(table: Table) -> None:
    facet = bank_account.facet(table.db("BANK_ACCOUNT"))
    operation = new_operation_id()
    facet.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 5}))
    preview = append.preview(facet, "1", [credit(-5, corrects=1), credit(7)])

    receipt = apply(facet, preview, operation_id=operation, ticket="T-1")

    assert (receipt.first_seq, receipt.last_seq, receipt.repeated) == (2, 3, False)
    appended = metadata.appended_by(facet.db.get_records("1"), operation)
    common = {"actor": "ada", "reason": "booked twice", "operation_id": operation, "ticket": "T-1"}
    assert [json.loads(record.meta or "") for record in appended] == [common | {"corrects": 1}, common]
    assert facet.get("1").item == preview.after  # type: ignore[union-attr]


def test_the_same_operation_is_carried_out_once_on_any_engine(table: Table) -> None:
    facet = bank_account.facet(table.db("BANK_ACCOUNT"))
    operation = new_operation_id()
    preview = append.preview(facet, "1", [credit(5)])
    first = apply(facet, preview, operation_id=operation)
    facet.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 1}))

    second = apply(facet, preview, operation_id=operation)

    assert (first.repeated, second.repeated) == (False, True)
    assert (second.first_seq, second.last_seq) == (1, 1)
    assert facet.db.get_log("1").seq == 2


def test_an_operation_id_does_not_pass_other_events_off_as_written(accounts: Facet) -> None:
    preview = append.preview(accounts, "1", [credit(5)])
    other = append.preview(accounts, "1", [credit(6)])
    apply(accounts, preview, operation_id="op")

    with pytest.raises(SequenceConflict):
        apply(accounts, other, operation_id="op")


def test_a_state_other_than_the_one_seen_is_not_built_upon(
    accounts: Facet, sqlite_table: SqliteTable
) -> None:
    preview = append.preview(accounts, "1", [credit(5)])
    sqlite_table.load([state_record("BANK_ACCOUNT", "1", 2, '{"balance":7}', 0).to_item()])

    with pytest.raises(StateChanged):
        apply(accounts, preview)
    assert accounts.db.get_log("1").seq == 2


def test_a_recalculation_between_our_read_and_our_write_is_not_undone_on_any_engine(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    facet = bank_account.facet(table.db("BANK_ACCOUNT"))
    facet.append("1", Event("TRANSACTION_ACCEPTED", {"amount": 5}))
    preview = append.preview(facet, "1", [credit(5)])
    append_to = facet.append_to

    def be_second(*args: Any, **kwargs: Any) -> ChangeOutput:
        table.load([state_record("BANK_ACCOUNT", "1", 1, '{"balance":7}', 1).to_item()])
        return append_to(*args, **kwargs)

    monkeypatch.setattr(facet, "append_to", be_second)

    with pytest.raises(StateChanged):
        apply(facet, preview)
    assert facet.db.get_log("1")[:2] == (1, '{"balance":7}')


def test_an_event_after_one_that_is_refused_is_not_tried(accounts: Facet) -> None:
    preview = append.preview(accounts, "1", [credit(1), credit(-9999), credit(1)])

    assert [(effect.error, effect.reached) for effect in preview.effects] == [
        ("", True),
        ("insufficient funds", True),
        ("", False),
    ]
    assert preview.failed
    with pytest.raises(RuleRefused):
        apply(accounts, preview)


def test_an_event_without_a_rule_is_never_written(accounts: Facet) -> None:
    preview = append.preview(accounts, "1", [PromisedEvent("NOPE", {})])

    assert preview.failed
    with pytest.raises(FacetError):
        apply(accounts, preview)
    assert accounts.db.get_log("1").seq == 2


def test_a_record_too_large_for_the_table_is_said_before_it_is_tried(accounts: Facet) -> None:
    preview = append.preview(accounts, "1", [credit(1, "x" * 420_000)])

    assert "at most 409,600" in preview.problem


def test_events_without_a_state_are_not_taken_for_a_new_entity(
    accounts: Facet, sqlite_table: SqliteTable
) -> None:
    sqlite_table.load([inbound_record("BANK_ACCOUNT", "lost", 1, "ACCOUNT_CREATION", "{}", 0).to_item()])

    with pytest.raises(InvalidRecord, match="Recalculate it first"):
        append.preview(accounts, "lost", [credit(1)])


def test_drift_is_found_or_said_not_to_have_been_looked_for(
    accounts: Facet, sqlite_table: SqliteTable
) -> None:
    assert append.preview(accounts, "1", [credit(1)], max_replay=1).drift == "unchecked"
    sqlite_table.load([state_record("BANK_ACCOUNT", "1", 2, '{"balance":7}', 0).to_item()])
    drifting = append.preview(accounts, "1", [credit(1)])
    assert "disagrees with its own history" in titles(bank_account, drifting)
    sqlite_table.load([inbound_record("BANK_ACCOUNT", "1", 1, "ACCOUNT_CREATION", "[]", 0).to_item()])
    failing = append.preview(accounts, "1", [credit(1)])
    assert "cannot be replayed" in titles(bank_account, failing)


def test_many_messages_are_warned_of(accounts: Facet) -> None:
    few = append.preview(accounts, "1", [credit(-150), credit(150)] * 10)
    many = append.preview(accounts, "1", [credit(-150), credit(150)] * 11)

    assert "messages would be published" not in titles(bank_account, few)
    assert "11 messages would be published" in titles(bank_account, many)


class Card(Model):
    points: int = 0
    holder: str | None = None


class Points(Model):
    points: int
    holder: str | None = None


@pytest.fixture
def card() -> FacetDefinition[Card]:
    card = FacetDefinition(name="CARD", title="Cards", state=Card, sensitive_fields=("holder",))

    @card.event("POINTS", Points, dangerous="A partner is paid for each point.")
    def earn(state: Card, event: Points, publish: Publish) -> Card:
        state.points += event.points
        return state

    return card


def test_dangerous_sensitive_and_rounded_values_are_warned_of(
    card: FacetDefinition[Card], sqlite_table: SqliteTable
) -> None:
    facet = card.facet(sqlite_table.db("CARD"))

    plain = append.preview(facet, "1", [PromisedEvent("POINTS", {"points": 2**53 - 1})])
    special = append.preview(facet, "1", [PromisedEvent("POINTS", {"points": 2**53, "holder": "Ada"})])

    assert titles(card, plain) == "Points: A partner is paid for each point."
    assert "Sensitive: Holder" in titles(card, special)
    assert "9007199254740992 (Points of POINTS)" in titles(card, special)


def test_lists_within_a_state_are_compared_item_by_item(sqlite_table: SqliteTable) -> None:
    orders = order.facet(sqlite_table.db("ORDER"))
    items = [{"desc": "Apples", "qty": 1, "cost": 3}]
    orders.append("1", Event("ORDER_CREATED", {"id": "1", "items": items}))
    more = [*items, {"desc": "Pears", "qty": 1, "cost": 4}]

    preview = append.preview(orders, "1", [PromisedEvent("ORDER_CREATED", {"id": "1", "items": more})])

    assert {(change.path, change.kind) for change in preview.changes} == {
        (("items", 1), "added"),
        (("balance",), "changed"),
    }
