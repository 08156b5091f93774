"""Laws of forms, for any schema of the supported shapes: nothing is lost, nothing raises."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from facets.core import InvalidRecord
from facets.core.json import JSON
from facets.definitions.definition import to_stored
from facets.forms.event_form import EventForm
from facets.forms.json_text import indented
from tests.facets.forms.page import Page
from tests.facets.forms.schemas import TEXTS, same, schemas_and_values

slow = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["type", "name", "ab"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def stored(schema: type[BaseModel], value: JSON) -> JSON:
    """What the rules' side makes of a value; the example is dropped where that is no stable thing."""
    try:
        first = to_stored(schema.model_validate(value))
        second = to_stored(schema.model_validate(first))
    except (ValidationError, InvalidRecord):
        assume(False)
    assume(same(first, second))
    return first


@slow
@given(schemas_and_values())
def test_a_value_comes_back_from_its_form_as_it_was(pair: tuple[type[BaseModel], JSON]):
    schema, value = pair
    expected = stored(schema, value)

    form = Page(EventForm(schema, initial=value)).send()

    assert form.is_valid(), form.errors
    assert same(form.value, expected), (form.value, expected)


@slow
@given(schemas_and_values())
def test_a_value_comes_back_from_its_json_tab_as_it_was(pair: tuple[type[BaseModel], JSON]):
    schema, value = pair
    expected = stored(schema, value)
    page = Page(EventForm(schema, initial=value))

    on_json = page.press("json:event")
    judged = on_json.send()
    back = on_json.press("form:event").send()

    assert judged.is_valid(), judged.errors
    assert same(judged.value, expected)
    assert same(back.value, expected)


@slow
@given(schemas_and_values(), st.data())
def test_a_value_that_the_schema_refuses_gives_an_error_at_a_field_and_raises_nothing(
    pair: tuple[type[BaseModel], JSON], data: st.DataObject
):
    schema, value = pair
    key = data.draw(
        st.sampled_from([*value, *(field.alias or name for name, field in schema.model_fields.items())])
    )
    wrong = data.draw(
        st.sampled_from([value | {key: data.draw(JSON_VALUES)}, {k: v for k, v in value.items() if k != key}])
    )
    page = Page(EventForm(schema, initial=wrong))

    form = page.send()
    form.is_valid()
    shown = Page(form)
    on_json = EventForm.from_json_text(schema, indented(wrong))

    if refused(schema, wrong):
        # What is missing has its default in the form; text of a number becomes one.
        assert not on_json.is_valid()
        assert all(error.line for error in on_json.errors)
        assert form.is_valid() or form.errors
    if not form.is_valid():
        ids = {element.get("id") for element in shown.elements}
        assert all(error.id in ids for error in form.errors if error.id)
        assert all(error.text in shown.text for error in form.errors)


def refused(schema: type[BaseModel], value: JSON) -> bool:
    try:
        schema.model_validate(value)
    except ValidationError:
        return True
    return False


@slow
@given(schemas_and_values(), st.data())
def test_no_post_raises_and_each_can_be_shown_again(pair: tuple[type[BaseModel], JSON], data: st.DataObject):
    schema, value = pair
    page = Page(EventForm(schema, initial=value))
    posted = page.posted()
    names = [
        *posted,
        "event",
        "event.x",
        "event:as",
        *(f"{name}:{mark}" for name in posted for mark in MARKS),
    ]
    for name, texts in data.draw(
        st.dictionaries(st.sampled_from(names), st.lists(GARBAGE, max_size=3), max_size=6)
    ).items():
        posted.setlist(name, texts)
    actions = [*page.buttons, *(f"{verb}:{name}" for verb in VERBS for name in names)]

    form = EventForm(schema, data=posted)
    form.act(data.draw(st.sampled_from(actions)))

    Page(form)
    form.is_valid()
    assert form.is_valid() or form.errors
    assert isinstance(form.warnings, list)
    again = Page(form).send()
    Page(again.act("json:event"))
    Page(again.act("form:event"))


@slow
@given(schemas_and_values(), st.lists(st.integers(0, 1000), max_size=4))
def test_moving_rows_and_turning_to_json_and_back_loses_nothing(
    pair: tuple[type[BaseModel], JSON], presses: list[int]
):
    schema, value = pair
    expected = stored(schema, value)
    page = Page(EventForm(schema, initial=value))
    undone = {"up": "down", "down": "up", "json": "form", "form": "form", "switch": "switch"}

    for number in presses:
        harmless = [button for button in page.buttons if button.split(":")[0] in undone]
        verb, _, name = harmless[number % len(harmless)].partition(":")
        page = page.press(f"{verb}:{name}")
        if verb in ("up", "down"):
            stem, _, index = name.rpartition(".")
            name = f"{stem}.{int(index) + (1 if verb == 'down' else -1)}"
        page = page.press(f"{undone[verb]}:{name}")

    value = page.send().value
    assert same(value, expected), (value, expected)


MARKS = ("row", "key", "kind", "shown", "kept", "on", "as", "empty", "exact", "zone", "rest")
VERBS = ("add", "remove", "up", "down", "switch", "json", "form", "", "\x00")
GARBAGE = st.text(max_size=8) | st.sampled_from(
    [
        "json", "on", "0", "1", "7", "-1", "9" * 30, "99999", "1e999", "-1e999", "1e-999", "1e999999999", "NaN", "inf",
        "Infinity", "\x00", "\ud800", "\r", "\n", "[" * 200, "{" * 20_000, '{"a":1,"a":2}', '{"0":{"0":{}}}', "[1e999]",
        "0001-01-01T00:00", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", "../../etc/passwd",
        "9" * 5000, "1_000", "٣", "2020-02-30", '"\\ud800"', '{"x":NaN}', "true", "null", "{}", "[]", '""',
    ]
)  # fmt: skip
