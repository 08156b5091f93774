"""A number that somebody typed is that number, or is refused: never another one."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facets.definitions.number_input import AmbiguousNumber, Unreadable, parse_number, read_number, read_seq

BLANKS = ["", " ", "\u00a0", "\u2009", "\u202f"]


@pytest.mark.parametrize(
    ("text", "unit", "digits"),
    [
        ("12.50", "", "12.50"),
        ("\u221212.50", "", "-12.50"),
        ("\u221212.50", "EUR", "-12.50"),
        ("+1,234.50 EUR", "EUR", "1234.50"),
        ("-1,234,567 EUR", "EUR", "-1234567"),
        ("1\u202f234.50\u00a0eur", "EUR", "1234.50"),
        ("1 234 567", "", "1234567"),
        ("\u2212\u20ac1,234.50", "\u20ac", "-1234.50"),
        ("\u20ac -5", "\u20ac", "-5"),
        ("12.5 %", "%", "12.5"),
        ("\u2066-12.50\u2069", "", "-12.50"),
        (" 7 ", "", "7"),
        ("1e-7", "", "1e-7"),
        (".5", "", ".5"),
        ("5 of 9", "of 9", "5"),
    ],
)
def test_what_the_console_writes_is_read_back(text, unit, digits):
    assert read_number(text, unit) == digits


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1,234", ("1234", "1.234")),
        ("\u221212,345", ("-12345", "-12.345")),
        ("0,125", ("125", "0.125")),
        ("1,234 EUR", ("1234", "1.234")),
    ],
)
def test_one_comma_before_three_digits_has_two_readings(text, readings):
    with pytest.raises(AmbiguousNumber) as refusal:
        read_number(text, "EUR")

    assert (refusal.value.whole, refusal.value.fraction) == readings
    assert all(reading in str(refusal.value) for reading in readings)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("12,50", "12.50"),
        ("\u221212,5", "-12.5"),
        (",5", "0.5"),
        ("1.234,56", "1234.56"),
        ("1 234,56 EUR", "1234.56"),
        ("1,23,456", "without commas"),
        ("1,234,56", "without commas"),
        ("1,234.", "without commas"),
        ("1.234.567", "one point"),
        ("12 50", "without blanks"),
        ("12.50 USD", "USD"),
        ("$12", "$"),
        ("9" * 5_000, "too many digits"),
    ],
)
def test_other_marks_are_refused_with_what_to_write(text, advice):
    with pytest.raises(Unreadable) as refusal:
        read_number(text, "EUR")

    assert not isinstance(refusal.value, AmbiguousNumber)
    assert advice in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["", "-", "much", "nan", "inf", "1_000", "0x10", "(12.50)", "12.50-", "1'234.50"]
)
def test_what_is_no_number_is_left_to_the_schema(text):
    assert read_number(text) is None


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15),
    st.sampled_from(["-", "\u2212"]),
    st.sampled_from([",", *BLANKS[1:]]),
    st.sampled_from(BLANKS[1:]),
    st.booleans(),
)
@example(Decimal("1234.50"), "\u2212", ",", "\u00a0", True)
def test_a_number_in_any_of_its_forms_comes_back(number, minus, group, blank, has_unit):
    text = f"{number:+,.2f}".replace(",", group).replace("-", minus) + (f"{blank}EUR" if has_unit else "")

    assert Decimal(read_number(text, "EUR") or "") == number


@given(st.text(alphabet="0123456789,.-+\u2212 \u00a0eE'EUR%", max_size=12))
def test_no_text_becomes_a_number_of_other_digits(text):
    try:
        plain = read_number(text, "EUR")
    except Unreadable:
        return

    if plain is not None:
        assert [sign for sign in plain if sign.isdigit()] == [sign for sign in text if sign.isdigit()]
        has_minus = text.strip()[:1] in ("-", "\u2212")
        assert plain.startswith("-") or not has_minus


def test_a_number_to_compare_with_is_bounded():
    assert parse_number("1,234.50 EUR", "EUR") == 1234.5
    assert parse_number("12345678901234567890") == 12345678901234567890
    for text in ("1e999999999", "much"):
        with pytest.raises(Unreadable):
            parse_number(text)


@pytest.mark.parametrize(
    ("text", "seq"),
    [("12", 12), (" 1,234 ", 1234), ("1\u202f234", 1234), ("1.5", None), ("-3", None), ("", None)],
)
def test_the_number_of_an_event_is_whole(text, seq):
    assert read_seq(text) == seq
