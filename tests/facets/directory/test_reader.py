"""Lists: sorted, filtered and turned by any column, with the same rows in every plan and on every database."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from facets import directory, registry
from facets.directory import reader as plans
from facets.directory.models import TableFacet
from facets.directory.queries import ID, SEQ, UPDATED, Condition, Count, NoSuchPlace, Question, Test
from facets.directory.writer import current_version, settle_version
from tests.facets.directory.conftest import Note


@pytest.fixture(params=["looked through", "gathered", "walked"])
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way to find the rows; they must not differ in what they find."""
    if request.param != "looked through":
        monkeypatch.setattr(plans, "SMALL", 0)
    if request.param == "walked":
        monkeypatch.setattr(plans, "_FEW", -1)
    return str(request.param)


def ids(question: Question, limit: int = 100) -> list[str]:
    return [row.id for row in directory.query(question, limit=limit).rows]


def asked(**options: Any) -> Question:
    return Question("PERSON", **({"sort": ID, "descending": False} | options))


def where(field: str, test: Test, *values: Any) -> list[str]:
    return ids(asked(conditions=(Condition(field, test, values),)))


def test_sorts_numbers_as_numbers_and_texts_without_case(people: Note) -> None:
    for id, name, age in [("a", "bob", 10), ("b", "Ärzte", 9.5), ("c", "Zoe", -3), ("d", "ada", 10**20)]:
        people(id, name=name, age=age)
    people("e")
    people("f", name="", age=None)
    assert ids(asked(sort="age")) == ["c", "b", "a", "d", "e", "f"]
    assert ids(asked(sort="age", descending=True)) == ["d", "a", "b", "c", "f", "e"]
    assert ids(asked(sort="name")) == ["d", "b", "a", "c", "e", "f"]


def test_sorts_integers_that_a_double_cannot_tell_apart(people: Note) -> None:
    for id, age in [("a", 2**60 + 1), ("b", 2**60), ("c", 2**60 - 1), ("d", -(2**60) - 1), ("e", -(2**60))]:
        people(id, age=age)
    assert ids(asked(sort="age")) == ["d", "e", "c", "b", "a"]


def test_sorts_moments_by_when_they_are(people: Note) -> None:
    people("a", born="2026-01-01T12:00:00+05:00")
    people("b", born="2026-01-01T11:00:00Z")
    people("c", born="2026-01-01T10:30:00.000Z")
    people("d", born="2025-12-31")
    assert ids(asked(sort="born")) == ["d", "a", "c", "b"]
    assert where("born", "from", "2026-01-01T10:30:00Z") == ["b", "c"]
    assert where("born", "to", "2026-01-01T07:00:00Z") == ["a", "d"]


def test_sorts_by_what_every_entity_has(people: Note) -> None:
    people("a", seq=3, ts=1)
    people("c", seq=1, ts=3)
    people("b", seq=2, ts=3)
    assert ids(asked()) == ["a", "b", "c"]
    assert ids(asked(sort=SEQ, descending=True)) == ["a", "b", "c"]
    assert ids(asked(sort=UPDATED, descending=True)) == ["c", "b", "a"]


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize(
    ("test", "field", "values", "expected"),
    [
        ("is", "level", ("gold",), ["a", "c"]),
        ("is", "level", ("gold", "tin"), ["a", "b", "c"]),
        ("is", "active", (True,), ["a"]),
        ("is", "active", (False,), ["b"]),
        ("is", "age", (10,), ["a"]),
        ("contains", "name", ("DA",), ["a"]),
        ("contains", "name", ("é",), ["b"]),
        ("contains", "address.city", ("'",), ["b"]),
        ("from", "age", (10,), ["a", "b"]),
        ("to", "age", (10,), ["a", "c"]),
        ("empty", "age", (), ["d"]),
        ("empty", "name", (), ["c", "d"]),
        ("contains", ID, ("A",), ["a"]),
        ("is", ID, ("b", "c"), ["b", "c"]),
        ("from", SEQ, (2,), ["b", "d"]),
        ("to", UPDATED, (1_000,), ["a", "b", "c"]),
    ],
)
def test_filters_by_a_column_of_any_type(
    people: Note, test: Test, field: str, values: tuple[Any, ...], expected: list[str]
) -> None:
    people("a", name="Ada", age=10, active=True, level="gold", address={"city": "Wien"})
    people("b", seq=2, name="Renée", age=11.5, active=False, level="tin", address={"city": "L'Aquila"})
    people("c", name="", age=-1, level="gold")
    people("d", seq=3, ts=2_000, age=None)
    assert where(field, test, *values) == expected


