"""What we write is what hde wrote for the same history, attribute for attribute and letter for letter."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from typing import Any

import pytest

from facets.core import Event, Facet, InvalidRecord, Processor
from facets.core.dynamodb import DynamoTable
from facets.core.records import Item, Record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from tests.facets.core import ledger

ATTRIBUTES = {
    "_id": "S",
    "_rng": "S",
    "_facet": "S",
    "_typ": "S",
    "_seq": "N",
    "_ts": "N",
    "_date": "S",
    "_itm": "S",
}
TYPED = {"BANK_ACCOUNT": bank_account.processor.rules, "ORDER": order.processor.rules}


def write_as_hde_did(table: Table, entity: dict[str, Any], processor: Processor[Any]) -> list[Item]:
    """Append the entity's events in the groups in which hde did, at its times; give the items that came of it."""
    records = [Record.from_item(item) for item in ledger.items_of(entity["facet"], entity["id"])]
    appends: dict[int, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.order):
        appends[record.ts]
        if record.kind == "INBOUND":
            appends[record.ts].append(record)
    db = table.db(entity["facet"])
    for ts, inbound in sorted(appends.items()):
        facet = Facet(entity["facet"], db, processor, clock=lambda ts=ts: ts)
        events = [Event(record.typ, record.data) for record in inbound]
        # hde's recalculate gives STATE a new _ts; an append of no events made `state-only`.
        (facet.append if events or ts == min(appends) else facet.recalculate)(entity["id"], *events)
    # The fixture's order: by the bytes of the key.
    return [
        record.to_item()
        for record in sorted(db.get_records(entity["id"]), key=lambda record: record.rng.encode())
    ]


def lenient(processor: Processor[Any], entity: dict[str, Any]) -> Processor[Any]:
    """hde stores events without a rule; we refuse them, so they get a rule that changes nothing."""
    kept = {event["type"]: lambda given: given.state for event in entity["inbound"]}
    processor.rules = kept | dict(processor.rules)
    return processor


def rules_of(kind: str, entity: dict[str, Any]) -> Processor[Any]:
    facet = entity["facet"]
    if kind == "typed" and facet in TYPED:
        definition: Any = {"BANK_ACCOUNT": bank_account, "ORDER": order}[facet]
        return lenient(type(definition.processor)(definition), entity)
    return lenient(Processor(ledger.RULES[facet], ledger.INITIAL[facet]), entity)


@pytest.mark.parametrize("kind", ["json", "typed"])
@pytest.mark.parametrize("entity", ledger.entities(), ids=ledger.named)
def test_our_items_are_those_that_hde_wrote(
    entity: dict[str, Any], kind: str, sqlite_table: SqliteTable
) -> None:
    theirs = ledger.items_of(entity["facet"], entity["id"])

    ours = write_as_hde_did(sqlite_table, entity, rules_of(kind, entity))

    for item, their_item in zip(ours, theirs, strict=True):
        assert item == _as_we_would(their_item, entity)


def test_only_two_entities_are_written_otherwise_and_we_know_why() -> None:
    """What `_as_we_would` lets pass is what the fixture's README documents, and no more."""
    differing = [
        (entity["cases"], item["_rng"]["S"])
        for entity in ledger.entities()
        for item in ledger.items_of(entity["facet"], entity["id"])
        if _as_we_would(item, entity) != item
    ]

    assert [(set(cases) & {"drifted", "outbound-shows-later-state"}, rng) for cases, rng in differing] == [
        ({"drifted"}, "STATE"),
        ({"outbound-shows-later-state"}, "OUTBOUND/ORDER_PAID/4/0"),
        ({"outbound-shows-later-state"}, "OUTBOUND/ORDER_PAID/4/1"),
    ]


@pytest.mark.parametrize("engine", ["moto", "dynamodb"])
def test_items_in_the_table_have_the_same_attributes_and_types_as_hdes(
    engine: str, request: pytest.FixtureRequest
) -> None:
    """Asked of the engine itself, not of our reading of it."""
    table: DynamoTable = request.getfixturevalue(f"{engine}_table")
    entity = ledger.entity("acc-1009")
    write_as_hde_did(table, entity, rules_of("json", entity))

    stored = table.client.scan(TableName=table.name)["Items"]

    for item in stored:
        assert {name: next(iter(typed)) for name, typed in item.items()} == ATTRIBUTES
    assert sorted(stored, key=lambda i: i["_rng"]["S"]) == ledger.items_of(entity["facet"], entity["id"])


