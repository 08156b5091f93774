"""What a diff of two JSON values says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facets.core.diff import ABSENT, Change, diff, same

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def test_a_changed_field_is_named_by_its_path():
    old = {"owner": {"name": {"first": "Ada", "last": "Reed"}}, "balance": 1}
    new = {"owner": {"name": {"first": "Ada", "last": "Vale"}}, "balance": 1}

    assert diff(old, new) == [Change(("owner", "name", "last"), "changed", "Reed", "Vale")]


def test_null_and_a_field_that_is_not_there_are_told_apart():
    assert diff({"a": None}, {}) == [Change(("a",), "removed", old=None)]
    assert diff({}, {"a": None}) == [Change(("a",), "added", new=None)]
    assert diff({}, {"a": None})[0].old is ABSENT


@pytest.mark.parametrize(("old", "new"), [(1, 1.0), (0, -0.0), (2**53, float(2**53)), ([1, 2], [1.0, 2])])
def test_numbers_that_are_equal_are_no_difference(old, new):
    assert diff(old, new) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (1, True),
        (0, False),
        (True, 1),
        ("1", 1),
        (None, 0),
        ("", None),
        ([], {}),
        (2**53 + 1, float(2**53)),
        ([1], [True]),
    ],
)
def test_values_that_only_look_alike_differ(old, new):
    assert len(diff(old, new)) == 1
    assert not same(old, new)


def test_the_order_of_keys_is_no_difference():
    assert diff({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []


def test_an_item_put_in_front_of_a_list_is_one_change():
    assert diff({"ids": [2, 3]}, {"ids": [1, 2, 3]}) == [Change(("ids", 0), "added", new=1)]


def test_an_item_taken_out_of_a_list_is_one_change():
    assert diff([1, 2, 3, 4], [1, 2, 4]) == [Change((2,), "removed", old=3)]


def test_a_change_within_an_item_of_a_list_names_its_place():
    old = [{"desc": "a", "cost": 1}, {"desc": "b", "cost": 2}, {"desc": "c", "cost": 3}]
    new = [{"desc": "a", "cost": 1}, {"desc": "b", "cost": 5}, {"desc": "c", "cost": 3}]

    assert diff(old, new) == [Change((1, "cost"), "changed", 2, 5)]


def test_differences_come_in_the_order_of_the_old_value_then_what_is_new():
    changes = diff({"a": 1, "b": 2, "c": 3}, {"z": 0, "c": 4, "a": 2})

    assert [change.path for change in changes] == [("a",), ("b",), ("c",), ("z",)]


def test_values_nested_deeper_than_python_may_call_are_compared():
    old: object = 1
    new: object = 2
    for _ in range(20_000):
        old, new = [old], [new]

    assert len(diff(old, new)) == 1


@given(json_values)
def test_a_value_does_not_differ_from_itself(value):
    assert diff(value, value) == []
    assert same(value, value)


@given(json_values, json_values)
def test_the_way_back_has_as_many_differences(old, new):
    assert len(diff(old, new)) == len(diff(new, old))
    assert same(old, new) == (diff(old, new) == [])
