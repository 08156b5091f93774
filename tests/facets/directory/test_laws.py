"""What holds of the directory whatever is written into it and asked of it, on every database alike."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from facets import directory
from facets.core import json
from facets.core.records import state_record
from facets.directory import reader as plans
from facets.directory import writer
from facets.directory.models import Entity, TableFacet
from facets.directory.normalize import readings_of, search_text
from facets.directory.queries import Question
from tests.facets.directory.conftest import Note

once_for_all = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

READERS = ("note", "pass", "follower")
READINGS = st.lists(
    st.tuples(st.sampled_from(READERS), st.sampled_from("abc"), st.integers(0, 6), st.integers(0, 3)),
    max_size=25,
)

# What query languages, patterns and quoting give a meaning to, and what is several characters to one reader of it.
HOSTILE = st.sampled_from(
    [
        *"\"*^-+():%_\\'{}|&!~,;/<>=",
        " ",
        "  ",
        "AND",
        "OR",
        "NOT",
        "NEAR",
        "NEAR/2",
        "--",
        "$$",
        "\0",
        "\1",
        "\t",
    ]
)
LETTERS = st.sampled_from(
    [
        "a",
        "b",
        "A",
        "B",
        "é",
        "é",
        "ß",
        "ẞ",
        "SS",
        "ı",
        "İ",
        "i",
        "I",
        "Σ",
        "ς",
        "ﬁ",
        "Ł",
        "ø",
        "🎉",
        "👨\u200d👩",
        "️",
        "\u200d",
        "́",
        "李",
        "小",
        "が",
        "が",
        "각",
        "عَ",
        "न्",
        "\ue000",
        "�",
        "K",
        "Å",
    ]
)
# Numbers in groups, and what makes one of them or two.
NUMBERS = st.sampled_from(
    ["1", "23", "456", "+49 170 123", "DE89 3704", "-", " ", "(", ")", ".", "/", "\u2013"]
)
TEXTS = st.lists(HOSTILE | LETTERS | NUMBERS, max_size=8).map("".join)


@given(READINGS)
@once_for_all
def test_whoever_reads_in_whatever_order_the_newest_state_stays(
    people: Note, readings: Sequence[tuple[str, str, int, int]]
) -> None:
    Entity.objects.all().delete()
    TableFacet.objects.all().delete()
    newest: dict[str, tuple[int, int]] = {}
    for reader, id, seq, ts in readings:
        record = state_record("PERSON", id, seq, json.dumps({"name": f"n{seq}t{ts}"}), ts)
        facet = writer.facet_of("PERSON")
        entry = writer.recipe_of(facet).entry(record)
        if reader == "note":
            directory.note(record)
        else:
            with transaction.atomic():
                writer.write(facet, [entry], 1).count()
        newest[id] = max(newest.get(id, (-1, -1)), (seq, ts))
    found = directory.query(Question("PERSON"), limit=9).rows
    assert {row.id: (row.seq, row.updated) for row in found} == newest
    assert {row.id: row.values["name"] for row in found} == {
        id: f"n{seq}t{ts}" for id, (seq, ts) in newest.items()
    }
    for id, (seq, ts) in newest.items():
        assert id in [row.id for row in directory.query(Question("PERSON", f"n{seq}t{ts}"), limit=9).rows]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Raises where the index says other than the texts.
            cursor.execute(
                "INSERT INTO facets_entity_text (facets_entity_text, rank) VALUES ('integrity-check', 1)"
            )


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
@example(["a"], None)
@once_for_all
def test_words_find_what_holds_all_of_them_and_nothing_else(
    people: Note, names: list[str], data: st.DataObject | None
) -> None:
    Entity.objects.all().delete()
    texts = {f"id{place}": name for place, name in enumerate(names)}
    for id, name in texts.items():
        people(id, name=name)
    part = data.draw(st.sampled_from(names).map(lambda name: name[1:-1]) | TEXTS) if data else '"'
    readings = readings_of(part)
    expected = {
        id
        for id, name in texts.items()
        if any(all(word in search_text(1, id, [name]) for word in words) for words in readings)
    }
    if not part.strip():
        expected = {*texts}
    elif not readings:
        expected = set()
    for small, few in ((20_000, 10_000), (-1, 10_000), (-1, -1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plans, "SMALL", small)
            patch.setattr(plans, "_FEW", few)
            assert {row.id for row in directory.query(Question("PERSON", part), limit=50).rows} == expected
            assert directory.count(Question("PERSON", part)).number == len(expected)


# One key of a keyboard, and what word processors, chats and web pages make of it.
LOOKALIKES = {
    "'": "\u2018\u2019\u02bc`\u00b4\u2032\uff07",
    '"': "\u201c\u201d\u201e\u00ab\u00bb\u2033",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    " ": "\u00a0\u2009\u202f\u2007\u3000\t",
}
INVISIBLE = ["", "", "", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"]


def styled(text: str, data: st.DataObject) -> str:
    """The text in other punctuation and case, with what cannot be seen between its letters."""
    written = ""
    for letter in text:
        written += data.draw(st.sampled_from(letter + LOOKALIKES.get(letter, letter.swapcase())))
        written += data.draw(st.sampled_from(INVISIBLE))
    return written


@given(st.text("abyz'-\" ", min_size=1, max_size=12).filter(str.strip), st.data())
@once_for_all
def test_a_text_is_found_however_it_is_written_there_and_typed(
    people: Note, text: str, data: st.DataObject
) -> None:
    Entity.objects.all().delete()
    people("x", name=styled(text, data))
    assert [row.id for row in directory.query(Question("PERSON", styled(text, data)), limit=9).rows] == ["x"]


@given(st.text("0123456789", min_size=7, max_size=24), st.data())
@once_for_all
def test_a_number_is_found_however_it_is_grouped_there_and_typed(
    people: Note, number: str, data: st.DataObject
) -> None:
    def grouped(digits: str) -> str:
        return digits[0] + "".join(
            data.draw(st.sampled_from(["", "", " ", "-", "\u00a0", "\u2011", "\u2013 "])) + digit
            for digit in digits[1:]
        )

    Entity.objects.all().delete()
    people("x", name=f"call +{grouped(number)}, please")
    begin = data.draw(st.integers(0, len(number) - 5))
    part = number[begin : data.draw(st.integers(begin + 5, len(number)))]
    for typed in (number, f"+{number}", grouped(number), part, grouped(part), f"please {grouped(part)}"):
        assert [row.id for row in directory.query(Question("PERSON", typed), limit=9).rows] == ["x"]
