"""Previewing and applying a recalculation: against what hde wrote, against hostile states, and against a race."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facets.changes import recalculate
from facets.changes.audited_write import Plan
from facets.changes.recalculate import PreviewOutdated, RecalculationRefused
from facets.core import Event, Facet, SequenceConflict, json
from facets.core.diff import ABSENT
from facets.core.reconcile import Finding, Published, Stored, append_ends, compare
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table, new_operation_id
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from hdeadmin.audit.log import AuditUnavailable
from tests.facets.core import ledger
from tests.support.unannounced import unannounced

ACCOUNT = "BANK_ACCOUNT"
DEFINITIONS = {ACCOUNT: bank_account, "ORDER": order}
WHY = {"actor": "Olive", "reason": "Rule of October was wrong", "announce": unannounced}


@pytest.fixture
def hde(sqlite_table: SqliteTable) -> Table:
    """The table that hde wrote."""
    sqlite_table.load(ledger.items())
    return sqlite_table


@pytest.fixture
def accounts(sqlite_table: SqliteTable) -> Facet:
    return bank_account.facet(sqlite_table.db(ACCOUNT))


def facet_of(table: Table, entity: dict[str, Any]) -> Facet:
    name = entity["facet"]
    if name in DEFINITIONS:
        return DEFINITIONS[name].facet(table.db(name))
    return Facet(name, table.db(name), ledger.PROCESSORS[name])


def case(name: str) -> dict[str, Any]:
    return next(entity for entity in ledger.entities() if name in entity["cases"])


def store_state(table: Table, facet: Facet, id: str, itm: str, seq: int | None = None) -> None:
    if seq is None:
        seq = facet.db.get_log(id).seq
    table.load([state_record(facet.name, id, seq, itm, 0).to_item()])


def pay(facet: Facet, id: str, *amounts: float) -> None:
    facet.append(id, *[Event("TRANSACTION_ACCEPTED", {"amount": amount}) for amount in amounts])


def apply(facet: Facet, id: str, **options: Any) -> recalculate.Outcome | None:
    seen = recalculate.preview(facet, id)
    assert seen is not None
    given = {"seen_seq": seen.stored_seq, "operation_id": new_operation_id(), **WHY, **options}
    return recalculate.apply(facet, id, **given)


def test_what_hde_wrote_needs_no_recalculation_except_where_it_was_tampered_with(hde: Table):
    drifted = {}
    for entity in ledger.entities():
        facet = facet_of(hde, entity)
        outcome = recalculate.preview(facet, entity["id"])
        assert outcome is not None
        assert outcome.events_read == len(entity["inbound"])
        assert not outcome.failures
        assert not outcome.faults
        if outcome.would_write:
            drifted[entity["id"]] = [change.path for change in outcome.changes]

    assert list(drifted) == [case("drifted")["id"]]
    assert drifted[case("drifted")["id"]]


@pytest.mark.parametrize(
    "items",
    [
        '[{"desc":"Mute","cost":42}]',
        '[{"cost":42,"desc":"Mute"}]',
        '[{"desc":"Mute","qty":1,"cost":42,"gift":null,"tax":{"rate":null}}]',
        '[{"qty":2,"cost":40},{"cost":2}]',
    ],
)
def test_what_hde_wrote_of_an_item_without_a_field_is_not_drifted_and_keeps_its_bytes(hde: Table, items: str):
    """As hde's own rules make it of the event: the state has the event's items."""
    facet = order.facet(hde.db("ORDER"))
    created = f'{{"id":"x","items":{items},"channel":null}}'
    itm = f'{{"theirs":null,"status":"created","id":"x","items":{items},"balance":42}}'
    event = inbound_record("ORDER", "x", 1, "ORDER_CREATED", created, 0, None)
    hde.load([event.to_item(), state_record("ORDER", "x", 1, itm, 0).to_item()])

    outcome = recalculate.preview(facet, "x")
    assert outcome is not None
    assert (outcome.changes, outcome.would_write, outcome.itm) == ([], False, itm)
    facet.recalculate("x")
    assert facet.db.get_log("x").state_itm == itm

    store_state(hde, facet, "x", itm.replace('"balance":42', '"balance":"42"'))
    found = apply(facet, "x")
    assert found is not None
    assert [change.path for change in found.changes] == [("balance",)]
    assert facet.db.get_log("x").state_itm == itm

    facet.append("x", Event("PAYMENT_COMPLETED", {"intent": {"amount": 40, "id": "p1"}}))
    paid = itm.replace('"balance":42', '"balance":2')[:-1] + ',"intentIds":["p1"]}'
    assert facet.db.get_log("x").state_itm == paid


def test_a_recalculation_of_what_hde_wrote_leaves_its_bytes(hde: Table):
    for entity in ledger.entities():
        if entity["facet"] in DEFINITIONS and "drifted" not in entity["cases"]:
            outcome = recalculate.preview(facet_of(hde, entity), entity["id"])
            assert outcome is not None
            assert outcome.itm == entity["stateJson"]


def test_messages_that_hde_wrote_are_those_that_a_replay_publishes_except_where_they_show_a_later_state(
    hde: Table,
):
    found = {}
    for entity in ledger.entities():
        outcome = recalculate.preview(facet_of(hde, entity), entity["id"])
        assert outcome is not None
        assert outcome.messages.stored == len(entity["outbound"])
        assert outcome.messages.published == len(entity["replayed"]["outbound"])
        if outcome.messages.findings:
            found[entity["id"]] = outcome.messages.findings

    later = case("outbound-shows-later-state")
    assert list(found) == [later["id"]]
    assert [finding.kind for finding in found[later["id"]]] == ["differs", "differs"]
    for finding, stored, made in zip(
        found[later["id"]], later["outbound"], later["replayed"]["outbound"], strict=True
    ):
        assert finding.stored is not None
        assert finding.published is not None
        assert json.loads(finding.stored.itm) == stored["payload"]
        assert finding.published.data == made["payload"]


def test_a_drifted_state_is_shown_field_by_field_and_put_right(hde: Table):
    entity = case("drifted")
    facet = facet_of(hde, entity)

    before = recalculate.preview(facet, entity["id"])
    apply(facet, entity["id"])
    after = recalculate.preview(facet, entity["id"])

    assert before is not None
    assert after is not None
    assert (before.stored, before.replayed) == (entity["state"], entity["replayed"]["state"])
    assert not after.would_write
    assert facet.get(entity["id"]).item == entity["replayed"]["state"]


def test_a_preview_and_a_recalculation_that_changes_nothing_write_nothing(accounts: Facet):
    pay(accounts, "1", 5, 6)
    before = accounts.db.get_records("1")

    outcome = apply(accounts, "1")

    assert outcome is not None
    assert not outcome.would_write
    assert accounts.db.get_records("1") == before


def test_it_stays_with_the_state_who_had_it_done_and_why_until_the_next_append(
    accounts: Facet, sqlite_table: SqliteTable
):
    pay(accounts, "1", 5)
    store_state(sqlite_table, accounts, "1", '{"balance":7,"minimumBalance":-1000}')

    apply(accounts, "1", actor="Olive", reason="first\nforged line", operation_id="op-1")

    state = accounts.db.get_state("1")
    assert json.loads(state.meta) == {
        "actor": "Olive",
        "reason": "first\nforged line",
        "operation_id": "op-1",
    }
    pay(accounts, "1", 5)
    assert accounts.db.get_state("1").meta is None


def test_what_cannot_be_put_on_record_is_not_written(accounts: Facet, sqlite_table: SqliteTable):
    pay(accounts, "1", 5)
    store_state(sqlite_table, accounts, "1", '{"balance":7,"minimumBalance":-1000}')
    before = accounts.db.get_records("1")

    def refuse(plan: Plan) -> Any:
        raise AuditUnavailable("disk full")

    with pytest.raises(AuditUnavailable):
        apply(accounts, "1", announce=refuse)

    assert accounts.db.get_records("1") == before


def test_events_whose_rule_fails_are_named_and_nothing_can_be_applied(
    accounts: Facet, sqlite_table: SqliteTable
):
    pay(accounts, "1", 5, 6, 7)
    sqlite_table.load(
        inbound_record(ACCOUNT, "1", seq, "TRANSACTION_ACCEPTED", itm, 0).to_item()
        for seq, itm in (
            (4, '{"amount":-9999}'),
            (5, '{"amount":"much"}'),
            (6, "{not json"),
            (7, '{"amount":2}'),
        )
    )

    outcome = recalculate.preview(accounts, "1")

    assert outcome is not None
    assert [(failure.seq, failure.error.split(":")[0]) for failure in outcome.failures] == [
        (4, "insufficient funds"),
        (5, "Does not fit TRANSACTION_ACCEPTED"),
        (6, "Not JSON"),
    ]
    assert outcome.refusal == "Event 4, TRANSACTION_ACCEPTED: insufficient funds"
    assert outcome.replayed["balance"] == 20
    assert outcome.would_write
    assert not outcome.can_apply
    before = accounts.db.get_records("1")
    with pytest.raises(RecalculationRefused, match="insufficient funds"):
        apply(accounts, "1")
    assert accounts.db.get_records("1") == before


def test_what_only_another_service_knows_of_stays_in_the_picture_when_a_rule_fails(
    accounts: Facet, sqlite_table: SqliteTable
):
    pay(accounts, "1", 5, 6)
    sqlite_table.load(
        [inbound_record(ACCOUNT, "1", 2, "TRANSACTION_ACCEPTED", '{"amount":-9999}', 0).to_item()]
    )
    store_state(sqlite_table, accounts, "1", '{"balance":5,"minimumBalance":-1000,"tier":"gold"}')

    outcome = recalculate.preview(accounts, "1")

    assert outcome is not None
    assert outcome.failures
    assert outcome.changes == []


def test_the_failures_of_a_long_history_are_counted_and_the_first_are_kept(
    accounts: Facet, sqlite_table: SqliteTable
):
    many = recalculate.MAX_FAILURES + 5
    sqlite_table.load(
        inbound_record(ACCOUNT, "1", seq, "TRANSACTION_ACCEPTED", "{}", 0).to_item()
        for seq in range(1, many + 1)
    )

    outcome = recalculate.preview(accounts, "1")

    assert outcome is not None
    assert (outcome.failure_count, len(outcome.failures)) == (many, recalculate.MAX_FAILURES)


def test_events_without_a_rule_are_counted_by_type_and_named_by_seq(hde: Table):
    entity = case("no-rule")

    outcome = recalculate.preview(facet_of(hde, entity), entity["id"])

    assert outcome is not None
    expected: dict[str, list[int]] = {}
    for event in entity["inbound"]:
        if event["type"] not in bank_account.events:
            expected.setdefault(event["type"], []).append(event["seq"])
    assert expected
    assert {unruled.type: unruled.seqs for unruled in outcome.unruled} == expected
    assert not outcome.refusal


def test_a_state_that_is_not_json_is_made_again(accounts: Facet, sqlite_table: SqliteTable):
    pay(accounts, "1", 5)
    store_state(sqlite_table, accounts, "1", "{broken")

    outcome = apply(accounts, "1")

    assert outcome is not None
    assert outcome.stored is ABSENT
    assert accounts.get("1").item["balance"] == 5


def test_a_state_too_large_to_store_is_refused_in_the_preview(sqlite_table: SqliteTable):
    orders = order.facet(sqlite_table.db("ORDER"))
    itm = json.dumps({"id": "1", "items": [{"desc": "x" * 380_000}]})
    payments = json.dumps({"intent": {"amount": 1, "id": "y" * 60_000}})
    sqlite_table.load(
        [
            inbound_record("ORDER", "1", 1, "ORDER_CREATED", itm, 0).to_item(),
            inbound_record("ORDER", "1", 2, "PAYMENT_COMPLETED", payments, 0).to_item(),
        ]
    )

    outcome = recalculate.preview(orders, "1")

    assert outcome is not None
    assert "409,600" in outcome.refusal
    assert not outcome.can_apply


def test_an_entity_that_moved_on_is_a_conflict_that_tells_what_arrived(
    accounts: Facet, sqlite_table: SqliteTable
):
    pay(accounts, "1", 5)
    store_state(sqlite_table, accounts, "1", '{"balance":7,"minimumBalance":-1000}')
    pay(accounts, "1", 6)

    with pytest.raises(SequenceConflict) as caught:
        apply(accounts, "1", seen_seq=1)

    assert (caught.value.expected_seq, caught.value.actual_seq) == (1, 2)
    assert accounts.get("1").item["balance"] == 13
    outcome = recalculate.preview(accounts, "1")
    assert outcome is not None
    assert [entry.seq for entry in outcome.arrived_since(1)] == [2]


def test_what_was_not_previewed_is_not_written(accounts: Facet, sqlite_table: SqliteTable):
    """An event arrived without its STATE, so that the seq is still the one seen."""
    pay(accounts, "1", 5)
    store_state(sqlite_table, accounts, "1", '{"balance":7,"minimumBalance":-1000}')
    seen = recalculate.preview(accounts, "1")
    assert seen is not None
    sqlite_table.load([inbound_record(ACCOUNT, "1", 2, "TRANSACTION_ACCEPTED", '{"amount":1}', 0).to_item()])

    with pytest.raises(PreviewOutdated):
        apply(accounts, "1", seen_digest=seen.digest)

    assert accounts.get("1").item["balance"] == 7


def test_a_state_put_in_place_between_read_and_write_is_not_overwritten_on_any_engine(
    table: Table, monkeypatch: pytest.MonkeyPatch
):
    facet = bank_account.facet(table.db(ACCOUNT))
    pay(facet, "1", 5)
    store_state(table, facet, "1", '{"balance":6}')
    write = recalculate.write

    def be_second(*args: Any, **kwargs: Any) -> None:
        store_state(table, facet, "1", '{"balance":7}')
        write(*args, **kwargs)

    monkeypatch.setattr(recalculate, "write", be_second)

    with pytest.raises(PreviewOutdated):
        apply(facet, "1")
    assert facet.db.get_log("1")[:2] == (1, '{"balance":7}')


def test_there_is_no_outcome_for_an_entity_that_does_not_exist(accounts: Facet):
    assert recalculate.preview(accounts, "nope") is None
    assert recalculate.apply(accounts, "nope", seen_seq=0, operation_id=new_operation_id(), **WHY) is None


def test_an_append_half_seen_is_not_taken_for_a_fault(accounts: Facet, monkeypatch: pytest.MonkeyPatch):
    pay(accounts, "1", 5, 6)
    whole = accounts.db.get_records("1")
    half = [record for record in whole if record.rng != "INBOUND/TRANSACTION_ACCEPTED/2"]
    answers = iter([half, whole])
    monkeypatch.setattr(accounts.db, "get_records", lambda id: next(answers))

    outcome = recalculate.preview(accounts, "1")

    assert outcome is not None
    assert not outcome.faults
    assert not outcome.would_write


def test_the_log_is_read_as_the_core_reads_it(hde: Table):
    for entity in ledger.entities():
        facet = facet_of(hde, entity)
        outcome = recalculate.preview(facet, entity["id"])
        assert outcome is not None
        assert outcome.log == facet.db.get_log(entity["id"])


# Reconciliation


def stored(seq: int, itm: str = "{}", *, index: int = 0, type: str = "SENT") -> Stored:
    return Stored(seq, index, type, itm)


def published(seq: int, data: Any = None, *, type: str = "SENT") -> Published:
    return Published(seq, type, {} if data is None else data)


def kinds(findings: list[Finding]) -> list[tuple[str, int]]:
    return [(finding.kind, finding.seq) for finding in findings]


def test_an_append_is_what_was_written_at_one_instant_and_ends_where_a_message_says_so():
    stamps = [(1, 10), (2, 20), (3, 20), (4, 20), (5, 30)]

    assert append_ends(stamps, []) == [1, 4, 5]
    assert append_ends(stamps, [stored(3)]) == [1, 3, 4, 5]
    assert append_ends([], []) == []


@pytest.mark.parametrize(
    ("kept", "made", "expected"),
    [
        ([stored(3)], [published(1)], []),
        ([stored(3, '{"a":1,"b":2.0}')], [published(3, {"b": 2, "a": 1})], []),
        ([], [published(2)], [("missing", 2)]),
        ([stored(3)], [], [("unexpected", 3)]),
        ([stored(3, '{"a":1}')], [published(2, {"a": 2})], [("differs", 2)]),
        ([stored(3, "{broken")], [published(2, {"a": 2})], [("differs", 2)]),
        ([stored(5)], [published(2)], [("moved", 2)]),
        ([stored(5, "1")], [published(2, 2)], [("missing", 2), ("unexpected", 5)]),
        ([stored(3, type="OTHER")], [published(3)], [("unexpected", 3), ("missing", 3)]),
        ([stored(3), stored(3, index=1)], [published(2)], [("unexpected", 3)]),
        ([stored(3)], [published(1), published(5)], [("missing", 5)]),
        # The first of two differs, and not the second: it is at its place.
        ([stored(3, "2"), stored(3, "2", index=1)], [published(1, 1), published(3, 2)], [("differs", 1)]),
        # One more than before, and the same one still there.
        ([stored(3, "2")], [published(1, 1), published(3, 2)], [("missing", 1)]),
    ],
)
def test_messages_are_matched_by_append_type_place_and_payload(
    kept: list[Stored], made: list[Published], expected: list[tuple[str, int]]
):
    found = compare(kept, made, [3, 5])

    assert sorted(kinds(found.findings)) == sorted(expected)
    assert (found.stored, found.published) == (len(kept), len(made))


payloads = st.sampled_from(["1", "2", '{"a":1}'])
histories = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["A", "B"]), payloads), max_size=12)


@given(histories, histories, st.sets(st.integers(1, 6)))
def test_every_message_is_accounted_for_once(
    kept: list[tuple[int, str, str]], made: list[tuple[int, str, str]], ends: set[int]
):
    left = [Stored(seq, place, type, itm) for place, (seq, type, itm) in enumerate(sorted(kept))]
    right = [Published(seq, type, json.loads(itm)) for seq, type, itm in sorted(made)]

    found = compare(left, right, sorted(ends | {message.seq for message in left}))

    counts = found.counts
    same = len(left) - counts["unexpected"] - counts["differs"] - counts["moved"]
    assert same == len(right) - counts["missing"] - counts["differs"] - counts["moved"]
    assert same >= 0
    assert len({id(finding.stored) for finding in found.findings if finding.stored}) == sum(
        bool(finding.stored) for finding in found.findings
    )


@given(histories)
def test_messages_stored_as_they_are_published_give_no_findings(made: list[tuple[int, str, str]]):
    right = [Published(seq, type, json.loads(itm)) for seq, type, itm in sorted(made)]
    left = [Stored(one.seq, place, one.type, json.dumps(one.data)) for place, one in enumerate(right)]

    assert compare(left, right, range(1, 7)).findings == []


def test_a_thousand_messages_of_one_append_are_matched_in_no_time():
    right = [published(1, place) for place in range(20_000)]
    left = [stored(1, str(place), index=place) for place in reversed(range(20_000))]

    assert compare(left, right, [1]).findings == []


# Laws

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["balance", "id", "ownerFirst", "items", "tier", "desc"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
events = st.one_of(
    st.builds(lambda id: Event("ACCOUNT_CREATION", {"id": id}), st.text(min_size=1, max_size=4)),
    st.builds(
        lambda name: Event("ACCOUNT_UPDATE", name),
        st.fixed_dictionaries({}, optional={"ownerFirst": st.text(max_size=3)}),
    ),
    st.builds(lambda amount: Event("TRANSACTION_ACCEPTED", {"amount": amount}), st.integers(-900, 900)),
    st.builds(lambda data: Event("NO_RULE", data), values),
    st.builds(
        lambda costs: Event("ORDER_CREATED", {"id": "o", "items": [{"cost": cost} for cost in costs]}),
        st.lists(st.integers(0, 50), max_size=3),
    ),
    st.builds(
        lambda amount, id: Event("PAYMENT_COMPLETED", {"intent": {"amount": amount, "id": id}}),
        st.integers(0, 50),
        st.sampled_from(["p1", "p2"]),
    ),
)


@pytest.fixture(scope="module")
def module_table(tmp_path_factory: pytest.TempPathFactory) -> SqliteTable:
    table = SqliteTable(tmp_path_factory.mktemp("recalculations") / "ledger.sqlite3")
    table.create()
    return table


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    definition=st.sampled_from([bank_account, order]),
    history=st.lists(events, min_size=1, max_size=8),
    state=values,
    state_seq=st.none() | st.integers(0, 8),
    number=st.uuids(),
)
def test_after_a_recalculation_nothing_would_change(
    module_table: SqliteTable,
    definition: Any,
    history: list[Event],
    state: Any,
    state_seq: int | None,
    number: Any,
):
    facet, id = definition.facet(module_table.db(definition.name)), str(number)
    module_table.load(
        inbound_record(facet.name, id, seq, event.type, json.dumps(event.data), 0).to_item()
        for seq, event in enumerate(history, start=1)
    )
    if state_seq is not None:
        store_state(module_table, facet, id, json.dumps(state), state_seq)
    before = facet.db.get_records(id)

    try:
        done = apply(facet, id)
    except RecalculationRefused:
        assert facet.db.get_records(id) == before
        return

    after = recalculate.preview(facet, id)
    assert done is not None
    assert after is not None
    assert not after.would_write
    assert after.replayed == done.replayed
    assert [record for record in facet.db.get_records(id) if record.kind != "STATE"] == [
        record for record in before if record.kind != "STATE"
    ]
    if not done.would_write:
        assert facet.db.get_records(id) == before
