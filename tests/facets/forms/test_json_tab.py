"""The JSON tab: the same schema judges, mistakes have their line, and a draft goes over and back whole."""

import pytest

from facets.demo.definitions.order import OrderCreated
from facets.forms.event_form import EventForm
from facets.forms.json_text import NotJson, Position, indented, parse, positions
from tests.facets.forms.page import Page, opened

TEXT = """{
  "id": "1",
  "items": [
    {"desc": "a", "cost": 1},
    {"desc": "b",
     "cost": "much"}
  ]
}"""


def test_a_schema_error_has_the_line_of_its_path():
    form = EventForm.from_json_text(OrderCreated, TEXT)

    assert [(error.label, error.line) for error in form.errors] == [("Items › Item 2 › Cost", 6)]
    assert "Line 6." in Page(form).text


def test_a_field_that_is_missing_has_the_line_of_what_it_is_missing_from():
    assert [error.line for error in EventForm.from_json_text(OrderCreated, '\n\n{"items": []}').errors] == [3]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": 1,\n "b": }', 2, 7),
        ('{"a": 1,\n "a": 2}', 2, 2),
        ('{"a":\n NaN}', 2, 2),
        ("", None, None),
        ("[" * 200, 1, 101),
        ('{"a": "\n"}', 1, 8),
        ("{} {}", 1, 4),
    ],
)
def test_text_that_is_no_json_has_the_place_of_the_mistake(text, line, column):
    form = EventForm.from_json_text(OrderCreated, text)

    assert not form.is_valid()
    assert (form.errors[0].line, form.errors[0].column) == (line, column)
    assert Page(form).control("event")["aria-invalid"] == "true"
    if line:
        with pytest.raises(NotJson) as refused:
            parse(text)
        assert refused.value.position == Position(line, column)


def test_a_broken_text_stays_on_its_tab_as_it_was_typed():
    page = opened(OrderCreated).press("json:event").press("form:event", event='{"id": "1",')

    assert page.control("event")["value"] == '{"id": "1",'
    assert "Line 1, column 12." in page.text


def test_a_draft_that_is_not_valid_goes_over_and_back():
    page = opened(OrderCreated, initial={"id": "1", "items": [{"desc": "a"}], "trace": 1})
    page = page.press("json:event", event__items__0__cost="12x", event__id="")

    assert '"cost": "12x"' in page.control("event")["value"]

    page = page.press("form:event")

    assert page.control("event.items.0.cost")["value"] == "12x"
    assert page.control("event.id")["value"] == ""
    assert page.send(event__items__0__cost="12", event__id="7").value == {
        "id": "7",
        "items": [{"desc": "a", "qty": 1, "cost": 12}],
        "trace": 1,
    }


def test_what_is_no_event_at_all_stays_json():
    page = opened(OrderCreated, initial=[1, 2])

    assert page.control("event:as")["value"] == "json"
    assert page.press("form:event").control("event:as")["value"] == "json"


def test_positions_of_values_are_found_whatever_the_text_looks_like():
    text = '[ {"a":\n [1,\n"x,]}:" ] , "":{}},\n\n -1.5e3]'

    assert positions(text) == {
        (): Position(1, 1),
        (0,): Position(1, 3),
        (0, "a"): Position(1, 4),
        (0, "a", 0): Position(2, 3),
        (0, "a", 1): Position(3, 1),
        (0, ""): Position(3, 13),
        (1,): Position(5, 2),
    }


def test_large_numbers_are_exact_in_json():
    form = EventForm.from_json_text(OrderCreated, '{"id": "1", "items": [], "n": 12345678901234567890123}')

    assert form.value["n"] == 12345678901234567890123
    assert form.warnings[0].line == 1
    assert "12345678901234567890123" in form.act("form:event").to_json_text()


def test_a_number_too_large_for_any_reader_is_refused_where_it_stands():
    form = EventForm.from_json_text(OrderCreated, '{"id": "1", "items": [\n{"cost": 1e999}]}')

    assert [(error.line, error.text) for error in form.errors] == [(2, "Write a finite number.")]
    assert indented([float("inf")]) == "[\n  1e999\n]"
