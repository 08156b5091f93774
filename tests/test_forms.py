"""Forms made from the schemas of events."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from django.http import QueryDict
from pydantic import BaseModel, Field, field_validator

from facets.definition import Model
from facets.definitions.bank_account import AccountUpdate, Transaction
from facets.definitions.order import OrderCreated
from facets.forms.event_form import EventForm, form_for


class Channel(Enum):
    WEB = "web"
    PHONE = "phone"


class Everything(Model):
    text: str = Field(title="A text", description="Any will do.")
    count: int
    ratio: float
    price: Decimal
    flag: bool
    day: date
    at: datetime
    channel: Channel
    level: Literal["low", "high", 3]
    note: str | None = None
    maybe: bool | None = None
    tags: list[str] = Field([])


VALID = {
    "text": " kept as typed ",
    "count": "42",
    "ratio": "0.1",
    "price": "19.99",
    "flag": "on",
    "day": "2026-11-20",
    "at": "2026-11-20T14:34:05",
    "channel": '"web"',
    "level": "3",
    "note": "",
    "maybe": "false",
    "tags": '["a", "b"]',
}


def filled(schema: type[BaseModel], values: dict[str, str]) -> EventForm:
    data = QueryDict(mutable=True)
    data.update({f"event-{name}": value for name, value in values.items()})
    return form_for(schema)(data)


def data_of(schema: type[BaseModel], values: dict[str, str]) -> Any:
    form = filled(schema, values)
    assert form.is_valid(), form.errors
    return form.event_data


def test_every_flat_type_becomes_the_json_that_services_store():
    assert data_of(Everything, VALID) == {
        "text": " kept as typed ",
        "count": 42,
        "ratio": 0.1,
        "price": 19.99,
        "flag": True,
        "day": "2026-11-20",
        "at": "2026-11-20T14:34:05.000Z",
        "channel": "web",
        "level": 3,
        "maybe": False,
        "tags": ["a", "b"],
    }


def test_an_optional_field_left_empty_is_left_out():
    assert data_of(AccountUpdate, {"ownerFirst": "Ada", "ownerLast": ""}) == {"ownerFirst": "Ada"}


def test_an_unchecked_box_is_false():
    values = {name: value for name, value in VALID.items() if name != "flag"}

    assert data_of(Everything, values)["flag"] is False


def test_fields_come_in_the_schemas_order_with_its_labels_and_help():
    form = form_for(Everything)()

    assert list(form.fields) == list(Everything.model_fields)
    assert form.fields["text"].label == "A text"
    assert form.fields["text"].help_text == "Any will do."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""),
        ("count", "many"),
        ("count", "1.5"),
        ("price", "12,50"),
        ("day", "yesterday"),
        ("at", "soon"),
        ("channel", '"letter"'),
        ("level", '"3"'),
        ("tags", "[1"),
        ("tags", "[1]"),
        ("ratio", "nan"),
        ("ratio", "1e999"),
        ("ratio", "-Infinity"),
        ("text", "nul\x00"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_keeps_what_was_typed(field, value):
    form = filled(Everything, {**VALID, field: value})

    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert form[field].value() == value


def test_a_rule_of_the_schema_about_several_fields_is_shown_above_them():
    class Range(Model):
        low: int
        high: int

        @field_validator("high")
        @classmethod
        def above(cls, high: int, info: Any) -> int:
            if high < info.data.get("low", high):
                raise ValueError("must not be below the low end")
            return high

    form = filled(Range, {"low": "5", "high": "3"})

    assert form.errors == {"high": ["must not be below the low end"]}


def test_a_mistake_within_json_says_where_it_is():
    form = filled(OrderCreated, {"id": "7", "items": '[{"desc": "Spinet", "cost": "dear"}]'})

    assert not form.is_valid()
    assert form.errors["items"][0].startswith("0.cost: ")


def test_a_decimal_that_json_would_round_is_refused():
    form = filled(Everything, {**VALID, "price": "0.1234567890123456789"})

    assert not form.is_valid()
    assert "digits" in form.errors["price"][0]


def test_a_field_may_have_the_name_of_a_forms_own_parts():
    class Odd(Model):
        data: str
        fields: str
        errors: str
        schema_: str = Field(alias="schema")
        seq: int

    values = {"data": "a", "fields": "b", "errors": "c", "schema": "d", "seq": "7"}

    assert data_of(Odd, values) == {"data": "a", "fields": "b", "errors": "c", "schema": "d", "seq": 7}


def test_constraints_behind_annotated_and_optional_are_the_schemas_to_judge():
    class Tight(Model):
        amount: Annotated[int, Field(ge=1)] | None = None

    assert data_of(Tight, {"amount": "3"}) == {"amount": 3}
    assert "amount" in filled(Tight, {"amount": "0"}).errors


def test_defaults_are_filled_in_and_sent_back():
    class Defaults(Model):
        currency: str = "EUR"
        rate: float = 1.5
        active: bool = True
        level: Literal["low", "high"] = "low"
        at: datetime = datetime(2026, 1, 2, tzinfo=UTC)
        tags: list[str] = Field(["new"])

    form = form_for(Defaults)()

    assert {name: form[name].value() for name in form.fields} == {
        "currency": "EUR",
        "rate": "1.5",
        "active": True,
        "level": '"low"',
        "at": "2026-01-02T00:00:00.000Z",
        "tags": '[\n  "new"\n]',
    }


def test_a_script_in_what_was_typed_is_text():
    form = filled(Transaction, {"amount": "<script>alert(1)</script>"})

    assert "<script>" not in str(form)
    assert "&lt;script&gt;" in str(form)


def test_required_fields_are_told_from_optional_ones():
    page = str(form_for(Transaction)())

    assert page.count("optional") == 1
    assert page.count('aria-required="true"') == 1
