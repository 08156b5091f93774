"""The fixture, what real hde 0.1.0 wrote, with the rules that it was written by, over plain JSON."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from facets.core import Processor, StateUpdaterInput

_FOLDER = Path(__file__).parents[2] / "fixtures" / "hde-ledger"


class InsufficientFunds(Exception):
    def __init__(self) -> None:
        super().__init__("insufficient funds")


@cache
def items() -> tuple[dict[str, dict[str, str]], ...]:
    """Every item of the table, in DynamoDB JSON."""
    # Lines hold raw U+2028 and U+0085, at which splitlines() would split.
    lines = (_FOLDER / "items.jsonl").read_bytes().decode().split("\n")
    return tuple(json.loads(line) for line in lines if line)


@cache
def expected() -> dict[str, Any]:
    return json.loads((_FOLDER / "expected.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def entities() -> list[dict[str, Any]]:
    return expected()["entities"]  # type: ignore[no-any-return]


def items_of(facet: str, id: str) -> list[dict[str, dict[str, str]]]:
    return [item for item in items() if item["_id"]["S"] == f"{facet}/{id}"]


def entity(id: str) -> dict[str, Any]:
    return next(entity for entity in entities() if entity["id"] == id)


def compact(value: Any) -> str:
    """JSON as JSON.stringify writes it, made without the code under test; for values without odd numbers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def named(entity: dict[str, Any]) -> str:
    """The entity as a test's name shows it."""
    return f"{entity['facet']}-{entity['id'][:12].encode('ascii', 'replace').decode()}"


def _open_account(given: StateUpdaterInput[Any]) -> Any:
    given.state["id"] = given.current["id"]
    return given.state


def _rename_owner(given: StateUpdaterInput[Any]) -> Any:
    for name in ("ownerFirst", "ownerLast"):
        if name in given.current:
            given.state[name] = given.current[name]
        else:
            given.state.pop(name, None)
    return given.state


def accept_transaction(given: StateUpdaterInput[Any]) -> Any:
    state = given.state
    before = float(state["balance"])
    state["balance"] = before + float(given.current["amount"])
    if state["balance"] < state["minimumBalance"]:
        raise InsufficientFunds
    if before >= 0 > state["balance"]:
        given.publish("accountOverdrawn", {"accountId": state["id"]} if "id" in state else {})
    return state


def _create_order(given: StateUpdaterInput[Any]) -> Any:
    order = given.current
    given.state["id"] = order["id"]
    given.state["items"] = order["items"]
    given.state["balance"] = sum(float(item["cost"]) for item in order["items"])
    given.state["status"] = "created"
    return given.state


def complete_payment(given: StateUpdaterInput[Any]) -> Any:
    state, intent = given.state, given.current["intent"]
    seen = state.setdefault("intentIds", [])
    if intent["id"] in seen:
        return state
    seen.append(intent["id"])
    state["balance"] = float(state["balance"]) - float(intent["amount"])
    if state["balance"] == 0:
        given.publish("ORDER_PAID", {"order": state})
    return state


def _count(given: StateUpdaterInput[Any]) -> Any:
    state, number = given.state, given.current["n"]
    state["count"] += 1
    state["sum"] += number
    state["last"] = number
    return state


RULES = {
    "BANK_ACCOUNT": {
        "ACCOUNT_CREATION": _open_account,
        "ACCOUNT_UPDATE": _rename_owner,
        "TRANSACTION_ACCEPTED": accept_transaction,
    },
    "ORDER": {"ORDER_CREATED": _create_order, "PAYMENT_COMPLETED": complete_payment},
    "BIG": {"COUNTED": _count},
}
INITIAL = {
    "BANK_ACCOUNT": lambda: {"balance": 0, "minimumBalance": -1000},
    "ORDER": dict,
    "BIG": lambda: {"count": 0, "sum": 0, "last": None},
}
PROCESSORS = {facet: Processor(RULES[facet], INITIAL[facet]) for facet in RULES}
