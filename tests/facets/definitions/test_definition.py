"""A facet's definition: typed rules over states that other services also write, and what is refused at start-up."""

from __future__ import annotations

import enum
import sys
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType
from typing import Annotated, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from facets import registry
from facets.core import Event, InvalidRecord
from facets.core.json import dumps
from facets.core.records import Record, state_record
from facets.core.sqlite import SqliteTable
from facets.definitions.definition import (
    DefinitionError,
    FacetDefinition,
    Model,
    WrittenAsNull,
    first_problem,
    humanize,
)
from facets.definitions.serialization import to_stored
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from tests.facets.core.test_diff import json_values


class Colour(enum.Enum):
    RED = "red"


class Part(Model):
    name: str = ""
    size: int | None = None


class Thing(Model):
    title: str = ""
    count: int = 0
    part: Part = Field(default_factory=Part)
    parts: list[Part] = Field(default_factory=list)
    price: Decimal | None = None
    at: datetime | None = None
    day: date | None = None
    colour: Colour | None = None
    key: uuid.UUID | None = None
    note: str | None = None
    closed: Annotated[str | None, WrittenAsNull()] = None
    kind: str = Field("plain", alias="type")


class Named(Model):
    title: str


class Empty(Model):
    pass


class Filled(Model):
    price: Decimal
    at: datetime
    day: date
    colour: Colour
    key: uuid.UUID


thing: FacetDefinition[Thing] = FacetDefinition(name="THING", title="Things", state=Thing)


@thing.event("NAMED", Named, sentence="Now called {title}")
def _name(state: Thing, event: Named, publish: Any) -> Thing:
    state.title = event.title
    return state


@thing.event("TOUCHED", Empty)
def _touch(state: Thing, event: Empty, publish: Any) -> Thing:
    return state


@thing.event("COUNTED", Empty)
def _count(state: Thing, event: Empty, publish: Any) -> Thing:
    state.count += 1
    publish("COUNTED", {"thing": state, "at": datetime(2026, 1, 2, tzinfo=UTC), "price": Decimal("1.10")})
    return state


@thing.event("PART_NAMED", Named)
def _name_part(state: Thing, event: Named, publish: Any) -> Thing:
    state.part.name = event.title
    if state.parts:
        state.parts[-1].name = event.title
    return state


@thing.event("FILLED", Filled)
def _fill(state: Thing, event: Filled, publish: Any) -> Thing:
    return state.model_copy(update=dict(event))


def after(state: Any, *events: Event) -> str:
    """The state after these events, as it would be stored."""
    return dumps(thing.processor.process(state, [], events).state)


def touched() -> Event:
    return Event("TOUCHED", {})


def named(title: str) -> Event:
    return Event("NAMED", {"title": title})


@pytest.fixture
def db(sqlite_table: SqliteTable) -> Any:
    return sqlite_table.db("THING")


# What the model does not know, it keeps.


def test_unknown_fields_of_a_state_survive_an_append_in_their_place():
    state = {"zeta": [1, {"b": 2}], "title": "a", "mid": None, "count": 1, "tail": {"x": "y"}}

    assert after(state, named("b")).startswith(
        '{"zeta":[1,{"b":2}],"title":"b","mid":null,"count":1,"tail":{"x":"y"}'
    )


def test_unknown_fields_of_nested_models_survive_an_append_in_their_place():
    part = {"serial": "s", "name": "a", "made": {"by": "x"}}
    state = {"part": part, "parts": [part, {"name": "b", "colour": 3}]}

    text = after(state, Event("PART_NAMED", {"title": "new"}))

    assert '"part":{"serial":"s","name":"new","made":{"by":"x"}' in text
    assert '{"name":"new","colour":3' in text


def test_items_of_a_list_that_a_rule_left_alone_are_written_back_verbatim():
    state = {
        "parts": [
            {"serial": "s", "name": "a", "size": None},
            {"size": 3.0, "name": "b", "x": {"y": None}},
            {"z": 1, "name": "c"},
        ],
        "count": 1,
    }

    text = after(state, Event("PART_NAMED", {"title": "new"}))

    assert text.startswith(
        '{"parts":[{"serial":"s","name":"a","size":null},{"size":3,"name":"b","x":{"y":null}},{"z":1,"name":"new"}]'
    )


