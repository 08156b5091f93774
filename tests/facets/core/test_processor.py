"""Rules are run over values of their own: nothing that they do reaches the caller, and a replay is a fold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facets.core import Event, InvalidRecord, Processor, UnknownEventType
from facets.core.json import copy

EVENTS = st.lists(
    st.builds(
        Event,
        st.sampled_from(["ADD", "KEEP", "MESSAGE", "UNKNOWN"]),
        st.builds(lambda n: {"n": n, "of": [n]}, st.integers()),
    ),
    max_size=12,
)


def add(input: Any) -> Any:
    input.state["sum"] += input.current["n"]
    return input.state


def keep(input: Any) -> Any:
    """Holds on to the payload itself, and changes it later."""
    input.state["kept"].append(input.current)
    for kept in input.state["kept"]:
        kept["of"].append("seen")
    return input.state


def message(input: Any) -> Any:
    input.publish("SUM", input.state)
    input.state["sum"] += 1
    return input.state


def initial() -> Any:
    return {"sum": 0, "kept": []}


RULES = {"ADD": add, "KEEP": keep, "MESSAGE": message}
PROCESSOR = Processor(RULES, initial)
KNOWN = EVENTS.map(lambda events: [event for event in events if event.type != "UNKNOWN"])


@given(EVENTS, KNOWN)
def test_a_replay_equals_folding_one_event_at_a_time(past, new):
    result = PROCESSOR.process(None, past, new)

    state = initial()
    for event in [*past, *new]:
        if event.type in RULES:
            state = PROCESSOR.process(state, [], [event]).state
    assert result.state == state
    assert result.skipped == [event.type for event in past if event.type == "UNKNOWN"]


@given(EVENTS, KNOWN, st.integers(0, 12))
def test_where_the_past_ends_changes_no_state(past, new, at):
    whole = [*(event for event in past if event.type != "UNKNOWN"), *new]

    parted = PROCESSOR.process(None, whole[:at], whole[at:])

    result = PROCESSOR.process(None, [], whole)
    assert parted.state == result.state
    assert parted.past_outbound_events + parted.new_outbound_events == result.new_outbound_events


@given(EVENTS, KNOWN)
def test_neither_state_nor_events_of_the_caller_are_changed(past, new):
    state = {"sum": 5, "kept": [{"n": 1, "of": []}]}
    before = copy(state), copy([[e.type, e.data] for e in [*past, *new]])

    result = PROCESSOR.process(state, past, new)
    result.state["kept"].append("spoilt")
    for event in result.new_outbound_events:
        event.data["kept"].append("spoilt")

    assert (state, [[e.type, e.data] for e in [*past, *new]]) == before


def test_a_failing_rule_leaves_nothing_behind():
    def fail(input: Any) -> Any:
        input.state["sum"] = 99
        input.current["n"] = 99
        raise RuntimeError("no")

    state, event = {"sum": 1, "kept": []}, Event("FAIL", {"n": 1})

    with pytest.raises(RuntimeError, match="no"):
        Processor(RULES | {"FAIL": fail}, initial).process(state, [], [Event("ADD", {"n": 2}), event])
    assert (state, event.data) == ({"sum": 1, "kept": []}, {"n": 1})


def test_a_published_payload_is_what_it_was_when_it_was_published():
    result = PROCESSOR.process(None, [], [Event("MESSAGE", {}), Event("ADD", {"n": 5}), Event("MESSAGE", {})])

    assert [event.data["sum"] for event in result.new_outbound_events] == [0, 6]
    assert result.state["sum"] == 7


def test_what_past_events_publish_is_told_apart_from_what_new_ones_do():
    result = PROCESSOR.process(None, [Event("MESSAGE", {})] * 2, [Event("MESSAGE", {})])

    assert [event.data["sum"] for event in result.past_outbound_events] == [0, 1]
    assert [event.data["sum"] for event in result.new_outbound_events] == [2]


def test_two_appends_of_one_processor_share_no_initial_state():
    shared = {"sum": 0, "kept": []}
    processor = Processor(RULES, lambda: shared)

    processor.process(None, [], [Event("ADD", {"n": 1}), Event("KEEP", {"n": 1, "of": []})])

    assert processor.process(None).state == {"sum": 0, "kept": []}


def test_an_unknown_new_event_stops_all_before_any_rule_runs():
    ran = []

    with pytest.raises(UnknownEventType) as unknown:
        Processor({"X": ran.append}).process(None, [], [Event("X", {}), Event("Y", {})])
    assert (unknown.value.event_type, ran) == ("Y", [])


def test_a_rule_that_forgets_to_return_the_state_is_told_so():
    with pytest.raises(InvalidRecord, match="'X'"):
        Processor({"X": lambda input: None}).process(None, [], [Event("X", {})])


def test_a_rule_is_told_where_it_stands():
    seen = []

    def look(input: Any) -> Any:
        seen.append(
            (
                input.current,
                input.current_index,
                input.state_index,
                [event.data for event in input.past_inbound_events],
                [event.data for event in input.new_inbound_events],
                [event.data for event in input.all],
            )
        )
        return input.state

    Processor({"X": look}).process({}, [Event("X", 1), Event("?", 2)], [Event("X", 3)])

    assert seen == [(1, 0, 2, [1, 2], [3], [1, 2, 3]), (3, 2, 2, [1, 2], [3], [1, 2, 3])]


def test_the_first_state_is_an_empty_object_unless_said_otherwise():
    assert Processor({}).process(None).state == {}


@pytest.mark.parametrize("state", [{}, 0, "", [], False])
def test_an_empty_state_is_a_state(state):
    """hde takes any falsy state for none at all."""
    assert Processor({}, lambda: {"initial": True}).process(state).state == state
