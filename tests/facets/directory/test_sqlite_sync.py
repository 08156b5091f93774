"""Lists of a SQLite file are right at once, whoever wrote to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from facets import directory
from facets.core import json
from facets.core.records import state_record
from facets.core.sqlite import SqliteTable
from facets.directory import sqlite_sync
from facets.directory.queries import ID, Count, Question
from tests.facets.core.tables import lose


def store(
    table: SqliteTable, id: str, seq: int = 1, *, facet: str = "PERSON", ts: int = 1, **state: object
) -> None:
    table.load([state_record(facet, id, seq, json.dumps(state), ts).to_item()])


def listed(**options: object) -> list[tuple[str, int]]:
    question = Question("PERSON", sort=ID, descending=False, **options)  # type: ignore[arg-type]
    return [(row.id, row.seq) for row in directory.query(question, limit=100).rows]


def test_what_is_in_the_file_is_listed_without_any_command(file: SqliteTable) -> None:
    store(file, "a", name="Ada")
    store(file, "b", name="Bob")
    assert listed() == [("a", 1), ("b", 1)]
    assert directory.count(Question("PERSON")) == Count(2, True)
    assert directory.knows("PERSON")
    assert directory.freshness("PERSON").text == "all changes up to now"


def test_what_another_process_writes_is_there_with_the_next_list(file: SqliteTable) -> None:
    store(file, "a")
    assert listed() == [("a", 1)]
    store(file, "a", 2, name="Ada")
    store(file, "c")
    assert listed() == [("a", 2), ("c", 1)]
    assert listed(words="ada") == [("a", 2)]
    # A recalculation adds no event, and may give the last record of the file anew.
    store(file, "c", 1, ts=2, name="Cid")
    assert listed(words="cid") == [("c", 1)]


def test_a_facet_that_nobody_defined_is_found_too(file: SqliteTable) -> None:
    store(file, "x", facet="OTHER")
    assert directory.count(Question("OTHER")).number == 1


def test_another_file_in_its_place_is_read_from_its_beginning(file: SqliteTable) -> None:
    store(file, "a")
    store(file, "b")
    assert listed() == [("a", 1), ("b", 1)]
    for suffix in ("", "-wal", "-shm"):
        file.path.with_name(file.path.name + suffix).unlink(missing_ok=True)
    file.create()
    store(file, "b")
    assert listed() == [("b", 1)]


def test_another_definition_reads_the_file_again(file: SqliteTable, define: Callable[..., object]) -> None:
    store(file, "a", name="Ada", age=3)
    assert listed(words="ada") == [("a", 1)]
    define(search_fields=("age",))
    assert listed(words="ada") == []
    assert listed(words="3") == [("a", 1)]


def test_a_long_file_is_read_a_part_at_a_time(file: SqliteTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_sync, "_BATCH", 2)
    for number in range(5):
        store(file, str(number))
    assert sqlite_sync.catch_up(seconds=0) is False
    assert sqlite_sync.has_caught_up() is False
    assert sqlite_sync.catch_up(seconds=0) is False
    assert sqlite_sync.catch_up(seconds=0) is True
    assert directory.count(Question("PERSON")) == Count(5, True)


def test_records_of_other_makers_do_not_stop_it(file: SqliteTable) -> None:
    store(file, "a")
    with closing(sqlite3.connect(file.path)) as db, db:
        db.execute(
            "INSERT INTO records VALUES ('PERSON/x', 'STATE', 'PERSON', 'PERSON', 'seven', 1, '', '', NULL)"
        )
    store(file, "b")
    assert listed() == [("a", 1), ("b", 1)]


def test_an_entity_that_is_gone_is_forgotten_when_somebody_looks(file: SqliteTable) -> None:
    store(file, "a")
    assert listed() == [("a", 1)]
    lose(file, "PERSON/a", "STATE")
    directory.forget("PERSON", "a")
    assert listed() == []


def test_appends_move_the_place_and_recalculations_do(sqlite_table: SqliteTable) -> None:
    file, place = sqlite_table.written()
    assert place == 0
    db = sqlite_table.db("PERSON")
    db.put_state(state_record("PERSON", "a", 1, "{}", 1), 0)
    states, place = sqlite_table.states_after(0)
    assert [record.ts for record in states] == [1]
    assert sqlite_table.written() == (file, place)
    db.put_state(state_record("PERSON", "a", 1, "{}", 2), 1)
    states, after = sqlite_table.states_after(place)
    assert [record.ts for record in states] == [2]
    assert after > place
