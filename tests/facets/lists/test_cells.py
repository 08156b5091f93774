"""How values stand in a list, and the words that were searched for in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facets.directory.normalize import words_of
from facets.directory.queries import Row
from facets.lists.cells import listed, written
from facets.lists.columns import Column, Option
from facets.lists.highlight import marked

AMOUNT = Column("amount", "Amount", "number")
NAME = Column("name", "Name", "text")


def row(**values: object) -> Row:
    return Row("CLAIM", "claim-1", 3, 0, 0, values)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (AMOUNT, 1234567, "1,234,567"),
        (AMOUNT, -1234.5, "-1,234.5"),
        (AMOUNT, 0.1 + 0.2, "0.3"),
        (AMOUNT, 10**30, "1" + ",000" * 10),
        (AMOUNT, "many", "many"),
        (AMOUNT, None, "null"),
        (Column("paid", "Paid", "choice", (Option("true", "Yes", True),)), True, "Yes"),
        (Column("level", "Level", "choice", (Option("1", "Low (1)", 1),)), 1, "Low (1)"),
        (Column("level", "Level", "choice", (Option("1", "Low (1)", 1),)), True, "true"),
        (Column("at", "At", "moment"), "2026-11-20T14:30:00+01:00", "2026-11-20T13:30:00Z"),
        (NAME, "a\u202eb", "a⟨U+202E⟩b"),
        (Column("pin", "Pin", "text", sensitive=("pin",)), "1234", "••••••"),
        (Column("card", "Card", "other", sensitive=("pin",)), {"pin": "1234"}, '{\n  "pin": "••••••"\n}'),
    ],
)
def test_a_value_is_written_by_its_columns_type(column: Column, value: object, text: str):
    assert written(value, column).text == text


def test_numbers_of_a_column_have_as_many_decimals_so_that_they_can_be_compared():
    rows = listed([row(amount=5), row(amount=1.5), row(amount=-1000.25)], [AMOUNT])

    assert [each.cells[0].value.text for each in rows] == ["5.00", "1.50", "-1,000.25"]


def test_words_are_marked_in_the_id_in_values_and_in_values_that_no_column_shows():
    hidden = Column("note", "Note", "text", listed=False)

    [found] = listed([row(name="Zoë", note="called zoe")], [NAME, hidden], words_of("ZOE claim"))

    assert [part.text for part in found.id_parts if part.hit] == ["claim"]
    assert [part.text for part in found.cells[0].parts if part.hit] == ["Zoë"]
    assert [cell.label for cell in found.elsewhere] == ["Note"]


def test_a_masked_value_is_not_marked_nor_found_elsewhere():
    hidden = Column("pin", "Pin", "text", listed=False, sensitive=("pin",))

    [found] = listed([row(pin="1234")], [hidden], words_of("1234"))

    assert found.elsewhere == []


@given(st.text(max_size=20), st.text(max_size=6))
def test_the_pieces_of_a_marked_text_make_it_up_again(text: str, query: str):
    assert "".join(part.text for part in marked(text, words_of(query))) == text


@pytest.mark.parametrize(
    ("text", "query", "hits"),
    [("Łódź", "lodz", ["Łódź"]), ("Straße", "ss", ["ß"]), ("aXbX", "x", ["X", "X"]), ("<b>", "<", ["<"])],
)
def test_words_are_found_whatever_their_case_and_accents(text: str, query: str, hits: list[str]):
    assert [part.text for part in marked(text, words_of(query)) if part.hit] == hits


@pytest.mark.parametrize(
    ("text", "query", "hits"),
    [
        ("O\u2019Brannigan", "o'bran", ["O\u2019Bran"]),
        ("Vogt\u2013Karlsen", "t-k", ["t\u2013K"]),
        ("+49 170 123-45 67", "1701234", ["170 123-4"]),
        ("DE89 3704 0044 0532", "DE8937040044", ["DE89 3704 0044"]),
        ("Bran\u200bnigan", "brannigan", ["Bran\u200bnigan"]),
    ],
)
def test_what_was_typed_another_way_is_marked_as_it_is_written(text: str, query: str, hits: list[str]):
    assert [part.text for part in marked(text, words_of(query)) if part.hit] == hits
