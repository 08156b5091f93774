"""The embedded engine where files fail: locked, full, damaged, replaced, forked."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from facets.core import InvalidRecord, SqliteEventDB, StoreUnavailable, TableNotFound
from facets.core import sqlite as engine
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from tests.facets.core.tables import dump

ROOT = Path(__file__).parents[3]


def put(table: SqliteTable, seq: int, itm: str = "{}") -> None:
    event = inbound_record("A", "1", seq, "X", itm, 0)
    table.db("A").put_state(state_record("A", "1", seq, "{}", 0), seq - 1, [event])


def test_a_file_that_another_writer_holds_is_given_up_and_nothing_is_written(sqlite_table, monkeypatch):
    monkeypatch.setattr(engine, "_BUSY_SECONDS", 0.02)
    table = SqliteTable(sqlite_table.path.rename(sqlite_table.path.with_name("held")))
    with closing(sqlite3.connect(table.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked") as unavailable:
            put(table, 1)
        assert not unavailable.value.maybe_written
        assert table.db("A").get_state("1") is None

        other.execute("ROLLBACK")
    put(table, 1)
    assert table.db("A").get_state("1").seq == 1


def test_what_was_written_outlives_a_loss_of_power(sqlite_table):
    """Asked in a process of its own: the tests' own waits for no disk."""
    asks = (
        "from facets.core.sqlite import SqliteTable; import sys\n"
        "with SqliteTable(sys.argv[1])._connections.write() as db:\n"
        "    print(*db.execute('PRAGMA synchronous').fetchone())"
    )
    asked = subprocess.run(  # noqa: S603
        [sys.executable, "-c", asks, sqlite_table.path], cwd=ROOT, capture_output=True, check=True, text=True
    )

    assert asked.stdout == "2\n"


def test_a_full_disk_leaves_the_file_as_it_was_and_usable(sqlite_table):
    put(sqlite_table, 1)
    before = dump(sqlite_table)
    limit = _pages(sqlite_table, None)
    _pages(sqlite_table, 1)

    with pytest.raises(StoreUnavailable, match="full"):
        put(sqlite_table, 2, '"' + "x" * 300_000 + '"')

    assert dump(sqlite_table) == before
    _pages(sqlite_table, limit)
    put(sqlite_table, 2, '"' + "x" * 300_000 + '"')
    assert sqlite_table.db("A").get_state("1").seq == 2


@pytest.mark.parametrize("content", [b"this is no database", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_not_available(tmp_path, content):
    path = tmp_path / "other.sqlite3"
    path.write_bytes(content)

    with pytest.raises(StoreUnavailable):
        SqliteEventDB(path, "A").get_state("1")
    with pytest.raises(StoreUnavailable):
        SqliteTable(path).create()


def test_an_empty_file_holds_no_table(tmp_path):
    path = tmp_path / "empty.sqlite3"
    path.touch()

    with pytest.raises(TableNotFound):
        SqliteEventDB(path, "A").get_state("1")


def test_reading_makes_no_file(tmp_path):
    with pytest.raises(TableNotFound):
        SqliteEventDB(tmp_path / "none.sqlite3", "A").get_state("1")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_put_in_anothers_place_is_the_one_that_is_read(sqlite_table, tmp_path):
    """As `demo --fresh` does under a running server."""
    put(sqlite_table, 1)
    fresh = SqliteTable(tmp_path / "fresh.sqlite3")
    fresh.create()
    for suffix in ("-wal", "-shm"):
        sqlite_table.path.with_name(sqlite_table.path.name + suffix).unlink(missing_ok=True)

    fresh.path.rename(sqlite_table.path)

    assert sqlite_table.db("A").get_state("1") is None


def test_a_table_is_made_with_the_folders_above_it(tmp_path):
    table = SqliteTable(tmp_path / "a" / "b" / "c.sqlite3")

    table.create()

    assert table.is_empty()


@pytest.mark.parametrize("name", ["with space.db", "100%41.db", "a?b#c.db", "é😀.db"])
def test_a_path_of_any_name_is_the_file_of_that_name(tmp_path, name):
    table = SqliteTable(tmp_path / name)
    table.create()
    put(table, 1)

    assert SqliteTable(tmp_path / name).db("A").get_state("1").seq == 1
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in tmp_path.iterdir()} == {name}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_connection_is_not_carried_into_a_forked_process(sqlite_table):
    """gunicorn --preload reads the table, then forks."""
    put(sqlite_table, 1)
    connection = sqlite_table._connections._connect()
    child = multiprocessing.get_context("fork").Process(
        target=_put_in_a_fork, args=(sqlite_table, connection)
    )
    child.start()
    child.join()

    assert child.exitcode == 0
    put(sqlite_table, 3)
    assert len(sqlite_table.db("A").get_records("1")) == 4


def test_what_was_written_is_on_the_disk(sqlite_table):
    """A second connection, as after a crash, sees it without the first being closed."""
    put(sqlite_table, 1)

    with closing(sqlite3.connect(sqlite_table.path)) as db:
        assert db.execute("SELECT count(*) FROM records").fetchone() == (2,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_number_beyond_64_bits_is_refused(sqlite_table):
    item = inbound_record("A", "1", 2**63, "X", "{}", 0).to_item()

    with pytest.raises(InvalidRecord):
        sqlite_table.load([item])
    assert sqlite_table.is_empty()


def test_a_load_is_all_or_nothing(sqlite_table):
    items: list[Any] = [inbound_record("A", "1", 1, "X", "{}", 0).to_item(), {"_id": {"S": "A/1"}}]

    with pytest.raises(InvalidRecord):
        sqlite_table.load(items)
    assert sqlite_table.is_empty()


def test_operations_are_forgotten_after_ten_minutes_as_dynamodb_forgets_them(sqlite_table, monkeypatch):
    db = sqlite_table.db("A")
    now = 1_000_000.0
    monkeypatch.setattr(engine.time, "time", lambda: now)
    db.put_state(state_record("A", "1", 0, "1", 0), 0, operation_id="op")
    now += 601

    db.put_state(state_record("A", "1", 0, "2", 0), 0, operation_id="op")

    assert db.get_state("1").itm == "2"


def _put_in_a_fork(table: SqliteTable, inherited: sqlite3.Connection) -> None:
    put(table, 2)
    os._exit(0 if table._connections._connect() is not inherited else 1)


def _pages(table: SqliteTable, limit: int | None) -> int:
    """Ask or set how many pages this thread's connection may make the file."""
    with table._connections.read() as db:
        asked = "PRAGMA max_page_count" + (f" = {limit}" if limit else "")
        return int(db.execute(asked).fetchone()[0])
