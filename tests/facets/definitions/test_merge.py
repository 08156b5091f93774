"""What a recalculation and an append leave of a stored state: all bytes that no rule changed."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from facets.core import Event
from facets.core.diff import diff
from facets.core.json import dumps, loads
from facets.definitions import FacetDefinition, Model
from facets.definitions.serialization import WrittenAsNull
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from tests.facets.core.ledger import PROCESSORS, compact
from tests.facets.core.test_diff import json_values


class Line(Model):
    sku: str = ""
    qty: float = 1
    note: str | None = None
    due: datetime | None = None


class Cart(Model):
    total: Decimal = Decimal(0)
    count: int = 0
    label: str | None = None
    closed: Annotated[str | None, WrittenAsNull()] = None
    at: datetime | None = None
    first: Line | None = None
    lines: list[Line] = Field(default_factory=list)
    by_sku: dict[str, Line] = Field(default_factory=dict)


class Priced(Model):
    total: Decimal | None = None
    at: datetime | None = None
    count: int | None = None


class Lines(Model):
    lines: list[Line] = Field(default_factory=list)


class Line2(Model):
    index: int = 0
    qty: float = 5


def _definition() -> FacetDefinition[Cart]:
    cart: FacetDefinition[Cart] = FacetDefinition(name="CART", title="Carts", state=Cart)

    @cart.event("TOUCHED", Model)
    def touch(state: Cart, event: Model, publish: Any) -> Cart:
        return state

    @cart.event("LABELLED", Model)
    def label(state: Cart, event: Any, publish: Any) -> Cart:
        state.label = event.label
        return state

    @cart.event("PRICED", Priced)
    def price(state: Cart, event: Priced, publish: Any) -> Cart:
        return state.model_copy(update={name: getattr(event, name) for name in event.model_fields_set})

    @cart.event("FILLED", Lines)
    def fill(state: Cart, event: Lines, publish: Any) -> Cart:
        state.lines = event.lines
        return state

    @cart.event("REVERSED", Model)
    def reverse(state: Cart, event: Model, publish: Any) -> Cart:
        state.lines = state.lines[::-1]
        return state

    @cart.event("DROPPED", Line2)
    def drop(state: Cart, event: Line2, publish: Any) -> Cart:
        del state.lines[event.index]
        return state

    @cart.event("QUANTIFIED", Line2)
    def quantify(state: Cart, event: Line2, publish: Any) -> Cart:
        state.lines[event.index].qty = event.qty
        return state

    @cart.event("REQUANTIFIED", Line2)
    def requantify(state: Cart, event: Line2, publish: Any) -> Cart:
        state.lines = [
            line.model_copy(update={"qty": event.qty}) if place == event.index else line
            for place, line in enumerate(state.lines)
        ]
        return state

    @cart.event("ADDED", Model)
    def add(state: Cart, event: Model, publish: Any) -> Cart:
        state.lines.append(Line(sku="made"))
        return state

    return cart


cart = _definition()
times = st.sampled_from(["2026-11-23T08:29:57Z", "2026-11-23T08:29:57.000Z", "2026-11-23T09:29:57+01:00"])
unknown = st.dictionaries(st.sampled_from(["theirs", "zeta", "_x", "é"]), json_values, max_size=2)


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these fields and some that no model names, in any order."""
    known = st.fixed_dictionaries({}, optional=fields)
    return st.builds(lambda one, other: {**one, **other}, known, unknown).flatmap(
        lambda made: st.permutations(list(made.items())).map(dict)
    )


numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000, allow_nan=False)
lines = objects(
    sku=st.text(max_size=3), qty=numbers, note=st.none() | st.text(max_size=3), due=st.none() | times
)
states = objects(
    total=st.integers(0, 1000) | st.sampled_from(["1.10", "2", 2.5]),
    count=st.integers(0, 1000) | st.sampled_from(["7", 3.0]),
    label=st.none() | st.text(max_size=3),
    closed=st.none() | st.text(max_size=3),
    at=st.none() | times | st.just(1795422597),
    first=st.none() | lines,
    lines=st.lists(lines, max_size=4),
    by_sku=st.dictionaries(st.text(max_size=2), lines, max_size=2),
)


def appended(state: Any, *events: Event, definition: Any = cart) -> str:
    return dumps(definition.processor.process(state, [], events).state)


def recalculated(stored: Any, *events: Event, definition: Any = cart) -> str:
    """What a recalculation over this stored state would write."""
    return dumps(definition.processor.fold(None, list(events), [], replaced=loads(dumps(stored))).state)


@given(states)
def test_an_append_keeps_the_bytes_of_all_that_its_rule_left_alone(state):
    assert appended(state, Event("TOUCHED", {})) == dumps(state)
    assert appended(state, Event("LABELLED", {"label": "new"})) == dumps(state | {"label": "new"})


@given(
    states.filter(lambda state: state.get("lines")),
    st.sampled_from(["QUANTIFIED", "REQUANTIFIED"]),
    st.data(),
)
def test_an_append_that_changes_an_item_keeps_the_bytes_of_the_others_and_of_the_rest_of_it(
    state, type, data
):
    index = data.draw(st.integers(0, len(state["lines"]) - 1))
    expected = loads(dumps(state))
    expected["lines"][index]["qty"] = 5

    assert appended(state, Event(type, {"index": index, "qty": 5})) == dumps(expected)


@given(states.filter(lambda state: state.get("lines")), st.data())
def test_items_that_move_or_stay_keep_their_bytes(state, data):
    index = data.draw(st.integers(0, len(state["lines"]) - 1))

    assert appended(state, Event("REVERSED", {})) == dumps(state | {"lines": state["lines"][::-1]})
    left = [line for place, line in enumerate(state["lines"]) if place != index]
    assert appended(state, Event("DROPPED", {"index": index})) == dumps(state | {"lines": left})
    more = [*state["lines"], {"sku": "made", "qty": 1}]
    assert appended(state, Event("ADDED", {})) == dumps(state | {"lines": more})


