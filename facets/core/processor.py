"""Fold events into a state. Pure: no clock, no network, no storage.

Source: a-h/hde, src/processor/index.ts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from facets.core import json
from facets.core.errors import InvalidRecord, UnknownEventType
from facets.core.events import Event, Joined
from facets.core.json import JSON

State = TypeVar("State")
Publish = Callable[[str, JSON], None]


class StateUpdaterInput(Generic[State]):
    """What a rule is given. One object serves a whole replay: a rule must not keep it.

    Attributes:
        state: the state before this event; the rule may change it and return it, or return another.
        current: this event's payload.
        past_inbound_events, new_inbound_events: those stored before, and those of this append.
        all: the past ones, then the new ones.
        current_index: this event's place in `all`.
        state_index: how many of `all` are past.
        publish: publish(name, data) sends an outbound message, if this event is new. The payload is kept as it is
            at the call.
    """

    __slots__ = (
        "all",
        "current",
        "current_index",
        "new_inbound_events",
        "past_inbound_events",
        "publish",
        "state",
        "state_index",
    )

    state: State
    current: JSON
    past_inbound_events: Sequence[Event]
    new_inbound_events: Sequence[Event]
    all: Sequence[Event]
    current_index: int
    state_index: int
    publish: Publish


Rule = Callable[[StateUpdaterInput[State]], State]


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """What a fold came to.

    Attributes:
        state: after all events.
        past_outbound_events: what the past events published when their rules ran again; sent long ago.
        new_outbound_events: what the new events publish.
        skipped: the types of past events that no rule handles, in history order, once an event.
    """

    state: JSON
    past_outbound_events: list[Event]
    new_outbound_events: list[Event]
    skipped: list[str]


@dataclass(frozen=True, slots=True)
class Step:
    """What one event did.

    Attributes:
        state: after the event; where its rule failed, or there is none, the state before it.
        published: what its rule published; nothing where it failed.
        error: what its rule raised.
        skipped: whether no rule handles it.
    """

    event: Event
    state: JSON
    published: list[Event]
    error: Exception | None = None
    skipped: bool = False


class Processor(Generic[State]):
    """A facet's rules, and the state that an entity has before its first event."""

    def __init__(self, rules: Mapping[str, Rule[State]], initial: Callable[[], State] = dict) -> None:  # type: ignore[assignment]
        self.rules = rules
        self.initial = initial

    def process(
        self, state: JSON | None, past: Iterable[Event] = (), new: Iterable[Event] = ()
    ) -> ProcessResult:
        """Fold `past` and then `new` into `state` (None: the initial one), in the order given.

        Neither the state nor the events given are changed, whatever the rules do.

        Raises:
            UnknownEventType: a new event has no rule.
            Whatever a rule raises.
        """
        return self.fold(
            json.copy(state),
            [Event(event.type, json.copy(event.data)) for event in past],
            [Event(event.type, json.copy(event.data)) for event in new],
        )

    def fold(
        self,
        state: JSON | None,
        past: Sequence[Event],
        new: Sequence[Event],
        *,
        replaced: JSON | None = None,
        watch: Callable[[int, State], object] | None = None,
    ) -> ProcessResult:
        """`process` for a caller that gives its values away: rules may change them.

        Args:
            replaced: the stored state that a replay from the initial one will replace.
            watch: told of each event, by its index, and of the state after it as the rules work on it, to be read.
        """
        for event in new:
            if event.type not in self.rules:
                raise UnknownEventType(event.type)
        past_outbound: list[Event] = []
        new_outbound: list[Event] = []
        skipped: list[str] = []
        given: StateUpdaterInput[State] = StateUpdaterInput()
        given.state = self.load(state) if state is not None else json.copy(self.initial())
        given.past_inbound_events = past
        given.new_inbound_events = new
        given.all = Joined(past, new)
        given.state_index = len(past)
        rule_for = self.rules.get
        given.publish = self._publisher(past_outbound)
        for index, event in enumerate(chain(past, new)):
            if index == given.state_index:
                given.publish = self._publisher(new_outbound)
            rule = rule_for(event.type)
            if rule is None:
                skipped.append(event.type)
            else:
                given.current = event.data
                given.current_index = index
                given.state = rule(given)
                if given.state is None:
                    raise InvalidRecord(f"The rule for {event.type!r} returned no state.")
            if watch is not None:
                watch(index, given.state)
        return ProcessResult(self.dump(given.state, state, replaced), past_outbound, new_outbound, skipped)

    def steps(self, state: JSON | None, past: Sequence[Event], new: Sequence[Event] = ()) -> Iterator[Step]:
        """Fold event by event, and go on past a rule that fails. Slower than `fold`: each state is made plain JSON.

        Nothing that is given is changed. Steps may share values: they are to be read, not changed.
        """
        stored: JSON = self.fold(json.copy(state), [], []).state
        given: StateUpdaterInput[State] = StateUpdaterInput()
        given.past_inbound_events, given.new_inbound_events, given.all = past, new, Joined(past, new)
        given.state_index = len(past)
        for index, event in enumerate(given.all):
            rule = self.rules.get(event.type)
            if rule is None:
                yield Step(event, stored, [], skipped=True)
                continue
            published: list[Event] = []
            given.publish = self._publisher(published)
            given.current, given.current_index = json.copy(event.data), index
            try:
                given.state = self.load(json.copy(stored))
                after = rule(given)
                if after is None:
                    raise InvalidRecord(f"The rule for {event.type!r} returned no state.")
                stored = self.dump(after, stored, None)
            except Exception as error:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
                yield Step(event, stored, [], error=error)
            else:
                yield Step(event, stored, published)

    def load(self, state: JSON) -> State:
        """Turn a stored state into what the rules work on. Here they work on plain JSON."""
        loaded: Any = state
        return loaded  # type: ignore[no-any-return]

    def dump(self, state: State, before: JSON | None, replaced: JSON | None) -> JSON:
        """Turn what the rules made back into a state to store.

        `before` is what `load` was given, None for a replay; `replaced` is what a replay's result replaces.
        """
        return state

    def message(self, data: Any) -> JSON:
        """Turn what a rule published into a payload to store, now: the rule may go on changing it."""
        return json.copy(data)

    def _publisher(self, published: list[Event]) -> Publish:
        def publish(name: str, data: Any) -> None:
            if not isinstance(name, str):
                raise InvalidRecord(f"A message's type must be text, not {name!r}.")
            published.append(Event(name, self.message(data)))

        return publish
