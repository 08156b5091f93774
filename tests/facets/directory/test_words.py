"""Words find the same entities on every database and by every plan."""

from __future__ import annotations

import pytest

from facets import directory
from facets.directory import fulltext, reader, writer
from facets.directory.normalize import fold, words_of
from facets.directory.queries import Question
from tests.facets.directory.conftest import Note

NAMES = {
    "plain": "Jane Smith",
    "accents": "Renée Müller",
    "stroke": "Łukasz Sørensen",
    "sharp": "Straße",
    "emoji": "Party 🎉🎂",
    "family": "👨‍👩‍👧 Family",
    "chinese": "李小龍",
    "greek": "Οδυσσεύς",
    "arabic": "مُحَمَّد",
    "quotes": 'O\'Brien "Bob" AND (x OR y) NEAR/2 * ^ -z {a}:b % _ \\',
    "width": "ＦＵＬＬ ﬁne",
    "decomposed": "Ange\u0301lique",
    "nul": "zero\0width\u200bjoined",
    "own": "\ue000\ue001\ue002",
}


@pytest.fixture(params=["looked through", "gathered", "walked"], autouse=True)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "looked through":
        monkeypatch.setattr(reader, "SMALL", -1)
    monkeypatch.setattr(reader, "_FEW", -1 if request.param == "walked" else 10_000)


def found(words: str) -> list[str]:
    return sorted(row.id for row in directory.query(Question("PERSON", words), limit=100).rows)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("jane", ["plain"]),
        ("SMITH jane", ["plain"]),
        ("mit", ["plain"]),
        ("ja", ["plain"]),
        ("th", ["nul", "plain", "width"]),
        ("renee", ["accents"]),
        ("RENÉE", ["accents"]),
        ("mul", ["accents"]),
        ("lukasz sorensen", ["stroke"]),
        ("strasse", ["sharp"]),
        ("🎉", ["emoji"]),
        ("🎉🎂", ["emoji"]),
        ("party 🎂", ["emoji"]),
        ("👩", ["family"]),
        ("小", ["chinese"]),
        ("小龍", ["chinese"]),
        ("李小龍", ["chinese"]),
        ("οδυσσευσ", ["greek"]),
        ("محمد", ["arabic"]),
        ("full", ["width"]),
        ("fine", ["width"]),
        ("angelique", ["decomposed"]),
        ("ang\u00e9", ["decomposed"]),
        ("widthjoined", ["nul"]),
        ("quo", ["quotes"]),
        ('"bob"', ["quotes"]),
        ("o'b", ["quotes"]),
        ("near/2", ["quotes"]),
        ("and (x or", ["quotes"]),
        ("*", ["quotes"]),
        ("%", ["quotes"]),
        ("_", ["quotes"]),
        ("\\", ["quotes"]),
        ("{a}:b", ["quotes"]),
        ("jane AND smith", []),
        ("jane OR renee", []),
        ('"', ["quotes"]),
        ("jane*", []),
        ("text:jane", []),
        ("jane'; DROP TABLE facets_entity; --", []),
        ("\ue000\ue000\ue000", []),
        ("\u0301", []),
        ("zzz", []),
        ("zz", []),
        ("jane zz", []),
        ("\ud800", []),
        ("jane \0", ["plain"]),
        ("PLAIN", ["plain"]),
    ],
)
def test_a_word_finds_what_holds_it_and_nothing_else(people: Note, words: str, expected: list[str]) -> None:
    for id, name in NAMES.items():
        people(id, name=name)
    people("jane", facet="OTHER")
    assert found(words) == expected


def test_a_changed_and_a_removed_entity_are_no_longer_found_by_what_they_were(people: Note) -> None:
    people("a", name="Ada")
    people("b", name="Ada")
    people("a", seq=2, name="Bob")
    writer.remove("PERSON", "b")
    assert found("ada") == []
    assert found("bob") == ["a"]


def test_a_word_in_too_many_trigrams_to_list_is_found_all_the_same(
    people: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulltext, "_MOST_TERMS", 1)
    people("x1", name="Ada Ab Ac")
    assert found("a") == ["x1"]
    assert found("ab") == ["x1"]


def test_numbers_lists_and_ids_are_found_too(people: Note) -> None:
    people("order-0042", tags=["red", "blue"], address={"city": "Wien"})
    for words in ("0042", "order-00", "blue red", "wien 42"):
        assert found(words) == ["order-0042"]


def test_a_search_over_facets_begins_with_just_that_id_then_the_last_changed(people: Note) -> None:
    people("7", ts=1)
    people("17", ts=5, name="x")
    people("27", ts=9, facet="OTHER")
    rows = directory.search("7", ["PERSON", "OTHER"], limit=9)
    assert [(row.facet, row.id) for row in rows] == [("PERSON", "7"), ("OTHER", "27"), ("PERSON", "17")]
    assert [row.id for row in directory.search("7", ["OTHER"], limit=9)] == ["27"]
    assert directory.search("PERSON/7", ["PERSON"], limit=9)[0].id == "7"
    assert len(directory.search("7", ["PERSON", "OTHER"], limit=2)) == 2


def test_the_words_of_a_query_are_few_and_each_asks_for_something() -> None:
    assert words_of("an Anna ANNE nn") == ["anna", "anne"]
    assert len(words_of(" ".join(f"w{number}" for number in range(10_000)))) <= 12
    assert fold("  a \n\t b  ") == "a b"
