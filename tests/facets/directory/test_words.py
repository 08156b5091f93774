"""Words find the same entities on every database and by every plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from facets import directory
from facets.definitions import FacetDefinition
from facets.directory import fulltext, reader, writer
from facets.directory.index_entry import versions_of
from facets.directory.models import Entity, TableFacet
from facets.directory.normalize import fold, readings_of, words_of
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


@pytest.mark.parametrize(
    ("name", "typed", "not_typed"),
    [
        ("Maeve O'Brannigan", ["O\u2019Brannigan", "o\u02bcbrannigan", "O`Brannigan", "O\u00b4Br"], ["O-Br"]),
        ("Maeve O\u2019Brannigan", ["O'Brannigan", "o\u2018brannigan"], ["obrannigan"]),
        (
            "Vogt-Karlsen",
            ["Vogt\u2013Karlsen", "Vogt\u2011Karlsen", "vogt\u2212k", "Vogt\u00adKarlsen"],
            ["Vogt_K"],
        ),
        ("Vogt\u2014Karlsen", ["Vogt-Karlsen"], []),
        (
            "Maeve Brannigan",
            ["Maeve\u200bBrannigan", "Maeve Bran\u200bnigan", "\ufeffMaeve", "Maeve\u00a0Br"],
            [],
        ),
        ("Maeve Bran\u200bnigan", ["brannigan", "bran\u2060nigan"], []),
        ('The "Crown"', ["\u201cCrown\u201d", "\u00abcrown\u00bb"], ["'crown'"]),
        (
            "+49 170 123-45 67",
            ["491701234567", "+491701234567", "+49 170 1234567", "+4917", "170123", "170 12 34", "170 - 123"],
            ["4917012345678", "0049170"],
        ),
        ("(0170) 123/45.67", ["01701234567", "0170-1234567"], []),
        (
            "DE89 3704 0044 0532 0130 00",
            ["DE89370400440532013000", "de8937040044", "DE89-3704-0044", "0044 0532"],
            ["DE90370400440532013000"],
        ),
        (
            "DE89370400440532013000",
            ["DE89 3704 0044 0532 0130 00", "de89\u00a03704\u00a00044"],
            ["DE90 3704"],
        ),
        ("GB29 NWBK 6016 1331 9268 19", ["GB29NWBK60161331926819", "nwbk6016", "GB29 NWBK60161331"], []),
        (
            "4111 1111 1111 1234",
            ["4111-1111-1111-1234", "4111111111111234", "11111234"],
            ["4111-1111-1111-1235"],
        ),
        ("INV-2026-000123", ["INV2026000123", "inv 2026 000123", "2026000123"], []),
        ("order 10042 of 2026", ["10042 2026", "2026 10042"], []),
        ("2026-11-20T08:10:00Z", ["2026-11-20"], ["1120"]),
        ("1234.50", ["1234.50"], ["123450"]),
    ],
)
def test_a_value_is_found_as_people_type_and_paste_it(
    people: Note, name: str, typed: list[str], not_typed: list[str]
) -> None:
    people("x", name=name)
    people("y", name="Somebody else, 5551")
    assert [words for words in typed if found(words) != ["x"]] == []
    assert [words for words in not_typed if found(words)] == []


def test_a_masked_value_is_found_whole_as_people_type_and_paste_it(
    people: Note, define: Callable[..., object]
) -> None:
    define(searchable_sensitive=("iban", "name"), sensitive_fields=("iban", "name"), list_display=("age",))
    people("x", iban="DE89 3704 0044 0532 0130 00", name="Maeve O\u2019Brannigan")
    for typed in ("DE89370400440532013000", "de89-3704-0044 0532\u00a00130 00", "maeve o'brannigan"):
        assert found(typed) == ["x"]
    assert found("Maeve\u200bO'Brannigan") == ["x"]
    for part in ("DE8937040044053201300", "3704", "O'Brannigan"):
        assert found(part) == []


def test_what_an_earlier_version_indexed_is_still_found_where_something_is_masked(
    people: Note, define: Callable[..., FacetDefinition[Any]]
) -> None:
    definition = define(searchable_sensitive=("iban",))
    people("x", name="Ada O'Brannigan", iban="AT61")
    earlier = versions_of(definition, writer.secret())[1]
    Entity.objects.update(version=earlier)
    TableFacet.objects.update(version=earlier)
    assert found("ada o\u2019brannigan") == found("at61") == ["x"]
    row = directory.find("PERSON", "x")
    assert row is not None
    assert row.values["name"] == "Ada O'Brannigan"
    people("x", name="Ada O'Brannigan", iban="AT61")
    assert Entity.objects.get().version != earlier


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
    many = readings_of(" ".join(f"w{number}" for number in range(10_000)))
    assert all(len(words) <= 12 for words in many)
    assert fold("  a \n\t b  ") == "a b"
