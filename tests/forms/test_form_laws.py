"""Laws of forms, for any schema of the supported shapes: nothing is lost, nothing raises."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from facets.core import InvalidRecord
from facets.core.json import JSON
from facets.definition import to_stored
from facets.forms.event_form import EventForm
from tests.forms.page import Page
from tests.forms.schemas import TEXTS, same, schemas_and_values

slow = settings(
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
