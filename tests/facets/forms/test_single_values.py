"""What staff type into one box, and what is stored of it."""

import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from django.utils import timezone
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    NaiveDatetime,
    create_model,
    model_validator,
)

from facets.definitions.definition import Model, WrittenAsNull
from facets.forms.event_form import EventForm
from facets.forms.html_constraints import javascript_pattern
from tests.facets.forms.page import Page, opened


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def one(annotation: Any, default: Any = ..., **options: Any) -> type[Model]:
    return create_model("One", __base__=Model, x=(annotation, Field(default, **options)))


def typed(annotation: Any, text: str | None, *, name: str = "event.x", **options: Any) -> EventForm:
    page = opened(one(annotation, **options))
    if name != "event.x":
        page = page.press("add:event.x")
    return page.send(**{name: text})


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "  a ", "  a "),
        (str, "", ""),
        (int, " 12 ", 12),
        (int, "123456789012345678901234567890", 123456789012345678901234567890),
        (float, "1e3", 1000),
        (Decimal, "1.10", 1.1),
        (Decimal, "12345678901234567890", 12345678901234567890),
        (Decimal, "+1,234.50", 1234.5),
        (Decimal, "\u221212.50", -12.5),
        (int, "1\u202f234", 1234),
        (bool, "on", True),
        (bool, None, False),
        (bool | None, "false", False),
        (bool | None, "", None),
        (date, "2026-02-28", "2026-02-28"),
        (time, "14:34", "14:34:00"),
        (UUID, "{12345678-1234-5678-1234-567812345678}", "12345678-1234-5678-1234-567812345678"),
        (Level, "2", 2),
        (Literal["a", "b"], "b", "b"),
        (IPvAnyAddress, "::1", "::1"),
        (Any, "null", None),
        (str | None, "", None),
    ],
)
def test_text_becomes_the_value_that_is_stored(annotation, text, value):
    form = typed(annotation, text)

    assert form.is_valid(), form.errors
    assert form.value["x"] == value
    assert isinstance(form.value["x"], bool) is isinstance(value, bool)


@pytest.mark.parametrize(
    ("annotation", "text", "message"),
    [
        (int, "1.5", "valid integer"),
        (int, "", "Fill this in"),
        (float, "much", "valid number"),
        (float, "12,50", "Write 12.50"),
        (Decimal, "\u22121.234,56", "Write -1234.56"),
        (int, "1,234", "1234 or 1.234"),
        (float, "1e999", "too large"),
        (float, "nan", "finite"),
        (Decimal, "0.1234567890123456789", "more digits than a JSON number keeps"),
        (Decimal, "1e999999999", "too large"),
        (date, "2026-02-30", "day value"),
        (datetime, "yesterday", "valid datetime"),
        (UUID, "1", "valid UUID"),
        (Literal["a", "b"], "c", "'a' or 'b'"),
        (Annotated[str, Field(min_length=3)], "ab", "at least 3"),
        (Annotated[str, Field(min_length=1)], "", "Fill this in"),
    ],
)
def test_what_does_not_fit_is_said_at_its_box_and_shown_again_as_it_was_typed(annotation, text, message):
    form = typed(annotation, text)

    assert [error.id for error in form.errors] == ["event.x"]
    assert message in form.errors[0].text
    assert Page(form).control("event.x")["value"] == text


def test_a_number_is_typed_with_the_unit_of_its_field():
    class Amount(Model):
        amount: Decimal = Field(json_schema_extra={"unit": "EUR"})
        rates: list[float] = Field([1], json_schema_extra={"unit": "%"})
        either: int | str = Field(1, json_schema_extra={"unit": "km"})

    form = opened(Amount).send(
        **{"event.amount": "\u22121,234.50\u00a0EUR", "event.rates.0": "2.5 %", "event.either.0": "7 km"}
    )

    assert form.value == {"amount": -1234.5, "rates": [2.5], "either": 7}
    assert "EUR" in opened(Amount).send(event__amount="5 USD").errors[0].text


@pytest.mark.parametrize(("button", "value"), [("whole", 1234), ("fraction", 1.234)])
def test_a_comma_with_two_readings_is_asked_about_with_a_button_for_each(button, value):
    page = Page(judged(typed(list[Decimal], "1,234", name="event.x.0")))
    assert page.control("event.x.0")["value"] == "1,234"
    assert (page.buttons["whole:event.x.0"], page.buttons["fraction:event.x.0"]) == ("Use 1234", "Use 1.234")

    answered = page.press(f"{button}:event.x.0")

    assert answered.send().value == {"x": [value]}


