"""Sort keys keep the order of what they stand for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facets.directory.models import escaped, unescaped
from facets.directory.normalize import fold
from facets.directory.sort_keys import EMPTY, LONGEST, contained, sort_key

NUMBERS = st.one_of(
    st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.integers(2**53 - 3, 2**53 + 3), st.just(0)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(NUMBERS, NUMBERS)
def test_numbers_of_any_size_keep_their_order(one: float, other: float) -> None:
    assert (sort_key(one, "number") < sort_key(other, "number")) == (one < other)
    assert (sort_key(one, "number") == sort_key(other, "number")) == (one == other)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_moments_keep_their_order(one: datetime, other: datetime) -> None:
    first, second = (sort_key(moment.isoformat(), "date") for moment in (one, other))
    assert (first <= second) or one > other


@given(st.text(max_size=50), st.text(max_size=50))
def test_texts_are_in_the_order_of_their_folded_letters(one: str, other: str) -> None:
    first, second = (sort_key(f"x{text}", "text") for text in (one, other))
    assert (first < second) == (
        fold(f"x{one}").encode(errors="replace") < fold(f"x{other}").encode(errors="replace")
    )


@given(VALUES)
def test_whatever_is_stored_has_a_key_that_an_index_takes(value: Any) -> None:
    for kind in ("number", "text", "date", "bool", "choice", "other"):
        key = sort_key(value, kind)  # type: ignore[arg-type]
        assert 0 < len(key) <= LONGEST + 20
        assert (key == EMPTY) == (value is None or value in ("", [], {}))


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_is_empty_comes_last(value: Any) -> None:
    for other in ("\U0010ffff" * 300, 10**400, True, ["x"], float("inf")):
        assert sort_key(other, "text") < sort_key(value, "text")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert "\0" not in fold(text)
    fold(text).encode()


@given(st.text(max_size=30), st.text(min_size=1, max_size=5), st.text(max_size=30))
def test_a_part_of_a_text_is_in_its_key(before: str, part: str, after: str) -> None:
    if fold(part) in fold(before + part + after):
        assert contained(part) in sort_key(f"x{before}{part}{after}", "text")


@given(st.text(alphabet=st.sampled_from("\0\1\2ab")))
def test_an_id_with_any_control_character_is_given_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert "\0" not in escaped(text)


def test_a_number_in_a_text_counts_as_a_number_in_a_column_of_numbers() -> None:
    assert sort_key("12.50", "number") == sort_key(12.5, "number")
    assert sort_key("abc", "number") > sort_key(12.5, "number")
