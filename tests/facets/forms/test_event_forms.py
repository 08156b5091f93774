"""Forms of events as staff use them: what they show, what becomes of what is typed, which buttons do what."""

import pytest

from facets.demo.definitions.order import OrderCreated, PaymentCompleted
from facets.forms.event_form import EventForm
from tests.facets.forms.page import Page, opened


def test_an_order_with_its_items_is_typed_into_boxes():
    page = opened(OrderCreated).press("add:event.items").press("add:event.items")

    form = page.send(
        event__id="42",
        event__items__0__desc="Apples",
        event__items__0__cost="0.30",
        event__items__1__desc="Pears",
        event__items__1__qty="",
        event__items__1__cost="1e2",
    )

    assert form.is_valid(), form.errors
    assert form.value == {
        "id": "42",
        "items": [{"desc": "Apples", "qty": 1, "cost": 0.3}, {"desc": "Pears", "qty": 1, "cost": 100}],
    }
    assert isinstance(form.model, OrderCreated)


def test_rows_are_added_moved_and_removed_and_keep_what_was_typed():
    page = opened(OrderCreated, initial={"id": "1", "items": [{"desc": name} for name in "abc"]})
    page = page.press("down:event.items.0", event__items__0__desc="A", event__id="2")
    page = page.press("remove:event.items.2")
    page = page.press("add:event.items")
    page = page.press("up:event.items.2", event__items__2__desc="new")

    value = page.send().value

    assert value["id"] == "2"
    assert [item["desc"] for item in value["items"]] == ["b", "new", "A"]


def test_the_first_row_cannot_move_up_nor_the_last_one_down():
    page = opened(OrderCreated, initial={"id": "1", "items": [{}, {}]})

    assert "up:event.items.0" not in page.buttons
    assert "down:event.items.1" not in page.buttons
    assert page.buttons["remove:event.items.1"] == "Remove item 2 of Items"


def test_an_error_is_at_its_field_within_a_list():
    form = opened(OrderCreated, initial={"id": "1", "items": [{}, {}]}).send(event__items__1__cost="much")

    page = Page(form)

    assert not form.is_valid()
    (error,) = form.errors
    assert (error.id, error.label) == ("event.items.1.cost", "Items › Item 2 › Cost")
    page = Page(form)
    assert page.control("event.items.1.cost")["value"] == "much"
    assert page.control("event.items.1.cost")["aria-invalid"] == "true"
    assert "event.items.1.cost:error" in page.control("event.items.1.cost")["aria-describedby"]
    assert 'href="#event.items.1.cost"' in page.html


def test_what_is_left_empty_and_is_optional_is_left_out():
    form = opened(PaymentCompleted).send(event__intent__amount="5", event__intent__id="p")

    assert form.value == {"intent": {"amount": 5, "id": "p"}}


def test_a_form_that_was_only_opened_shows_no_errors():
    assert "Not right yet" not in opened(OrderCreated).html


def test_the_value_of_a_form_that_is_not_valid_cannot_be_had():
    form = opened(PaymentCompleted).send()

    with pytest.raises(ValueError, match="not valid"):
        _ = form.value


@pytest.mark.parametrize(
    "action", [None, "", "add", "add:", "remove:event.items.9", "up:event", "::", "add:other.items"]
)
def test_a_button_that_the_form_does_not_have_changes_nothing(action):
    form = EventForm(OrderCreated, initial={"id": "1", "items": [{"desc": "a"}]})
    before = form.draft()

    assert form.act(action).draft() == before
