"""An entity's history: its order, and what is said of one that no correct writer left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facets.core import HistoryFault
from facets.core.events import Event, Joined, LazyEvents
from facets.core.history import Log, LogEntry, entity_faults, find_faults, in_history_order
from facets.core.records import inbound_record, outbound_record, state_record


def gap(first: int, last: int) -> HistoryFault:
    return HistoryFault("gap", first, last)


@pytest.mark.parametrize(
    ("seqs", "state_seq", "faults"),
    [
        ([], None, []),
        ([], 0, []),
        ([1, 2, 3], 3, []),
        ([1, 3], 3, [gap(2, 2)]),
        ([1, 5, 7], 7, [gap(2, 4), gap(6, 6)]),
        ([2], 2, [gap(1, 1)]),
        ([1, 2, 2, 3], 3, [HistoryFault("twin", 2, 2)]),
        ([1, 2, 2, 2, 3], 3, [HistoryFault("twin", 2, 2)]),
        ([1, 1, 2, 2], 2, [HistoryFault("twin", 1, 1), HistoryFault("twin", 2, 2)]),
        ([1, 1, 3], 3, [HistoryFault("twin", 1, 1), gap(2, 2)]),
        ([1, 2], 4, [gap(3, 4)]),
        ([], 4, [gap(1, 4)]),
        ([1, 2, 3], 1, [HistoryFault("state-behind", 1, 3)]),
        ([1, 2, 3], 0, [HistoryFault("state-behind", 0, 3)]),
        ([1, 2], None, [HistoryFault("state-missing", 0, 2)]),
        ([0, 1], 1, [HistoryFault("twin", 0, 0)]),
    ],
)
def test_what_is_wrong_with_a_history_is_found(seqs, state_seq, faults):
    assert find_faults(seqs, state_seq) == faults


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (gap(2, 2), "Event 2 is missing."),
        (gap(2, 4), "Events 2 to 4 are missing."),
        (HistoryFault("twin", 3, 3), "More than one event has the seq 3."),
        (HistoryFault("state-behind", 1, 3), "The state is of seq 1, but there are events up to 3."),
        (HistoryFault("state-missing", 0, 3), "The state is missing; there are events up to 3."),
    ],
)
def test_a_fault_reads_as_a_sentence(fault, sentence):
    assert str(fault) == sentence


@given(st.sets(st.integers(1, 30)), st.integers(0, 30))
def test_a_history_is_without_fault_exactly_if_it_counts_from_1_to_the_states_seq(seqs, state_seq):
    whole = seqs == set(range(1, state_seq + 1))

    assert (find_faults(sorted(seqs), state_seq) == []) is whole


@given(st.permutations(range(8)))
def test_records_are_put_in_order_from_any_order(order):
    records = [
        inbound_record("A", "1", 1, "X", "{}", 0),
        inbound_record("A", "1", 2, "B", "{}", 0),
        outbound_record("A", "1", 2, 0, "Z", "{}", 0),
        outbound_record("A", "1", 2, 2, "B", "{}", 0),
        outbound_record("A", "1", 2, 10, "A", "{}", 0),
        inbound_record("A", "1", 10, "A", "{}", 0),
        outbound_record("A", "1", 10, 0, "Z", "{}", 0),
        state_record("A", "1", 10, "{}", 0),
    ]

    assert in_history_order([records[place] for place in order]) == records


def test_the_faults_of_an_entity_are_those_of_its_records():
    records = [
        inbound_record("A", "1", 1, "X", "{}", 0),
        outbound_record("A", "1", 2, 0, "X", "{}", 0),
        inbound_record("A", "1", 3, "X", "{}", 0),
    ]

    assert [fault.kind for fault in entity_faults(records)] == ["gap", "state-missing"]


@pytest.mark.parametrize(
    ("state_seq", "seqs", "seq"), [(None, [], 0), (3, [], 3), (None, [1, 2], 2), (1, [1, 2], 2), (5, [1], 5)]
)
def test_a_logs_seq_is_the_highest_of_state_and_events(state_seq, seqs, seq):
    assert Log(state_seq, "{}", [LogEntry(n, "X", "{}") for n in seqs]).seq == seq


def test_events_of_a_long_log_behave_as_a_list_of_events():
    listed = [Event("X", {"n": n}) for n in range(5)]
    lazy = LazyEvents([("X", f'{{"n":{n}}}') for n in range(5)])

    assert list(lazy) == listed
    assert (len(lazy), lazy[0], lazy[-1], list(lazy[1:3])) == (5, listed[0], listed[4], listed[1:3])
    with pytest.raises(IndexError):
        lazy[5]


def test_events_read_twice_are_not_changed_by_the_first_reader():
    lazy = LazyEvents([("X", '{"n":[]}')])

    next(iter(lazy)).data["n"].append(1)

    assert lazy[0].data == {"n": []}


@given(st.lists(st.integers()), st.lists(st.integers()), st.slices(6), st.integers(-9, 9))
def test_two_sequences_joined_behave_as_one_list(first, second, part, place):
    events = [Event("X", n) for n in first + second]
    joined = Joined([Event("X", n) for n in first], [Event("X", n) for n in second])

    assert (list(joined), len(joined), joined[part]) == (events, len(events), events[part])
    if -len(events) <= place < len(events):
        assert joined[place] == events[place]
    else:
        with pytest.raises(IndexError):
            joined[place]


def test_events_are_compared_by_type_and_payload():
    assert Event("X", {"a": 1}) == Event("X", {"a": 1})
    assert Event("X", {"a": 1}) != Event("Y", {"a": 1})
    assert Event("X", {"a": 1}) != Event("X", {"a": 2})
    assert Event("X", 1) != ("X", 1)
    assert repr(Event("X", {"a": 1})) == "Event('X', {'a': 1})"
