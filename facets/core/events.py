"""Event: something that happened to an entity; and sequences of events that cost nothing until looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from facets.core import json
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


class LazyEvents(Sequence[Event]):
    """Events parsed from their JSON text each time they are looked at, so that a long history needs little memory.

    Args:
        texts: (type, payload as JSON text), oldest first.
    """

    def __init__(self, texts: Sequence[tuple[str, str]]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Event]:
        loads = json.loads
        for type, itm in self._texts:
            yield Event(type, loads(itm))

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> LazyEvents: ...
    def __getitem__(self, index: int | slice) -> Event | LazyEvents:
        if isinstance(index, slice):
            return LazyEvents(self._texts[index])
        type, itm = self._texts[index]
        return Event(type, json.loads(itm))


class Joined(Sequence[Event]):
    """Two sequences of events, one after the other, without a copy."""

    def __init__(self, first: Sequence[Event], second: Sequence[Event]) -> None:
        self._first = first
        self._second = second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __iter__(self) -> Iterator[Event]:
        yield from self._first
        yield from self._second

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        middle = len(self._first)
        return self._first[place] if place < middle else self._second[place - middle]
