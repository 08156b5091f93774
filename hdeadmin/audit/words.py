"""The words of the trail, as people read them."""

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
    return name.replace("_", " ").replace("-", " ").capitalize()


def value(value: str | bool | int) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def level(result: str) -> str:
    """How a result's chip is coloured: `ok`, `warn`, `danger`, or "" for plain."""
    return _LEVELS.get(result, "warn")