@pytest.mark.parametrize(
    "key", ["", "__class__", "__dict__", "model_dump", "__pydantic_extra__", "self", "_x", "__proto__"]
)
def test_a_field_of_any_name_is_kept(key):
    state, event = {key: {"a": 1}, "title": "a"}, Event("NAMED", {key: [1], "title": "b"})

    assert thing.processor.process(state, [], [event]).state[key] == {"a": 1}


def test_unknown_fields_of_a_state_survive_a_recalculation(db):
    facet = thing.facet(db)
    facet.append("1", named("a"))
    got = facet.get("1")
    assert got is not None
    theirs = {"zeta": [1], **got.item, "tail": None, "part": {"serial": "s", **got.item.get("part", {})}}
    db.put_state(_state_record(theirs), 1)

    output = facet.recalculate("1", named("b"))

    assert [key for key in output.item if key in theirs] == list(theirs)
    assert (output.item["zeta"], output.item["tail"], output.item["title"]) == ([1], None, "b")
    assert output.item["part"]["serial"] == "s"


def test_a_recalculation_takes_back_what_a_rule_of_ours_should_not_have_left(db):
    """A field that the model knows is made by rules alone: a wrong value does not survive."""
    facet = thing.facet(db)
    facet.append("1", named("a"))
    db.put_state(
        _state_record({"title": "drifted", "count": 99, "note": "never set by a rule", "theirs": 1}), 1
    )

    output = facet.recalculate("1")

    assert (output.item["title"], output.item["theirs"]) == ("a", 1)
    assert output.item.get("count", 0) == 0
    assert "note" not in output.item


def test_unknown_fields_of_events_are_stored_as_they_came(db):
    event = Event("NAMED", {"before": [1.50, None], "title": "a", "after": {"é": "\u2028"}})

    thing.facet(db).append("1", event)

    assert db.get_records("1")[0].itm == '{"before":[1.5,null],"title":"a","after":{"é":"\u2028"}}'


@given(json_values.filter(lambda value: isinstance(value, dict)))
def test_an_event_that_changes_nothing_leaves_a_state_as_it_stands(extra):
    state = {"title": "a", "x": extra, **{f"_{name}": value for name, value in extra.items()}}

    result = thing.processor.process(state, [], [touched()]).state

    assert dumps({key: result[key] for key in state}) == dumps(state)
    assert list(result)[: len(state)] == list(state)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        # As other writers may have written them: not in the form that we would choose.
        ({"count": 3.0, "title": "a"}, '"count":3'),
        ({"price": 1.10}, '"price":1.1'),
        ({"price": "1.10"}, '"price":"1.10"'),
        ({"at": "2026-11-23T08:29:57Z"}, '"at":"2026-11-23T08:29:57Z"'),
        ({"at": 1795422597}, '"at":1795422597'),
        ({"note": None}, '"note":null'),
        ({"count": "3"}, '"count":"3"'),
    ],
)
def test_a_field_that_no_rule_touched_is_written_back_verbatim(state, text):
    assert text in after(state, touched())
    assert text in after(state, Event("NAMED", {"title": "other"}))


def test_null_and_absent_are_told_apart():
    assert '"note"' not in after({"title": "a"}, touched())
    assert '"note":null' in after({"title": "a", "note": None}, touched())


def test_a_field_that_becomes_none_is_left_out_as_javascript_leaves_out_undefined():
    class Cleared(Model):
        pass

    definition: FacetDefinition[Thing] = FacetDefinition(name="T", title="T", state=Thing)

    @definition.event("CLEARED", Cleared)
    def clear(state: Thing, event: Cleared, publish: Any) -> Thing:
        state.note = None
        state.closed = None
        return state

    state = definition.processor.process(
        {"note": "x", "closed": "y", "b": 1}, [], [Event("CLEARED", {})]
    ).state

    assert "note" not in state
    assert state["closed"] is None
    assert state["b"] == 1


def test_aliases_are_the_names_that_are_stored():
    assert '"type":"plain"' in after(None, touched())
    assert '"type":"odd"' in after({"type": "odd"}, named("x"))
    assert '"kind"' not in after({"type": "odd"}, named("x"))