@pytest.mark.usefixtures("plan")
def test_every_order_turned_in_either_direction_shows_each_entity_once(people: Note) -> None:
    chance = random.Random(6)
    for number in range(60):
        state: dict[str, Any] = {}
        if chance.random() < 0.7:
            state["age"] = chance.choice([1, 2, 3, None])
        if chance.random() < 0.7:
            state["name"] = chance.choice(["ada", "Ada", "Bob", ""])
        people(f"id-{number:02}", seq=chance.randint(1, 3), ts=chance.randint(1, 5), **state)
    for sort in (ID, SEQ, UPDATED, "age", "name"):
        for descending in (False, True):
            for conditions in ((), (Condition(SEQ, "from", (2,)),)):
                question = asked(sort=sort, descending=descending, conditions=conditions)
                whole = ids(question)
                assert len(whole) == len(set(whole)) == directory.count(question).number
                forwards = list(turned(question))
                assert [id for page in forwards for id in page] == whole
                assert list(turned_back(question)) == forwards[-2::-1]


def turned(question: Question) -> Iterator[list[str]]:
    """All pages of seven, from the first on."""
    page = directory.query(question, limit=7)
    yield [row.id for row in page.rows]
    while page.after:
        page = directory.query(question, limit=7, after=page.after)
        yield [row.id for row in page.rows]


def turned_back(question: Question) -> Iterator[list[str]]:
    """The pages before the last one, from there to the first."""
    page = directory.query(question, limit=7)
    while page.after:
        page = directory.query(question, limit=7, after=page.after)
    while page.before:
        page = directory.query(question, limit=7, before=page.before)
        yield [row.id for row in page.rows]


def test_a_place_that_no_page_gave_is_refused(people: Note) -> None:
    people("a")
    people("b")
    place = directory.query(asked(), limit=1).after
    assert place
    for cut in (place[:-3], "x", "é", place + "x" * 9, "W10"):
        with pytest.raises(NoSuchPlace):
            directory.query(asked(), limit=1, after=cut)
    with pytest.raises(NoSuchPlace):
        directory.query(asked(sort="age"), limit=1, after=place)


def test_what_is_masked_can_be_neither_sorted_nor_filtered_by(
    people: Note, define: Callable[..., object]
) -> None:
    define(list_display=("name", "iban"))
    people("a", iban="AT61")
    with pytest.raises(ValueError, match="masked"):
        ids(asked(sort="iban"))
    with pytest.raises(ValueError, match="masked"):
        where("iban", "from", "A")
    with pytest.raises(ValueError, match="no column"):
        ids(asked(sort="nothing"))


def test_what_a_new_definition_masks_is_at_once_neither_shown_nor_found(
    people: Note, define: Callable[..., object]
) -> None:
    people("a", name="Ada")
    define(sensitive_fields=("name",))
    row = directory.find("PERSON", "a")
    assert row is not None
    assert row.values == {}
    assert ids(asked(words="ada")) == []


def test_a_new_column_is_empty_until_an_entity_is_read_again(
    people: Note, define: Callable[..., object]
) -> None:
    define(list_display=("name",), search_fields=())
    people("a", name="Ada", age=3)
    people("b", name="Bob", age=2)
    define(list_display=("age", "name"), search_fields=())
    assert ids(asked(sort="age")) == ["a", "b"]
    assert ids(asked(sort="age", descending=True)) == ["b", "a"]
    people("b", name="Bob", age=2)
    assert ids(asked(sort="age")) == ["b", "a"]
    people("a", name="Ada", age=1)
    assert ids(asked(sort="age")) == ["a", "b"]


