"""Loyalty cards: a facet that the table holds and no definition describes, so that staff can only read it."""

from random import Random
from typing import Any

from facets.core import Processor, StateUpdaterInput
from facets.demo.accounts import DAY
from facets.demo.history import Happening, History
from facets.demo.names import person

FACET = "LOYALTY_CARD"


def card(random: Random, number: int, now: int) -> History:
    """The card with this number (from 1), issued at `now` less its number in days."""
    issued = now - number * 11 * DAY
    happenings = [Happening(issued, "CARD_ISSUED", {"holder": " ".join(person(random))})]
    happenings += [
        Happening(issued + week * 9 * DAY, "POINTS_EARNED", {"points": random.randrange(5, 300, 5)})
        for week in range(1, number)
    ]
    return History(FACET, f"DEMO-{number:04d}", happenings)


def _issue(given: StateUpdaterInput[dict[str, Any]]) -> dict[str, Any]:
    return {"holder": given.current["holder"], "points": 0, "tier": "blue"}


def _earn(given: StateUpdaterInput[dict[str, Any]]) -> dict[str, Any]:
    state = given.state
    state["points"] += given.current["points"]
    if state["points"] >= 1000 and state["tier"] == "blue":
        state["tier"] = "gold"
        given.publish("tierReached", {"tier": "gold"})
    return state


processor: Processor[dict[str, Any]] = Processor({"CARD_ISSUED": _issue, "POINTS_EARNED": _earn})
