"""Every event of an entity in history order, however its keys sort, and however many there are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator
from itertools import islice

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from facets.core.records import Record
from facets.core.sort_keys import is_hidden
from facets.core.store import Table
from facets.core.streaming import LogSpan, StreamEntry, stream
from tests.facets.core.histories import FACET, History, histories, history

LENGTHS = (
    st.integers(0, 40)
    | st.integers(95, 160)
    | st.sampled_from((9, 10, 11, 99, 100, 101))
    | st.integers(985, 1260)
    | st.sampled_from((999, 1000, 1001, 1999, 2001))
)


class MemoryLog:
    """A LogReader over a list, which answers a little at a time, as DynamoDB does every 1 MB."""

    def __init__(self, records: Collection[Record], page_size: int = 1000) -> None:
        self.by_key = {record.rng: record for record in records}
        self.keys = sorted(self.by_key)
        self.page_size = page_size
        self.looked_at = self.read_whole = 0

    def state_seq(self) -> int | None:
        return self.by_key["STATE"].seq if "STATE" in self.by_key else None

    def everything(self) -> list[StreamEntry]:
        self.read_whole += 1
        return expected(self.by_key.values())

    def span(self, first: str, last: str, seqs: range, start: str | None, limit: int) -> LogSpan:
        assert first <= last
        begin = bisect_left(self.keys, first) if start is None else bisect_right(self.keys, start)
        keys = self.keys[begin : min(bisect_right(self.keys, last), begin + min(limit, self.page_size))]
        self.looked_at += len(keys)
        more = begin + len(keys) < bisect_right(self.keys, last)
        found = expected(self.by_key[key] for key in keys)
        found.sort(key=lambda entry: f"INBOUND/{entry.type}/{entry.seq}")
        return LogSpan([entry for entry in found if entry.seq in seqs], keys[-1] if more and keys else None)

    def below(self, key: str) -> str | None:
        place = bisect_left(self.keys, key)
        return self.keys[place - 1] if place else None

    def entries(self, keys: Collection[str]) -> list[StreamEntry]:
        self.looked_at += len(keys)
        return expected(self.by_key[key] for key in keys if key in self.by_key)

    def ahead(self, spans: Callable[[str | None], LogSpan]) -> Iterator[StreamEntry]:
        span = spans(None)
        yield from span.entries
        while span.stopped_at is not None:
            span = spans(span.stopped_at)
            yield from span.entries


def expected(
    records: Collection[Record] | Iterator[Record], after: int = 0, upto: int | None = None
) -> list[StreamEntry]:
    """The plain way to what a stream gives."""
    return sorted(
        StreamEntry(record.seq, record.typ, record.itm, record.ts, record.rng)
        for record in records
        if record.kind == "INBOUND" and record.seq > after and (upto is None or record.seq <= upto)
    )


@given(
    histories(LENGTHS),
    st.none() | st.integers(0, 1300),
    st.none() | st.integers(0, 1300),
    st.integers(1, 400),
)
@example(history(10_001, gaps=[5_000]), None, None, 400)
@example(history(12_345), None, None, 400)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_stream_is_the_sorted_full_read(past: History, after: int | None, upto: int | None, size: int):
    reader = MemoryLog(past.records, size)

    found = list(stream(reader, past.inbound_types, after=after or 0, upto=upto))

    assert found == expected(past.records, after or 0, upto)


@given(histories(LENGTHS), st.integers(1, 400))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_a_stream_needs_no_hints(past: History, size: int):
    # But for twins of a type whose keys lie between another's: nothing else would tell of them.
    assume(not past.twins or not any(is_hidden(type, past.inbound_types) for type in past.inbound_types))

    assert list(stream(MemoryLog(past.records, size))) == expected(past.records)


@pytest.mark.parametrize("length", [1_001, 2_000, 9_999, 10_000, 10_001, 30_000])
def test_each_event_is_looked_at_two_or_three_times_and_never_held_whole(length: int):
    reader = MemoryLog(history(length).records)

    assert list(stream(reader)) == expected(reader.by_key.values())
    assert reader.read_whole == 0
    assert reader.looked_at <= 3 * length


def test_events_come_from_the_beginning_on_as_they_are_read():
    reader = MemoryLog(history(100_000, messages=()).records, page_size=1_000_000)

    longest = before = 0
    for _ in stream(reader):
        longest, before = max(longest, reader.looked_at - before), reader.looked_at

    assert before >= 100_000
    assert longest <= 5_000


@pytest.mark.parametrize("after", [0, 100, 2_500, 29_000])
def test_a_thousand_events_of_a_long_history_are_read_without_most_of_the_others(after: int):
    reader = MemoryLog(history(30_000).records)

    found = list(stream(reader, after=after, upto=after + 1_000))

    assert found == expected(reader.by_key.values(), after, after + 1_000)
    assert reader.read_whole == 0
    assert reader.looked_at <= 31_000


def test_a_stream_that_is_left_early_reads_little():
    reader = MemoryLog(history(30_000).records)

    assert [entry.seq for entry in islice(stream(reader, after=20_000), 5)] == list(range(20_001, 20_006))
    assert reader.looked_at <= 3_100


@pytest.mark.not_on_moto("it takes a minute to load so much")
def test_a_long_history_streams_from_the_engine_in_order(table: Table):
    past = history(2_345, id="long")
    table.load(record.to_item() for record in past.records)

    assert list(table.db(FACET).stream("long")) == expected(past.records)
    assert list(table.db(FACET).stream("long", after=1_500, upto=1_800)) == expected(
        past.records, 1_500, 1_800
    )


def test_short_histories_stream_from_every_engine(table: Table):
    for past in (history(0, id="none", state=None), history(120, id="some", gaps=[7], twins=[9, 100])):
        table.load(record.to_item() for record in past.records)
        db, id = table.db(FACET), "none" if not past.events else "some"

        assert list(db.stream(id)) == expected(past.records)
        assert list(db.stream(id, after=5, upto=105)) == expected(past.records, 5, 105)


def test_a_stream_agrees_with_the_log(table: Table):
    past = history(60, id="1", twins=[4, 50])
    table.load(record.to_item() for record in past.records)
    db = table.db(FACET)

    assert [entry[:3] for entry in db.stream("1")] == [tuple(entry) for entry in db.get_log("1").entries]


def test_an_event_of_another_facet_in_the_partition_is_left_out(table: Table):
    mine, other = history(3, id="1"), history(9, id="1")
    keys = {record.rng for record in mine.records}
    items = [
        {**record.to_item(), "_facet": {"S": "OTHER"}} for record in other.records if record.rng not in keys
    ]
    table.load([*items, *(record.to_item() for record in mine.records)])

    assert list(table.db(FACET).stream("1")) == expected(mine.records)
