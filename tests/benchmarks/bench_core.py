"""How fast the core is, beside bare boto3 making the same calls in the same run.

    .venv/bin/python tests/benchmarks/bench_core.py [--seconds 5]

Pairs run in turn, A B A B, so that a machine whose speed drifts does not favour either. Times are medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from facets.core import Event, Facet, Processor, StateUpdaterInput  # noqa: E402
from facets.core.dynamodb import DynamoTable  # noqa: E402
from facets.core.events import LazyEvents  # noqa: E402
from facets.core.processor import ProcessResult  # noqa: E402
from facets.core.sqlite import SqliteTable  # noqa: E402
from facets.core.store import Table  # noqa: E402
from facets.demo.definitions.bank_account import bank_account  # noqa: E402
from tests.support.dynamodb_local import running  # noqa: E402

ACCOUNT = "BANK_ACCOUNT"
CREATED = Event("ACCOUNT_CREATION", {"id": "a"})
PAID = Event("TRANSACTION_ACCEPTED", {"desc": "salary", "amount": 42})


def create(given: StateUpdaterInput[Any]) -> Any:
    given.state["id"] = given.current["id"]
    return given.state


def accept(given: StateUpdaterInput[Any]) -> Any:
    state = given.state
    before = state["balance"]
    balance = before + given.current["amount"]
    if balance < state["minimumBalance"]:
        raise ValueError("insufficient funds")
    if before >= 0 > balance:
        given.publish("accountOverdrawn", {"accountId": state["id"]})
    state["balance"] = balance
    return state


def count(given: StateUpdaterInput[Any]) -> Any:
    given.state["count"] += 1
    given.state["last"] = given.current["n"]
    return given.state


ON_JSON = Processor(
    {"ACCOUNT_CREATION": create, "TRANSACTION_ACCEPTED": accept},
    lambda: {"balance": 0, "minimumBalance": -1000},
)
COUNTER = Processor({"COUNTED": count}, lambda: {"count": 0, "last": None})


class Bare:
    """What hde asks of DynamoDB, by boto3 alone: no checks, no rules to speak of."""

    def __init__(self, client: Any, table: str) -> None:
        self.client = client
        self.table = table

    def append(self, id: str) -> None:
        key = {"_id": {"S": f"{ACCOUNT}/{id}"}, "_rng": {"S": "STATE"}}
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]
        seq = int(item["_seq"]["N"]) + 1
        state = json.loads(item["_itm"]["S"])
        state["balance"] += PAID.data["amount"]
        event = {
            **item,
            "_rng": {"S": f"INBOUND/{PAID.type}/{seq}"},
            "_typ": {"S": PAID.type},
            "_seq": {"N": str(seq)},
            "_itm": {"S": json.dumps(PAID.data)},
        }
        item |= {"_seq": {"N": str(seq)}, "_itm": {"S": json.dumps(state)}}
        self.client.transact_write_items(
            TransactItems=[self._put(event, "attribute_not_exists(#seq)"), self._put_state(item, seq - 1)]
        )

    def recalculate(self, facet: str, id: str) -> None:
        items: list[Any] = []
        start: dict[str, Any] = {}
        while True:
            page = self.client.query(
                TableName=self.table,
                KeyConditionExpression="#id = :id",
                ExpressionAttributeNames={"#id": "_id"},
                ExpressionAttributeValues={":id": {"S": f"{facet}/{id}"}},
                ConsistentRead=True,
                **start,
            )
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        state = next(item for item in items if item["_rng"]["S"] == "STATE")
        self.client.transact_write_items(TransactItems=[self._put_state(state, int(state["_seq"]["N"]))])

    def _put_state(self, item: Any, previous: int) -> Any:
        put = self._put(item, "#seq = :seq")
        put["Put"]["ExpressionAttributeValues"] = {":seq": {"N": str(previous)}}
        return put

    def _put(self, item: Any, condition: str) -> Any:
        return {
            "Put": {
                "TableName": self.table,
                "Item": item,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#seq": "_seq"},
            }
        }


def seconds_of(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def pair(
    title: str, ours: Callable[[], object], bare: Callable[[], object], goal: float, budget: float
) -> None:
    """Time two actions in turn, for `budget` seconds, and print their medians and the ratio."""
    ours(), bare()
    ours_took: list[float] = []
    bare_took: list[float] = []
    until = time.perf_counter() + budget
    while time.perf_counter() < until or len(ours_took) < 5:
        turns = [(ours, ours_took), (bare, bare_took)]
        for act, took in turns if len(ours_took) % 2 else reversed(turns):
            took.append(seconds_of(act))
    mine, theirs = statistics.median(ours_took), statistics.median(bare_took)
    print(
        f"| {title} | {mine * 1000:.2f} | {theirs * 1000:.2f} | {1 / mine:.0f} | "
        f"{mine / theirs:.2f} | at most {goal} |"
    )


def rate(act: Callable[[], object], budget: float) -> float:
    """Calls a second."""
    took: list[float] = []
    until = time.perf_counter() + budget
    while time.perf_counter() < until:
        took.append(seconds_of(act))
    return 1 / statistics.median(took)


def fill(table: Table) -> None:
    """Three accounts, two of them with 300 events, and the 3.2 MB entity."""
    account = Facet(ACCOUNT, table.db(ACCOUNT), ON_JSON)
    for id in ("ours", "bare"):
        account.append(id, CREATED)
    for id in ("300-ours", "300-bare"):
        account.append(id, CREATED, *[PAID] * 59)
        for _ in range(4):
            account.append(id, *[PAID] * 60)
    big = Facet("BIG", table.db("BIG"), COUNTER)
    pad = "x" * 2080
    for first in range(0, 1500, 50):
        big.append("big", *[Event("COUNTED", {"n": n, "pad": pad}) for n in range(first, first + 50)])


def replay_rates() -> None:
    texts = [("TRANSACTION_ACCEPTED", '{"desc":"n","amount":42}')] * 100_000
    print("\n| pure replay, with JSON parsing | events a second | goal |\n| --- | --- | --- |")
    rules: list[tuple[str, Processor[Any], str]] = [
        ("JSON rules", ON_JSON, "800,000"),
        ("typed rules", bank_account.processor, "400,000"),
    ]
    for title, processor, goal in rules:

        def replay(processor: Processor[Any] = processor) -> ProcessResult:
            return processor.fold(None, LazyEvents(texts), [])

        best = min(seconds_of(replay) for _ in range(9))
        print(f"| {title} | {len(texts) / best:,.0f} | at least {goal} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="time for each row of a table")
    budget = parser.parse_args().seconds

    with running() as server, tempfile.TemporaryDirectory() as folder:
        client = server.client(
            region_name="eu-west-1", aws_access_key_id="local", aws_secret_access_key="local"
        )
        table = DynamoTable(client, "bench")
        file = SqliteTable(Path(folder) / "bench.sqlite3")
        for engine in (table, file):
            engine.create()
            fill(engine)
        account = Facet(ACCOUNT, table.db(ACCOUNT), ON_JSON)
        big = Facet("BIG", table.db("BIG"), COUNTER)
        bare = Bare(client, table.name)

        print("| on DynamoDB Local | ours, ms | bare boto3, ms | ours a second | ratio | goal |")
        print("| --- | --- | --- | --- | --- | --- |")
        pair("append", lambda: account.append("ours", PAID), lambda: bare.append("bare"), 1.1, budget)
        pair(
            "recalculate, 300 events",
            lambda: account.recalculate("300-ours"),
            lambda: bare.recalculate(ACCOUNT, "300-bare"),
            1.0,
            budget,
        )
        pair(
            "recalculate, 3.2 MB in 1,500 events",
            lambda: big.recalculate("big"),
            lambda: bare.recalculate("BIG", "big"),
            1.0,
            budget,
        )

        on_file = Facet(ACCOUNT, file.db(ACCOUNT), ON_JSON)
        print("\n| a second | SQLite file | DynamoDB Local |\n| --- | --- | --- |")
        engines = (on_file, account)
        for title, act in (
            ("appends", lambda facet: facet.append("ours", PAID)),
            ("recalculations of 300 events", lambda facet: facet.recalculate("300-ours")),
        ):
            rates = [rate(lambda facet=facet, act=act: act(facet), budget) for facet in engines]
            print(f"| {title} | {rates[0]:.0f} | {rates[1]:.0f} |")

    replay_rates()


if __name__ == "__main__":
    main()
