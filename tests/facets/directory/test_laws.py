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
from facets.directory.normalize import fold, words_of
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
TEXTS = st.lists(HOSTILE | LETTERS, max_size=8).map("".join)


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
    words = words_of(part)
    expected = {id for id, name in texts.items() if all(word in f"{fold(id)} {fold(name)}" for word in words)}
    if part.strip() and not words:
        expected = set()
    for small, few in ((20_000, 10_000), (-1, 10_000), (-1, -1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plans, "SMALL", small)
            patch.setattr(plans, "_FEW", few)
            assert {row.id for row in directory.query(Question("PERSON", part), limit=50).rows} == expected
            assert directory.count(Question("PERSON", part)).number == len(expected)
