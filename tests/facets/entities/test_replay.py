"""A replay as a stream: the same as a fold of all events, from wherever it begins, and past what goes wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facets.core import HistoryFault, json
from facets.core.diff import same
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.streaming import StreamEntry
from facets.definitions import FacetDefinition, Model
from facets.demo.definitions.bank_account import BankAccount, Transaction, bank_account
from facets.entities import replay
from facets.entities.checkpoints import Checkpoint, Shelf, version_of
from facets.entities.replay import History, Position, effects

pytestmark = pytest.mark.django_db

ID = "acc-1"
TYPES = ("ACCOUNT_UPDATE", "TRANSACTION_ACCEPTED", "UNHEARD_OF")


def entries(length: int, *, seed: int = 0, bad: float = 0.0) -> list[StreamEntry]:
    """An account's events; some of the `bad` ones overdraw it, others do not fit their schema or are not JSON."""
    rng = random.Random(seed)
    made = [StreamEntry(1, "ACCOUNT_CREATION", '{"id":"acc-1"}', 1_000)] if length else []
    for seq in range(2, length + 1):
        type = rng.choices(TYPES, (1, 20, 1))[0]
        itm = {"ownerFirst": f"Name {seq}"} if type == "ACCOUNT_UPDATE" else {"amount": rng.randint(-90, 100)}
        text = json.dumps(itm)
        if rng.random() < bad:
            type = "TRANSACTION_ACCEPTED"
            text = rng.choice(('{"amount":-999999}', '{"amount":"much"}', "{"))
        made.append(StreamEntry(seq, type, text, 1_000 * seq))
    return made


@pytest.fixture
def table(tmp_path: Path) -> SqliteTable:
    table = SqliteTable(tmp_path / "ledger.sqlite3")
    table.create()
    return table


def store(table: SqliteTable, made: list[StreamEntry], id: str = ID) -> None:
    records = [
        inbound_record("BANK_ACCOUNT", id, entry.seq, entry.type, entry.itm, entry.ts) for entry in made
    ]
    last = made[-1].seq if made else 0
    table.load(record.to_item() for record in [*records, state_record("BANK_ACCOUNT", id, last, "{}", 1)])


def of(table: SqliteTable, definition: FacetDefinition[Any] = bank_account, id: str = ID) -> History:
    return History(f"sqlite:{table.path}", table.db(definition.name), definition, id)


def folded(made: list[StreamEntry], upto: int) -> Any:
    """The plain way: every event's step from the first on."""
    state: Any = bank_account.processor.process(None).state
    for effect in effects(bank_account, state, made):
        if effect.seq > upto:
            break
        state = effect.after
    return state


