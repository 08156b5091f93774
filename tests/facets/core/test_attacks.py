"""What an adversary found once, and must not find again."""

from __future__ import annotations

from typing import Any

import pytest

from facets.core import (
    Event,
    Facet,
    InvalidRecord,
    Processor,
    SequenceConflict,
    StateUpdaterInput,
    UnreadableRecord,
)
from facets.core.dynamodb import DynamoTable
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table


def add(given: StateUpdaterInput[Any]) -> Any:
    given.state["sum"] = given.state.get("sum", 0) + given.current.get("n", 1)
    return given.state


RULES = Processor({"A": add, "B": add, "Z": add})


class WritesBetweenPages:
    """A client whose queries let another writer append after their first page, as often as it is told."""

    def __init__(self, client: Any, write: Any, times: int) -> None:
        self._client = client
        self._write = write
        self._left = times

    def query(self, **request: Any) -> Any:
        page = self._client.query(**request)
        if "LastEvaluatedKey" in page and "ExclusiveStartKey" not in request and self._left:
            self._left -= 1
            self._write()
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def long_entity(dynamodb_table: DynamoTable) -> Facet:
    facet = Facet("F", dynamodb_table.db("F"), RULES)
    for n in range(4):
        facet.append("e", Event("Z", {"n": n, "pad": "x" * 300_000}))
    return facet


def meeting_writers(facet: Facet, table: DynamoTable, times: int) -> Facet:
    client: Any = WritesBetweenPages(table.client, lambda: facet.append("e", Event("A", {"n": 100})), times)
    return Facet("F", DynamoTable(client, table.name).db("F"), RULES)


def test_a_recalculation_never_folds_a_history_it_half_saw(
    long_entity: Facet, dynamodb_table: DynamoTable
) -> None:
    change = meeting_writers(long_entity, dynamodb_table, 2).recalculate("e")

    assert (change.seq, change.item, change.faults) == (6, {"sum": 206}, [])


def test_a_recalculation_that_never_sees_an_entity_at_rest_writes_nothing(
    long_entity: Facet, dynamodb_table: DynamoTable
) -> None:
    with pytest.raises(SequenceConflict):
        meeting_writers(long_entity, dynamodb_table, 99).recalculate("e")

    stored = long_entity.get("e")
    assert stored
    assert stored.item["sum"] == 6 + 100 * (stored.record.seq - 4)


@pytest.fixture
def state_at_zero(table: Table) -> Facet:
    """What hde leaves where STATE was lost and made again: events, and a STATE that knows of none."""
    records = [inbound_record("F", "e", seq, "A", '{"n":1}', 1) for seq in (1, 2)]
    table.load([record.to_item() for record in (*records, state_record("F", "e", 0, '{"sum":2}', 1))])
    return Facet("F", table.db("F"), RULES)


def test_an_append_takes_no_seq_that_an_event_has(state_at_zero: Facet) -> None:
    change = state_at_zero.append("e", Event("B", {"n": 5}))

    assert (change.seq, change.item) == (3, {"sum": 7})
    assert not state_at_zero.db.get_log("e").faults()


def test_an_append_to_seq_zero_sees_events_that_state_does_not_know(state_at_zero: Facet) -> None:
    with pytest.raises(SequenceConflict) as conflict:
        state_at_zero.append_to("e", {"sum": 2}, 0, Event("B", {}))

    assert conflict.value.actual_seq == 2


def test_a_rule_that_keeps_its_event_sees_the_same_now_and_in_a_replay(sqlite_table: SqliteTable) -> None:
    def keep(given: StateUpdaterInput[Any]) -> Any:
        given.state["items"] = given.current["items"]
        return given.state

    def extend(given: StateUpdaterInput[Any]) -> Any:
        given.state["items"].append("x")
        given.state["first"] = len(given.all[0].data["items"])
        return given.state

    facet = Facet("F", sqlite_table.db("F"), Processor({"A": keep, "B": extend}))
    appended = facet.append("e", Event("A", {"items": []}), Event("B", {}))

    assert appended.item == facet.recalculate("e").item == {"items": ["x"], "first": 0}


@pytest.mark.parametrize("operation_id", ["x" * 37, "é", "\ud800"])
def test_an_operation_id_is_judged_alike_by_every_engine(table: Table, operation_id: str) -> None:
    with pytest.raises(InvalidRecord):
        Facet("F", table.db("F"), RULES).append("e", Event("A", {}), operation_id=operation_id)


@pytest.mark.parametrize("change", ["itm = x'00'", "seq = 'two'", "seq = 1.5", "ts = 'x'"])
def test_a_row_that_others_wrote_in_other_types_is_named(sqlite_table: SqliteTable, change: str) -> None:
    facet = Facet("F", sqlite_table.db("F"), RULES)
    facet.append("e", Event("A", {}))
    with sqlite_table._connections.write() as db:
        db.execute(f"UPDATE records SET {change} WHERE rng = 'INBOUND/A/1'")  # noqa: S608 - of this test's own

    event, state = facet.db.get_records("e")

    assert isinstance(event, UnreadableRecord)
    assert (event.rng, event.reason.split()[0]) == ("INBOUND/A/1", f"_{change.split()[0]}")
    assert state.rng == "STATE"


def test_a_message_without_a_name_is_refused() -> None:
    def publish(given: StateUpdaterInput[Any]) -> Any:
        given.publish(5, {})  # type: ignore[arg-type]
        return given.state

    with pytest.raises(InvalidRecord):
        Processor({"A": publish}).process({}, [], [Event("A", {})])


def test_a_state_that_is_too_deep_is_refused_by_name() -> None:
    deep: Any = {}
    for _ in range(2_000):
        deep = {"a": deep}

    with pytest.raises(InvalidRecord):
        RULES.process(deep, [], [Event("A", {})])
