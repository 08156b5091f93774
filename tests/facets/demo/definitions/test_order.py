"""Orders: given these events, expect this state and these messages."""

from __future__ import annotations

from typing import Any

import pytest

from facets.core import Event, InvalidRecord
from facets.demo.definitions.order import order

ITEMS = [{"desc": "Trumpet", "qty": 2, "cost": 30}, {"desc": "Mute", "qty": 1, "cost": 12.5}]
CREATED = Event("ORDER_CREATED", {"id": "ord-1", "items": ITEMS})


def given(*events: Event) -> Any:
    return order.processor.process(None, [], events)


def paid(amount: float, id: str = "p1") -> Event:
    return Event("PAYMENT_COMPLETED", {"intent": {"amount": amount, "invoice": "i", "id": id}})


def test_before_its_first_event_an_order_is_empty():
    assert given().state == {}


def test_an_order_costs_the_sum_of_its_items_whatever_their_quantity():
    assert given(CREATED).state == {"id": "ord-1", "items": ITEMS, "balance": 42.5, "status": "created"}


def test_an_order_of_nothing_costs_nothing():
    assert given(Event("ORDER_CREATED", {"id": "1", "items": []})).state["balance"] == 0


def test_a_payment_is_taken_off():
    result = given(CREATED, paid(40))

    assert (result.state["balance"], result.state["intentIds"]) == (2.5, ["p1"])
    assert result.new_outbound_events == []


def test_a_payment_that_is_reported_twice_counts_once():
    assert given(CREATED, paid(40), paid(40)).state == given(CREATED, paid(40)).state


def test_a_paid_order_says_so_with_its_state_at_that_moment():
    result = given(CREATED, paid(40), paid(2.5, "p2"), paid(1, "p3"))

    (message,) = result.new_outbound_events
    assert message.type == "ORDER_PAID"
    assert message.data == {"order": given(CREATED, paid(40), paid(2.5, "p2")).state}
    assert result.state["balance"] == -1


def test_an_overpaid_order_owes_the_rest():
    result = given(CREATED, paid(50))

    assert (result.state["balance"], result.new_outbound_events) == (-7.5, [])


def test_fields_of_items_that_only_other_services_know_are_kept():
    items = [{"sku": "T-1", "desc": "Trumpet", "tax": {"rate": 0.2}, "qty": 1, "cost": 3}]

    assert given(Event("ORDER_CREATED", {"id": "1", "items": items})).state["items"] == items


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (Event("ORDER_CREATED", {"id": "1"}), "items"),
        (Event("ORDER_CREATED", {"id": "1", "items": [{"cost": "much"}]}), r"items\.0\.cost"),
        (Event("PAYMENT_COMPLETED", {"intent": {"id": "p"}}), r"intent\.amount"),
        (Event("PAYMENT_COMPLETED", {"intent": None}), "intent"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_by_its_place_and_field(event, field):
    with pytest.raises(InvalidRecord, match=rf"^Event 1 .*{field}"):
        given(event)


def test_the_timeline_says_what_happened():
    assert order.sentence("ORDER_CREATED", CREATED.data) == "Order ord-1 created"
    assert order.sentence("PAYMENT_COMPLETED", paid(1234.5, "p9").data) == "Paid 1,234.50 · p9"
