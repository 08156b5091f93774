"""Reading all states of a DynamoDB table: each once, from the table or from its index."""

from __future__ import annotations

from typing import Any

import pytest

from facets.core import json
from facets.core.dynamodb import DynamoTable, create_table, extend_table
from facets.core.dynamodb.scan import Part, StatesIndex, facts_of, read_part, read_states, states_index
from facets.core.errors import InvalidRecord
from facets.core.records import inbound_record, state_record

ALL = {"ProjectionType": "ALL"}
SERVES = {
    "IndexName": "i",
    "KeySchema": [{"AttributeName": "_rng", "KeyType": "HASH"}, {"AttributeName": "_id", "KeyType": "RANGE"}],
    "Projection": ALL,
    "IndexStatus": "ACTIVE",
}
BY_FACET = [{"AttributeName": "_facet", "KeyType": "HASH"}, *SERVES["KeySchema"]]


def fill(
    table: DynamoTable, *, facets: tuple[str, ...] = ("A", "A/B"), entities: int = 40
) -> set[tuple[str, str, int]]:
    items = []
    for facet in facets:
        for number in range(entities):
            items.append(
                state_record(facet, f"{number}", number, json.dumps({"n": number}), number).to_item()
            )
            items += [inbound_record(facet, f"{number}", seq, "T", "{}", 0).to_item() for seq in range(1, 4)]
    table.load(items)
    return {(facet, str(number), number) for facet in facets for number in range(entities)}


def read_all(table: DynamoTable, part: Part, **options: Any) -> list[tuple[str, str, int]]:
    found = []
    after: str | None = None
    while True:
        page = read_part(table, part, after, **options)
        found += [(record.facet, record.entity_id, record.seq) for record in page.states]
        if (after := page.next) is None:
            return found


@pytest.fixture
def indexed_table(dynamodb_table: DynamoTable) -> DynamoTable:
    """As DynamoDB Local has it at once; the name is the fixture's, so that it is deleted."""
    dynamodb_table.client.delete_table(TableName=dynamodb_table.name)
    create_table(dynamodb_table.client, dynamodb_table.name, states_index=True, stream=True)
    return dynamodb_table


@pytest.mark.parametrize("name", ["moto_table", "dynamodb_table"])
def test_the_segments_together_hold_each_state_once(name: str, request: pytest.FixtureRequest) -> None:
    table: DynamoTable = request.getfixturevalue(name)
    expected = fill(table)
    found = [state for number in range(3) for state in read_all(table, Part(number, 3), limit=7)]
    assert sorted(found) == sorted(expected)
    assert set(read_all(table, Part(0, 1), facets=("A",))) == {state for state in expected if state[0] == "A"}


def test_the_index_holds_each_state_once_and_costs_little(indexed_table: DynamoTable) -> None:
    expected = fill(indexed_table)
    facts = facts_of(indexed_table)
    assert facts.index == StatesIndex("states", by_facet=False)
    assert sorted(read_all(indexed_table, Part(0, 1, "", facts.index), limit=9)) == sorted(expected)
    of_a = {state for state in expected if state[0] == "A"}
    assert set(read_all(indexed_table, Part(0, 1, "A", facts.index), limit=9)) == of_a
    by_index = read_part(indexed_table, Part(0, 1, "", facts.index)).cost
    by_table = read_part(indexed_table, Part(0, 1)).cost
    assert by_index.records * 4 == by_table.records
    assert (by_index.capacity or 0) < (by_table.capacity or 0)


def test_a_table_that_is_there_gets_index_and_stream(dynamodb_table: DynamoTable) -> None:
    assert facts_of(dynamodb_table).index is None
    assert facts_of(dynamodb_table).stream == ""
    extend_table(dynamodb_table.client, dynamodb_table.name, states_index=True, stream=True)
    facts = facts_of(dynamodb_table)
    assert facts.stream
    assert facts.stream_view == "NEW_IMAGE"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, StatesIndex("i", False)),
        ({"KeySchema": BY_FACET}, StatesIndex("i", True)),
        (
            {
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["_facet", "_seq", "_ts", "_itm", "x"],
                }
            },
            StatesIndex("i", False),
        ),
        ({"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["_facet", "_seq", "_ts"]}}, None),
        ({"Projection": {"ProjectionType": "KEYS_ONLY"}}, None),
        (
            {
                "KeySchema": BY_FACET,
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["_seq", "_ts", "_itm"]},
            },
            StatesIndex("i", True),
        ),
        ({"IndexStatus": "CREATING"}, None),
        ({"Backfilling": True}, None),
        ({"KeySchema": [SERVES["KeySchema"][0], {"AttributeName": "_ts", "KeyType": "RANGE"}]}, None),
        ({"KeySchema": SERVES["KeySchema"][:1]}, None),
        ({"KeySchema": BY_FACET[:1] + BY_FACET[2:]}, None),
    ],
)
def test_an_index_serves_if_it_holds_all_that_is_needed(
    change: dict[str, Any], expected: StatesIndex | None
) -> None:
    assert states_index({**SERVES, **change}) == expected


def test_items_of_other_makers_are_counted_and_passed_over(dynamodb_table: DynamoTable) -> None:
    fill(dynamodb_table, facets=("A",), entities=2)
    for item in (
        {"_id": {"S": "A/x"}, "_rng": {"S": "STATE"}},
        {
            "_id": {"S": "B/x"},
            "_rng": {"S": "STATE"},
            "_facet": {"S": "A"},
            "_seq": {"N": "1"},
            "_ts": {"N": "1"},
            "_itm": {"S": ""},
        },
        {
            "_id": {"S": "A/y"},
            "_rng": {"S": "STATE"},
            "_facet": {"S": "A"},
            "_seq": {"N": "1.5"},
            "_ts": {"N": "1"},
            "_itm": {"S": ""},
        },
    ):
        dynamodb_table.client.put_item(TableName=dynamodb_table.name, Item=item)  # type: ignore[arg-type]
    page = read_part(dynamodb_table, Part(0, 1))
    assert (len(page.states), page.unreadable) == (2, 3)


def test_entities_are_asked_for_by_hundreds(dynamodb_table: DynamoTable) -> None:
    fill(dynamodb_table, facets=("A",), entities=120)
    asked = [("A", str(number)) for number in range(240)]
    assert len(read_states(dynamodb_table, asked).states) == 120


def test_a_place_of_another_part_is_refused(dynamodb_table: DynamoTable) -> None:
    with pytest.raises(InvalidRecord):
        read_part(dynamodb_table, Part(0, 1), '{"_id":{"S":"x"}}')
