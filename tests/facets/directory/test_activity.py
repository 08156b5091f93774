"""Events a day: every event that the directory saw happen is counted once, at its time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from facets import directory
from facets.core import json
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.directory import sqlite_sync, writer
from facets.directory.activity import QUARTER, quarter
from facets.directory.models import MIXED, Entity, EventCount, TableFacet
from facets.directory.queries import Question
from tests.facets.directory.conftest import Note
from tests.facets.directory.test_laws import once_for_all

NOW = writer.now_ms()


def counted(facet: str = "PERSON") -> dict[int, int]:
    """Events by how many quarters of an hour ago they were."""
    found = EventCount.objects.filter(facet__name=facet).values_list("quarter", "events")
    return {quarter(NOW) - place: events for place, events in found}


def ago(quarters: int) -> int:
    return NOW - quarters * QUARTER


def test_of_an_entity_that_was_not_known_the_last_event_is_counted(people: Note) -> None:
    people("a", seq=7, ts=ago(3))
    assert counted() == {3: 1}


def test_what_happened_since_is_counted_at_the_time_of_the_last(people: Note) -> None:
    people("a", seq=7, ts=ago(3))
    people("a", seq=9, ts=ago(1))
    people("a", seq=9, ts=ago(0))
    people("a", seq=8, ts=ago(2))
    assert counted() == {3: 1, 1: 2}


def test_what_claims_to_be_long_ago_or_yet_to_come_is_not_counted(people: Note) -> None:
    people("a", seq=1, ts=ago(32 * 96))
    people("b", seq=1, ts=-(10**12))
    people("c", seq=1, ts=NOW + 2 * 96 * QUARTER)
    assert counted() == {}


def test_no_seq_is_too_large_to_be_added(people: Note) -> None:
    for id in "abc":
        people(id, seq=1, ts=ago(0))
        people(id, seq=2**63 - 1, ts=ago(0))
    assert counted() == {0: 3 * (1 + 10**9)}


def test_a_state_that_is_corrected_downwards_counts_nothing_again(people: Note) -> None:
    people("a", seq=5, ts=ago(1))
    Entity.objects.update(seq=-1, ts=-1)
    facet = writer.facet_of("PERSON")
    with transaction.atomic():
        entry = writer.recipe_of(facet).entry(state_record("PERSON", "a", 4, "{}", ago(1)))
        writer.write(facet, [entry], NOW).count()
    assert counted() == {1: 1}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=12))
@once_for_all
def test_in_whatever_order_states_are_seen_no_event_counts_twice(
    people: Note, readings: list[tuple[str, int]]
) -> None:
    Entity.objects.all().delete()
    TableFacet.objects.all().delete()
    first: dict[str, int] = {}
    newest: dict[str, int] = {}
    for id, seq in readings:
        people(id, seq=seq, ts=ago(9 - seq))
        first.setdefault(id, seq)
        newest[id] = max(newest.get(id, 0), seq)
    assert sum(counted().values()) == sum(newest[id] - first[id] + 1 for id in newest)


@pytest.fixture
def filled(file: SqliteTable) -> SqliteTable:
    """An entity has 5 events in it, of which the first is too old to be shown."""
    append(file, "a", 40 * 96, 8, 8, 3, 1)
    return file


def append(table: SqliteTable, id: str, *quarters: int, after: int = 0, facet: str = "PERSON") -> None:
    times = list(enumerate(map(ago, quarters), start=after + 1))
    table.load(inbound_record(facet, id, seq, "NAMED", "{}", ts).to_item() for seq, ts in times)
    seq, ts = times[-1]
    table.load([state_record(facet, id, seq, json.dumps({"name": "Ada"}), ts).to_item()])


def test_of_a_sqlite_file_every_event_is_counted_at_its_own_time(filled: SqliteTable) -> None:
    append(filled, "x", 5, facet="OTHER")
    sqlite_sync.catch_up()
    assert counted() == {8: 2, 3: 1, 1: 1}
    assert counted("OTHER") == {5: 1}
    assert TableFacet.objects.get(name="PERSON").counted_since == 0


def test_what_is_written_to_a_file_later_is_added(filled: SqliteTable) -> None:
    sqlite_sync.catch_up()
    append(filled, "a", 0, after=5)
    append(filled, "b", 1, 1)
    append(filled, "x", 2, facet="OTHER")
    sqlite_sync.catch_up()
    assert counted() == {8: 2, 3: 1, 1: 3, 0: 1}
    assert counted("OTHER") == {2: 1}


def test_reading_a_file_anew_or_loading_the_same_again_counts_nothing_twice(
    filled: SqliteTable, define: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_sync.catch_up()
    append(filled, "a", 0, after=5)
    define(list_display=("age",))
    sqlite_sync.catch_up()
    assert counted() == {8: 2, 3: 1, 1: 1, 0: 1}
    append(filled, "a", 40 * 96, 8, 8, 3, 1, 0)
    sqlite_sync.catch_up()
    assert counted() == {8: 2, 3: 1, 1: 1, 0: 1}


def test_a_definition_that_changes_before_a_file_was_read_to_its_end_counts_nothing_twice(
    filled: SqliteTable, define: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(filled, "b", 6)
    monkeypatch.setattr(sqlite_sync, "_BATCH", 1)
    assert not sqlite_sync.catch_up(seconds=0)
    assert counted() == {8: 2, 3: 1, 1: 1}
    define(list_display=("age",))
    sqlite_sync.catch_up()
    assert counted() == {8: 2, 6: 1, 3: 1, 1: 1}


def test_a_reading_that_says_what_is_kept_already_is_noted_and_finds_the_same(people: Note) -> None:
    people("a", seq=1, ts=1, name="Ada")
    facet = writer.facet_of("PERSON")
    entry = writer.recipe_of(facet).entry(state_record("PERSON", "a", 1, json.dumps({"name": "Ada"}), 1))
    with transaction.atomic():
        assert writer.write(facet, [entry], NOW).entities == 0
    assert Entity.objects.get().read_at == NOW
    assert [row.id for row in directory.query(Question("PERSON", "ada"), limit=9).rows] == ["a"]


def test_what_two_write_at_once_is_counted_once(people: Note) -> None:
    people("a", seq=4, ts=ago(1))
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        people("a", seq=5, ts=ago(0))
    read = [sql for sql in statements if '"values", text' in sql and sql.startswith("SELECT")]
    assert [sql.endswith("FOR UPDATE") for sql in read] == [connection.features.has_select_for_update]


def test_who_writes_rows_holds_no_facet_until_all_are_written(
    people: Note, define: Callable[..., object]
) -> None:
    people("a", seq=1, ts=1)
    define(list_display=("age",))
    facet = writer.facet_of("PERSON")
    entry = writer.recipe_of(facet).entry(state_record("PERSON", "a", 2, json.dumps({"name": "Ada"}), 2))
    before = facet.version
    with transaction.atomic():
        written = writer.write(facet, [entry], NOW)
        # Whoever waits for the facet's row may hold the row that is wanted next.
        assert TableFacet.objects.get().version == before
        written.count()
    assert TableFacet.objects.get().version == MIXED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("theirs", [2, 3, 5])
def test_an_entity_that_two_find_new_at_once_is_counted_once(theirs: int, people: Note) -> None:
    people("known", seq=1, ts=ago(9))
    facet = writer.facet_of("PERSON")
    TableFacet.objects.update(counted_since=1)
    facet.refresh_from_db()
    reached = threading.Event()

    def reach(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        # On PostgreSQL it waits at the row; SQLite lets one write at a time.
        if sql.startswith(("INSERT INTO facets_entity ", "BEGIN")):
            reached.set()
        return execute(sql, *rest)

    def other() -> None:
        try:
            with connection.execute_wrapper(reach):
                people("a", seq=theirs, ts=ago(0))
        finally:
            reached.set()
            connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        record = state_record("PERSON", "a", 3, json.dumps({"name": "Ada"}), ago(0))
        entry = writer.recipe_of(facet).entry(record)
        written = writer.write(facet, [entry], NOW)
        thread.start()
        reached.wait()
        written.count()
    thread.join()
    facet.refresh_from_db()
    assert (facet.entities, counted()) == (2, {9: 1, 0: max(3, theirs)})
