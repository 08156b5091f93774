"""Writers that meet on one entity: with retries all of them land, without them each refused one is told the facts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from facets.core import Event, Facet, Processor, SequenceConflict
from facets.core.dynamodb import DynamoTable
from facets.core.sqlite import SqliteTable
from facets.core.store import Table

pytestmark = pytest.mark.not_on_moto("it loses updates under threads")

THREADS = 16
APPENDS = 10
ROOT = Path(__file__).parents[3]


def purse(table: Table, name: str = "PURSE", *, meet: Barrier | None = None) -> Facet:
    """A facet that adds amounts up. Its writers wait for each other at `meet`, when they have read the state."""

    def put_in(given: Any) -> Any:
        if meet:
            meet.wait()
        state = given.state
        state["balance"] += given.current["amount"]
        state["count"] += 1
        if state["count"] % 10 == 0:
            given.publish("TENTH", {"balance": state["balance"]})
        return state

    return Facet(name, table.db(name), Processor({"PUT_IN": put_in}, lambda: {"balance": 0, "count": 0}))


def put_in(amount: int) -> Event:
    return Event("PUT_IN", {"amount": amount})


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run work(0), work(1) ... at the same moment in as many threads; raise what any of them raises."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def assert_whole(facet: Facet, id: str, count: int, balance: int) -> None:
    """The entity has `count` events with seqs from 1, no gap, no twin, and the state that they come to."""
    records = facet.db.get_records(id)
    got = facet.get(id)
    assert got is not None
    assert [record.seq for record in records if record.kind == "INBOUND"] == list(range(1, count + 1))
    assert [record.seq for record in records if record.kind == "OUTBOUND"] == list(range(10, count + 1, 10))
    assert (got.record.seq, got.item) == (count, {"balance": balance, "count": count})
    replayed = facet.recalculate(id)
    assert (replayed.item, replayed.faults) == (got.item, [])


def test_16_threads_append_to_one_entity_and_every_append_lands(table):
    facet = purse(table)
    seqs = together(
        THREADS,
        lambda number: [facet.append("1", put_in(number), retries=10_000).seq for _ in range(APPENDS)],
    )

    assert sorted(seq for of_thread in seqs for seq in of_thread) == list(range(1, THREADS * APPENDS + 1))
    assert_whole(facet, "1", THREADS * APPENDS, sum(range(THREADS)) * APPENDS)


def test_without_retries_a_refused_append_names_the_seq_it_met_and_wrote_nothing(table):
    purse(table).append("1", put_in(0))
    facet = purse(table, meet=Barrier(8))

    def work(number: int) -> list[SequenceConflict | None]:
        outcomes: list[SequenceConflict | None] = []
        for _ in range(5):
            try:
                facet.append("1", put_in(1))
                outcomes.append(None)
            except SequenceConflict as conflict:
                outcomes.append(conflict)
        return outcomes

    outcomes = [outcome for of_thread in together(8, work) for outcome in of_thread]

    refused = [outcome for outcome in outcomes if outcome]
    landed = outcomes.count(None)
    assert len(refused) >= 7
    assert all(1 <= error.expected_seq < error.actual_seq <= landed + 1 for error in refused)
    assert {error.entity_id for error in refused} == {"1"}
    assert len(refused) + landed == 40
    assert_whole(purse(table), "1", landed + 1, landed)


def test_of_writers_that_saw_the_same_seq_exactly_one_lands(table):
    facet = purse(table)
    seen = facet.append("1", put_in(100))

    def work(number: int) -> tuple[int, int] | int:
        try:
            return facet.append_to("1", seen.item, seen.seq, put_in(number)).seq
        except SequenceConflict as conflict:
            return conflict.expected_seq, conflict.actual_seq

    assert sorted(together(8, work), key=str) == [*[(1, 2)] * 7, 2]
    assert len(facet.db.get_records("1")) == 3


def test_of_writers_that_create_an_entity_exactly_one_lands(table):
    facet = purse(table)

    def work(number: int) -> bool:
        try:
            facet.append_to("new", None, 0, put_in(number))
        except SequenceConflict:
            return False
        return True

    assert together(8, work).count(True) == 1
    assert [record.rng for record in facet.db.get_records("new")] == ["INBOUND/PUT_IN/1", "STATE"]


def test_threads_share_one_client_over_several_facets(table):
    def work(number: int) -> None:
        facet = purse(table, f"PURSE{number % 4}")
        for _ in range(5):
            facet.append("1", put_in(1), retries=1000)
            facet.append(f"own {number}", put_in(1))
            facet.recalculate(f"own {number}")

    together(8, work)

    for number in range(4):
        assert_whole(purse(table, f"PURSE{number}"), "1", 10, 10)
    for number in range(8):
        assert_whole(purse(table, f"PURSE{number % 4}"), f"own {number}", 5, 5)


def test_recalculations_among_appends_lose_nothing(table):
    facet = purse(table)

    def work(number: int) -> int:
        done = 0
        for _ in range(8):
            try:
                (facet.recalculate if number % 2 else facet.append)("1", put_in(1))
                done += 1
            except SequenceConflict:
                pass
        return done

    landed = sum(together(6, work))

    assert_whole(facet, "1", landed, landed)


_PROCESS = """
import sys
from facets.core.sqlite import SqliteTable
from tests.facets.core.test_concurrency import purse, put_in
facet = purse(SqliteTable(sys.argv[1]))
for _ in range(50):
    facet.append("1", put_in(int(sys.argv[2])), retries=10_000)
"""


def test_several_processes_share_one_sqlite_file(sqlite_table: SqliteTable) -> None:
    processes = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _PROCESS, sqlite_table.path, str(number)], cwd=ROOT
        )
        for number in range(4)
    ]

    assert [process.wait() for process in processes] == [0] * 4
    assert_whole(purse(sqlite_table), "1", 200, (0 + 1 + 2 + 3) * 50)


def test_several_clients_of_one_table_write_as_one(dynamodb_local: Any, dynamodb_table: DynamoTable) -> None:
    tables = [DynamoTable(dynamodb_local.client(), dynamodb_table.name) for _ in range(4)]
    try:
        together(4, lambda n: [purse(tables[n]).append("1", put_in(1), retries=1000) for _ in range(10)])
    finally:
        for table in tables:
            table.client.close()

    assert_whole(purse(dynamodb_table), "1", 40, 40)