def test_the_first_state_of_an_entity_is_the_models_defaults():
    assert thing.processor.process(None).state == {
        "title": "",
        "count": 0,
        "part": {"name": ""},
        "parts": [],
        "closed": None,
        "type": "plain",
    }


# The form of values.


def test_values_of_an_event_are_stored_in_the_form_that_they_have_there():
    data = {
        "price": 12.50,
        "at": "2026-11-23T09:29:57.5+01:00",
        "day": "2026-11-23",
        "colour": "red",
        "key": "5f0c6f3e-0d7f-4f0e-9a2b-1f2e3d4c5b6a",
    }

    text = after(None, Event("FILLED", data))

    assert '"price":12.5,"at":"2026-11-23T09:29:57.5+01:00","day":"2026-11-23","colour":"red"' in text
    assert '"key":"5f0c6f3e-0d7f-4f0e-9a2b-1f2e3d4c5b6a"' in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("100"), "100"),
        (Decimal("100.00"), "100"),
        (Decimal("0.10"), "0.1"),
        (Decimal("-0"), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12345678901234567890"), "12345678901234567890"),
        (Decimal("1E-7"), "1e-7"),
        (datetime(2026, 11, 23, 8, 29, 57, tzinfo=UTC), '"2026-11-23T08:29:57.000Z"'),
        (
            datetime(2026, 11, 23, 8, 29, 57, 7000, tzinfo=timezone(timedelta(hours=2))),
            '"2026-11-23T06:29:57.007Z"',
        ),
        (datetime(2026, 11, 23, 8, 29, 57, 123456, tzinfo=UTC), '"2026-11-23T08:29:57.123456Z"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (Colour.RED, '"red"'),
        (("a", {"b": Decimal("1.5")}), '["a",{"b":1.5}]'),
        ({Colour.RED: 1}, '{"red":1}'),
    ],
)
def test_a_value_is_stored_as_json_that_javascript_would_write(value, text):
    assert dumps(to_stored(value)) == text


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("Infinity"), Decimal("0.12345678901234567890"), float("inf"), object()],
)
def test_a_value_that_json_would_change_is_refused(value):
    with pytest.raises(InvalidRecord):
        to_stored(value)


def test_a_message_is_written_when_it_is_published():
    (first, second) = thing.processor.process({"x": 1}, [], [Event("COUNTED", {})] * 2).new_outbound_events

    assert first.data["thing"]["count"] == 1
    assert second.data["thing"]["count"] == 2
    assert (first.data["at"], first.data["price"]) == ("2026-01-02T00:00:00.000Z", 1.1)
    assert first.data["thing"]["x"] == 1


def test_a_failing_rule_leaves_the_callers_state_alone():
    state = {"title": "a", "parts": [{"name": "b", "x": [1]}]}
    before = dumps(state)

    with pytest.raises(InvalidRecord):
        thing.processor.process(state, [], [Event("PART_NAMED", {"title": "c"}), Event("NAMED", {})])
    assert dumps(state) == before


def test_a_state_that_does_not_fit_says_where_and_not_what():
    """The value may be secret."""
    with pytest.raises(InvalidRecord, match=r"Thing: count: ") as refused:
        thing.processor.process({"count": "s3cret"}, [], [touched()])
    assert "s3cret" not in str(refused.value)


# Sentences.

HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["{title}", "{0}", "{title.__class__}", "<script>", "%s", "{" * 50, "\u202e"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["ACCOUNT_CREATION", "ACCOUNT_UPDATE", "TRANSACTION_ACCEPTED", "?", ""]),
    HOSTILE
    | st.fixed_dictionaries(
        {}, optional={"id": HOSTILE, "amount": HOSTILE, "desc": HOSTILE, "ownerFirst": HOSTILE}
    ),
)
def test_a_sentence_never_raises_whatever_the_event_holds(type, data):
    assert isinstance(bank_account.sentence(type, data), str)


@given(st.fixed_dictionaries({"intent": HOSTILE | st.fixed_dictionaries({"id": HOSTILE, "amount": HOSTILE})}))
def test_a_sentence_over_nested_fields_never_raises(data):
    assert isinstance(order.sentence("PAYMENT_COMPLETED", data), str)


def test_text_of_an_event_is_not_taken_for_a_template():
    assert (
        thing.sentence("NAMED", {"title": "{title.__class__} {0} {"}) == "Now called {title.__class__} {0} {"
    )


