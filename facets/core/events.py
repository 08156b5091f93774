"""Event: something that happened to an entity, before it has a place in its history."""

from __future__ import annotations

from facets.core.json import JSON


class Event:
    """An event's type and its payload, a plain JSON value."""

    # Not a dataclass: a frozen one takes three times as long to make, and a replay makes one an event.
    __slots__ = ("data", "type")

    def __init__(self, type: str, data: JSON) -> None:
        self.type = type
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.type == other.type and self.data == other.data

    __hash__ = None  # type: ignore[assignment]  # payloads are mutable

    def __repr__(self) -> str:
        return f"Event({self.type!r}, {self.data!r})"
