"""Lists, tuples, sets, mappings and optional parts: what their buttons do, and how many rows there may be."""

import pytest
from django.http import QueryDict
from pydantic import Field

from facets.definitions import Model
from facets.forms.event_form import EventForm
from tests.facets.forms.page import Page, opened


class Address(Model):
    street: str = Field(min_length=1)
    tags: set[str] = Field(set())


class Person(Model):
    names: list[str] = Field([], min_length=1)
    address: Address | None = None
    prices: dict[str, float] = Field({})
    point: tuple[int, str] = (1, "a")
    scores: tuple[int, ...] | None = None
    deep: dict[str, list[list[Address]]] = Field({})


def test_an_optional_part_is_begun_filled_and_left_out():
    page = opened(Person, initial={"names": ["a"]}).press("add:event.address")

    assert page.send(event__address__street="Main").value["address"] == {"street": "Main", "tags": []}
    assert page.send().errors[0].id == "event.address.street"
    assert "address" not in page.send("remove:event.address").value


def test_an_optional_list_may_be_empty_or_not_there():
    page = opened(Person, initial={"names": ["a"]})
    assert "scores" not in page.send().value

    page = page.press("add:event.scores")
    assert page.send(**{"event.scores.0": "3"}).value["scores"] == [3]
    assert page.press("remove:event.scores.0").send().value["scores"] == []
    assert "scores" not in page.press("remove:event.scores").send().value


def test_entries_have_keys_of_their_own():
    page = opened(Person, initial={"names": ["a"], "prices": {"pear": 1, "<b>": 2}}).press("add:event.prices")

    typed = {"event.prices.2:key": "fig", "event.prices.2": "3", "event.prices.0:key": "apple"}
    assert page.send(**typed).value["prices"] == {"apple": 1, "<b>": 2, "fig": 3}

    form = page.send(**typed | {"event.prices.2:key": "<b>"})
    assert [(error.id, error.text) for error in form.errors] == [
        ("event.prices.2:key", "Key of entry 3: An entry above has this key.")
    ]
    assert Page(form).control("event.prices.2:key")["aria-invalid"] == "true"
    assert list(page.press("up:event.prices.1").send("remove:event.prices.2").value["prices"]) == [
        "<b>",
        "pear",
    ]


def test_a_tuple_of_given_length_has_its_boxes_and_no_buttons():
    page = opened(Person, initial={"names": ["a"]})

    assert page.send(**{"event.point.0": "5"}).value["point"] == [5, "a"]
    assert not [button for button in page.buttons if "event.point" in button]


def test_errors_are_found_three_levels_deep():
    page = opened(Person, initial={"names": ["a"], "deep": {"k": [[], [{"street": "x"}, {"street": "y"}]]}})
    form = page.send(**{"event.deep.0.1.1.street": ""})

    assert [error.id for error in form.errors] == ["event.deep.0.1.1.street"]
    assert form.errors[0].label == "Deep › Entry 1 › Item 2 › Item 2 › Street"


def test_an_error_of_a_whole_list_is_at_its_frame():
    form = opened(Person, initial={"names": ["a"]}).press("remove:event.names.0").send()

    assert [error.id for error in form.errors] == ["event.names"]
    assert 'id="event.names"' in Page(form).html


def test_a_list_too_long_for_a_form_is_json_and_kept():
    value = {"names": [str(number) for number in range(5000)]}
    form = Page(EventForm(Person, initial=value)).send()

    assert form.value["names"] == value["names"]


def test_many_lists_together_stay_within_what_django_reads(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 300
    deep = {str(number): [[{"street": "s"}] * 5] * 5 for number in range(10)}
    page = opened(Person, initial={"names": ["a"], "deep": deep})

    assert len(list(page.posted().lists())) < 300
    assert sum(len(texts) for _, texts in page.posted().lists()) < 300
    assert page.send().value["deep"]["9"][4][4]["street"] == "s"


def test_a_full_form_takes_no_more_rows(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 80
    page = opened(Person)
    for _ in range(60):
        page = page.press("add:event.names")

    assert sum(len(texts) for _, texts in page.posted().lists()) < 80
    assert "The form is full" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "event.names:row=" + "&event.names:row=".join(str(number) for number in range(100_000)),
        "event.names:row=99999999999999999999&event.names:row=-1&event.names:row=a",
        "&".join(f"event.names.{number}=x" for number in range(1000)),
        "event.point.7=1&event.deep:row=0&event.deep.0:row=0&event.deep.0.0:row=0&event.deep.0.0.0.street=x",
        "event.address=1&event.address:on&event.address.street=%00%ff",
        "event:as=json&event=" + "[" * 1000,
        "event." + "address." * 1000 + "street=x",
        "__class__=1&event.__class__=2&event.model_fields=3",
    ],
)
def test_a_forged_post_is_read_as_far_as_it_makes_sense(query, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 200_000
    form = EventForm(Person, data=QueryDict(query))

    assert form.is_valid() or form.errors
    assert len(Page(form).elements) < 20_000


def test_several_forms_share_a_page():
    one = Page(EventForm(Person, initial={"names": ["a"]}, prefix="event-0"))
    two = Page(EventForm(Person, initial={"names": ["b"]}, prefix="event-1"))
    data = one.posted()
    data.update(two.posted())

    forms = [
        EventForm(Person, data=data, prefix=prefix).act("add:event-1.names")
        for prefix in ("event-0", "event-1")
    ]

    assert [form.draft()["names"] for form in forms] == [["a"], ["b", ""]]


def test_buttons_work_with_htmx_where_an_address_is_given():
    page = Page(EventForm(Person), url="/append/x?type=T")
    button = next(element for element in page.elements if element.get("value") == "add:event.prices")

    assert button["formaction"] == "/append/x?type=T#event.prices"
    assert button["hx-post"] == "/append/x?type=T"
    assert button["hx-target"] == button["hx-select"] == "#event-form"


def test_every_control_has_a_label_and_every_reference_leads_somewhere():
    form = EventForm(
        Person, initial={"names": ["", "b"], "address": {}, "prices": {"": "x"}, "scores": [1], "other": 1}
    )
    form.is_valid()
    page = Page(form)
    ids = [element["id"] for element in page.elements if "id" in element]
    labelled = {element["for"] for element in page.elements if element["tag"] == "label"}

    assert len(ids) == len(set(ids))
    for control in page.controls:
        assert control.get("type") == "hidden" or control["id"] in labelled
    for element in page.elements:
        for reference in element.get("aria-describedby", "").split():
            assert reference in ids
        assert "style" not in element
        if element.get("href"):
            assert element["href"].removeprefix("#") in ids
