"""How JSON values read on a page."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from facets.core import json
from facets.core.diff import ABSENT, diff
from facets.definitions import display
from facets.definitions.definition import Model, humanize
from tests.facets.core.test_diff import json_values


class Line(Model):
    desc: str = ""
    cost: float = 0


class Order(Model):
    number: str | None = Field(None, title="Order number")
    paidAt: datetime | None = None
    day: date | None = None
    lines: list[Line] = Field([])


def by_key(rows: list[display.Row]) -> dict[str, display.Row]:
    return {row.key: row for row in rows}


def test_fields_carry_the_label_that_staff_know():
    rows = by_key(display.rows({"number": "7", "paidAt": None, "lines": []}, Order))

    assert rows["number"].label == "Order number"
    assert rows["paidAt"].label == "Paid at"


def test_a_field_that_is_not_there_a_null_and_an_empty_text_are_told_apart():
    rows = by_key(display.rows({"number": None, "extra": ""}, Order))

    assert rows["number"].value == display.Value("null", "null")
    assert rows["paidAt"].value == display.Value("absent", "not set")
    assert rows["extra"].value == display.Value("empty", "empty text")


def test_a_field_that_the_schema_does_not_name_is_shown_and_marked():
    rows = by_key(display.rows({"loyalty": {"tier": "gold"}}, Order))

    assert rows["loyalty"].extra
    assert rows["tier"].value.text == "gold"
    assert rows["tier"].depth == 1


def test_a_list_of_flat_objects_is_a_table():
    row = by_key(display.rows({"lines": [{"desc": "Spinet", "cost": 150000}, {"desc": "Stool"}]}, Order))[
        "lines"
    ]

    assert row.table.columns == [("Desc", False), ("Cost", False)]
    assert [[value.text for value in cells] for cells in row.table.rows] == [
        ["Spinet", "150000"],
        ["Stool", "not set"],
    ]


def test_what_a_column_counts_stands_in_its_heading():
    class Priced(Model):
        cost: float = Field(0, json_schema_extra={"unit": "EUR"})

    class Basket(Model):
        lines: list[Priced] = Field([])

    (row,) = display.rows({"lines": [{"cost": 12.5}, {"cost": 3}]}, Basket)

    assert row.table.columns == [("Cost, EUR", True)]


def test_a_change_says_what_its_numbers_count():
    old, new = {"balance": 5, "line": {"balance": 1}}, {"balance": 7, "line": {"balance": 2}}

    found = display.changes(diff(old, new), sensitive=(), heading=lambda field: f"{humanize(field)}, EUR")

    # What stands deeper is another field, of which nothing is known.
    assert [change["path"] for change in found] == ["Balance, EUR", "Line › Balance"]


def test_an_instant_is_given_in_utc_for_the_browser_to_localise():
    rows = by_key(display.rows({"paidAt": "2026-11-20T14:34:05.123+02:00", "day": "2026-11-20"}, Order))

    assert rows["paidAt"].value == display.Value("time", "2026-11-20T12:34:05.123000Z")
    assert rows["day"].value == display.Value("text", "2026-11-20")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1 + 0.2, "0.30000000000000004"), (1e21, "1e+21"), (100.0, "100"), (10**30, "1" + "0" * 30)],
)
def test_numbers_stand_as_they_are_stored(number, text):
    assert display.scalar(number).text == text


def test_a_number_that_typescript_would_round_is_flagged():
    assert display.scalar(2**53 - 1).note == ""
    assert "round" in display.scalar(2**53).note
    assert "round" in display.scalar(-(2**53) - 1).note


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00",
        "\x07",
        "\r",
        "\x1b",
        "\x7f",
        "\x85",
        "\u200b",
        "\u202e",
        "\u2066",
        "\u2028",
        "\ufeff",
        "\ud83d",
    ],
)
def test_a_character_that_nobody_sees_is_written_out(hidden):
    assert display.visible(f"a{hidden}b") == f"a⟨U+{ord(hidden):04X}⟩b"


@pytest.mark.parametrize("text", ["line\nbreak", "tab\there", "é 日本 😀", "مرحبا", "👩‍👩‍👧"])
def test_ordinary_text_of_any_script_is_left_alone(text):
    assert display.visible(text) == text


@given(st.text(st.characters()))
def test_visible_text_can_always_be_sent_to_a_browser(text):
    display.visible(text).encode()


def test_long_lists_end_in_a_row_that_says_so():
    rows = display.rows([{"n": {"deep": n}} for n in range(1000)])

    assert len(rows) == display.MAX_ROWS + 1
    assert "more lines" in rows[-1].value.text


def test_what_is_nested_very_deeply_is_shown_as_json():
    value: object = "bottom"
    for _ in range(300):
        value = {"in": value}
    rows = display.rows(value)

    assert rows[-1].value.kind == "raw"
    assert "bottom" in rows[-1].value.text


@given(json_values)
def test_indented_json_is_the_same_json(value):
    assert json.dumps(json.loads(display.indented(value))) == json.dumps(value)


def test_text_that_is_not_json_is_shown_as_it_is():
    assert display.indented_text("{broken", ()) == "{broken"


def test_very_long_text_is_cut_and_says_how_much_is_left():
    value = display.scalar("x" * (display.MAX_TEXT + 5))

    assert value.note == "5 more characters, see the JSON"
    assert "more characters" in display.indented_text(json.dumps("x" * (display.MAX_RAW + 10)), ())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([{"desc": "Lamp"}, {"desc": "Rug"}], "2 items"),
        ([{"desc": "Lamp"}], "1 item"),
        ({"city": "Oslo", "zip": "0150"}, "2 fields"),
        (["pi_1", "pi_2"], "pi_1, pi_2"),
        ([], "empty list"),
        ({}, "empty object"),
        (12.5, "12.5"),
    ],
)
def test_in_a_crowded_line_what_holds_more_says_how_much(value, shown):
    assert display.brief(value).text == shown


def test_a_difference_reads_as_words_and_two_values():
    found = display.changes(
        diff({"ownerLast": "Reed", "ids": [1]}, {"ids": [1, None]}), lambda key: key.upper(), sensitive=()
    )

    assert [change["path"] for change in found] == ["OWNERLAST", "IDS › #2"]
    assert found[0]["new"] == display.scalar(ABSENT)
    assert found[1]["new"] == display.Value("null", "null")


@pytest.mark.parametrize(("stored", "shown"), [("1e400", "Infinity"), ("-1e400", "-Infinity")])
def test_a_number_beyond_what_a_number_holds_is_shown_with_a_note(stored: str, shown: str):
    value = json.loads(stored)

    assert display.scalar(value) == display.Value("number", shown, "beyond what a number holds")
    assert shown in display.scalar({"amount": value}).text
    assert display.indented_text(stored, ()) == stored
    [change] = display.changes(diff(1, value), sensitive=())
    assert change["new"].text == shown


def test_nesting_beyond_what_python_may_call_is_shown_as_it_is_stored():
    stored = "[" * 900 + '{"a":1e400,"b":[1,"x",true]},null' + "]" * 900
    value: Any = json.loads('{"a":1e400,"b":[1,"x",true]}')
    value = [value, None]
    for _ in range(899):
        value = [value]

    assert display.indented_text(stored, ()) == stored
    shown = display.scalar(value).text
    assert "".join(shown.split()) == stored.replace("1e400", "Infinity")
    assert display.rows({"deep": value})


def test_a_moment_that_has_no_time_in_utc_is_shown_as_text():
    assert display.scalar("0001-01-01T00:00:00+23:59", datetime).kind == "text"