@given(
    st.integers(0, 60),
    st.integers(0, 70),
    st.integers(0, 2**16),
    st.sampled_from((0.0, 0.2)),
    st.integers(2, 9),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_replay_is_the_fold_of_its_events_however_often_it_rests(
    tmp_path_factory: Any,
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    upto: int,
    seed: int,
    bad: float,
    every: int,
):
    monkeypatch.setattr(replay, "EVERY", every)
    table = SqliteTable(tmp_path_factory.mktemp("replay") / "ledger.sqlite3")
    table.create()
    made = entries(length, seed=seed, bad=bad)
    store(table, made)
    at_once = of(table).run(upto)
    Checkpoint.objects.all().delete()
    rests = [of(table).run(upto, seconds=0)]
    while not rests[-1].ended:
        rests.append(of(table).run(upto, seconds=0))

    for position in (at_once, rests[-1]):
        assert same(position.state, folded(made, upto))
        assert position.seq == min(length, upto)
        assert position.failure_count == at_once.failure_count
        assert (position.failures, position.skipped) == (at_once.failures, at_once.skipped)
    assert all(rest.seq % every == 0 for rest in rests[:-1])
    assert len(rests) <= length // every + 1


def test_where_reading_is_slow_a_replay_rests_between_checkpoints_too(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    made = entries(60)
    store(table, made)
    clock = count()
    monkeypatch.setattr(replay, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))

    rests = [of(table).run(60, seconds=12)]
    while not rests[-1].ended:
        rests.append(of(table).run(60, seconds=12))

    assert same(rests[-1].state, folded(made, 60))
    assert len(rests) > 3
    assert all(rest.read > 5 for rest in rests[:-1])


def test_a_slow_replay_goes_on_where_it_cannot_keep_its_place(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    store(table, entries(60))
    clock, tried = count(), []
    monkeypatch.setattr(replay, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    monkeypatch.setattr(Shelf, "put", lambda _, found: tried.append(found))

    position = of(table).run(60, seconds=12)

    assert (position.ended, position.seq) == (True, 60)
    assert len(tried) == 1


def test_what_went_wrong_on_the_way_is_told_and_the_replay_goes_on(table: SqliteTable):
    store(
        table,
        [
            StreamEntry(1, "TRANSACTION_ACCEPTED", '{"amount":10}', 1),
            StreamEntry(2, "TRANSACTION_ACCEPTED", '{"amount":-5000}', 2),
            StreamEntry(3, "UNHEARD_OF", "{}", 3),
            StreamEntry(5, "TRANSACTION_ACCEPTED", '{"amount":7}', 5),
            StreamEntry(5, "ACCOUNT_CREATION", '{"id":"x"}', 5),
            StreamEntry(6, "TRANSACTION_ACCEPTED", "{", 6),
        ],
    )

    position = of(table).run(6)

    assert position.state["balance"] == 17
    assert [(failure.seq, failure.error[:12]) for failure in position.failures] == [
        (2, "insufficient"),
        (6, "Not JSON: Ex"),
    ]
    assert position.skipped == {"UNHEARD_OF": 1}
    assert position.faults == [HistoryFault("gap", 4, 4), HistoryFault("twin", 5, 5)]


def test_a_second_look_begins_at_a_checkpoint(table: SqliteTable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay, "EVERY", 10)
    made = entries(45)
    store(table, made)

    first, second = of(table).run(45), of(table).run(42)

    assert (first.read, second.read) == (45, 2)
    assert same(second.state, folded(made, 42))
    assert Checkpoint.objects.count() == 4


def test_checkpoints_of_other_rules_of_another_table_or_another_entity_are_not_used(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(20))
    store(table, entries(20, seed=7), "acc-2")
    of(table).run(20)
    generous = FacetDefinition(name="BANK_ACCOUNT", title="Accounts", state=BankAccount)

    @generous.event("TRANSACTION_ACCEPTED", Transaction)
    def double(state: BankAccount, event: Transaction, publish: Any) -> BankAccount:
        state.balance += 2 * event.amount
        return state

    assert of(table, generous).run(20).read == 20
    assert of(table, id="acc-2").run(20).read == 20
    assert History("sqlite:other", table.db("BANK_ACCOUNT"), bank_account, ID).run(20).read == 20


def test_a_table_that_was_made_anew_under_the_same_name_is_noticed(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(35))
    of(table).run(35)
    table.path.unlink()
    table.create()
    made = entries(35, seed=5)
    store(table, made)

    found = of(table).run(35)

    assert found.read == 35
    assert same(found.state, folded(made, 35))
    assert of(table).run(35).read == 5


def edited(made: list[StreamEntry], seq: int) -> list[StreamEntry]:
    """The same events, of which the one at a seq has another amount."""
    return [
        entry._replace(type="TRANSACTION_ACCEPTED", itm='{"amount":7000}') if entry.seq == seq else entry
        for entry in made
    ]


def test_a_history_that_was_restored_shorter_and_grew_otherwise_is_noticed(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    before = entries(45)
    store(table, before)
    of(table).run(45)
    table.path.unlink()
    table.create()
    store(table, before[:25])

    assert same(of(table).run(25).state, folded(before[:25], 25))

    made = [*before[:25], *(entry._replace(ts=entry.ts + 1) for entry in entries(45, seed=3)[25:])]
    store(table, made)
    found = of(table).run(45)
    assert same(found.state, folded(made, 45))
    assert of(table).run(45).read == 5


def test_what_was_kept_of_other_events_goes_once_they_are_read_again(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    """Only a read of an older event can tell that it was edited. Then no later checkpoint is believed either."""
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(45))
    of(table).run(45)
    table.path.unlink()
    table.create()
    made = edited(entries(45), 5)
    store(table, made)
    beginning = Position(state=of(table).start())

    of(table).run(12, begin=beginning)

    assert same(of(table).run(45).state, folded(made, 45))
    peaks = [part for _, parts in of(table).stretches(45) for part in parts["balance"]]
    assert min(part.low[2] for part in peaks if part.first[0] > 10) > 6000


def test_what_was_kept_stays_where_the_same_events_are_read_again(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(45, bad=0.2))
    middle = of(table).run(17)
    of(table).run(45)
    kept = list(Checkpoint.objects.order_by("seq").values_list("pk", "seq"))

    of(table).run(45, begin=middle, fields=("balance",), watch=lambda _: False)
    of(table).run(45, begin=Position(state=of(table).start()))

    assert list(Checkpoint.objects.order_by("seq").values_list("pk", "seq")) == kept
    assert len(kept) == 4


def test_a_checkpoint_is_sealed_and_opens_only_in_its_place(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(20))
    of(table).run(20)
    low, high = Checkpoint.objects.order_by("seq")

    assert b"acc-1" not in bytes(high.body)
    assert "acc-1" not in repr(Checkpoint.objects.values_list())

    Checkpoint.objects.filter(pk=high.pk).update(body=low.body)
    nearest = of(table).shelf.nearest(20)
    assert nearest is not None
    assert nearest[0] == 10


def test_checkpoints_sealed_with_a_key_of_before_still_open(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch, settings: Any
):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(20))
    of(table).run(20)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another " * 8
    assert of(table).run(20).read == 0

    settings.SECRET_KEY_FALLBACKS = []
    assert of(table).run(20).read == 20


def test_histories_that_were_not_asked_for_in_longest_make_room(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    monkeypatch.setattr("facets.entities.checkpoints.MOST", 6)
    for id in ("a", "b", "c"):
        store(table, entries(30), id)
        of(table, id=id).run(30)

    assert [of(table, id=id).run(30).read for id in ("c", "b", "a")] == [0, 0, 30]


def test_of_one_history_too_long_to_be_kept_the_end_is_kept(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    monkeypatch.setattr("facets.entities.checkpoints.MOST", 3)
    monkeypatch.setattr("facets.entities.checkpoints._AT_ONCE", 1)
    store(table, entries(60))

    of(table).run(60)

    assert Checkpoint.objects.order_by("seq").last().seq == 60  # type: ignore[union-attr]


def test_a_replay_that_cannot_be_kept_comes_to_its_end_all_the_same(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    monkeypatch.setattr("facets.entities.checkpoints._LARGEST", 1)
    store(table, entries(60))

    assert of(table).run(60, seconds=0).ended


def test_each_event_tells_what_it_changed(table: SqliteTable):
    store(
        table,
        [
            StreamEntry(1, "ACCOUNT_CREATION", '{"id":"a"}', 1),
            StreamEntry(2, "TRANSACTION_ACCEPTED", '{"amount":-10}', 2),
            StreamEntry(3, "TRANSACTION_ACCEPTED", '{"amount":-5000}', 3),
            StreamEntry(4, "UNHEARD_OF", "{}", 4),
        ],
    )

    found = of(table).effects(2, 4)

    assert found is not None
    assert [[(change.path, change.old, change.new) for change in effect.changes] for effect in found] == [
        [(("balance",), 0, -10)],
        [],
        [],
    ]
    assert [event.type for event in found[0].published] == ["accountOverdrawn"]
    assert (found[1].error, found[2].skipped) == ("insufficient funds", True)


def test_a_page_far_from_any_checkpoint_is_not_run_unasked(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(60))

    assert of(table).effects(51, 60, most=20) is None

    of(table).run(40)
    found = of(table).effects(51, 60, most=20)
    assert found is not None
    assert [effect.seq for effect in found] == list(range(51, 61))


def test_watched_fields_are_seen_after_each_event_whether_or_not_a_rule_fails(table: SqliteTable):
    store(
        table,
        [
            StreamEntry(1, "TRANSACTION_ACCEPTED", '{"amount":10}', 1),
            StreamEntry(2, "UNHEARD_OF", "{}", 2),
            StreamEntry(3, "TRANSACTION_ACCEPTED", '{"amount":5}', 3),
        ],
    )
    seen: list[Any] = []

    def watch(found: Any) -> bool:
        seen.extend((entry.seq, *values) for entry, values in found)
        return False

    of(table).run(3, fields=("ownerFirst", "balance", "nowhere.at.all"), watch=watch)
    assert seen == [(1, None, 10, None), (2, None, 10, None), (3, None, 15, None)]

    seen.clear()
    store(table, [StreamEntry(4, "TRANSACTION_ACCEPTED", "{", 4)])
    of(table).run(4, fields=("balance",), watch=watch)
    assert seen == [(1, 10), (2, 10), (3, 15), (4, 15)]


def test_checkpoints_tell_the_peaks_of_the_stretches_between_them(
    table: SqliteTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(replay, "EVERY", 4)
    monkeypatch.setattr(replay, "_PARTS", 2)
    amounts = [1, 50, -49, 2, 100, -300, 200, 5, 9]
    store(
        table,
        [
            StreamEntry(seq, "TRANSACTION_ACCEPTED", f'{{"amount":{amount}}}', seq)
            for seq, amount in enumerate(amounts, start=1)
        ],
    )
    position = of(table).run(9)
    stretches = of(table).stretches(9)

    assert [
        (seq, min(part.low[2] for part in parts["balance"]), max(part.high[2] for part in parts["balance"]))
        for seq, parts in stretches
    ] == [(4, 1, 51), (8, -196, 104)]
    assert position.extremes["balance"][-1].last == (9, 9, 18)


def test_an_answer_can_come_before_the_end(table: SqliteTable, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay, "EVERY", 10)
    store(table, entries(60))

    position = of(table).run(60, watch=lambda found: found[-1][0].seq >= 20)

    assert (position.seq, position.ended) == (20, False)


def test_the_version_of_a_definition_follows_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    import importlib
    import sys

    def load(helper: str) -> str:
        package = tmp_path / "replayed"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        (package / "sums.py").write_text(helper)
        (package / "cards.py").write_text(
            "from facets.definitions import FacetDefinition, Model\n"
            "from replayed.sums import add\n"
            "class Card(Model):\n    points: int = 0\n"
            "class Earned(Model):\n    points: int\n"
            "card = FacetDefinition(name='CARD', title='Cards', state=Card)\n"
            "@card.event('EARNED', Earned)\n"
            "def earn(state, event, publish):\n    state.points = add(state.points, event.points)\n    return state\n"
        )
        for name in [name for name in sys.modules if name.partition(".")[0] == "replayed"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        return version_of(importlib.import_module("replayed.cards").card)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    plain = load("def add(a, b):\n    return a + b\n")

    assert load("def add(a, b):\n    return a + b\n") == plain
    assert load("def add(a, b):\n    return a + b + 1\n") != plain


def test_what_a_rule_says_quotes_no_sensitive_value():
    account = FacetDefinition(name="A", title="A", state=Model, sensitive_fields=("iban",))

    @account.event("PAID", Model)
    def pay(state: Model, event: Model, publish: Any) -> Model:
        raise ValueError(f"no such account: {event.iban}")  # type: ignore[attr-defined]

    [effect] = effects(account, {}, [StreamEntry(1, "PAID", '{"iban":"DE89 3704"}', 0)])

    assert effect.error == "no such account: ••••••"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def returns_text(state: BankAccount) -> Any:
    return "a text"


def writes_no_number(state: BankAccount) -> Any:
    state.balance = float("nan")
    return state


def changes_and_raises(state: BankAccount) -> Any:
    state.balance += 1_000
    raise Unspeakable


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (returns_text, "The rule for BROKEN returned str instead of BankAccount."),
        (writes_no_number, "JSON has no nan."),
        (changes_and_raises, "Unspeakable"),
    ],
)
def test_what_a_broken_rule_makes_of_the_state_is_passed_over(
    table: SqliteTable, rule: Callable[[BankAccount], Any], error: str
):
    account = FacetDefinition(name="BANK_ACCOUNT", title="A", state=BankAccount)

    @account.event("BROKEN", Model)
    def broken(state: BankAccount, event: Model, publish: Any) -> Any:
        return rule(state)

    @account.event("TRANSACTION_ACCEPTED", Transaction)
    def paid(state: BankAccount, event: Transaction, publish: Any) -> BankAccount:
        state.balance += event.amount
        return state

    paid_in = '{"amount":5}'
    store(
        table,
        [
            StreamEntry(1, "TRANSACTION_ACCEPTED", paid_in, 1),
            StreamEntry(2, "BROKEN", "{}", 2),
        ],
    )
    broken_last = of(table, account).run(2)
    store(table, [StreamEntry(3, "TRANSACTION_ACCEPTED", paid_in, 3)])
    position = of(table, account).run(3)

    assert broken_last.state["balance"] == 5
    assert position.state["balance"] == 10
    assert [(failure.seq, failure.error) for failure in position.failures] == [(2, error)]