@given(st.lists(lines, max_size=4), states)
def test_items_of_an_event_stand_in_a_state_as_they_stand_in_the_event(items, state):
    event = Event("FILLED", {"lines": items})

    assert appended(state, event) == dumps(state | {"lines": items})
    stored = {"total": 0, "count": 0, "closed": None, "lines": items, "by_sku": {}}
    assert recalculated(stored, event) == dumps(stored)


@pytest.mark.parametrize(
    "data",
    [{"total": "1.10"}, {"total": 1.1}, {"at": "2026-11-23T08:29:57Z"}, {"count": "5"}, {"at": 1795422597}],
)
def test_a_value_of_an_event_keeps_the_form_that_it_has_there(data):
    (key, value), *_ = data.items()

    for state in (None, {"total": 7, "count": 7}):
        assert loads(appended(state, Event("PRICED", data)))[key] == value


# What TypeScript would have made: the fixture's rules over plain JSON.

items = objects(desc=st.text(max_size=4), qty=numbers, cost=numbers).map(lambda item: {"cost": 1} | item)
created = st.builds(
    lambda id, items, extra: Event("ORDER_CREATED", {"id": id, "items": items} | extra),
    st.text("ab1", min_size=1),
    st.lists(items, max_size=4),
    unknown,
)
paid = st.builds(
    lambda amount, id, extra: Event("PAYMENT_COMPLETED", {"intent": {"amount": amount, "id": id} | extra}),
    numbers,
    st.sampled_from(["p1", "p2", "p3"]),
    st.fixed_dictionaries({}, optional={"invoice": st.none() | st.text(max_size=3)}),
)
orders = st.builds(lambda first, *more: [first, *more], created, *[created | paid] * 3)
accounts = st.lists(
    st.one_of(
        st.builds(lambda id: Event("ACCOUNT_CREATION", {"id": id}), st.text("ab1", min_size=1)),
        objects(ownerFirst=st.none() | st.text(max_size=3), ownerLast=st.none() | st.text(max_size=3)).map(
            lambda data: Event("ACCOUNT_UPDATE", data)
        ),
        st.builds(
            lambda amount, desc: Event("TRANSACTION_ACCEPTED", {"amount": amount, "desc": desc}),
            st.floats(-10, 10),
            st.text(max_size=3),
        ),
    ),
    max_size=6,
)


def typescript(facet: str, events: list[Event]) -> Any:
    return PROCESSORS[facet].process(None, [], events).state


@given(orders)
def test_an_order_by_the_demos_rules_has_the_bytes_that_typescript_wrote(events):
    stored = typescript("ORDER", events)

    assert appended(None, *events, definition=order) == dumps(stored)
    assert recalculated(stored, *events, definition=order) == dumps(stored)


@given(accounts)
def test_a_recalculation_of_what_typescript_wrote_leaves_its_bytes(events):
    stored = typescript("BANK_ACCOUNT", events)

    assert recalculated(stored, *events, definition=bank_account) == dumps(stored)


@given(orders, paid)
def test_an_append_after_typescript_leaves_the_bytes_that_typescript_would(events, payment):
    stored = typescript("ORDER", events)

    assert appended(stored, payment, definition=order) == dumps(typescript("ORDER", [*events, payment]))


@given(orders, numbers)
def test_a_recalculation_that_puts_a_field_right_keeps_the_rest(events, balance):
    right = typescript("ORDER", events)
    wrong = {"theirs": [1, None], **right, "balance": balance, "tail": {"x": None}}

    assert recalculated(wrong, *events, definition=order) == dumps(wrong | {"balance": right["balance"]})


@pytest.mark.parametrize("wrong", ["10", "10.0", True, None, [10], {"a": 10}])
def test_a_stored_value_of_another_type_is_drift(wrong):
    events = [Event("ACCOUNT_CREATION", {"id": "1"}), Event("TRANSACTION_ACCEPTED", {"amount": 10})]
    stored = {"balance": wrong, "minimumBalance": -1000, "id": "1"}

    made = loads(recalculated(stored, *events, definition=bank_account))

    assert [change.path for change in diff(stored, made)] == [("balance",)]
    assert (made["balance"], type(made["balance"])) == (10, int)


def test_a_number_is_the_same_in_any_form_that_json_has_for_it():
    events = [Event("ACCOUNT_CREATION", {"id": "1"}), Event("TRANSACTION_ACCEPTED", {"amount": 10})]

    made = json.loads(
        recalculated(
            json.loads('{"balance":10.0,"minimumBalance":-1e3,"id":"1"}'), *events, definition=bank_account
        )
    )

    assert made == {"balance": 10, "minimumBalance": -1000, "id": "1"}


def test_what_others_know_of_an_item_stays_with_it_where_a_rule_puts_another_field_of_it_right():
    event = Event("FILLED", {"lines": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 2}]})
    stored = {"lines": [{"picked": 1, "sku": "b", "qty": 3}, {"sku": "c", "picked": True}]}

    made = loads(recalculated(stored, event))["lines"]

    assert compact(made) == '[{"sku":"a","qty":2},{"picked":1,"sku":"b","qty":2}]'


@pytest.mark.parametrize("stored", ['{"count":"x","lines":{"a":1},"theirs":1}', '["x"]', "null", '"x"', "5"])
def test_a_stored_state_that_does_not_fit_is_replaced(stored):
    made = loads(recalculated(json.loads(stored), Event("LABELLED", {"label": "new"})))

    assert (made["count"], made["lines"], made["label"]) == (0, [], "new")
