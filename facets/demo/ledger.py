"""The whole of the demo's table, entity by entity; the same for the same moment."""

from collections.abc import Iterator
from random import Random
from typing import Any

from facets.core import Processor, Record
from facets.core.records import state_record
from facets.demo import accounts, cards, orders
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order as order_definition
from facets.demo.history import History, records
from facets.demo.oddities import drift, oddities

ACCOUNTS = 1460
ORDERS = 500
CARDS = 50
LONG_HISTORY_EVENTS = 20_000
ENTITIES = 2053

# Of ordinary entities, one in this many has drifted.
_DRIFTED_EVERY = 73

PROCESSORS: dict[str, Processor[Any]] = {
    accounts.FACET: bank_account.processor,
    orders.FACET: order_definition.processor,
    cards.FACET: cards.processor,
}


def histories(now: int, *, scale: float = 1) -> Iterator[History]:
    """Every entity as it stands at `now`, in milliseconds since 1970.

    `scale` is how much of it to make: 0.1 is a tenth of the ordinary entities, and of the longest history.
    """
    for number in range(1, round(CARDS * scale) + 1):
        yield cards.card(_random(cards.FACET, number), number, now)
    for number in range(1, round(ACCOUNTS * scale) + 1):
        random = _random(accounts.FACET, number)
        yield _sometimes_drifted(accounts.account(random, number, now), random, number)
    for number in range(1, round(ORDERS * scale) + 1):
        random = _random(orders.FACET, number)
        yield _sometimes_drifted(orders.order(random, number, now), random, number)
    yield from oddities(_random("oddities", 0), now, events=round(LONG_HISTORY_EVENTS * scale))


def stored(history: History) -> list[Record]:
    """The entity's records, STATE last."""
    return records(history, PROCESSORS[history.facet])


def opening(now: int) -> Record:
    """A record that is written before all others; its `ts` is the moment that the rest was made for."""
    return state_record(cards.FACET, "DEMO-OPENING", 0, '{"holder":"Demo","points":0,"tier":"blue"}', now)


def closing(now: int) -> Record:
    """A record that is written after all others."""
    return state_record(cards.FACET, "DEMO-CLOSING", 0, '{"holder":"Demo","points":0,"tier":"gold"}', now)


def _sometimes_drifted(history: History, random: Random, number: int) -> History:
    if number % _DRIFTED_EVERY == 0:
        drift(history, random)
    return history


def _random(facet: str, number: int) -> Random:
    """Of its own for each entity, so that none depends on how many others there are."""
    return Random(f"hdeadmin demo/{facet}/{number}")
