"""The demo's invented entities keep what the README and the pages promise of them."""

from collections import defaultdict

import pytest

from facets.core import FacetError, Record
from facets.core.events import Event
from facets.core.history import entity_faults
from facets.demo import accounts, ledger, oddities
from facets.demo.history import History

NOW = 1_795_000_000_000  # in November 2026


@pytest.fixture(scope="module")
def entities() -> list[tuple[History, list[Record]]]:
    """A tenth of the demo."""
    return [(history, ledger.stored(history)) for history in ledger.histories(NOW, scale=0.1)]


def replayed(facet: str, records: list[Record]) -> tuple[object, dict[str, list[object]]]:
    past = [Event(record.typ, record.data) for record in records if record.kind == "INBOUND"]
    result = ledger.PROCESSORS[facet].process(None, past)
    published = defaultdict(list)
    for event in result.past_outbound_events:
        published[event.type].append(event.data)
    return result.state, published


def test_a_whole_demo_has_the_promised_size() -> None:
    whole = list(ledger.histories(NOW))

    assert len(whole) == ledger.ENTITIES
    assert 57_000 < sum(len(history.happenings) for history in whole) < 63_000
    assert max(len(history.happenings) for history in whole) == 20_000
    assert 10 < sum(history.flaw == "drifted" for history in whole) < 60
    assert len({(history.facet, history.id) for history in whole}) == len(whole)


def test_the_same_moment_gives_the_same_demo(entities: list[tuple[History, list[Record]]]) -> None:
    again = [ledger.stored(history) for history in ledger.histories(NOW, scale=0.1)]

    assert again == [records for _, records in entities]


def test_a_replay_gives_the_stored_state_and_messages_except_where_they_drifted(
    entities: list[tuple[History, list[Record]]],
) -> None:
    for history, records in entities:
        if history.flaw in ("", "drifted"):
            state, published = replayed(history.facet, records)
            sent = defaultdict(list)
            for record in records:
                if record.kind == "OUTBOUND":
                    sent[record.typ].append(record.data)

            assert (records[-1].data == state) is (history.flaw == ""), history.id
            assert sent == published, history.id


def test_only_the_entities_that_should_have_a_broken_history_have_one(
    entities: list[tuple[History, list[Record]]],
) -> None:
    broken = {}
    for history, records in entities:
        in_order = sorted(records, key=lambda record: record.order)
        if faults := [fault.kind for fault in entity_faults(in_order)]:
            broken[history.id] = faults

    assert broken == {"SHOW-GAP": ["gap"], "SHOW-TWIN": ["twin"], "SHOW-LOST-STATE": ["state-missing"]}


def test_an_event_that_does_not_fit_its_schema_is_there(entities: list[tuple[History, list[Record]]]) -> None:
    [(history, records)] = [(history, records) for history, records in entities if history.flaw == "misfit"]

    with pytest.raises(FacetError, match="does not fit TRANSACTION_ACCEPTED"):
        replayed(history.facet, records)


def test_events_of_an_entity_follow_one_another_in_the_last_two_years(
    entities: list[tuple[History, list[Record]]],
) -> None:
    for history, _ in entities:
        times = [happening.ts for happening in history.happenings]

        assert times == sorted(set(times)), history.id
        assert times[0] > NOW - accounts.TWO_YEARS - accounts.DAY, history.id
        assert times[-1] < NOW, history.id


def test_there_is_something_to_see_of_everything(entities: list[tuple[History, list[Record]]]) -> None:
    types = {record.typ for _, records in entities for record in records}
    ids = {history.id for history, _ in entities}

    assert {"accountOverdrawn", "ORDER_PAID", "CARD_BLOCKED", "LOYALTY_CARD"} <= types
    assert {".", "..", "a%2Fb", "<script>alert('id')</script>", *oddities.ODD_IDS} <= ids
    assert max(len(id.encode()) for id in ids) > 850
    assert any(record.meta for _, records in entities for record in records)


def test_the_first_account_of_the_list_is_an_ordinary_one(
    entities: list[tuple[History, list[Record]]],
) -> None:
    first = min(
        (history for history, _ in entities if history.facet == accounts.FACET), key=lambda found: found.id
    )

    assert first.flaw == ""
    assert len(first.happenings) > 20
    assert any(happening.data.get("desc", "").startswith("Salary") for happening in first.happenings)
