"""An entity's history, a page at a time: what the pages show is what is there, at a cost that its length does not change."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from facets.core import Event, Facet, Processor, StateUpdaterInput
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.paging import Span, find_page
from facets.core.errors import StoreUnavailable
from facets.core.history import HistoryFault
from facets.core.pages import Place
from facets.core.records import STATE_KEY, Record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import EventStore, HistoryPage, ReadCost, Table, item_size
from tests.facets.core.histories import FACET, ODD, PLAIN, History, cut, histories, history

LENGTHS = (
    st.integers(0, 40)
    | st.integers(95, 160)
    | st.sampled_from((9, 10, 11, 99, 100, 101))
    | st.integers(985, 1060)
    | st.sampled_from((999, 1000, 1001, 1999, 2001))
)

Turn = Callable[..., HistoryPage]

UNIT = 4096  # bytes of a consistent read


class MemoryKeys:
    """A KeyReader over a list, which answers a little at a time, as DynamoDB does every 1 MB, and counts as AWS does."""

    def __init__(self, records: Sequence[Record], page_size: int = 1000) -> None:
        self.records = sorted(records, key=lambda record: record.rng)
        self.keys = [record.rng for record in self.records]
        self.by_key = {record.rng: record for record in records}
        self.page_size = page_size
        self.requests = self.looked_at = self.units = 0

    def query(
        self,
        first: str | None,
        last: str | None,
        *,
        limit: int | None = None,
        seqs: range | None = None,
        start: str | None = None,
    ) -> Span:
        assert first is None or last is None or first <= last
        size = min(limit or self.page_size, self.page_size)
        end = len(self.keys) if last is None else bisect_right(self.keys, last)
        end = end if start is None else bisect_left(self.keys, start)
        begin = max(bisect_left(self.keys, first or ""), end - size)
        looked_at = self.records[begin:end][::-1]
        self._count(len(looked_at), -(-sum(map(item_size, looked_at)) // UNIT))
        stopped_at = looked_at[-1].rng if len(looked_at) == size else None
        return Span([r for r in looked_at if seqs is None or r.seq in seqs], stopped_at)

    def below(self, key: str) -> str | None:
        place = bisect_left(self.keys, key)
        self._count(1, 1)
        return self.keys[place - 1] if place else None

    def get(self, keys: Sequence[str]) -> list[Record]:
        assert 0 < len(keys) <= 100
        assert len(set(keys)) == len(keys)
        found = [self.by_key[key] for key in keys if key in self.by_key]
        missing = len(keys) - len(found)
        self._count(len(keys), missing + sum(-(-item_size(record) // UNIT) for record in found))
        return found

    def state(self) -> Record | None:
        self._count(1, 1)
        return self.by_key.get(STATE_KEY)

    def together(self, jobs: Sequence[Callable[[], list[Record]]]) -> list[Record]:
        return [record for job in jobs for record in job()]

    def cost(self) -> ReadCost:
        return ReadCost(self.looked_at, self.requests, self.units)

    def _count(self, records: int, units: int) -> None:
        self.looked_at += records
        self.requests += 1
        self.units += max(1, units)


def every_page(turn: Turn, limit: int, start: int | None, *, oldest_first: bool) -> Iterator[HistoryPage]:
    """Turn the pages to the end, as a reader does."""
    page = turn(after=start or 0, limit=limit) if oldest_first else turn(before=start, limit=limit)
    yield page
    while page.newer if oldest_first else page.older:
        if oldest_first:
            page = turn(after=page.last_seq, limit=limit)
        else:
            page = turn(before=page.first_seq, limit=limit)
        yield page
        if not page.records:
            return


def check_pages(turn: Turn, history: History, limit: int, start: int) -> None:
    """The pages, put together both ways and from any seq, are the full read; unread messages are on a page of one."""
    events = history.events
    unread: set[int] = set()
    for first in (None, start):
        pages = list(every_page(turn, limit, first, oldest_first=False))
        unread |= (left := unread_of(pages))
        joined = [record for page in reversed(pages) for record in page.records]
        assert joined == without(left, [r for r in events if first is None or r.seq < first])
        page = pages[0]
        assert page.records == without(unread_of([page]), cut(events, before=first, limit=limit))

        pages = list(every_page(turn, limit, first, oldest_first=True))
        unread |= (left := unread_of(pages))
        joined = [record for page in pages for record in page.records]
        assert joined == without(left, [r for r in events if r.seq > (first or 0)])
        page = pages[0]
        assert page.records == without(unread_of([page]), cut(events, after=first or 0, limit=limit))
    for seq in sorted(unread)[:: max(1, len(unread) // 5)]:
        page = turn(before=seq + 1, limit=1)
        assert not page.messages_unread
        assert page.records == [r for r in events if r.seq == seq]


def unread_of(pages: Iterable[HistoryPage]) -> set[int]:
    """The seqs whose messages the pages do not show."""
    return {seq for page in pages for part in page.messages_unread for seq in part}


def without(unread: set[int], records: list[Record]) -> list[Record]:
    return [record for record in records if record.kind == "INBOUND" or record.seq not in unread]


def hints_for(history: History, kind: str) -> tuple[Sequence[str], Sequence[str]]:
    """What a definition may know: all the types, more than there are, some of the inbound ones, or nothing.

    A second event at a taken seq is found among known types only.
    """
    if history.twins or kind == "all":
        return history.inbound_types, history.outbound_types
    if kind == "more":
        return [*PLAIN, *ODD, "NEVER"], [*history.outbound_types, "never"]
    return history.inbound_types[: 1 if kind == "some" else 0], ()


@given(
    history=histories(LENGTHS),
    limit=st.sampled_from((1, 2, 7, 50, 400)),
    start=st.integers(-3, 2100),
    kind=st.sampled_from(("all", "more", "some", "none")),
    page_size=st.sampled_from((1000, 40)),
)
@settings(max_examples=60, deadline=None)
def test_pages_put_together_are_the_full_read_however_keys_sort(
    history: History, limit: int, start: int, kind: str, page_size: int
) -> None:
    check_in_memory(history, limit, start, kind, page_size)


@pytest.mark.parametrize(
    ("length", "types", "start", "kind"), [(9999, PLAIN, 5000, "all"), (10_001, ("T", "T/5"), 1003, "some")]
)
def test_pages_put_together_are_the_full_read_about_ten_thousand_events(
    length: int, types: tuple[str, ...], start: int, kind: str
) -> None:
    check_in_memory(history(length, types, ("sent",)), 50, start, kind, 1000)


def check_in_memory(history: History, limit: int, start: int, kind: str, page_size: int) -> None:
    limit = max(limit, len(history.records) // 12)
    inbound, outbound = hints_for(history, kind)

    reader = MemoryKeys(history.records, page_size)

    def turn(*, before: int | None = None, after: int | None = None, limit: int) -> HistoryPage:
        return find_page(reader, Place(before, after, limit), inbound, outbound)

    check_pages(turn, history, limit, start)


@pytest.mark.not_on_moto("it takes minutes over so many records; the other tests run on it")
@given(
    history=histories(st.integers(0, 130)),
    limit=st.sampled_from((7, 50)),
    start=st.integers(0, 1100),
    kind=st.sampled_from(("all", "more", "some", "none")),
)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(history(9, twins=(9,)), 2, 5, "all")
def test_every_engine_gives_the_same_pages(
    table: Table, history: History, limit: int, start: int, kind: str
) -> None:
    check_on_engine(table, history, limit, start, kind)


@pytest.mark.not_on_moto("it takes minutes over so many records; the other tests run on it")
@pytest.mark.parametrize(
    ("past", "limit", "start", "kind"),
    [
        pytest.param(partial(history, 1003, ("T", "T/5"), gaps=(500,)), 100, 1000, "some", id="1003"),
        pytest.param(partial(history, 10_000, PLAIN, ("sent",), batch=20), 3000, 9975, "all", id="10000"),
    ],
)
def test_every_engine_gives_the_same_pages_where_seqs_become_longer(
    table: Table, past: Callable[[], History], limit: int, start: int, kind: str
) -> None:
    check_on_engine(table, past(), limit, start, kind)


def check_on_engine(table: Table, history: History, limit: int, start: int, kind: str) -> None:
    id = str(uuid4())
    records = [replace(record, id=f"{FACET}/{id}") for record in history.records]
    table.load(record.to_item() for record in records)
    inbound, outbound = hints_for(history, kind)
    db = table.db(FACET)

    def turn(*, before: int | None = None, after: int | None = None, limit: int) -> HistoryPage:
        return db.get_page(
            id, before=before, after=after, limit=limit, inbound_types=inbound, outbound_types=outbound
        )

    stored = replace(history, records=records)
    assert [record for record in db.get_records(id) if record.kind != "STATE"] == stored.events
    check_pages(turn, stored, max(limit, len(records) // 12), start)


def test_messages_come_with_the_last_event_of_the_append_that_published_them(table: Table) -> None:
    stored = history(120, messages=("sent",), chatty=1.0)
    page = load(table, stored).get_page(
        "1", before=60, limit=20, inbound_types=PLAIN, outbound_types=("sent",)
    )

    assert page.records == cut(stored.events, before=60, limit=20)
    assert [record.seq for record in page.records if record.kind == "INBOUND"] == list(range(40, 60))
    assert any(record.kind == "OUTBOUND" for record in page.records)
    assert (page.first_seq, page.last_seq, page.older, page.newer) == (40, 59, True, True)
    assert page.state == state_record(FACET, "1", 120, "{}", page.state.ts if page.state else 0)
    assert not page.faults


def test_an_entity_that_does_not_exist_has_an_empty_page(table: Table) -> None:
    page = table.db(FACET).get_page("nobody", inbound_types=PLAIN)

    assert (page.records, page.state, page.first_seq, page.last_seq) == ([], None, None, None)
    assert (page.older, page.newer, page.faults) == (False, False, [])
    assert page.cost.requests <= 3


def test_pages_beyond_either_end_are_empty_and_say_where_the_events_are(table: Table) -> None:
    db = load(table, history(300))

    for beyond in (300, 10**30):
        page = db.get_page("1", after=beyond, inbound_types=PLAIN, outbound_types=("overdrawn",))
        assert (page.records, page.older, page.newer, page.faults) == ([], True, False, [])
    for beyond in (1, -(10**30)):
        page = db.get_page("1", before=beyond, inbound_types=PLAIN, outbound_types=("overdrawn",))
        assert (page.records, page.older, page.newer, page.faults) == ([], False, True, [])


@pytest.mark.parametrize(("before", "after", "limit"), [(5, 5, 50), (None, None, 0)])
def test_a_page_that_lies_nowhere_is_refused(
    table: Table, before: int | None, after: int | None, limit: int
) -> None:
    with pytest.raises(ValueError, match="page"):
        table.db(FACET).get_page("1", before=before, after=after, limit=limit)


@pytest.mark.parametrize(
    ("gaps", "twins", "faults"),
    [
        ((310, 311), (330,), [HistoryFault("gap", 310, 311), HistoryFault("twin", 330, 330)]),
        ((), (330,), [HistoryFault("twin", 330, 330)]),
    ],
)
def test_what_is_wrong_on_a_page_is_said_with_it(
    table: Table, gaps: tuple[int, ...], twins: tuple[int, ...], faults: list[HistoryFault]
) -> None:
    stored = history(400, gaps=gaps, twins=twins)
    page = load(table, stored).get_page(
        "1", before=340, limit=50, inbound_types=PLAIN, outbound_types=("overdrawn",)
    )

    assert page.records == cut(stored.events, before=340, limit=50)
    assert page.faults == faults
    assert page.complete_read == isinstance(table, DynamoTable)


@pytest.mark.parametrize(
    ("state", "fault"),
    [(None, HistoryFault("state-missing", 0, 400)), (-7, HistoryFault("state-behind", 393, 400))],
)
def test_events_that_state_does_not_know_of_are_shown_and_said_to_be_so(
    table: Table, state: int | None, fault: HistoryFault
) -> None:
    stored = history(400, state=state)
    page = load(table, stored).get_page("1", inbound_types=PLAIN, outbound_types=("overdrawn",))

    assert page.records == cut(stored.events, limit=50)
    assert page.faults == [fault]
    assert page.complete_read == isinstance(table, DynamoTable)


def test_types_that_nobody_named_are_found_and_named_for_the_next_page(table: Table) -> None:
    stored = history(600, ("A", "T/5", "Ω"), ("sent", "paid/late"), chatty=1.0)
    db = load(table, stored)
    page = db.get_page("1", inbound_types=("A",), outbound_types=("sent",))
    next_page = db.get_page(
        "1", before=page.first_seq, inbound_types=page.inbound_types, outbound_types=page.outbound_types
    )

    assert page.records == cut(stored.events, limit=50)
    assert next_page.records == cut(stored.events, before=page.first_seq, limit=50)
    assert not next_page.complete_read
    if isinstance(table, DynamoTable):
        assert set(next_page.inbound_types) == {"A", "T/5", "Ω"}
        assert next_page.cost.requests <= page.cost.requests


def test_a_neighbour_in_the_same_partition_is_not_shown(table: Table) -> None:
    stored = history(150, messages=("sent",), chatty=1.0)
    db = load(table, stored)
    # Facet LEDGER/1, id x shares a partition with facet LEDGER, id 1/x.
    ours = [replace(record, id=f"{FACET}/1/x") for record in stored.records]
    theirs = [
        replace(r, id=f"{FACET}/1/x", facet=f"{FACET}/1", rng=r.rng.replace("CREDIT", "THEIRS"))
        for r in history(150, ("CREDIT",)).records
        if r.kind == "INBOUND"
    ]
    table.load(record.to_item() for record in [*theirs, *ours])
    page = db.get_page("1/x", inbound_types=PLAIN, outbound_types=("sent",))

    assert page.records == cut(replace(stored, records=ours).events, limit=50)
    assert not page.faults


@pytest.mark.not_on_moto("it does not say what reads cost")
@pytest.mark.parametrize("length", [120, 1000, 1030, 5200])
def test_a_page_takes_few_requests_at_any_length(table: Table, length: int) -> None:
    stored = history(length, PLAIN, ("overdrawn",), chatty=0.002)
    db = load(table, stored)
    for before in (None, length // 2, 60):
        with counted(table) as calls:
            page = db.get_page("1", before=before, inbound_types=PLAIN, outbound_types=("overdrawn",))

        assert page.records == cut(stored.events, before=before, limit=50)
        assert not page.complete_read or length <= 120
        if isinstance(table, DynamoTable):
            assert len(calls) == page.cost.requests <= 8
            assert page.cost.capacity is not None
            assert page.cost.capacity <= (15 if before is None else 160)


@pytest.mark.not_on_moto("it does not say what reads cost")
def test_a_page_of_an_entity_full_of_messages_takes_few_requests(table: Table) -> None:
    stored = history(5200, PLAIN, ("overdrawn", "sent"), chatty=0.8)
    db = load(table, stored)
    for before in (None, 3000, 300):
        page = db.get_page("1", before=before, inbound_types=PLAIN, outbound_types=("overdrawn", "sent"))

        assert page.records == without(unread_of([page]), cut(stored.events, before=before, limit=50))
        assert bool(page.messages_unread) == (isinstance(table, DynamoTable) and before == 300)
        assert page.cost.requests <= 8
        assert (page.cost.capacity or 0) <= 160


@pytest.mark.not_on_moto("it takes minutes over so many records")
def test_messages_left_unread_come_with_a_page_of_one_event(table: Table) -> None:
    stored = history(5200, PLAIN, ("overdrawn", "sent"), chatty=0.8)
    db = load(table, stored)
    sent = next(r.seq for r in stored.events if r.kind == "OUTBOUND" and 250 <= r.seq < 300)

    page = db.get_page("1", before=sent + 1, limit=1, inbound_types=PLAIN)

    assert page.records == [record for record in stored.events if record.seq == sent]
    assert not page.messages_unread


@pytest.mark.parametrize(("length", "types"), [(150, 3), (1003, 6), (2500, 1), (2500, 20)])
def test_any_page_stays_within_its_units_however_many_types_of_messages_there_are(
    length: int, types: int
) -> None:
    messages = [f"message{place}" for place in range(types)]
    stored = history(length, PLAIN, messages, batch=1, chatty=1.0)
    reader = MemoryKeys(stored.records)
    for hints in ((), messages):
        for before in (20, 51, 61, 95, 125, 150, 500, 1001, 1025, 1150, length // 2):
            reader.requests = reader.units = 0
            page = find_page(reader, Place(before, None, 50), PLAIN, hints)

            assert page.records == without(unread_of([page]), cut(stored.events, before=before, limit=50))
            assert page.cost.capacity is not None
            assert page.cost.capacity <= 160
            if page.messages_unread:
                assert page.cost.requests <= 8


def test_a_key_that_is_not_there_costs_a_unit_as_aws_counts(dynamodb_table: DynamoTable) -> None:
    db = load(dynamodb_table, history(5000))
    page = db.get_page("1", before=60, inbound_types=PLAIN, outbound_types=("overdrawn",))

    assert page.cost.capacity is not None
    assert page.cost.capacity >= 150


def test_keys_left_unread_are_asked_for_again(dynamodb_table: DynamoTable) -> None:
    stored = history(5000)
    db = load(dynamodb_table, stored)
    left: list[int] = []

    def keep_some(http_response: Any, parsed: Any, **_: Any) -> None:
        keys = [
            {name: item[name] for name in ("_id", "_rng")}
            for item in parsed["Responses"][dynamodb_table.name][5:]
        ]
        if keys and len(left) < 4:
            left.append(len(keys))
            del parsed["Responses"][dynamodb_table.name][5:]
            parsed["UnprocessedKeys"] = {dynamodb_table.name: {"Keys": keys, "ConsistentRead": True}}

    dynamodb_table.client.meta.events.register("after-call.dynamodb.BatchGetItem", keep_some)
    page = db.get_page("1", before=60, inbound_types=PLAIN, outbound_types=("overdrawn",))

    assert left
    assert page.records == without(unread_of([page]), cut(stored.events, before=60, limit=50))
    assert not page.complete_read


def test_a_table_that_keeps_throttling_is_unavailable_after_a_bounded_time(
    dynamodb_table: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = load(dynamodb_table, history(5000))
    slept: list[float] = []
    monkeypatch.setattr("facets.core.dynamodb.store.time.sleep", slept.append)

    def leave_all(parsed: Any, model: Any, context: Any, **_: Any) -> None:
        parsed["Responses"] = {}
        keys = [{"_id": {"S": f"{FACET}/1"}, "_rng": {"S": f"INBOUND/CREDIT/{seq}"}} for seq in range(100)]
        parsed["UnprocessedKeys"] = {dynamodb_table.name: {"Keys": keys}}

    dynamodb_table.client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_all)

    with pytest.raises(StoreUnavailable):
        db.get_page("1", before=60, inbound_types=PLAIN, outbound_types=("overdrawn",))
    assert sum(slept) < 20


@pytest.mark.not_on_moto("it loses updates under threads")
def test_pages_are_whole_while_another_writer_appends(table: Table) -> None:
    rules = dict.fromkeys(PLAIN, publish_and_count)
    facet = Facet(FACET, table.db(FACET), Processor(rules, lambda: {"n": 0}))
    for _ in range(4):
        facet.append("1", *[Event(PLAIN[place % 3], {}) for place in range(40)])
    done = threading.Event()

    def write() -> None:
        for place in range(60):
            facet.append("1", *[Event(PLAIN[(place + extra) % 3], {}) for extra in range(3)])
        done.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        seen = 0
        while not done.is_set() and not (writing.done() and writing.exception()):
            page = facet.db.get_page("1", inbound_types=PLAIN, outbound_types=("counted",))
            assert page.state
            assert not page.faults
            assert [r.seq for r in page.records if r.kind == "INBOUND"] == list(
                range(page.state.seq - 49, page.state.seq + 1)
            )
            assert page.last_seq == page.state.seq >= seen
            seen = page.state.seq
        writing.result()


def test_sqlite_reads_a_page_by_its_index(sqlite_table: SqliteTable) -> None:
    db = load(sqlite_table, history(20_000))
    for place in ({}, {"before": 10_000}, {"after": 0}, {"after": 19_980}):
        page = db.get_page("1", **place)

        assert page.cost.records <= 150


def publish_and_count(given: StateUpdaterInput[Any]) -> Any:
    given.state["n"] += 1
    given.publish("counted", given.state["n"])
    return given.state


def load(table: Table, history: History) -> EventStore:
    table.load(record.to_item() for record in history.records)
    return table.db(FACET)


@contextmanager
def counted(table: Table) -> Iterator[list[str]]:
    """The calls to DynamoDB while the block runs, by the names of their operations."""
    calls: list[str] = []
    if not isinstance(table, DynamoTable):
        yield calls
        return

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    table.client.meta.events.register("before-call.dynamodb", note)
    try:
        yield calls
    finally:
        table.client.meta.events.unregister("before-call.dynamodb", note)
