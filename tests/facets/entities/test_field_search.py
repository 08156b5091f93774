"""What can be asked of a state's fields, and when the answer is yes."""

from datetime import datetime
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import Field

from facets.definitions import FacetDefinition, Model
from facets.entities import field_search
from facets.entities.field_search import NotAsked, condition


class Tier(Enum):
    BLUE = "blue"
    GOLD = "gold"


class Address(Model):
    city: str = ""
    phone: str | None = None


class Customer(Model):
    points: int = 0
    name: str | None = None
    active: bool = False
    tier: Tier = Tier.BLUE
    status: Literal["open", "shut"] = "open"
    since: datetime | None = None
    tags: list[str] = Field([])
    address: Address | None = None


CUSTOMER = FacetDefinition(name="CUSTOMER", title="Customers", state=Customer)
FIELDS = field_search.fields(CUSTOMER, ())


def holds(path: str, operation: str, typed: str, value: Any, before: Any = None) -> bool:
    return condition(FIELDS, path, operation, typed).holds(value, before)


def test_fields_are_typed_by_the_states_model():
    assert [(field.path, field.label, field.kind) for field in FIELDS] == [
        ("points", "Points", "number"),
        ("name", "Name", "text"),
        ("active", "Active", "bool"),
        ("tier", "Tier", "choice"),
        ("status", "Status", "choice"),
        ("since", "Since", "time"),
        ("tags", "Tags", "other"),
        ("address", "Address", "other"),
        ("address.city", "Address › City", "text"),
        ("address.phone", "Address › Phone", "text"),
    ]
    assert next(field.choices for field in FIELDS if field.path == "tier") == ("blue", "gold")


@pytest.mark.parametrize("sensitive", [("phone",), ("address.phone",)])
def test_masked_fields_cannot_be_asked_about(sensitive: tuple[str, ...]):
    found = field_search.fields(CUSTOMER, sensitive)

    assert "address.phone" not in [field.path for field in found]
    with pytest.raises(NotAsked):
        condition(found, "address.phone", "eq", "030 1234")
    assert field_search.fields(CUSTOMER, ("address",))[-1].path == "tags"


@pytest.mark.parametrize(
    ("path", "operation", "typed", "value", "answer"),
    [
        ("points", "lt", "0", -1, True),
        ("points", "lt", "0", 0, False),
        ("points", "le", "1,000.0", 1000, True),
        ("points", "ge", "2.5", 2.5, True),
        ("points", "gt", "1", True, False),
        ("points", "gt", "1", "7", False),
        ("points", "eq", "100", 100.0, True),
        ("points", "ne", "100", 100, False),
        ("points", "lt", "5", None, False),
        ("name", "eq", "Ada", "Ada", True),
        ("name", "contains", "DA", "Ada", True),
        ("name", "ne", "Ada", None, False),
        ("name", "set", "", "", True),
        ("name", "unset", "", None, True),
        ("active", "true", "", True, True),
        ("active", "false", "", None, False),
        ("tier", "eq", "gold", "gold", True),
        ("since", "before", "2026-11-20", "2026-11-19T23:59:59Z", True),
        ("since", "after", "2026-11-20T14:00+01:00", "2026-11-20T13:00:01.000Z", True),
        ("since", "eq", "2026-11-20T14:00+01:00", "2026-11-20T13:00:00.000Z", True),
        ("since", "after", "2026-11-20", "some day", False),
    ],
)
def test_a_condition_holds_of_values_of_its_kind(
    path: str, operation: str, typed: str, value: Any, answer: bool
):
    assert holds(path, operation, typed, value) is answer


def test_a_change_is_told_from_the_value_before():
    assert holds("tags", "changed", "", ["a"], [])
    assert not holds("tags", "changed", "", ["a"], ["a"])
    assert not holds("points", "changed", "", 1.0, 1)


@pytest.mark.parametrize(
    ("path", "operation", "typed", "words"),
    [
        ("points", "lt", "many", "is a number"),
        ("points", "lt", "", "give a number"),
        ("points", "lt", "12,50", "Write 12.50"),
        ("points", "lt", "1,234", "Choose 1234 or 1.234"),
        ("points", "lt", "NaN", "is a number"),
        ("points", "contains", "1", "Choose another condition"),
        ("tier", "eq", "silver", "one of: blue, gold"),
        ("since", "before", "soon", "date or time"),
        ("name", "eq", " ", "give a value"),
        ("nothing", "eq", "1", "Choose a field"),
        ("tags", "eq", "a", "Choose another condition"),
        ("points", "", "", "Choose another condition"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(
    path: str, operation: str, typed: str, words: str
):
    with pytest.raises(NotAsked, match=words):
        condition(FIELDS, path, operation, typed)


def test_a_condition_reads_as_a_sentence():
    assert str(condition(FIELDS, "points", "lt", " 0 ")) == "Points was below 0"
    assert str(condition(FIELDS, "tags", "changed", "")) == "Tags changed"
