"""The fixture that real hde wrote reads, replays and is put right on every engine as expected.json states."""

from __future__ import annotations

from typing import Any

import pytest

from facets.core import Event, Facet, Processor, SequenceConflict, TransactionTooLarge
from facets.core.json import dumps
from facets.core.store import Table
from facets.demo.definitions.bank_account import InsufficientFunds, bank_account
from facets.demo.definitions.order import order
from tests.facets.core import ledger
from tests.facets.core.tables import dump

TYPED = {"BANK_ACCOUNT": bank_account.processor, "ORDER": order.processor}
SMALL = [entity for entity in ledger.entities() if entity["facet"] != "BIG"]
BIG = ledger.entity("big-7f3a")
LIMITED = ledger.expected()["errors"]["insufficientFunds"]["id"]


def load(table: Table, entities: list[dict[str, Any]]) -> None:
    table.load([item for e in entities for item in ledger.items_of(e["facet"], e["id"])])


def facet_of(
    table: Table, entity: dict[str, Any], processors: dict[str, Processor[Any]] = ledger.PROCESSORS
) -> Facet:
    return Facet(entity["facet"], table.db(entity["facet"]), processors[entity["facet"]])


def test_the_fixture_is_whole():
    assert len(ledger.items()) == 1781
    assert len(ledger.entities()) == 41
    assert sum(len(ledger.items_of(e["facet"], e["id"])) for e in ledger.entities()) == 1781


def test_every_entity_is_got_with_its_stored_seq_and_state(table):
    load(table, SMALL)

    for entity in SMALL:
        got = facet_of(table, entity).get(entity["id"])
        assert got is not None
        assert (got.record.seq, got.record.ts, got.record.itm) == (
            entity["seq"],
            entity["stateTs"],
            entity["stateJson"],
        )
        assert got.item == entity["state"]


def test_every_entitys_records_come_in_history_order_with_their_payloads(table):
    load(table, SMALL)

    for entity in SMALL:
        records = table.db(entity["facet"]).get_records(entity["id"])
        assert _inbound(records) == entity["inbound"]
        assert _outbound(records) == entity["outbound"]
        assert [r.kind for r in records].count("STATE") == 1
        assert records == sorted(records, key=lambda r: (r.seq, "IOS".index(r.kind[0]), r.index))
        items = sorted((r.to_item() for r in records), key=lambda item: item["_rng"]["S"].encode())
        assert items == ledger.items_of(entity["facet"], entity["id"])


@pytest.mark.parametrize("rules", ["json", "typed"])
def test_every_entity_recalculates_to_its_replayed_state(table, rules):
    load(table, SMALL)
    processors = ledger.PROCESSORS | (TYPED if rules == "typed" else {})

    for entity in SMALL:
        facet = facet_of(table, entity, processors)
        events = [r.to_item() for r in facet.db.get_records(entity["id"]) if r.kind != "STATE"]
        output = facet.recalculate(entity["id"])

        assert (output.seq, dumps(output.item)) == (entity["seq"], entity["replayed"]["stateJson"])
        assert output.item == entity["replayed"]["state"]
        assert _messages(output.past_outbound_events) == entity["replayed"]["outbound"]
        assert (output.new_outbound_events, output.faults) == ([], [])
        stored = facet.get(entity["id"])
        assert stored is not None
        assert stored.record.itm == entity["replayed"]["stateJson"]
        assert [r.to_item() for r in facet.db.get_records(entity["id"]) if r.kind != "STATE"] == events


def test_the_3_2_mb_entity_is_replayed_to_its_last_event(table):
    load(table, [BIG])
    facet = facet_of(table, BIG)

    got = facet.get(BIG["id"])
    records = facet.db.get_records(BIG["id"])
    output = facet.recalculate(BIG["id"])

    assert got is not None
    assert (got.record.seq, got.record.itm) == (1500, BIG["stateJson"])
    assert _inbound(records) == BIG["inbound"]
    assert output.item["count"] == 1500
    assert dumps(output.item) == BIG["replayed"]["stateJson"]
    assert (output.seq, output.faults, output.skipped) == (1500, [], [])
    after = facet.get(BIG["id"])
    assert after is not None
    assert (after.record.seq, after.record.itm) == (1500, BIG["replayed"]["stateJson"])


@pytest.mark.parametrize("rules", ["json", "typed"])
def test_a_drifted_state_is_put_right(table, rules):
    drifted = next(entity for entity in SMALL if "drifted" in entity["cases"])
    assert drifted["state"] != drifted["replayed"]["state"]
    load(table, [drifted])

    facet = facet_of(table, drifted, TYPED if rules == "typed" else ledger.PROCESSORS)
    facet.recalculate(drifted["id"])

    got = facet.get(drifted["id"])
    assert got is not None
    assert (got.record.seq, got.item) == (drifted["seq"], drifted["replayed"]["state"])


@pytest.mark.parametrize("rules", ["json", "typed"])
@pytest.mark.parametrize("batch", [[-0.01], [5, -5000]])
def test_insufficient_funds_writes_nothing(table, rules, batch):
    load(table, SMALL)
    before = dump(table)
    facet = facet_of(table, ledger.entity(LIMITED), TYPED if rules == "typed" else ledger.PROCESSORS)
    events = [Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": amount}) for amount in batch]

    for write in (facet.append, facet.recalculate):
        with pytest.raises((InsufficientFunds, ledger.InsufficientFunds), match="insufficient funds"):
            write(LIMITED, *events)

    assert dump(table) == before


def test_what_hde_refused_is_refused_and_writes_nothing(table):
    """The calls in expected.json's `errors`; hde's 25 records are 100 here."""
    load(table, SMALL)
    before = dump(table)
    facet = facet_of(table, ledger.entity(LIMITED))
    got = facet.get(LIMITED)
    assert got is not None
    transaction = Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": 1})
    overdrawing = [Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": n}) for n in (1000, -1)]

    with pytest.raises(TransactionTooLarge) as too_many:
        facet.append(LIMITED, *[transaction] * 100)
    with pytest.raises(TransactionTooLarge) as too_many_with_outbound:
        facet.append(LIMITED, *[transaction] * 97, *overdrawing, overdrawing[0], overdrawing[1])
    with pytest.raises(SequenceConflict) as same_key:
        facet.append_to(LIMITED, got.item, 2, transaction)
    with pytest.raises(SequenceConflict) as other_key:
        facet.append_to(LIMITED, got.item, 2, Event("ACCOUNT_UPDATE", {}))
    with pytest.raises(SequenceConflict) as ahead:
        facet.append_to(LIMITED, got.item, 8, transaction)

    assert (too_many.value.records, too_many_with_outbound.value.records) == (101, 102)
    for conflict, expected_seq in ((same_key, 2), (other_key, 2), (ahead, 8)):
        error = conflict.value
        assert (error.entity_id, error.expected_seq, error.actual_seq) == (LIMITED, expected_seq, 3)
    assert dump(table) == before


def _inbound(records: list[Any]) -> list[dict[str, Any]]:
    return [{"seq": r.seq, "type": r.typ, "payload": r.data} for r in records if r.kind == "INBOUND"]


def _outbound(records: list[Any]) -> list[dict[str, Any]]:
    return [
        {"seq": r.seq, "index": r.index, "type": r.typ, "payload": r.data}
        for r in records
        if r.kind == "OUTBOUND"
    ]


def _messages(events: list[Event]) -> list[dict[str, Any]]:
    return [{"type": event.type, "payload": event.data} for event in events]
