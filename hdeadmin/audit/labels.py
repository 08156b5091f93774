"""The words of the trail, as people read them."""

from collections.abc import Mapping
from typing import Any

_ACTIONS = {
    "sign-in": "Signed in",
    "sign-in-failed": "Sign-in failed",
    "sign-out": "Signed out",
    "lockout": "Locked out",
    "denied": "Right missing",
    "reveal": "Revealed",
    "export": "Exported",
    "preview": "Previewed",
    "append": "Append",
    "recalculate": "Recalculation",
    "confirm-refused": "Confirmation refused",
    "view": "Viewed",
    "audit-verified": "Trail verified",
}
_DETAILS = {"person": "Whose account", "person_id": "Number of the account"}
# What an entry without a facet is about, and what of it: names of details, the first that an entry has.
_ABOUT = ("person", "group", "factor", "page", "of")
_WHICH = ("roles", "right", "action", "why")
_LEVELS = {
    "ok": "ok",
    "applied": "ok",
    "announced": "",
    "unchanged": "",
    "repeated": "",
    "broken": "danger",
    "unknown": "danger",
}


def action(action: str) -> str:
    """`factor-added` as `Factor added`."""
    return _ACTIONS.get(action) or action.replace("-", " ").capitalize()


def result(result: str) -> str:
    return result.replace("-", " ")


def detail(name: str) -> str:
    """`events_read` as `Events read`."""
    return _DETAILS.get(name) or name.replace("_", " ").replace("-", " ").capitalize()


def about(details: Mapping[str, Any]) -> str:
    """Whom or what an entry is about that is about no facet: a person, a group, a factor; "" where nothing says so."""
    return next((str(details[name]) for name in _ABOUT if details.get(name)), "")


def which(details: Mapping[str, Any]) -> str:
    """Which roles were given, which right was missing; "" where nothing says so."""
    found = next((details[name] for name in _WHICH if details.get(name)), "")
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)


def value(value: str | bool | int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def level(result: str) -> str:
    """How a result's chip is coloured: `ok`, `warn`, `danger`, or "" for plain."""
    return _LEVELS.get(result, "warn")