def judged(form: EventForm) -> EventForm:
    assert not form.is_valid()
    return form


def test_an_integer_that_typescript_rounds_is_kept_and_flagged():
    form = typed(int, "9007199254740993")

    assert form.is_valid()
    assert form.value == {"x": 9007199254740993}
    assert [(warning.id, warning.text) for warning in form.warnings] == [
        ("event.x", "TypeScript readers will round this.")
    ]
    assert "TypeScript readers will round this." in Page(form).text


def test_none_and_absent_are_told_apart_where_they_are_stored_apart():
    class Optionals(Model):
        left_out: int | None = None
        as_null: Annotated[int | None, WrittenAsNull()] = None
        required: int | None
        filled: int | None = 5
        text: str | None

    page = opened(Optionals)

    assert page.control("event.filled")["value"] == "5"
    form = page.send(event__filled="")
    assert form.value == {"as_null": None, "required": None, "filled": None, "text": None}
    form = page.send(**{"event.text:empty": "on"})
    assert form.value["text"] == ""


def test_defaults_are_filled_in_and_an_alias_is_the_name_in_the_data():
    class Aliased(Model):
        model_config = ConfigDict(populate_by_name=True)
        unit_price: Decimal = Field(Decimal("1.5"), alias="unitPrice")

    page = opened(Aliased)

    assert page.labelled("Unit price")["value"] == "1.5"
    assert page.send().value == {"unitPrice": 1.5}
    assert EventForm(Aliased, initial={"unitPrice": 2}).value == {"unitPrice": 2}


def test_title_help_and_example_are_label_hint_and_placeholder():
    page = opened(one(str, title="Reason", description="Why it was done.", examples=["Typo"]))
    control = page.labelled("Reason")

    assert control["placeholder"] == "Typo"
    assert control["aria-describedby"] == "event.x:help"
    assert "Why it was done." in page.text


@pytest.mark.parametrize(
    ("annotation", "options", "attributes"),
    [
        (int, {"ge": 1, "le": 9}, {"type": "text", "inputmode": "decimal", "min": None, "required": ""}),
        (float, {"gt": 0}, {"type": "text", "inputmode": "decimal", "step": None}),
        (Decimal, {"ge": 0, "decimal_places": 2}, {"type": "text", "inputmode": "decimal"}),
        (str, {"min_length": 2, "max_length": 5}, {"minlength": "2", "maxlength": "5", "required": ""}),
        (str, {"pattern": "^[A-Z]{2}-?$"}, {}),
        (str, {"pattern": "^[A-Z]{2}[0-9]+$"}, {"pattern": "[A-Z]{2}[0-9]+"}),
        (date, {}, {"type": "date", "required": ""}),
        (datetime, {}, {"type": "datetime-local", "step": "any"}),
    ],
)
def test_constraints_are_attributes(annotation, options, attributes):
    control = opened(one(annotation, **options)).control("event.x")

    assert {name: control.get(name) for name in attributes} == attributes


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"^[a-z]+$", "[a-z]+"),
        (r"^(?:ab|c)?$", "(?:ab|c)?"),
        (r"^a|b$", None),
        (r"^\d+$", None),
        (r"^a.b$", None),
        (r"^a\.b$", r"a\.b"),
        (r"^(?i)a$", None),
        (r"[a-z]", None),
        (r"^[a-z&&[^b]]$", None),
        (r"^(a$", None),
        (r"^a\$", None),
    ],
)
def test_a_pattern_is_given_only_where_javascript_reads_it_alike(pattern, expected):
    assert javascript_pattern(pattern) == expected


def test_long_text_has_lines():
    assert opened(one(str, max_length=1000)).control("event.x")["tag"] == "textarea"
    assert opened(one(str, json_schema_extra={"widget": "textarea"})).control("event.x")["tag"] == "textarea"
    assert opened(one(str)).control("event.x")["tag"] == "input"
    assert opened(one(str), initial={"x": "a\nb"}).control("event.x")["tag"] == "textarea"


def test_a_time_without_an_offset_is_of_the_current_time_zone():
    with timezone.override("Europe/Rome"):
        page = opened(one(datetime))
        form = page.send(event__x="2026-07-01T10:00")

        assert form.value == {"x": "2026-07-01T08:00:00.000Z"}
        assert "In Europe/Rome, UTC+02:00." in Page(form).text


