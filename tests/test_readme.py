"""What the README tells people to copy works."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from facets.core import Event
from facets.core.sqlite import SqliteTable
from facets.definitions import FacetDefinition
from hdeadmin.env import Environment

README = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")


def block(language: str, holding: str) -> str:
    """The README's block of that language that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return next(text for text in blocks if holding in text)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("acme_facets")
    monkeypatch.setitem(sys.modules, "acme_facets", module)
    exec(block("python", "FacetDefinition"), vars(module))  # noqa: S102 - the README's own example
    return module


def test_the_example_facet_earns_spends_and_takes_back(
    example: ModuleType, sqlite_table: SqliteTable
) -> None:
    card: FacetDefinition[Any] = example.card
    facet = card.facet(sqlite_table.db(card.name))
    earned = Event("POINTS_EARNED", {"points": 70, "shop": "Harbour Street"})

    facet.append("7", earned)
    type, event = card.events["POINTS_EARNED"].compensate(card.events["POINTS_EARNED"].schema(**earned.data))
    change = facet.append("7", Event(type, event.model_dump()))

    assert change.item == {"points": 0}
    assert [message.type for message in change.new_outbound_events] == ["cardEmptied"]
    assert card.sentence(earned.type, earned.data) == "+70 points at Harbour Street"
    with pytest.raises(ValueError, match="not enough points"):
        facet.append("7", Event("POINTS_SPENT", {"points": 1}))


def test_the_core_example_runs(monkeypatch: pytest.MonkeyPatch, sqlite_table: SqliteTable) -> None:
    monkeypatch.setattr("facets.core.EventDB", lambda client, table, facet: sqlite_table.db(facet))
    printed: list[Any] = []

    exec(block("python", "import boto3"), {"print": lambda *values: printed.append(values)})  # noqa: S102 - as above

    assert printed == [(1, {"balance": 25}, [])]


def test_every_setting_is_in_the_table() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)

    assert sorted(listed) == sorted(Environment.model_fields)


def test_the_policy_allows_no_change_and_no_deletion() -> None:
    policy = json.loads(block("json", "Statement"))
    allowed = {
        action
        for statement in policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    reading = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"}
    describing = {"dynamodb:DescribeTable", "dynamodb:DescribeStream"}
    following = {"dynamodb:GetShardIterator", "dynamodb:GetRecords"}
    assert allowed == reading | describing | following | {"dynamodb:PutItem"}
    assert all("table/ledger" in str(statement["Resource"]) for statement in policy["Statement"])