def test_what_has_no_sentence_is_named_by_its_title():
    assert thing.sentence("PART_NAMED", {"title": "x"}) == "Part named"
    assert thing.sentence("NAMED", {"title": ["does not fit"]}) == "Named"
    assert thing.sentence("cardIssued", None) == "Card issued"
    assert thing.sentence("odd/type 😀", {}) == "Odd/type 😀"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ACCOUNT_UPDATE", "Account update"),
        ("accountUpdate", "Account update"),
        ("ownerFirst", "Owner first"),
        ("id", "Id"),
        ("_", "_"),
        ("", ""),
    ],
)
def test_names_read_as_words(name, words):
    assert humanize(name) == words


def test_labels_are_titles_or_words():
    assert bank_account.label("id") == "Account number"
    assert bank_account.label("minimumBalance") == "Minimum balance"
    assert bank_account.label("unknownField") == "Unknown field"


# What is refused at start-up: the message names the facet and the field.


class NeedsMore(Model):
    title: str
    count: int


class Drops(BaseModel):
    title: str = ""


class DropsDeep(Model):
    drops: dict[str, list[Drops | None]] | None = None


class Forbids(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Recursive(Model):
    children: list[Recursive] = Field(default_factory=list)


def define(**options: Any) -> FacetDefinition[Any]:
    return FacetDefinition(**{"name": "SHOP", "title": "Shops", "state": Thing} | options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": ""}, "''"),
        ({"name": "A/B"}, "A/B"),
        ({"state": NeedsMore}, "SHOP.*title, count"),
        ({"state": Drops}, "SHOP.*Drops"),
        ({"state": DropsDeep}, "SHOP.*Drops "),
        ({"state": Forbids}, "SHOP.*Forbids"),
        ({"list_display": ("title", "tilte")}, "SHOP.*list_display.*'tilte'"),
        ({"search_fields": ("nope",)}, "SHOP.*search_fields.*'nope'"),
        ({"chart_fields": ("kind",)}, "SHOP.*chart_fields.*'kind'"),
    ],
)
def test_a_definition_that_contradicts_itself_names_the_facet_and_the_field(options, named):
    with pytest.raises(DefinitionError, match=named):
        define(**options)


def test_a_definition_speaks_of_fields_by_their_stored_names():
    assert define(list_display=("type", "part.name")).list_display == ("type", "part.name")


def test_a_model_may_hold_itself():
    assert define(state=Recursive).processor.process(None).state == {"children": []}


def test_two_rules_for_one_event_are_refused():
    definition = define()
    definition.event("X", Empty)(_touch)

    with pytest.raises(DefinitionError, match=r"SHOP.*'X'"):
        definition.event("X", Empty)(_touch)


@pytest.mark.parametrize("schema", [Drops, DropsDeep, Forbids])
def test_an_event_that_would_drop_fields_is_refused(schema):
    with pytest.raises(DefinitionError, match=r"SHOP.*(Drops|Forbids)"):
        define().event("X", schema)(_touch)


@pytest.mark.parametrize("sentence", ["{title", "title}", "{title!}"])
def test_a_sentence_that_is_no_template_is_refused(sentence):
    with pytest.raises(DefinitionError, match=r"SHOP.*'X'"):
        define().event("X", Named, sentence=sentence)(_name)


def test_a_problem_is_told_by_its_place_and_without_its_value():
    with pytest.raises(ValueError, match="count") as error:
        Thing.model_validate({"parts": [{"size": "s3cret"}]} | {"count": 1.5})

    assert "s3cret" not in first_problem(error.value)  # type: ignore[arg-type]
    assert "1.5" not in first_problem(error.value)  # type: ignore[arg-type]