def test_a_moment_is_kept_to_the_microsecond_while_its_box_is_as_it_was():
    with timezone.override("Europe/Rome"):
        page = opened(one(datetime), initial={"x": "2026-10-25T01:30:00.123456Z"})

        assert page.control("event.x")["value"] == "2026-10-25T02:30:00.123"
        assert page.send().value == {"x": "2026-10-25T01:30:00.123456Z"}
        assert "before and after it is put back" in page.text
        assert page.send(event__x="2026-10-26T02:30:00.123").value == {"x": "2026-10-26T01:30:00.123Z"}


def test_a_time_that_the_clocks_leave_out_is_refused():
    with timezone.override("Europe/Rome"):
        form = typed(datetime, "2026-03-29T02:30")

        assert "no such time in Europe/Rome" in form.errors[0].text


def test_a_time_typed_in_another_time_zone_than_the_page_has_now_is_asked_again():
    page = opened(one(datetime))
    with timezone.override("Europe/Rome"):
        form = page.send(event__x="2026-07-01T10:00")

        assert "check the time" in form.errors[0].text
        assert Page(form).send().value == {"x": "2026-07-01T08:00:00.000Z"}


def test_a_naive_time_stays_naive():
    page = opened(one(NaiveDatetime))

    assert page.send(event__x="2026-07-01T10:00").value == {"x": "2026-07-01T10:00:00.000"}


def test_text_that_no_box_gives_back_is_written_as_json():
    page = opened(one(str), initial={"x": "a\r\nb\x00"})

    assert page.control("event.x")["value"] == '"a\\r\\nb\\u0000"'
    assert page.send().value == {"x": "a\r\nb\x00"}
    assert page.send(event__x='"ab"').value == {"x": "ab"}
    assert Page(page.send(event__x='"ab"')).control("event.x")["value"] == "ab"


def test_a_value_of_another_type_than_the_schemas_is_shown_as_it_is():
    form = EventForm(one(int), initial={"x": {"y": 1}})

    assert not form.is_valid()
    assert Page(form).control("event.x")["value"] == '{\n  "y": 1\n}'


def test_fields_that_the_schema_does_not_name_are_kept_and_can_be_changed():
    page = opened(one(int), initial={"x": 1, "trace": "t1", "n": None})

    assert page.send().value == {"x": 1, "trace": "t1", "n": None}
    assert page.send(**{"event:rest": '{"trace": "t2"}'}).value == {"x": 1, "trace": "t2"}
    assert page.send(**{"event:rest": ""}).value == {"x": 1}
    assert "box of its own" in page.send(**{"event:rest": '{"x": 2}'}).errors[0].text
    assert "JSON object" in page.send(**{"event:rest": "[]"}).errors[0].text


def test_a_schema_without_other_fields_shows_no_box_for_them():
    assert "Other fields" not in opened(one(int)).text


def _refuse(value: int) -> int:
    raise ValueError("never on Sundays")


def _break(value: int) -> int:
    raise KeyError("oops")


class Range(Model):
    low: int
    high: int

    @model_validator(mode="after")
    def in_order(self) -> "Range":
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Ranges(Model):
    main: Range
    more: list[Range] = Field([])


def test_what_a_schemas_own_checks_say_is_said():
    assert typed(Annotated[int, AfterValidator(_refuse)], "1").errors[0].text == "Never on Sundays."
    assert "own check failed" in typed(Annotated[int, AfterValidator(_break)], "1").errors[0].text
    form = EventForm(Range, initial={"low": 2, "high": 1})
    assert [(error.id, error.text) for error in form.errors] == [("", "Low is above high.")]
    form = EventForm(Ranges, initial={"main": {"low": 2, "high": 1}, "more": [{"low": 2, "high": 1}]})
    assert [error.id for error in form.errors] == ["event.main", "event.more.0"]
    assert 'id="event.more.0"' in Page(form).html


def test_hostile_text_is_text():
    hostile = "</textarea><script>alert(1)</script>\"'"
    form = EventForm(
        one(dict[str, str], title=hostile, description=hostile),
        initial={"x": {hostile: hostile}, hostile: hostile},
    )
    page = Page(form)

    assert "script" not in {element["tag"] for element in page.elements}
    assert page.send().value == {"x": {hostile: hostile}, hostile: hostile}


def test_moments_are_in_utc_for_the_judge():
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    assert EventForm(one(datetime, moment)).value == {"x": "2026-01-01T00:00:00.000Z"}
