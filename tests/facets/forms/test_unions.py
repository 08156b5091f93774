"""Unions: one variant's boxes at a time, and nothing lost between them."""

from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import Field

from facets.definitions import Model
from facets.forms.event_form import EventForm
from tests.facets.forms.page import Page, opened


class Card(Model):
    type: Literal["card"] = "card"
    payer: str
    number: str = Field(min_length=4)
    parts: list[int] = Field([])


class Transfer(Model):
    type: Literal["transfer"] = "transfer"
    payer: str
    iban: str = ""


class Paid(Model):
    by: Annotated[Card | Transfer, Field(discriminator="type")]
    amount: int | Decimal | str = 0
    before: list[Card | Transfer] = Field([])


def test_switching_the_variant_keeps_what_was_typed_in_both():
    page = opened(Paid)
    page = page.press(
        "switch:event.by", event__by__0__payer="Ada", event__by__0__number="12", **{"event.by:kind": "1"}
    )

    assert page.control("event.by.1.payer")["value"] == "Ada"

    page = page.press(
        "switch:event.by", event__by__1__payer="Bo", event__by__1__iban="X1", **{"event.by:kind": "0"}
    )

    assert page.control("event.by.0.payer")["value"] == "Bo"
    assert page.control("event.by.0.number")["value"] == "12"

    form = page.send("switch:event.by", **{"event.by:kind": "1"})
    assert form.value["by"] == {"type": "transfer", "payer": "Bo", "iban": "X1"}


def test_choosing_a_variant_without_the_button_shows_its_boxes():
    form = opened(Paid).send(event__by__0__payer="Ada", **{"event.by:kind": "1"})

    assert form.draft()["by"] == {"type": "transfer", "payer": "Ada", "iban": ""}


def test_only_the_chosen_variant_has_errors():
    form = opened(Paid, initial={"by": {"type": "card", "payer": "A", "number": "1", "parts": [1]}}).send(
        **{"event.by.0.parts.0": "x"}
    )

    assert [(error.id, error.label) for error in form.errors] == [
        ("event.by.0.number", "By › Card › Number"),
        ("event.by.0.parts.0", "By › Card › Parts › Item 1"),
    ]


@pytest.mark.parametrize(
    ("variant", "text", "value"),
    [("0", "12", 12), ("1", "1.5", 1.5), ("1", "2.0", 2), ("2", "12", "12"), ("2", "", "")],
)
def test_of_single_values_the_chosen_kind_is_stored(variant, text, value):
    page = opened(Paid, initial={"by": {"type": "transfer", "payer": "A"}})
    page = page.press("switch:event.amount", **{"event.amount:kind": variant})

    form = page.send(**{f"event.amount.{variant}": text})

    assert form.value["amount"] == value
    assert type(form.value["amount"]) is type(value)


def test_what_is_typed_goes_along_between_single_values():
    page = opened(Paid).press("switch:event.amount", event__amount__0="12", **{"event.amount:kind": "2"})

    assert page.control("event.amount.2")["value"] == "12"


def test_a_value_of_no_variant_is_kept_as_json_with_its_error():
    form = EventForm(Paid, initial={"by": {"type": "cash", "coins": [1, 2]}})

    page = Page(form)

    assert '"cash"' in page.control("event.by")["value"]
    assert not form.is_valid()
    assert form.errors[0].id == "event.by"


class Leaf(Model):
    word: str


class Add(Model):
    left: "Leaf | Add"
    right: "Leaf | Add"


class Tree(Model):
    name: str
    children: list["Tree"] = Field([])
    parent: "Tree | None" = None
    cost: dict[str, "Tree"] = Field({})


def test_a_model_that_holds_itself_does_not_go_on_for_ever():
    page = (
        opened(Tree)
        .press("add:event.children")
        .press("add:event.children.0.children")
        .press("add:event.parent")
    )

    value = page.send(
        event__name="a",
        event__children__0__name="b",
        event__children__0__children__0__name="c",
        event__parent__name="d",
    ).value

    assert value["children"][0]["children"][0]["name"] == "c"
    assert value["parent"]["name"] == "d"


def test_a_union_that_holds_itself_does_not_go_on_for_ever():
    page = opened(Add)
    page = page.press("switch:event.left", event__right__0__word="r", **{"event.left:kind": "1"})

    form = page.send(event__left__1__left__0__word="x", event__left__1__right__0__word="y")

    assert form.value == {"left": {"left": {"word": "x"}, "right": {"word": "y"}}, "right": {"word": "r"}}


def test_a_tree_deeper_than_pages_go_is_json_from_there_on():
    value = {"name": "0"}
    for number in range(20):
        value = {"name": str(number), "children": [value], "cost": {}}

    form = Page(EventForm(Tree, initial=value)).send()

    assert form.is_valid()
    assert form.value["children"][0]["children"][0]["children"][0]["name"] == "16"