# The registry.


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Name modules in the setting; they hold what is given."""

    def install(**contents: dict[str, Any]) -> None:
        for name, values in contents.items():
            module = ModuleType(name)
            vars(module).update(values)
            monkeypatch.setitem(sys.modules, name, module)
        settings.HDEADMIN_FACETS = list(contents)
        registry.definitions.cache_clear()

    yield install
    registry.definitions.cache_clear()


def test_facets_are_found_in_the_order_of_the_setting_and_of_their_lines(modules):
    one, two, three = define(name="ONE"), define(name="TWO"), define(name="THREE")

    modules(acme_b={"x": two, "y": one, "again": two}, acme_a={"z": three, "helper": len})

    assert list(registry.definitions()) == ["TWO", "ONE", "THREE"]
    assert registry.get("ONE") is one
    assert registry.get("NONE") is None


def test_a_definition_that_another_module_imports_is_no_second_one(modules):
    one = define(name="ONE")

    modules(acme_a={"one": one}, acme_b={"one": one, "two": define(name="TWO")})

    assert list(registry.definitions()) == ["ONE", "TWO"]


def test_a_facet_that_is_defined_twice_names_itself_and_the_second_module(modules):
    modules(acme_a={"one": define(name="ONE")}, acme_b={"one": define(name="ONE")})

    with pytest.raises(DefinitionError, match=r"ONE.*'acme_b'"):
        registry.definitions()


def test_a_module_without_a_facet_is_named(modules):
    modules(acme_a={})

    with pytest.raises(DefinitionError, match="'acme_a' defines no facet"):
        registry.definitions()


def test_a_module_that_cannot_be_imported_is_named_with_the_cause(modules, settings):
    modules()
    settings.HDEADMIN_FACETS = ["acme.nowhere"]

    with pytest.raises(DefinitionError, match=r"'acme.nowhere' cannot be imported.*acme"):
        registry.definitions()


def test_a_module_whose_definition_is_broken_is_named_with_the_field(
    modules, settings, tmp_path, monkeypatch
):
    (tmp_path / "acme_broken.py").write_text(
        "from facets.definitions import FacetDefinition, Model\n"
        "class Shop(Model):\n    name: str\n"
        "shop = FacetDefinition(name='SHOP', title='Shops', state=Shop)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    modules()
    settings.HDEADMIN_FACETS = ["acme_broken"]

    with pytest.raises(DefinitionError, match=r"'acme_broken'.*SHOP.*name"):
        registry.definitions()


@pytest.mark.parametrize("line", ["from facets.definition import Model", "import facets.definition"])
def test_a_module_that_imports_an_old_name_is_told_the_new_one(
    modules, settings, tmp_path, monkeypatch, line
):
    (tmp_path / "acme_old.py").write_text(f"{line}\n")
    monkeypatch.syspath_prepend(tmp_path)
    modules()
    settings.HDEADMIN_FACETS = ["acme_old"]

    with pytest.raises(ImproperlyConfigured, match=r"'acme_old' imports.*'facets\.definitions'"):
        registry.definitions()


def test_a_setting_with_an_old_name_is_told_the_new_one(modules, settings):
    modules()
    settings.HDEADMIN_FACETS = ["facets.definitions"]

    with pytest.raises(ImproperlyConfigured, match=r"'facets\.demo\.definitions'"):
        registry.definitions()


def test_the_demo_facets_come_with_the_package(settings):
    settings.HDEADMIN_FACETS = ["facets.demo.definitions"]
    registry.definitions.cache_clear()

    assert registry.get("BANK_ACCOUNT") is bank_account
    assert registry.get("ORDER") is order
    registry.definitions.cache_clear()


def _state_record(item: Any) -> Record:
    return state_record("THING", "1", 1, dumps(item), 0)


class Line(Model):
    sku: str


class Basket(Model):
    flag: Any = None
    lines: list[Line] = Field(default_factory=list)


class Touched(Model):
    lines: list[Line] = Field(default_factory=list)


@pytest.fixture
def basket() -> FacetDefinition[Any]:
    definition = FacetDefinition(name="BASKET", title="Baskets", state=Basket)

    @definition.event("FLAGGED", Model)
    def flag(state: Basket, event: Model, publish: Any) -> Basket:
        state.flag = True
        return state

    @definition.event("FILLED", Touched)
    def fill(state: Basket, event: Touched, publish: Any) -> Basket:
        state.lines = event.lines
        return state

    return definition


def test_true_that_replaces_one_is_stored(basket: FacetDefinition[Any]) -> None:
    result = basket.processor.process({"flag": 1}, [], [Event("FLAGGED", {})])

    assert result.state["flag"] is True


def test_a_recalculation_keeps_what_others_wrote_into_an_unchanged_item(
    basket: FacetDefinition[Any], sqlite_table: SqliteTable
) -> None:
    facet = basket.facet(sqlite_table.db("BASKET"))
    facet.append("1", Event("FILLED", {"lines": [{"sku": "a"}, {"sku": "b"}]}))
    stored = facet.db.get_state("1")
    theirs = '{"lines":[{"sku":"a","picked":true},{"sku":"other","picked":true}]}'
    facet.db.put_state(replace(stored, itm=theirs), 1)

    change = facet.recalculate("1")

    assert change.item["lines"] == [{"sku": "a", "picked": True}, {"sku": "b"}]


@pytest.mark.parametrize(
    "value", [Decimal("1e999999999"), datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))]
)
def test_a_value_that_no_reader_could_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRecord):
        to_stored(value)


class Part(Model):
    a: int
    b: str | None = None


class Parts(Model):
    parts: list[Part] = Field(default_factory=list)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([1], '[{"a":2,"b":null}]'),
        (["new", 0, 1], '[{"a":9},{"x":0,"a":1},{"a":2,"b":null}]'),
        ([1, 0], '[{"a":2,"b":null},{"x":0,"a":1}]'),
    ],
)
def test_an_untouched_item_is_written_back_as_it_stood_wherever_it_moves(
    order: list[Any], expected: str
) -> None:
    definition = FacetDefinition(name="PARTS", title="Parts", state=Parts)

    @definition.event("MOVED", Model)
    def move(state: Parts, event: Model, publish: Any) -> Parts:
        state.parts = [Part(a=9) if place == "new" else state.parts[place] for place in order]
        return state

    before = {"parts": [{"x": 0, "a": 1}, {"a": 2, "b": None}]}
    result = definition.processor.process(before, [], [Event("MOVED", {})])

    assert dumps(result.state["parts"]) == expected


def test_a_sensitive_field_that_nothing_has_is_found():
    class Card(Model):
        number: str = Field("", alias="cardNo")
        again: Card | None = None

    class Owner(Model):
        cards: list[Card] | None = None
        by_name: dict[str, Card] | None = None

    class Moved(Model):
        email: str = ""

    facet = FacetDefinition(
        name="F",
        title="F",
        state=Owner,
        sensitive_fields=(
            "cards.cardNo",
            "email",
            "cardNo",
            "cards.number",
            "e-mail",
            "cards.again.cardNo",
            "by_name.cardNo",
        ),
    )
    facet.event("MOVED", Moved)(lambda state, event, publish: state)

    assert facet.unknown_sensitive_fields() == ["cards.number", "e-mail", "by_name.cardNo"]


@pytest.mark.parametrize("path", ["", "a.", ".a", "a..b"])
def test_a_sensitive_field_that_is_no_path_is_refused(path: str):
    with pytest.raises(DefinitionError, match="no path of keys"):
        FacetDefinition(name="F", title="F", state=Model, sensitive_fields=(path,))


def test_what_is_sensitive_cannot_be_drawn():
    class Account(Model):
        balance: float = 0

    with pytest.raises(DefinitionError, match="draws 'balance', which is sensitive"):
        FacetDefinition(
            name="F", title="F", state=Account, chart_fields=("balance",), sensitive_fields=("balance",)
        )


class Told(Model):
    name: str | None = None
    done: bool = False
    tags: list[str] | None = None
    colour: Colour | None = None
    part: Line | None = None


@pytest.mark.parametrize(
    ("sentence", "data", "text"),
    [
        ("Owner is now {name}", {}, "Owner is now –"),
        ("Owner is now {name!r:>3}", {"name": None}, "Owner is now –"),
        ("Owner is now {name}", {"name": "None"}, "Owner is now None"),
        ("Done: {done}", {"done": True}, "Done: true"),
        ("Tags {tags}", {"tags": ["a", "b"]}, "Tags a, b"),
        ("Colour {colour}", {"colour": "red"}, "Colour red"),
        ("Part {part}", {"part": {"sku": "x"}}, 'Part {"sku":"x"}'),
    ],
)
def test_a_sentence_has_no_words_of_python(sentence: str, data: Any, text: str):
    facet = FacetDefinition(name="F", title="F", state=Model)
    facet.event("TOLD", Told, sentence=sentence)(lambda state, event, publish: state)

    assert facet.sentence("TOLD", data) == text