def test_what_is_still_written_by_an_earlier_definition_stays_in_every_list(
    people: Note, define: Callable[..., object]
) -> None:
    define(list_display=("age", "name"), search_fields=())
    people("a", age=3, name="Ada")
    settle_version(TableFacet.objects.get())
    # Another process was not restarted yet, and knows no ages.
    define(list_display=("name",), search_fields=())
    people("b", age=1, name="Bob")
    define(list_display=("age", "name"), search_fields=())
    assert ids(asked(sort="age")) == ["a", "b"]
    assert ids(asked(sort="age", descending=True)) == ["a", "b"]
    # A pass that ends now has not read it either.
    settle_version(TableFacet.objects.get())
    assert ids(asked(sort="age")) == ["a", "b"]
    people("b", age=1, name="Bob")
    settle_version(TableFacet.objects.get())
    assert ids(asked(sort="age")) == ["b", "a"]
    assert TableFacet.objects.get().version == current_version(registry.get("PERSON"))


def test_a_facet_that_comes_after_the_pass_is_of_the_definition_of_now(people: Note) -> None:
    people("a")
    assert TableFacet.objects.get().version == current_version(registry.get("PERSON"))


def test_a_link_to_a_place_among_those_without_a_column_leads_there_after_they_got_one(
    people: Note, define: Callable[..., object]
) -> None:
    define(list_display=("name",), search_fields=())
    for id in "abcd":
        people(id, name="Ada")
    define(list_display=("age", "name"), search_fields=())
    page = directory.query(asked(sort="age"), limit=2)
    assert [row.id for row in page.rows] == ["a", "b"]
    for id in "abcd":
        people(id, name="Ada")
    settle_version(TableFacet.objects.get())
    assert [row.id for row in directory.query(asked(sort="age"), limit=2, after=page.after).rows] == [
        "c",
        "d",
    ]


def test_counts_exactly_up_to_a_limit_and_says_about_beyond(people: Note) -> None:
    for number in range(12):
        people(str(number), level="gold" if number % 3 else "tin")
    assert directory.count(asked(), most=12) == Count(12, True)
    assert directory.count(asked(), most=11) == Count(12, False)
    gold = asked(conditions=(Condition("level", "is", ("gold",)),))
    assert directory.count(gold, most=8) == Count(8, True)
    assert directory.count(gold, most=5).exact is False


def test_a_page_that_tells_how_many_there_are_counts_them_once(
    people: Note, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        people(str(number), name=f"ada {number}")
    question = Question("PERSON", "ada")
    with django_assert_max_num_queries(3):  # the facet, the count, the rows
        found = directory.counted(question, limit=5)
    assert found == (directory.query(question, limit=5), directory.count(question))
    assert found[1] == Count(12, True)


@pytest.mark.usefixtures("plan")
def test_streams_all_rows_in_the_order_of_the_question(people: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_AT_ONCE", 2)
    for number in range(5):
        people(str(number), age=-number or None, name="Ada" if number % 2 else "Bob")
    assert [row.id for row in directory.every(asked(sort="age"))] == ["4", "3", "2", "1", "0"]
    assert [row.id for row in directory.every(asked(sort="age", words="bob"))] == ["4", "2", "0"]
    older = asked(conditions=(Condition("age", "to", (-2,)),))
    assert [row.id for row in directory.every(older)] == ["2", "3", "4"]


@pytest.mark.usefixtures("transactional_db", "plan")
@pytest.mark.parametrize("words", ["", "ada"])
def test_what_changes_while_a_list_is_streamed_is_neither_missed_nor_met_twice(
    people: Note, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setattr(plans, "_AT_ONCE", 2)
    for number in range(9):
        people(str(number), ts=number, name="Ada")
    met: list[str] = []
    for row in directory.every(asked(sort=UPDATED, descending=True, words=words)):
        met.append(row.id)
        if len(met) == 3:
            # It stood at the end, and would stand before the first. Others have a connection of their own.
            writer = threading.Thread(target=elsewhere, args=(people, "0"))
            writer.start()
            writer.join()
    assert met == [str(number) for number in reversed(range(9))]
    moved = directory.find("PERSON", "0")
    assert moved is not None
    assert moved.seq == 2


def elsewhere(people: Note, id: str) -> None:
    people(id, seq=2, ts=100, name="Ada")
    connection.close()


def test_a_facet_that_the_directory_does_not_know_has_no_rows(people: Note) -> None:
    assert ids(Question("NOBODY")) == []
    assert directory.count(Question("NOBODY")) == Count(0, True)
