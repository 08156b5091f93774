"""JSON text is JavaScript's to the letter, so that TypeScript services read our records as their own."""

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facets.core import InvalidRecord
from facets.core.json import copy, dumps, loads

# "bits text": doubles, corner cases and random bit patterns, and what JSON.stringify of Node 20 made of them.
_TABLE = Path(__file__).with_name("javascript_numbers.txt")
NUMBERS = [tuple(line.split(" ")) for line in _TABLE.read_text(encoding="ascii").splitlines()]

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_every_double_is_written_as_javascript_writes_it():
    ours = [(bits, dumps(_double(bits))) for bits, _ in NUMBERS]

    assert len(NUMBERS) > 400
    assert ours == NUMBERS


def test_every_number_of_javascript_is_read_as_the_same_double():
    for bits, text in NUMBERS:
        assert float(loads(text)) == _double(bits)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (1e-5, "0.00001"),
        (1.5e-7, "1.5e-7"),
        (123456789012345680000.0, "123456789012345680000"),
        (-123456789012345680000.0, "-123456789012345680000"),
        (-1.5e-5, "-0.000015"),
        (-0.0, "0"),
        (100.0, "100"),
        (-2.5e30, "-2.5e+30"),
        (True, "true"),
        (1, "1"),
    ],
)
def test_numbers_read_as_in_javascript(value, text):
    assert dumps(value) == text


@pytest.mark.parametrize("value", [2**53 + 1, 12345678901234567890, -(10**40), 10**4000])
def test_whole_numbers_are_exact_at_any_size(value):
    text = dumps({"n": value})

    assert text == f'{{"n":{value}}}'
    assert loads(text) == {"n": value}
    assert type(loads(text)["n"]) is int


def test_a_number_with_more_digits_than_python_reads_is_refused_by_name():
    with pytest.raises(InvalidRecord):
        dumps(10**5000)
    with pytest.raises(InvalidRecord):
        loads("1" * 5000)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_number_for_is_not_written(value):
    with pytest.raises(InvalidRecord):
        dumps([{"a": value}])


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a":NaN}', "[1,-Infinity]"])
def test_what_json_has_no_number_for_is_not_read(text):
    with pytest.raises(InvalidRecord):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "[1,]",
        "{'a':1}",
        '{"a":1}x',
        "nul",
        "undefined",
        "01",
        "\ufeff1",
        '"\x01"',
        '"',
        "1 2",
        '"\\x"',
    ],
)
def test_text_that_is_not_json_is_refused(text):
    with pytest.raises(InvalidRecord):
        loads(text)


def test_white_space_around_a_value_is_read_as_javascript_reads_it():
    assert loads(' {"a" : [1, 2]}\n') == {"a": [1, 2]}


def test_text_is_compact_and_keeps_the_order_of_its_keys():
    text = '{"z":1,"a":[1,"two",null,true,false,{}],"m":{"y":1,"x":[]}}'

    assert dumps(loads(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\u2028\u2029\x85\x7f", '"\u2028\u2029\x85\x7f"'),
        ("</script>&/", '"</script>&/"'),
        ('"\\', '"\\"\\\\"'),
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\x00\x01\x0b\x1e\x1f", '"\\u0000\\u0001\\u000b\\u001e\\u001f"'),
        ("é😀 عربى", '"é😀 عربى"'),
        ("\ud83d", '"\\ud83d"'),
        ("a\udc00b", '"a\\udc00b"'),
        ({"\ud800": 1}, '{"\\ud800":1}'),
    ],
)
def test_text_is_escaped_as_javascript_escapes_it(value, text):
    assert dumps(value) == text
    assert loads(text) == value


def test_what_is_written_can_always_be_sent_as_utf8():
    assert dumps("\udfff").encode() == b'"\\udfff"'


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, {"a": {True: 1}}, {1, 2}, b"a", object(), [1j]])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(InvalidRecord):
        dumps(value)


def test_a_value_that_holds_itself_is_refused():
    value: list[object] = []
    value.append(value)

    with pytest.raises(InvalidRecord):
        dumps(value)


def test_text_nested_too_deeply_is_refused():
    with pytest.raises(InvalidRecord):
        loads("[" * 200_000)


@given(JSON_VALUES)
def test_any_value_comes_back_as_it_went(value):
    back = loads(dumps(value))

    assert _same(back, value)
    assert dumps(back) == dumps(value)


@given(JSON_VALUES)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value):
    before = dumps(value)
    copied = copy(value)

    assert copied == value
    _spoil(copied)
    assert dumps(value) == before


def _same(back: object, value: object) -> bool:
    """Whether a value came back: a whole double as the integer of its text, which JavaScript reads as that double."""
    match value:
        case float():
            return isinstance(back, int | float) and float(back) == value
        case list():
            return isinstance(back, list) and len(back) == len(value) and all(map(_same, back, value))
        case dict():
            return (
                isinstance(back, dict)
                and list(back) == list(value)
                and all(_same(back[k], value[k]) for k in value)
            )
    return type(back) is type(value) and back == value


def _spoil(value: object) -> None:
    match value:
        case list():
            for item in value:
                _spoil(item)
            value.append("spoilt")
        case dict():
            for item in value.values():
                _spoil(item)
            value["spoilt"] = True


def _double(bits: str) -> float:
    return struct.unpack(">d", bytes.fromhex(bits))[0]
