"""A pass over a DynamoDB table: everything is found, nothing newer is overwritten, a stop loses nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from pytest_django import Settings

from facets import directory
from facets.core import StoreUnavailable, json
from facets.core.dynamodb import DynamoTable, create_table
from facets.core.dynamodb.scan import StatesIndex, TableFacts, facts_of
from facets.core.records import inbound_record, state_record
from facets.directory import full_scan
from facets.directory.full_scan import PassRunning, PassStopped, Told
from facets.directory.models import Entity, EventCount, IndexPass, TableFacet
from facets.directory.queries import ID, Question
from facets.directory.writer import now_ms
from tests.support.stores import console_of


@pytest.fixture(params=["moto_table", "dynamodb_table"])
def dynamo(
    request: pytest.FixtureRequest,
    db: None,
    settings: Settings,
    define: Callable[..., object],
) -> Iterator[DynamoTable]:
    """A table that the directory is of."""
    found: DynamoTable = request.getfixturevalue(request.param)
    define()
    with console_of(found, settings):
        yield found


def put(
    dynamo: DynamoTable, *ids: str, seq: int = 1, ts: int = 1, facet: str = "PERSON", **state: Any
) -> None:
    dynamo.load(state_record(facet, id, seq, json.dumps(state), ts).to_item() for id in ids)


def gone(dynamo: DynamoTable, id: str) -> None:
    dynamo.client.delete_item(
        TableName=dynamo.name, Key={"_id": {"S": f"PERSON/{id}"}, "_rng": {"S": "STATE"}}
    )


def index(dynamo: DynamoTable, *facets: str, **options: Any) -> Told:
    return full_scan.run(dynamo, facts_of(dynamo), facets, **({"segments": 2} | options))


def listed(facet: str = "PERSON") -> list[tuple[str, int]]:
    question = Question(facet, sort=ID, descending=False)
    return [(row.id, row.seq) for row in directory.query(question, limit=100).rows]


def test_counts_what_happened_since_the_last_pass(dynamo: DynamoTable) -> None:
    now = now_ms()
    put(dynamo, "a", "b", seq=9, ts=now)
    index(dynamo)
    counted = EventCount.objects.values_list("facet__name", "events")
    assert list(counted) == [("PERSON", 2)]
    facet = TableFacet.objects.get(name="PERSON")
    assert facet.counted_since is not None
    put(dynamo, "a", seq=11, ts=now)
    put(dynamo, "new", seq=4, ts=now)
    index(dynamo)
    index(dynamo, anew=True)
    assert list(counted.all()) == [("PERSON", 2 + 2 + 4)]
    assert TableFacet.objects.get(name="PERSON").counted_since == facet.counted_since


def test_finds_every_entity_of_every_facet(dynamo: DynamoTable) -> None:
    put(dynamo, "a", "b", name="Ada")
    put(dynamo, "x", facet="UNDEFINED")
    told = index(dynamo)
    assert (told.entities, told.is_whole) == (3, True)
    assert listed() == [("a", 1), ("b", 1)]
    assert listed("UNDEFINED") == [("x", 1)]
    assert TableFacet.objects.get(name="PERSON").entities == 2
    assert directory.knows("PERSON")


def test_a_pass_over_one_facet_leaves_the_others_alone(dynamo: DynamoTable) -> None:
    put(dynamo, "a")
    put(dynamo, "x", facet="OTHER")
    index(dynamo)
    put(dynamo, "b")
    put(dynamo, "y", facet="OTHER")
    index(dynamo, "PERSON")
    assert listed() == [("a", 1), ("b", 1)]
    assert listed("OTHER") == [("x", 1)]


def test_what_is_gone_from_the_table_goes_at_the_end_and_not_before(dynamo: DynamoTable) -> None:
    put(dynamo, "a", "b", "c")
    index(dynamo)
    gone(dynamo, "b")
    put(dynamo, "a", "c", seq=2)
    seen: list[list[str]] = []
    told = index(dynamo, told=lambda told: seen.append([id for id, _ in listed()]))
    assert seen[0] == ["a", "b", "c"]
    assert told.removed == 1
    assert listed() == [("a", 2), ("c", 2)]
    assert directory.count(Question("PERSON")).number == 2


def test_an_entity_that_the_reading_missed_but_the_table_has_stays(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, "a", "b")
    index(dynamo)
    read = full_scan.read_part

    def miss(*arguments: Any, **options: Any) -> Any:
        page = read(*arguments, **options)
        page.states[:] = [record for record in page.states if record.entity_id != "b"]
        return page

    monkeypatch.setattr(full_scan, "read_part", miss)
    assert index(dynamo).removed == 0
    assert listed() == [("a", 1), ("b", 1)]


def test_an_older_reading_does_not_overwrite_what_was_written_meanwhile(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, "a", seq=1, name="old")
    read = full_scan.read_part

    def late(*arguments: Any, **options: Any) -> Any:
        page = read(*arguments, **options)
        if page.states:
            directory.note(state_record("PERSON", "a", 5, '{"name":"new"}', 5))
            put(dynamo, "a", seq=5, ts=5, name="new")
        return page

    monkeypatch.setattr(full_scan, "_arriving", in_this_thread(late))
    index(dynamo)
    assert listed() == [("a", 5)]


def in_this_thread(read: Callable[..., Any]) -> Callable[..., Any]:
    """Readers that read before the caller's eyes: a test's transaction belongs to one thread."""

    def arriving(
        readers: Sequence[Any], work: IndexPass, stopping: Callable[[], bool]
    ) -> Iterator[list[Any]]:
        for reader in readers:
            place = reader._place
            while True:
                page = read(reader._table, reader.part, place, facets=reader._facets, limit=reader._limit)
                yield [full_scan._Arrived(reader.part, page)]
                if (place := page.next) is None:
                    break

    return arriving


def test_a_state_that_went_back_in_the_table_goes_back_in_the_directory(dynamo: DynamoTable) -> None:
    put(dynamo, "a", seq=7, ts=7)
    index(dynamo)
    # hde makes a lost STATE again with seq 0.
    put(dynamo, "a", seq=0, ts=9)
    index(dynamo)
    assert listed() == [("a", 0)]


def test_long_states_are_not_gathered(dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch) -> None:
    put(dynamo, *(f"{number:02}" for number in range(8)))
    monkeypatch.setattr(full_scan, "_page_limit", lambda facts, capacity: 1)
    monkeypatch.setattr(full_scan, "_BATCH_SIZE", 1)
    seen = [0]
    index(dynamo, told=lambda told: seen.append(told.entities))
    assert seen[-1] == 8
    assert max(now - before for before, now in pairwise(seen)) == 1


def test_a_stopped_pass_goes_on_where_it_was(dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch) -> None:
    put(dynamo, *(f"{number:02}" for number in range(30)))
    monkeypatch.setattr(full_scan, "_page_limit", lambda facts, capacity: 5)
    monkeypatch.setattr(full_scan, "_BATCH", 1)
    stop = threading.Event()
    told = index(dynamo, told=lambda told: stop.set() if told.entities >= 10 else None, stopping=stop.is_set)
    assert not told.is_whole
    begun = len(listed())
    assert 10 <= begun < 30
    assert not directory.knows("PERSON")
    assert "being indexed" in directory.freshness("PERSON").text
    reads: list[str | None] = []
    read = full_scan.read_part
    monkeypatch.setattr(
        full_scan, "read_part", lambda *given, **options: reads.append(given[2]) or read(*given, **options)
    )
    told = index(dynamo)
    assert told.is_whole
    assert told.resumed
    assert len(listed()) == told.entities == 30
    assert len(reads) <= 2 + (30 - begun) // 5 + 2


def test_an_outage_keeps_what_was_read_and_says_so(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, *(f"{number:02}" for number in range(30)))
    monkeypatch.setattr(full_scan, "_page_limit", lambda facts, capacity: 5)
    monkeypatch.setattr(full_scan, "_ATTEMPTS", 2)
    monkeypatch.setattr(full_scan, "_LONGEST_PAUSE", 0)
    read = full_scan.read_part
    calls = 0

    def fail(*given: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise StoreUnavailable("throttled")
        return read(*given, **options)

    monkeypatch.setattr(full_scan, "read_part", fail)
    with pytest.raises(PassStopped, match="throttled"):
        index(dynamo)
    kept = len(listed())
    assert 0 < kept < 30
    monkeypatch.setattr(full_scan, "read_part", read)
    assert index(dynamo).entities == 30


def test_an_answer_that_comes_at_the_second_try_is_enough(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, "a")
    monkeypatch.setattr(full_scan, "_LONGEST_PAUSE", 0)
    read = full_scan.read_part
    failed: list[int] = []

    def once(*given: Any, **options: Any) -> Any:
        if len(failed) < 3:
            failed.append(1)
            raise StoreUnavailable("throttled")
        return read(*given, **options)

    monkeypatch.setattr(full_scan, "read_part", once)
    assert index(dynamo).is_whole


def test_two_do_not_work_on_the_same_pass(dynamo: DynamoTable) -> None:
    put(dynamo, "a")
    index(dynamo)
    IndexPass.objects.create(
        table=IndexPass.objects.get().table,
        definitions="",
        started_at=1,
        owner="elsewhere, process 1",
        lease_until=full_scan.now_ms() + 60_000,
    )
    with pytest.raises(PassRunning, match="elsewhere"):
        index(dynamo)
    assert index(dynamo, "PERSON").is_whole


def test_a_pass_whose_process_was_killed_is_taken_over(dynamo: DynamoTable) -> None:
    put(dynamo, "a")
    host = socket.gethostname()
    for owner, lease in ((f"{host}, process 999999999 (1)", 60_000), ("elsewhere, process 1", -1)):
        IndexPass.objects.create(
            table=f"dynamodb:{dynamo.name}",
            definitions="",
            started_at=1,
            owner=owner,
            lease_until=full_scan.now_ms() + lease,
        )
        assert index(dynamo).is_whole


def test_other_definitions_begin_anew(dynamo: DynamoTable, define: Callable[..., object]) -> None:
    put(dynamo, "a", name="Ada", age=3)
    index(dynamo)
    define(search_fields=("age",))
    assert directory.freshness("PERSON").outdated
    assert "earlier version" in directory.freshness("PERSON").text
    index(dynamo)
    assert not directory.freshness("PERSON").outdated
    assert [row.id for row in directory.query(Question("PERSON", "3"), limit=9).rows] == ["a"]
    assert Entity.objects.count() == 1


def test_a_pace_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = 100.0
    monkeypatch.setattr(full_scan.time, "monotonic", lambda: now)

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            nonlocal now
            slept.append(timeout or 0)
            now += timeout or 0
            return False

    pace = full_scan._Pace(10)
    stop = Stop()
    for _ in range(11):
        assert pace.wait(stop)
        pace.spent(10)
    assert 8 <= sum(slept) <= 10
    assert full_scan._Pace(None).wait(stop)
    stop.set()
    assert not full_scan._Pace(10).wait(stop)


def test_a_slow_pace_reads_small_pages(dynamo: DynamoTable) -> None:
    put(dynamo, *map(str, range(50)))
    facts = facts_of(dynamo)
    if facts.item_size:
        assert full_scan._page_limit(facts, 1) == pytest.approx(8192 / facts.item_size, abs=1)
    assert full_scan._page_limit(facts, None) == full_scan._PAGE_RECORDS
    assert index(dynamo, max_capacity=1_000).is_whole


def test_the_index_of_states_is_read_where_there_is_one(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamo.client.delete_table(TableName=dynamo.name)
    create_table(dynamo.client, dynamo.name, states_index=True)
    put(dynamo, "a", "b")
    put(dynamo, "x", facet="UNDEFINED")
    told = index(dynamo)
    assert (told.entities, told.records) == (3, 3)
    gone(dynamo, "a")
    assert index(dynamo, "PERSON").removed == 1
    assert listed() == [("b", 1)]
    assert index(dynamo, whole_table=True).is_whole
    assert [work.source for work in IndexPass.objects.order_by("started_at")][-1] == ""


@pytest.mark.parametrize("dynamo", ["dynamodb_table"], indirect=True)
def test_asking_for_what_was_not_met_is_counted_and_kept_to_the_pace(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, *map(str, range(40)), name="x" * 3_000)
    index(dynamo)
    read = full_scan.read_part

    def miss(*arguments: Any, **options: Any) -> Any:
        page = read(*arguments, **options)
        page.states.clear()
        return page

    spent: list[float] = []
    monkeypatch.setattr(full_scan, "read_part", miss)
    monkeypatch.setattr(full_scan._Pace, "spent", lambda pace, capacity: spent.append(capacity))
    told = index(dynamo, max_capacity=10)
    assert told.removed == 0
    # One for each, beside those of the pass itself.
    assert told.capacity >= 40 + 40 * 3_000 / 8_192
    assert sum(spent) == told.capacity == IndexPass.objects.get().capacity
    assert max(spent) <= 30


def test_an_outage_at_the_very_end_is_gone_on_from(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, "a", "b")
    index(dynamo)
    gone(dynamo, "b")
    read = full_scan.read_states
    monkeypatch.setattr(full_scan, "_ATTEMPTS", 2)
    monkeypatch.setattr(full_scan, "_LONGEST_PAUSE", 0)

    def fail(*given: Any, **options: Any) -> Any:
        raise StoreUnavailable("throttled")

    monkeypatch.setattr(full_scan, "read_states", fail)
    with pytest.raises(PassStopped, match="throttled"):
        index(dynamo)
    assert listed() == [("a", 1), ("b", 1)]
    monkeypatch.setattr(full_scan, "read_states", read)
    told = index(dynamo)
    assert (told.removed, told.is_whole, told.resumed) == (1, True, True)
    assert listed() == [("a", 1)]


def test_a_run_that_slept_through_its_lease_leaves_the_pass_to_the_other(dynamo: DynamoTable) -> None:
    put(dynamo, "a")
    read = full_scan.read_part

    def sleep(*given: Any, **options: Any) -> Any:
        page = read(*given, **options)
        IndexPass.objects.update(owner="elsewhere, process 1 (a)", lease_until=full_scan.now_ms() + 60_000)
        return page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full_scan, "_arriving", in_this_thread(sleep))
        with pytest.raises(PassRunning, match="elsewhere"):
            index(dynamo)
    assert listed() == []
    assert IndexPass.objects.get().lease_until > 0
    assert not IndexPass.objects.get().parts.filter(done=True).exists()


def test_an_entity_that_is_asked_for_keeps_what_is_known_of_it(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, "a")
    index(dynamo)
    Entity.objects.update(drift_seq=1, drift_fields=2)
    read = full_scan.read_part

    def miss(*arguments: Any, **options: Any) -> Any:
        page = read(*arguments, **options)
        page.states.clear()
        return page

    monkeypatch.setattr(full_scan, "read_part", miss)
    index(dynamo)
    assert [row.drifted for row in directory.query(Question("PERSON"), limit=9).rows] == [2]


def test_one_that_was_made_anew_while_it_was_asked_for_stays(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, "a")
    index(dynamo)
    gone(dynamo, "a")
    read = full_scan.read_states

    def meanwhile(*given: Any, **options: Any) -> Any:
        found = read(*given, **options)
        with pytest.MonkeyPatch.context() as patch:
            # The clock of whoever wrote it is behind.
            patch.setattr("facets.directory.writer.now_ms", lambda: 5)
            directory.note(state_record("PERSON", "a", 3, "{}", 3))
        return found

    monkeypatch.setattr(full_scan, "read_states", meanwhile)
    assert index(dynamo).removed == 0
    assert listed() == [("a", 3)]


def test_a_resumed_pass_tells_of_all_entities_of_each_facet(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo, *(f"{number:02}" for number in range(30)))
    monkeypatch.setattr(full_scan, "_page_limit", lambda facts, capacity: 5)
    monkeypatch.setattr(full_scan, "_BATCH", 1)
    stop = threading.Event()
    index(dynamo, told=lambda told: stop.set() if told.entities >= 10 else None, stopping=stop.is_set)
    assert index(dynamo).by_facet == {"PERSON": 30}


def test_a_slow_pace_reads_small_pages_of_a_table_that_says_nothing_of_its_size() -> None:
    facts = TableFacts(0, 0, None, "", "")
    assert full_scan._page_limit(facts, 10) == 20
    assert full_scan._page_limit(facts, None) == full_scan._PAGE_RECORDS
    assert full_scan._page_limit(TableFacts(1_000, 50_000, None, "", ""), 120) == full_scan._PAGE_RECORDS


def test_an_index_by_facets_knows_of_those_that_it_read_and_no_others(dynamo: DynamoTable) -> None:
    put(dynamo, "a")
    put(dynamo, "x", facet="UNDEFINED")
    facts = facts_of(dynamo)
    work = full_scan._taken(
        full_scan._parts(replace(facts, index=StatesIndex("states", by_facet=True)), [], 2, False),
        replace(facts, index=StatesIndex("states", by_facet=True)),
        [],
        False,
        False,
    )
    work.finished_at = 1
    work.save()
    assert directory.knows("PERSON")
    assert not directory.knows("UNDEFINED")


@pytest.mark.parametrize("dynamo", ["dynamodb_table"], indirect=True)
def test_an_index_by_facets_is_read_for_those_that_are_defined_or_known(
    dynamo: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: Any = ("_id", "_rng", "_facet")
    hashes: Any = [{"AttributeName": name, "KeyType": "HASH"} for name in ("_facet", "_rng")]
    keys: Any = [*hashes, {"AttributeName": "_id", "KeyType": "RANGE"}]
    index_by_facet: Any = {
        "IndexName": "by-facet",
        "KeySchema": keys,
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamo.client.update_table(
        TableName=dynamo.name,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        GlobalSecondaryIndexUpdates=[{"Create": index_by_facet}],
    )
    put(dynamo, "a", "b/c")
    put(dynamo, "x", facet="KNOWN")
    put(dynamo, "y", facet="UNDEFINED")
    dynamo.load([inbound_record("PERSON", "a", 1, "T", "{}", 1).to_item()])
    while facts_of(dynamo).index is None:
        pass
    directory.note(state_record("KNOWN", "gone", 1, "{}", 1))
    Entity.objects.update(read_at=5)
    monkeypatch.setattr(full_scan, "_page_limit", lambda facts, capacity: 1)
    told = index(dynamo)
    assert (told.entities, told.records, told.removed) == (3, 3, 1)
    assert (listed(), listed("KNOWN")) == ([("a", 1), ("b/c", 1)], [("x", 1)])
    assert directory.knows("KNOWN")
    # Nobody asked for it, so that nothing is said of it.
    assert not directory.knows("UNDEFINED")
