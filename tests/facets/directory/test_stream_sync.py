"""Following a table's stream: every change arrives, once is enough, a crash loses none, two do not fight."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from facets import directory
from facets.core import Event, StoreUnavailable, json
from facets.core.dynamodb import DynamoTable, create_table
from facets.core.dynamodb.change_stream import Shard, Stream, StreamEnded, Trimmed
from facets.core.dynamodb.scan import facts_of
from facets.core.records import state_record
from facets.demo.definitions.bank_account import bank_account
from facets.directory import full_scan, stream_sync
from facets.directory.models import EventCount, Follower, StreamShard, TableFacet
from facets.directory.queries import ID, Question
from facets.directory.stream_sync import Told
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.stores import console_of


@pytest.fixture
def dynamo_stream(
    dynamodb_local: DynamoDBLocal,
    db: None,
    settings: Settings,
    define: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[DynamoTable]:
    """A table with a stream, in DynamoDB Local, which the directory is of."""
    found = DynamoTable(dynamodb_local.client(), f"ledger-{uuid4()}")
    create_table(found.client, found.name, stream=True)
    monkeypatch.setattr(stream_sync, "_LOOK_FOR_SHARDS", 0.0)
    define()
    with console_of(found, settings):
        yield found
    found.client.delete_table(TableName=found.name)
    found.client.close()


def follow(table: DynamoTable, **options: Any) -> Told:
    """Read what there is."""
    given: dict[str, Any] = {"once": True, "stop": threading.Event(), **options}
    return stream_sync.follow(table, facts_of(table).stream, **given)


def put(
    table: DynamoTable, *ids: str, seq: int = 1, ts: int = 1, facet: str = "PERSON", **state: Any
) -> None:
    table.load(state_record(facet, id, seq, json.dumps(state), ts).to_item() for id in ids)


def gone(table: DynamoTable, id: str) -> None:
    table.client.delete_item(TableName=table.name, Key={"_id": {"S": f"PERSON/{id}"}, "_rng": {"S": "STATE"}})


def events() -> int:
    return sum(EventCount.objects.values_list("events", flat=True))


def listed() -> list[tuple[str, int]]:
    question = Question("PERSON", sort=ID, descending=False)
    return [(row.id, row.seq) for row in directory.query(question, limit=100).rows]


def test_what_services_write_arrives(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a", "b", name="Ada")
    put(dynamo_stream, "a", seq=2, name="Eve")
    follow(dynamo_stream)
    assert listed() == [("a", 2), ("b", 1)]
    put(dynamo_stream, "c", seq=7)
    put(dynamo_stream, "x", facet="OTHER")
    bank_account.facet(dynamo_stream.db("BANK_ACCOUNT")).append("1", Event("ACCOUNT_CREATION", {"id": "1"}))
    told = follow(dynamo_stream)
    # The account's event is not a state.
    assert told.states == 3
    assert listed() == [("a", 2), ("b", 1), ("c", 7)]
    assert directory.find("OTHER", "x")
    assert [row.id for row in directory.query(Question("PERSON", "eve"), limit=9).rows] == ["a"]
    assert directory.count(Question("PERSON")).number == 3


def test_events_are_counted_as_they_happen_and_those_of_before_are_not(dynamo_stream: DynamoTable) -> None:
    now = int(time.time() * 1000)
    put(dynamo_stream, "old", seq=400, ts=now)
    follow(dynamo_stream)
    assert events() == 1
    TableFacet.objects.update(counted_since=1)
    put(dynamo_stream, "old", seq=402, ts=now)
    put(dynamo_stream, "new", seq=3, ts=now)
    follow(dynamo_stream)
    assert events() == 1 + 2 + 3
    StreamShard.objects.update(sequence="", done=False)
    follow(dynamo_stream)
    assert events() == 6


def test_what_is_deleted_goes(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a/b", "c")
    follow(dynamo_stream)
    gone(dynamo_stream, "a/b")
    gone(dynamo_stream, "c")
    put(dynamo_stream, "c", seq=2)
    told = follow(dynamo_stream)
    assert told.removed == 1
    assert listed() == [("c", 2)]


def test_numbers_are_written_after_all_entities_so_that_no_two_writers_wait_for_each_other(
    dynamo_stream: DynamoTable,
) -> None:
    put(dynamo_stream, "a", "b")
    follow(dynamo_stream)
    gone(dynamo_stream, "a")
    put(dynamo_stream, "b", seq=2)
    with CaptureQueriesContext(connection) as done:
        follow(dynamo_stream)
    statements = [query["sql"] for query in done]
    numbers = [place for place, sql in enumerate(statements) if sql.startswith('UPDATE "facets_tablefacet"')]
    rows = [place for place, sql in enumerate(statements) if "INSERT INTO facets_entity (" in sql]
    assert max(rows) < min(numbers)


def test_a_deletion_that_comes_late_leaves_what_was_written_since(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a")
    gone(dynamo_stream, "a")
    later = int(time.time() * 1000) + 60_000
    directory.note(state_record("PERSON", "a", 3, "{}", later))
    follow(dynamo_stream)
    assert listed() == [("a", 3)]


def test_reading_it_all_again_changes_nothing(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a", "b")
    put(dynamo_stream, "a", seq=2)
    gone(dynamo_stream, "b")
    follow(dynamo_stream)
    StreamShard.objects.update(sequence="", done=False)
    assert follow(dynamo_stream).states > 0
    assert listed() == [("a", 2)]
    assert directory.count(Question("PERSON")).number == 1


def test_a_crash_in_the_midst_loses_nothing(
    dynamo_stream: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo_stream, "a")
    follow(dynamo_stream)
    put(dynamo_stream, "b")
    save = StreamShard.save

    def crash(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StreamShard, "save", crash)
    with pytest.raises(KeyboardInterrupt):
        follow(dynamo_stream)
    assert listed() == [("a", 1)]
    monkeypatch.setattr(StreamShard, "save", save)
    assert follow(dynamo_stream).states == 1
    assert listed() == [("a", 1), ("b", 1)]


def test_outages_are_waited_for(dynamo_stream: DynamoTable, monkeypatch: pytest.MonkeyPatch) -> None:
    put(dynamo_stream, "a")
    monkeypatch.setattr(stream_sync, "_LONGEST_PAUSE", 0)
    read = Stream.read
    failures: list[Exception] = [StoreUnavailable("slow"), OperationalError("gone"), StoreUnavailable("slow")]

    def fail(stream: Stream, iterator: str) -> Any:
        if failures:
            raise failures.pop()
        return read(stream, iterator)

    monkeypatch.setattr(Stream, "read", fail)
    monkeypatch.setattr(stream_sync, "close_old_connections", lambda: None)
    follow(dynamo_stream)
    assert listed() == [("a", 1)]


def test_an_iterator_that_is_too_old_is_made_anew(
    dynamo_stream: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo_stream, "a")
    read = Stream.read
    expired = [True]

    def expire(stream: Stream, iterator: str) -> Any:
        return None if expired and expired.pop() else read(stream, iterator)

    monkeypatch.setattr(Stream, "read", expire)
    follow(dynamo_stream)
    assert listed() == [("a", 1)]


def test_one_follows_and_the_other_stands_by_until_it_is_gone(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a")
    follow(dynamo_stream)
    Follower.objects.update(owner="elsewhere, process 1 (a)", lease_until=stream_sync.now_ms() + 60_000)
    put(dynamo_stream, "b")
    assert follow(dynamo_stream).standing_by == "elsewhere, process 1"
    assert listed() == [("a", 1)]
    Follower.objects.update(lease_until=stream_sync.now_ms() - 1)
    assert follow(dynamo_stream).standing_by == ""
    assert listed() == [("a", 1), ("b", 1)]


def test_a_follower_that_lost_its_lease_leaves_the_other_alone(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a")
    follow(dynamo_stream)
    row = Follower.objects.get()
    state = stream_sync._State(row)
    Follower.objects.update(owner="elsewhere, process 1 (a)")
    with pytest.raises(stream_sync._LeaseLost):
        stream_sync._renew(state, row.owner)


def test_a_gap_is_told_and_only_a_pass_closes_it(
    dynamo_stream: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo_stream, "a")
    full_scan.run(dynamo_stream, facts_of(dynamo_stream), segments=1)
    follow(dynamo_stream)
    assert directory.freshness("PERSON").live
    put(dynamo_stream, "b")
    iterator = Stream.iterator
    trimmed = [True]

    def trim(stream: Stream, shard: str, after: str = "") -> str:
        if after and trimmed:
            trimmed.pop()
            raise Trimmed
        return iterator(stream, shard, after)

    monkeypatch.setattr(Stream, "iterator", trim)
    monkeypatch.setattr(stream_sync, "_SURELY_KEPT", -60_000)
    assert follow(dynamo_stream).missed
    assert listed() == [("a", 1), ("b", 1)]
    assert not directory.freshness("PERSON").live
    assert directory.freshness("PERSON").text.startswith("indexed ")


def test_it_says_up_to_when_everything_is_known(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a")
    assert directory.freshness("PERSON").text == "not indexed yet"
    follow(dynamo_stream)
    assert not directory.freshness("PERSON").known
    full_scan.run(dynamo_stream, facts_of(dynamo_stream), segments=1)
    begun = time.monotonic()
    follow(dynamo_stream)
    fresh = directory.freshness("PERSON")
    assert fresh.known
    assert fresh.live
    said = re.fullmatch(r"all changes up to (\d+) s ago", fresh.text)
    assert said
    assert int(said[1]) <= time.monotonic() - begun + 1


def test_another_stream_begins_anew(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a")
    follow(dynamo_stream)
    Follower.objects.update(stream="arn:of-an-earlier-stream")
    StreamShard.objects.update(shard="earlier")
    put(dynamo_stream, "b")
    follow(dynamo_stream)
    assert listed() == [("a", 1), ("b", 1)]
    assert not StreamShard.objects.filter(shard="earlier").exists()


class Shards:
    """A stream of three shards, one after the other, that tells in which order it is read."""

    arn = "arn"
    enabled = True

    def __init__(self, *, closed: set[str]) -> None:
        self.closed = closed
        self.read_from: list[str] = []

    def shards(self) -> list[Shard]:
        return [Shard("child", "parent"), Shard("parent", "grandparent"), Shard("other", "long gone")]

    def iterator(self, shard: str, after: str = "") -> str:
        return shard

    def read(self, iterator: str) -> Any:
        from facets.core.dynamodb.change_stream import ShardRead

        self.read_from.append(iterator)
        return ShardRead([], None, None, None if iterator in self.closed else iterator, 0)


def test_a_shard_is_read_after_its_parent_was_read_to_its_end(db: None) -> None:
    stream = Shards(closed=set())
    row = Follower.objects.create(table="t", stream="arn", since=1, owner="me")
    state = stream_sync._State(row)
    said = Told()
    stream_sync._step(stream, state, "me", said)  # type: ignore[arg-type]
    assert sorted(stream.read_from) == ["other", "parent"]
    stream.closed = {"parent"}
    stream_sync._step(stream, state, "me", said)  # type: ignore[arg-type]
    assert "child" not in stream.read_from
    assert said.until is None
    stream_sync._step(stream, state, "me", said)  # type: ignore[arg-type]
    assert "child" in stream.read_from
    stream_sync._step(stream, state, "me", said)  # type: ignore[arg-type]
    assert said.until is not None


def test_one_that_was_deleted_and_made_anew_begins_at_its_new_seq(dynamo_stream: DynamoTable) -> None:
    put(dynamo_stream, "a", seq=7, ts=7)
    follow(dynamo_stream)
    gone(dynamo_stream, "a")
    put(dynamo_stream, "a", seq=1, ts=8)
    follow(dynamo_stream)
    assert listed() == [("a", 1)]
    assert directory.count(Question("PERSON")).number == 1


def test_a_follower_that_slept_through_its_lease_writes_nothing(
    dynamo_stream: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(dynamo_stream, "a")
    follow(dynamo_stream)
    put(dynamo_stream, "b")
    read = Stream.read
    taken: list[str] = []

    def sleep(stream: Stream, iterator: str) -> Any:
        found = read(stream, iterator)
        if found and found.sequence and not taken:
            # Another one took over while this one held what it had read.
            taken.append(found.sequence)
            Follower.objects.update(
                owner="elsewhere, process 1 (a)", lease_until=stream_sync.now_ms() + 60_000
            )
            StreamShard.objects.update(sequence="of the other one")
        return found

    monkeypatch.setattr(Stream, "read", sleep)
    assert follow(dynamo_stream).standing_by == "elsewhere, process 1"
    assert taken
    assert listed() == [("a", 1)]
    assert set(StreamShard.objects.values_list("sequence", flat=True)) == {"of the other one"}


def test_a_stream_that_was_disabled_is_read_to_its_end_and_never_taken_for_one_without_news(
    dynamo_stream: DynamoTable,
) -> None:
    put(dynamo_stream, "a")
    full_scan.run(dynamo_stream, facts_of(dynamo_stream), segments=1)
    arn = facts_of(dynamo_stream).stream
    follow(dynamo_stream)
    put(dynamo_stream, "b")
    dynamo_stream.client.update_table(
        TableName=dynamo_stream.name, StreamSpecification={"StreamEnabled": False}
    )
    before = Follower.objects.get().until
    put(dynamo_stream, "c")
    with pytest.raises(StreamEnded):
        stream_sync.follow(dynamo_stream, arn, stop=threading.Event(), pause=0)
    assert listed() == [("a", 1), ("b", 1)]
    assert Follower.objects.get().until == before
