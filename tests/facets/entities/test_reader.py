"""What one page reads of a history: places, filters with a bounded look, the event of a moment."""

from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facets.core.records import Record, inbound_record, outbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.entities.filters import Filters
from facets.entities.reader import Reader


@pytest.fixture
def file(tmp_path: Path) -> SqliteTable:
    file = SqliteTable(tmp_path / "ledger.sqlite3")
    file.create()
    return file


def fill(file: SqliteTable, id: str, times: list[int], *, rare: int = 0) -> None:
    """An entity with one event at each time; each `rare`-th is of another type, by hand, and sends a message."""
    records: list[Record] = []
    for seq, ts in enumerate(times, start=1):
        if rare and seq % rare == 0:
            records.append(
                inbound_record("F", id, seq, "RARE", f'{{"n":"Zoë {seq}"}}', ts, '{"actor":"ada"}')
            )
            records.append(outbound_record("F", id, seq, 0, "told", '{"x":1}', ts))
        else:
            records.append(inbound_record("F", id, seq, "USUAL", f'{{"n":{seq}}}', ts))
    records.append(state_record("F", id, len(times), "{}", times[-1]))
    file.load(record.to_item() for record in records)


def asked(query: str) -> Filters:
    return Filters.of(QueryDict(query))


@given(
    steps=st.lists(st.sampled_from((0, 1, 1000, 10**9)), min_size=1, max_size=400),
    place=st.floats(-0.1, 1.1),
    off=st.sampled_from((-1, 0, 1)),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_moment_leads_to_the_last_event_until_then_however_unevenly_they_came(
    file: SqliteTable, steps: list[int], place: float, off: int
) -> None:
    times = [1000 + sum(steps[: end + 1]) for end in range(len(steps))]
    id = str(hash(tuple(times)))
    fill(file, id, times)
    ts = round(times[0] + place * (times[-1] - times[0])) + off

    assert Reader(file.db("F"), id).seq_at(ts) == max(1, bisect_right(times, ts))


def test_a_moment_is_found_with_few_looks_where_events_come_at_a_steady_pace(file: SqliteTable) -> None:
    fill(file, "1", [1000 * seq for seq in range(1, 20_001)])
    for ts in (1_500, 999_000, 12_345_678, 19_999_999):
        reader = Reader(file.db("F"), "1")
        assert reader.seq_at(ts) == ts // 1000
        # Three queries a look.
        assert reader.page(limit=1).cost.requests <= 3 * 9


def test_there_is_no_event_at_a_moment_of_an_entity_that_does_not_exist(file: SqliteTable) -> None:
    assert Reader(file.db("F"), "nobody").seq_at(1) is None


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("type=RARE", [900, 1000]),
        ("type=told", [900, 1000]),
        ("show=out", [900, 1000]),
        ("manual=1", [900, 1000]),
        ("words=ZO%C3%8B+1000", [1000]),
        ("type=RARE&words=900", [900]),
        ("type=USUAL&show=out", []),
        ("words=no+such+word", []),
    ],
)
def test_a_filter_finds_what_holds(file: SqliteTable, query: str, seqs: list[int]) -> None:
    fill(file, "1", list(range(1, 1051)), rare=100)

    found = Reader(file.db("F"), "1").filtered(asked(query), before=None, limit=2, definition=None)

    assert sorted({record.seq for record in found.records}) == seqs
    assert found.whole == (not seqs or query in ("words=ZO%C3%8B+1000", "type=RARE&words=900"))


def test_a_filter_looks_a_bounded_way_and_goes_on_where_it_stopped(
    file: SqliteTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facets.entities.reader.MOST_LOOKED_AT", 300)
    fill(file, "1", list(range(1, 2_001)), rare=1_000)
    before, seen, looks = None, [], []
    while True:
        found = Reader(file.db("F"), "1").filtered(
            asked("type=RARE"), before=before, limit=50, definition=None
        )
        seen += [record.seq for record in found.records if record.kind == "INBOUND"]
        looks.append(found.looked_at)
        before = found.older
        if before is None:
            break

    assert sorted(seen) == [1000, 2000]
    assert len(looks) > 1
    assert all(later[1] == earlier[0] - 1 for earlier, later in pairwise(looks))
    assert looks[-1][0] == 1


def test_a_filter_that_has_its_fill_goes_on_below_the_last_that_held(file: SqliteTable) -> None:
    fill(file, "1", list(range(1, 301)), rare=10)
    first = Reader(file.db("F"), "1").filtered(asked("type=RARE"), before=None, limit=4, definition=None)
    second = Reader(file.db("F"), "1").filtered(
        asked("type=RARE"), before=first.older, limit=4, definition=None
    )

    assert sorted({record.seq for record in first.records}) == [270, 280, 290, 300]
    assert sorted({record.seq for record in second.records}) == [230, 240, 250, 260]
