"""What both engines promise, EventStore and Table, asked of each of them and of moto."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from facets.core import (
    Event,
    Facet,
    InvalidRecord,
    Processor,
    Record,
    RecordTooLarge,
    SequenceConflict,
    StateReplaced,
    TableNotFound,
    TransactionTooLarge,
)
from facets.core.dynamodb import DynamoTable
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import EventStore, Table, item_size, new_operation_id
from tests.facets.core import ledger
from tests.facets.core.tables import dump, lose, spoil

TS = 1_795_422_597_273


def state(seq: int, itm: str = "{}", id: str = "1", facet: str = "A") -> Record:
    return state_record(facet, id, seq, itm, TS)


def event(seq: int, itm: str = "{}", type: str = "X", id: str = "1", facet: str = "A") -> Record:
    return inbound_record(facet, id, seq, type, itm, TS)


def message(seq: int, index: int, itm: str = "{}", type: str = "M") -> Record:
    return outbound_record("A", "1", seq, index, type, itm, TS)


@pytest.fixture
def db(table: Table) -> EventStore:
    return table.db("A")


def counting(table: Table) -> Facet:
    """A facet whose state counts and sums its events."""

    def rule(given: Any) -> Any:
        return {"count": given.state["count"] + 1, "sum": given.state["sum"] + given.current.get("n", 0)}

    return Facet("A", table.db("A"), Processor({"X": rule, "Y": rule}, lambda: {"count": 0, "sum": 0}))


@contextmanager
def no_call(table: Table) -> Iterator[None]:
    """Fail on any request that reaches the engine."""
    if not isinstance(table, DynamoTable):
        before = dump(table)
        yield
        assert dump(table) == before
        return

    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    table.client.meta.events.register("before-call.dynamodb", note)
    yield
    table.client.meta.events.unregister("before-call.dynamodb", note)
    assert calls == []


# Reading and writing one entity.


def test_a_state_made_anew_at_the_same_seq_is_not_undone_by_who_saw_the_old_one(table, db):
    """A recalculation leaves the seq as it is, so the seq alone does not tell of it."""
    seen = state(1, '{"v":1}')
    db.put_state(seen, 0, [event(1)])
    db.put_state(state_record("A", "1", 1, '{"v":2}', TS + 1), 1)
    before = dump(table)

    with pytest.raises(StateReplaced) as refused:
        db.put_state(state(2, '{"v":"old"}'), 1, [event(2)], previous=seen)

    assert (refused.value.expected_seq, refused.value.actual_seq) == (1, 1)
    assert dump(table) == before


@pytest.mark.parametrize("other", [{"ts": TS + 1}, {"itm": '{"v":2}'}], ids=["its time", "its text"])
def test_a_state_is_told_from_another_by_its_time_and_by_its_text(table, db, other):
    stored = state(1, '{"v":1}')
    db.put_state(stored, 0, [event(1)])

    with pytest.raises(StateReplaced):
        db.put_state(state(2), 1, [event(2)], previous=replace(stored, **other))
    db.put_state(state(2), 1, [event(2)], previous=stored)

    assert db.get_state("1").seq == 2


def test_who_saw_a_state_that_is_gone_or_has_moved_on_writes_nothing(table, db):
    seen = state(0, '{"v":1}')
    with pytest.raises(SequenceConflict):
        db.put_state(state(1), 0, [event(1)], previous=seen)
    db.put_state(seen, 0)
    db.put_state(state(1), 0, [event(1)], previous=seen)
    before = dump(table)

    with pytest.raises(SequenceConflict) as refused:
        db.put_state(state(2), 0, [event(2)], previous=seen)

    assert refused.value.actual_seq == 1
    assert dump(table) == before


def test_an_append_reads_again_where_a_recalculation_came_between(table):
    facet = counting(table)
    facet.append("1", Event("X", {"n": 1}))
    table.db("A").put_state(state(1, '{"count":1,"sum":99}'), 1)
    stale = facet.get("1")
    facet.recalculate("1")
    found = iter([stale, facet.get("1")])
    facet.get = lambda id: next(found)

    change = facet.append("1", Event("X", {"n": 1}), retries=1)

    assert change.item == {"count": 2, "sum": 2}


def test_an_id_too_long_to_be_stored_is_not_there(table, db):
    id = "é" * 1024

    assert db.get_state(id) is None
    assert db.get_records(id) == []
    assert db.get_log(id)[:3] == (None, None, [])
    assert list(db.stream(id)) == []
    assert (db.get_page(id).records, db.get_page(id).state) == ([], None)
    with pytest.raises(InvalidRecord):
        counting(table).append(id, Event("X", {"n": 1}))


def test_an_entity_that_does_not_exist_has_nothing(db):
    assert db.get_state("1") is None
    assert db.get_records("1") == []
    assert (db.get_log("1").state_seq, db.get_log("1").entries) == (None, [])


def test_what_is_put_is_read_back_as_it_was(db):
    state_, events = (
        state(2, '{"a":"é😀\u2028"}'),
        [event(1, '"\\u0000"'), event(2, "1", type="odd/type/3 é")],
    )
    messages = [message(2, 0), message(2, 1, "[]", type="a/b")]

    db.put_state(state_, 0, events, messages)

    assert db.get_state("1") == state_
    assert db.get_records("1") == [*events, *messages, state_]


def test_records_come_in_the_order_of_events_and_not_of_keys(db):
    """`INBOUND/X/10` sorts before `INBOUND/X/2`, and OUTBOUND after INBOUND."""
    for seq in range(1, 13):
        messages = [message(seq, index) for index in range(11)] if seq == 11 else []
        db.put_state(state(seq), seq - 1, [event(seq, type="Y" if seq % 3 else "X")], messages)

    records = db.get_records("1")

    assert [record.seq for record in records if record.kind == "INBOUND"] == list(range(1, 13))
    assert [record.index for record in records if record.kind == "OUTBOUND"] == list(range(11))
    assert [record.kind for record in records[-14:]] == ["INBOUND", *["OUTBOUND"] * 11, "INBOUND", "STATE"]
    assert [entry.seq for entry in db.get_log("1").entries] == list(range(1, 13))


def test_the_log_has_all_that_a_replay_needs(db):
    db.put_state(
        state(2, '{"s":1}'), 0, [event(1, '{"n":1}'), event(2, '{"n":2}', type="a/b")], [message(2, 0)]
    )

    log = db.get_log("1")

    assert (log.state_seq, log.state_itm, log.seq) == (2, '{"s":1}', 2)
    assert [tuple(entry) for entry in log.entries] == [(1, "X", '{"n":1}'), (2, "a/b", '{"n":2}')]


def test_a_second_append_replaces_the_state_and_adds_events(db):
    db.put_state(state(1, '{"v":1}'), 0, [event(1)])
    db.put_state(state(2, '{"v":2}'), 1, [event(2)])

    assert [record.rng for record in db.get_records("1")] == ["INBOUND/X/1", "INBOUND/X/2", "STATE"]
    assert db.get_state("1").itm == '{"v":2}'


def test_state_alone_can_be_replaced_at_the_same_seq(db):
    db.put_state(state(0, '{"v":1}'), 0)
    db.put_state(state(0, '{"v":2}'), 0)

    assert db.get_state("1").itm == '{"v":2}'


def test_a_large_entity_is_read_whole(db):
    """More than the 1 MB that one read of DynamoDB returns."""
    pad = f'"{"x" * 100_000}"'
    for seq in range(1, 13):
        db.put_state(state(seq), seq - 1, [event(seq, pad)])

    assert len(db.get_records("1")) == 13
    assert len(db.get_log("1").entries) == 12


def test_records_of_other_makers_are_passed_over(table, db):
    db.put_state(state(1), 0, [event(1)])
    foreign = event(1).to_item() | {"_rng": {"S": "LOCK"}}
    table.load([foreign])

    assert [record.rng for record in db.get_records("1")] == ["INBOUND/X/1", "STATE"]
    assert len(db.get_log("1").entries) == 1


# Conditions.


@pytest.mark.parametrize("previous", [0, 1, 3, 100])
def test_a_writer_at_another_seq_changes_nothing(table, db, previous):
    db.put_state(state(2), 0, [event(1), event(2)])
    before = dump(table)

    with pytest.raises(SequenceConflict) as conflict:
        db.put_state(state(previous + 1, '{"v":9}'), previous, [event(previous + 1, type="Y")])

    error = conflict.value
    assert (error.entity_id, error.expected_seq, error.actual_seq) == ("1", previous, 2)
    assert dump(table) == before


def test_a_new_entity_begins_at_0_only(table, db):
    with pytest.raises(SequenceConflict) as conflict:
        db.put_state(state(8), 7, [event(8)])

    assert (conflict.value.expected_seq, conflict.value.actual_seq) == (7, 0)
    assert table.is_empty()


def test_an_event_is_never_written_over(table, db):
    """There are events that STATE does not know of: the conflict names the seq that is taken."""
    table.load([event(n, '{"first":true}').to_item() for n in (1, 2, 3)] + [state(1).to_item()])
    before = dump(table)

    with pytest.raises(SequenceConflict) as conflict:
        db.put_state(state(2), 1, [event(2, '{"second":true}')])

    assert (conflict.value.expected_seq, conflict.value.actual_seq) == (1, 3)
    assert dump(table) == before


def test_a_message_is_never_written_over(table, db):
    table.load([message(1, 0, '"first"').to_item()])
    before = dump(table)

    with pytest.raises(SequenceConflict):
        db.put_state(state(1), 0, [event(1)], [message(1, 0, '"second"')])

    assert dump(table) == before


# STATE is lost.


def test_a_lost_state_is_made_again_by_recalculate(table):
    facet = counting(table)
    for n in (1, 2, 3):
        facet.append("1", Event("X", {"n": n}))
    lose(table, "A/1", "STATE")

    output = facet.recalculate("1")

    assert (output.seq, output.item) == (3, {"count": 3, "sum": 6})
    assert [str(fault) for fault in output.faults] == ["The state is missing; there are events up to 3."]
    assert facet.get("1").record.seq == 3
    assert facet.recalculate("1").faults == []


def test_a_lost_state_is_made_again_by_an_append(table):
    facet = counting(table)
    facet.append("1", Event("X", {"n": 1}), Event("Y", {"n": 2}))
    lose(table, "A/1", "STATE")

    output = facet.append("1", Event("Y", {"n": 4}))

    assert (output.seq, output.item) == (3, {"count": 3, "sum": 7})
    assert [fault.kind for fault in output.faults] == ["state-missing"]
    assert [record.rng for record in facet.db.get_records("1")] == [
        "INBOUND/X/1",
        "INBOUND/Y/2",
        "INBOUND/Y/3",
        "STATE",
    ]


def test_a_lost_state_is_not_taken_for_a_new_entity_by_append_to(table):
    facet = counting(table)
    facet.append("1", Event("X", {"n": 1}))
    lose(table, "A/1", "STATE")

    with pytest.raises(SequenceConflict) as conflict:
        facet.append_to("1", None, 0, Event("Y", {"n": 4}))

    assert (conflict.value.expected_seq, conflict.value.actual_seq) == (0, 1)


def test_a_state_behind_its_events_is_brought_up_by_recalculate(table):
    facet = counting(table)
    facet.append("1", Event("X", {"n": 1}))
    table.load([event(2, '{"n":5}', type="Y").to_item()])

    output = facet.recalculate("1", Event("X", {"n": 10}))

    assert [str(fault) for fault in output.faults] == ["The state is of seq 1, but there are events up to 2."]
    assert (output.seq, output.item) == (3, {"count": 3, "sum": 16})


# Another facet in the same partition: `A/B` with id `c` beside `A` with id `B/c`.


def test_another_facet_in_the_same_partition_is_neither_read_nor_overwritten(table):
    theirs = [
        event(1, '{"theirs":1}', id="c", facet="A/B"),
        state(1, '{"theirs":1}', id="c", facet="A/B"),
    ]
    table.load([record.to_item() for record in theirs])
    before = dump(table)
    db = table.db("A")

    assert db.get_state("B/c") is None
    assert db.get_records("B/c") == []
    assert (db.get_log("B/c").state_seq, db.get_log("B/c").entries) == (None, [])
    for previous in (0, 1):
        with pytest.raises(SequenceConflict):
            db.put_state(state(previous + 1, id="B/c"), previous, [event(previous + 1, type="Y", id="B/c")])
    assert dump(table) == before


# Limits, checked before any call.


def test_100_records_pass(db):
    db.put_state(state(99), 0, [event(n) for n in range(1, 90)], [message(99, n) for n in range(10)])

    assert len(db.get_records("1")) == 100


def test_101_records_are_refused_before_any_call(table, db):
    with no_call(table), pytest.raises(TransactionTooLarge) as refused:
        db.put_state(state(100), 0, [event(n) for n in range(1, 101)])

    assert refused.value.records == 101


def test_an_append_of_101_records_is_refused(table):
    facet = counting(table)

    with pytest.raises(TransactionTooLarge):
        facet.append("1", *[Event("X", {})] * 100)
    assert table.is_empty()
    assert facet.append("1", *[Event("X", {})] * 99).seq == 99


@pytest.mark.not_on_moto("it counts the size of an item otherwise than DynamoDB does")
def test_a_record_of_400_kb_passes_and_one_byte_more_is_refused_before_any_call(table, db):
    room = 400 * 1024 - item_size(event(1, ""))
    db.put_state(state(1), 0, [event(1, '"' + "x" * (room - 2) + '"')])

    with no_call(table), pytest.raises(RecordTooLarge) as refused:
        db.put_state(state(2), 1, [event(2, '"' + "x" * (room - 1) + '"')])

    assert (refused.value.id, refused.value.rng, refused.value.size) == ("A/1", "INBOUND/X/2", 400 * 1024 + 1)


def test_size_is_counted_in_bytes_of_utf8_and_not_in_letters(table, db):
    with no_call(table), pytest.raises(RecordTooLarge):
        db.put_state(state(1, '"' + "€" * 140_000 + '"'), 0)


@pytest.mark.not_on_moto("it does not know the limit of 4 MB")
def test_4_mb_pass_and_more_is_refused_before_any_call(table, db):
    half = '"' + "x" * 200_000 + '"'
    db.put_state(state(20), 0, [event(n, half) for n in range(1, 21)])

    with no_call(table), pytest.raises(TransactionTooLarge) as refused:
        db.put_state(state(41), 20, [event(n, half) for n in range(21, 42)])

    assert refused.value.size > 4 * 1024 * 1024


def test_the_size_of_an_item_is_what_dynamodb_counts(dynamodb_table):
    """One byte less than the engine itself refuses."""
    record = event(123456, "")
    record = event(123456, '"' + "x" * (400 * 1024 - item_size(record) - 2) + '"')

    dynamodb_table.client.put_item(TableName=dynamodb_table.name, Item=record.to_item())

    larger = record.to_item() | {"_itm": {"S": record.itm + "x"}}
    with pytest.raises(dynamodb_table.client.exceptions.ClientError):
        dynamodb_table.client.put_item(TableName=dynamodb_table.name, Item=larger)


@pytest.mark.parametrize(
    "put",
    [
        lambda db: db.put_state(event(1), 0),
        lambda db: db.put_state(state(1), 0, [state(1)]),
        lambda db: db.put_state(state(1), 0, [message(1, 0)]),
        lambda db: db.put_state(state(1), 0, [], [event(1)]),
        lambda db: db.put_state(state(1, facet="B"), 0),
        lambda db: db.put_state(state(1), 0, [event(1, facet="B")]),
        lambda db: db.put_state(state(1), 0, [event(1, id="2")]),
        lambda db: db.put_state(state(2), 0, [event(1), event(1)]),
    ],
    ids=[
        "event as state",
        "state as event",
        "message as event",
        "event as message",
        "state of another facet",
        "event of another facet",
        "event of another entity",
        "one key twice",
    ],
)
def test_records_in_the_wrong_place_are_refused_before_any_call(table, db, put):
    with no_call(table), pytest.raises(InvalidRecord):
        put(db)


# Ids.


@pytest.mark.parametrize(
    "id",
    [
        "a b/c%2F?#é😀",
        "..",
        "/",
        "%00",
        "a\nb",
        "'; DROP TABLE records --",
        "x" * 900,
        "é" * 1000,
        "\u202e",
        " ",
        "1",
    ],
)
def test_ids_of_every_kind_are_kept_apart_and_read_back(table, id):
    facet = counting(table)
    facet.append("other", Event("X", {"n": 1}))

    facet.append(id, Event("X", {"n": 7}))

    got = facet.get(id)
    assert (got.record.entity_id, got.item["sum"]) == (id, 7)
    assert [record.entity_id for record in facet.db.get_records(id)] == [id, id]
    assert facet.get("other").item["sum"] == 1


@pytest.mark.parametrize("id", ["", "\ud800", "x" * 2047])
def test_ids_that_cannot_be_stored_are_refused(table, id):
    facet = counting(table)

    with pytest.raises(InvalidRecord):
        facet.append(id, Event("X", {}))
    assert table.is_empty()


def test_an_empty_id_finds_nothing_of_another_entity(table):
    counting(table).append("1", Event("X", {}))

    assert table.db("A").get_state("") is None
    assert table.db("A").get_records("") == []


@pytest.mark.parametrize("type", ["x" * 1020, "\udc00"])
def test_event_types_that_cannot_be_stored_are_refused(table, type):
    facet = Facet("A", table.db("A"), Processor({type: lambda given: given.state}))

    with pytest.raises(InvalidRecord):
        facet.append("1", Event(type, {}))
    assert table.is_empty()


# Operations.


@pytest.mark.not_on_moto("it ignores ClientRequestToken")
def test_the_same_operation_writes_once(table, db):
    operation_id = new_operation_id()
    db.put_state(state(1), 0, [event(1)], operation_id=operation_id)
    db.put_state(state(2), 1, [event(2)])
    before = dump(table)

    db.put_state(state(1), 0, [event(1)], operation_id=operation_id)

    assert dump(table) == before


@pytest.mark.not_on_moto("it ignores ClientRequestToken")
def test_an_operation_id_is_not_used_again_for_other_records(table, db):
    operation_id = new_operation_id()
    db.put_state(state(1), 0, [event(1)], operation_id=operation_id)
    before = dump(table)

    with pytest.raises(InvalidRecord):
        db.put_state(state(2), 1, [event(2)], operation_id=operation_id)

    assert dump(table) == before


def test_a_refused_operation_is_not_taken_for_done(table, db):
    operation_id = new_operation_id()
    with pytest.raises(SequenceConflict):
        db.put_state(state(2), 1, [event(2)], operation_id=operation_id)
    db.put_state(state(1), 0, [event(1)])

    db.put_state(state(2), 1, [event(2)], operation_id=operation_id)

    assert db.get_state("1").seq == 2


@pytest.mark.not_on_moto("it ignores ClientRequestToken")
def test_an_append_with_an_operation_id_that_lost_a_race_lands_when_it_is_run_again(table):
    """The records are others then, under the same id: nothing was written under it yet."""
    calls = []

    def overtaken(given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            counting(table).append("1", Event("X", {"n": 1}))
        return given.state

    facet = Facet("A", table.db("A"), Processor({"X": overtaken}, lambda: {"count": 0, "sum": 0}))

    assert facet.append("1", Event("X", {"n": 2}), retries=1, operation_id="op").seq == 2


def test_operations_without_an_id_are_each_their_own(db):
    db.put_state(state(0, '"a"'), 0)
    db.put_state(state(0, '"b"'), 0)
    db.put_state(state(0, '"a"'), 0)

    assert db.get_state("1").itm == '"a"'


# The table.


def missing_table(table: Table) -> Table:
    if isinstance(table, SqliteTable):
        return SqliteTable(table.path.with_name("missing.sqlite3"))
    assert isinstance(table, DynamoTable)
    return DynamoTable(table.client, "missing")


@pytest.mark.parametrize(
    "ask",
    [
        lambda table: table.db("A").get_state("1"),
        lambda table: table.db("A").get_records("1"),
        lambda table: table.db("A").get_log("1"),
        lambda table: list(table.db("A").stream("1")),
        lambda table: table.db("A").put_state(state(1), 0, [event(1)]),
        lambda table: table.browse("A"),
        lambda table: table.facets(),
        lambda table: table.load([event(1).to_item()]),
        lambda table: table.is_empty(),
        lambda table: table.check(),
    ],
    ids=[
        "get_state",
        "get_records",
        "get_log",
        "stream",
        "put_state",
        "browse",
        "facets",
        "load",
        "is_empty",
        "check",
    ],
)
def test_a_missing_table_says_so(table, ask):
    missing = missing_table(table)

    with pytest.raises(TableNotFound) as error:
        ask(missing)

    assert missing.name in error.value.table


def test_creating_a_table_again_leaves_it_as_it_is(table):
    counting(table).append("1", Event("X", {}))
    before = dump(table)

    table.create()

    assert dump(table) == before
    table.check()


def test_a_table_says_whether_it_holds_anything(table):
    assert table.is_empty()

    table.load([event(1).to_item()])

    assert not table.is_empty()


def test_loading_writes_items_as_they_are_over_those_of_the_same_key(table):
    assert table.load([event(1, '"old"').to_item()]) == 1

    assert table.load(iter([event(1, '"new"').to_item(), state(7).to_item()])) == 2

    records = table.db("A").get_records("1")
    assert [(record.rng, record.itm) for record in records] == [("INBOUND/X/1", '"new"'), ("STATE", "{}")]


def test_loading_nothing_is_no_error(table):
    assert table.load([]) == 0


def test_an_item_that_is_not_hdes_is_refused_by_its_key(table):
    broken = {name: value for name, value in event(3).to_item().items() if name != "_itm"}

    with pytest.raises(InvalidRecord) as refused:
        table.load([broken])

    assert (refused.value.id, refused.value.rng) == ("A/1", "INBOUND/X/3")
    assert table.is_empty()


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_browsing_page_by_page_gives_every_entity_of_the_facet_once(table, limit):
    ids = {f"{n}/é😀 %2F?#" for n in range(7)} | {"z", "\u2028"}
    table.load([record.to_item() for id in ids for record in (event(1, id=id), state(1, id=id))])
    table.load([state(1, id=str(n), facet="B").to_item() for n in range(5)])

    seen: list[str] = []
    after = None
    for _ in range(100):
        page = table.browse("A", after=after, limit=limit)
        assert len(page.states) <= limit
        assert page.cost.requests >= 1
        assert page.cost.records >= len(page.states)
        seen += [record.entity_id for record in page.states]
        after = page.next
        if after is None:
            break

    assert sorted(seen) == sorted(ids)


def test_browsing_shows_states_whole(table):
    stored = state(3, '{"name":"Ada"}')
    table.load([stored.to_item()])

    page = table.browse("A")

    assert (page.states, page.next) == ([stored], None)


def test_browsing_passes_over_what_is_not_hdes_and_names_it(table):
    """Seven entities, of which the third and the last are malformed, three to a page."""
    for number in range(1, 8):
        table.db("A").put_state(state(1, id=str(number)), 0, [event(1, id=str(number))])
    for number in ("3", "7"):
        spoil(table, f"A/{number}", "STATE")

    states, unreadable, pages, after = [], [], 0, None
    while pages == 0 or after:
        page = table.browse("A", after=after, limit=3)
        assert len(page.states) + len(page.unreadable) <= 3
        states += [record.entity_id for record in page.states]
        unreadable += [error.id for error in page.unreadable]
        pages, after = pages + 1, page.next

    assert sorted(states) == ["1", "2", "4", "5", "6"]
    assert sorted(unreadable) == ["A/3", "A/7"]


def test_browsing_a_facet_that_is_not_there_finds_nothing(table):
    table.load([state(1).to_item()])

    assert (table.browse("B").states, table.browse("B").next) == ([], None)


def test_a_facet_is_browsed_by_its_name_and_not_by_the_beginning_of_a_key(table):
    table.load([state(1, id="c", facet="A/B").to_item()])

    assert table.browse("A").states == []
    assert [record.entity_id for record in table.browse("A/B").states] == ["c"]


def test_facets_are_counted_in_entities(table):
    table.load(
        [
            record.to_item()
            for facet, count in (("A", 3), ("B", 2), ("A/B", 1))
            for n in range(count)
            for record in (event(1, id=str(n), facet=facet), state(1, id=str(n), facet=facet))
        ]
    )

    counts: dict[str, int] = {}
    after = None
    while True:
        page = table.facets(after=after)
        for facet, count in page.counts.items():
            counts[facet] = counts.get(facet, 0) + count
        after = page.next
        if after is None:
            break

    assert counts == {"A": 3, "B": 2, "A/B": 1}


@pytest.mark.parametrize("after", ["-", "e30=", "W10=", "\ud800", "WyJhIiwiIl0="])
def test_a_forged_place_to_continue_from_is_refused_or_harmless(table, after):
    table.load([state(1).to_item()])

    for ask in (lambda: table.browse("A", after=after), lambda: table.facets(after=after)):
        with suppress(InvalidRecord):
            ask()


# Facet over the engines.


def test_an_append_of_nothing_makes_a_state_of_seq_0(table):
    output = counting(table).append("1")

    assert (output.seq, output.item) == (0, {"count": 0, "sum": 0})
    assert [record.rng for record in table.db("A").get_records("1")] == ["STATE"]


def test_append_to_goes_on_from_the_state_that_the_caller_saw(table):
    facet = counting(table)
    first = facet.append_to("1", None, 0, Event("X", {"n": 5}))

    second = facet.append_to("1", first.item, first.seq, Event("X", {"n": 2}), Event("Y", {"n": 1}))

    assert (second.seq, second.item) == (3, {"count": 3, "sum": 8})
    assert facet.get("1").item == second.item


def test_recalculate_appends_its_events_after_those_that_are_there(table):
    facet = counting(table)
    facet.append("1", Event("X", {"n": 1}))

    output = facet.recalculate("1", Event("Y", {"n": 2}))

    assert (output.seq, output.item) == (2, {"count": 2, "sum": 3})
    assert [record.seq for record in facet.db.get_records("1")] == [1, 2, 2]


def test_a_state_that_is_not_json_is_named_and_put_right_by_recalculate(table):
    facet = counting(table)
    facet.append("1", Event("X", {"n": 4}))
    table.load([state(1, "{broken").to_item()])

    with pytest.raises(InvalidRecord):
        facet.get("1")
    assert facet.recalculate("1").item == {"count": 1, "sum": 4}
    assert facet.get("1").item == {"count": 1, "sum": 4}


def test_an_event_that_is_not_json_stops_a_recalculation_and_writes_nothing(table):
    facet = counting(table)
    table.load([event(1, "{broken").to_item(), state(1).to_item()])
    before = dump(table)

    with pytest.raises(InvalidRecord):
        facet.recalculate("1")
    assert dump(table) == before


def test_a_facet_is_of_the_store_that_it_is_given(table):
    with pytest.raises(ValueError, match="B"):
        Facet("B", table.db("A"), Processor({}))


@pytest.mark.parametrize("meta", ["text", ["a"], 1])
def test_meta_is_an_object_or_nothing(table, meta):
    with pytest.raises(InvalidRecord):
        counting(table).append("1", Event("X", {}), meta=meta)
    assert table.is_empty()


def test_the_whole_fixture_is_counted_and_browsed(sqlite_table):
    sqlite_table.load(ledger.items())

    assert sqlite_table.facets().counts == {"BANK_ACCOUNT": 30, "ORDER": 10, "BIG": 1}
    assert {r.entity_id for r in sqlite_table.browse("ORDER", limit=50).states} == {
        entity["id"] for entity in ledger.entities() if entity["facet"] == "ORDER"
    }