def test_a_console_write_adds_meta_to_the_events_and_to_nothing_else(table: Table) -> None:
    facet = Facet("BANK_ACCOUNT", table.db("BANK_ACCOUNT"), ledger.PROCESSORS["BANK_ACCOUNT"])
    meta = {"actor": "ann", "reason": "é", "ticket": None, "operation": "1"}

    facet.append("1", *[Event("TRANSACTION_ACCEPTED", {"amount": n}) for n in (5, -9)], meta=meta)

    metas = {record.rng: record.meta for record in facet.db.get_records("1")}
    text = '{"actor":"ann","reason":"é","ticket":null,"operation":"1"}'
    assert metas == {
        "INBOUND/TRANSACTION_ACCEPTED/1": text,
        "INBOUND/TRANSACTION_ACCEPTED/2": text,
        "OUTBOUND/accountOverdrawn/2/0": None,
        "STATE": None,
    }
    assert all(("_meta" in r.to_item()) == (r.meta is not None) for r in facet.db.get_records("1"))


def test_each_event_of_one_append_may_have_a_meta_of_its_own(sqlite_table: SqliteTable) -> None:
    facet = Facet("BIG", sqlite_table.db("BIG"), ledger.PROCESSORS["BIG"])

    facet.append("1", *[Event("COUNTED", {"n": n}) for n in (1, 2)], meta=[{"corrects": 1}, None])

    assert [record.meta for record in facet.db.get_records("1")] == ['{"corrects":1}', None, None]


@pytest.mark.parametrize("meta", [[], [{}], [{}, {}, {}], [{}, "a"]])
def test_a_list_of_metas_has_one_for_each_event(meta: Any, sqlite_table: SqliteTable) -> None:
    facet = Facet("BIG", sqlite_table.db("BIG"), ledger.PROCESSORS["BIG"])

    with pytest.raises(InvalidRecord):
        facet.append("1", *[Event("COUNTED", {"n": n}) for n in (1, 2)], meta=meta)
    assert sqlite_table.is_empty()


def test_the_date_has_milliseconds_and_z_and_is_the_instant_of_ts(sqlite_table: SqliteTable) -> None:
    for ts, date in (
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_422_597_007, "2026-11-23T08:29:57.007Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ):
        facet = Facet(
            "BANK_ACCOUNT",
            sqlite_table.db("BANK_ACCOUNT"),
            ledger.PROCESSORS["BANK_ACCOUNT"],
            clock=lambda ts=ts: ts,
        )
        facet.append(str(ts))
        got = facet.get(str(ts))
        assert got is not None
        assert (got.record.ts, got.record.date) == (ts, date)


def test_the_clock_of_an_append_is_now_in_milliseconds(sqlite_table: SqliteTable) -> None:
    facet = Facet("BANK_ACCOUNT", sqlite_table.db("BANK_ACCOUNT"), ledger.PROCESSORS["BANK_ACCOUNT"])
    before = time.time_ns() // 1_000_000

    facet.append("1")

    got = facet.get("1")
    assert got is not None
    assert before <= got.record.ts <= time.time_ns() // 1_000_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", got.record.date)


def _as_we_would(item: Item, entity: dict[str, Any]) -> Item:
    """hde's item with the documented differences evened out."""
    rng, itm = item["_rng"]["S"], item["_itm"]["S"]
    if "drifted" in entity["cases"] and rng == "STATE":
        # Overwritten by hand.
        itm = entity["replayed"]["stateJson"]
    if "outbound-shows-later-state" in entity["cases"] and rng.startswith("OUTBOUND/"):
        # hde writes a message after the last event of its append, not as it was published.
        index = int(rng.rpartition("/")[2])
        itm = ledger.compact(entity["replayed"]["outbound"][index]["payload"])
    return {**item, "_itm": {"S": itm}}
