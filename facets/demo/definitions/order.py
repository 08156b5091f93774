"""Orders: created with their items, then paid, each payment once however often its message comes."""

from __future__ import annotations

from pydantic import Field
from pydantic.config import JsonDict

from facets.core.processor import Publish
from facets.definitions import FacetDefinition, Model

EUR: JsonDict = {"unit": "EUR"}


class Item(Model):
    desc: str = Field("", title="Description")
    qty: float = Field(1, title="Quantity")
    cost: float = Field(0, description="Of the whole line, not of one piece.", json_schema_extra=EUR)


class Order(Model):
    id: str | None = Field(None, title="Order number")
    items: list[Item] | None = None
    balance: float | None = Field(None, title="To pay", json_schema_extra=EUR)
    status: str | None = None
    intentIds: list[str] | None = Field(None, title="Payments seen")


class OrderCreated(Model):
    id: str = Field(title="Order number", min_length=1)
    items: list[Item]


class Intent(Model):
    amount: float = Field(allow_inf_nan=False, json_schema_extra=EUR)
    invoice: str | None = None
    id: str = Field(title="Payment number", min_length=1)


class PaymentCompleted(Model):
    intent: Intent = Field(title="Payment")


order = FacetDefinition(
    name="ORDER",
    title="Orders",
    help="Customers' orders and what has been paid of them.",
    state=Order,
    list_display=("id", "status", "balance"),
    search_fields=("id", "status"),
    chart_fields=("balance",),
)


@order.event(
    "ORDER_CREATED",
    OrderCreated,
    title="Create order",
    help="Sets the order's items and the sum to pay.",
    sentence="Order {id} created",
)
def create_order(state: Order, event: OrderCreated, publish: Publish) -> Order:
    state.id = event.id
    state.items = event.items
    state.balance = sum(item.cost for item in event.items)
    state.status = "created"
    return state


@order.event(
    "PAYMENT_COMPLETED",
    PaymentCompleted,
    title="Record payment",
    help="Takes a payment off the sum to pay. A payment number that was seen before changes nothing.",
    sentence="Paid {intent.amount:,.2f} · {intent.id}",
)
def complete_payment(state: Order, event: PaymentCompleted, publish: Publish) -> Order:
    seen = state.intentIds or []
    if event.intent.id in seen:
        return state
    state.intentIds = [*seen, event.intent.id]
    state.balance = (state.balance or 0) - event.intent.amount
    if state.balance == 0:
        publish("ORDER_PAID", {"order": state})
    return state
