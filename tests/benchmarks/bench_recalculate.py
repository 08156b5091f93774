"""How fast `manage.py recalculate --all` is, beside a plain boto3 loop of the same calls, in the same run.

    .venv/bin/python tests/benchmarks/bench_recalculate.py [--entities 500] [--events 30] [--workers 8] [--rounds 7]

Both read the table for the ids, then every entity whole, with as many threads; with --apply both write each state.
They run in turn, A B A B, so that a machine whose speed drifts does not favour either. Times are medians.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from facets import conf  # noqa: E402
from facets.core.dynamodb import DynamoTable  # noqa: E402
from facets.core.records import inbound_record, outbound_record, state_record  # noqa: E402
from tests.support.dynamodb_local import running  # noqa: E402

FACET = "BANK_ACCOUNT"
GOAL = 1.3


class Bare:
    """The calls of a recalculation by boto3 alone: nothing is parsed, replayed, compared or reported."""

    def __init__(self, client: Any, table: str, workers: int) -> None:
        self.client = client
        self.table = table
        self.workers = workers

    def read_all(self) -> None:
        self._for_all(self._read)

    def rewrite_all(self) -> None:
        self._for_all(self._rewrite)

    def _for_all(self, act: Callable[[str], object]) -> None:
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(act, self._ids()))

    def _ids(self) -> list[str]:
        request: dict[str, Any] = {
            "TableName": self.table,
            "FilterExpression": "#rng = :state AND #facet = :facet",
            "ExpressionAttributeNames": {"#rng": "_rng", "#facet": "_facet"},
            "ExpressionAttributeValues": {":state": {"S": "STATE"}, ":facet": {"S": FACET}},
        }
        return [item["_id"]["S"] for item in self._pages(self.client.scan, request)]

    def _read(self, key: str) -> list[Any]:
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "#id = :id",
            "ExpressionAttributeNames": {"#id": "_id"},
            "ExpressionAttributeValues": {":id": {"S": key}},
            "ConsistentRead": True,
        }
        return self._pages(self.client.query, request)

    def _rewrite(self, key: str) -> None:
        state = next(item for item in self._read(key) if item["_rng"]["S"] == "STATE")
        put = {
            "TableName": self.table,
            "Item": state,
            "ConditionExpression": "#seq = :seq",
            "ExpressionAttributeNames": {"#seq": "_seq"},
            "ExpressionAttributeValues": {":seq": state["_seq"]},
        }
        self.client.transact_write_items(TransactItems=[{"Put": put}])

    def _pages(self, call: Callable[..., Any], request: dict[str, Any]) -> list[Any]:
        items: list[Any] = []
        while True:
            page = call(**request)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                return items
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def fill(table: DynamoTable, entities: int, events: int) -> None:
    def items() -> Any:
        for number in range(entities):
            id, ts = f"acc-{number}", 1_700_000_000_000
            yield inbound_record(FACET, id, 1, "ACCOUNT_CREATION", f'{{"id":"{id}"}}', ts).to_item()
            for seq in range(2, events + 1):
                itm = f'{{"desc":"Payment {seq}","amount":{-25 if seq == 3 else 10}}}'
                yield inbound_record(FACET, id, seq, "TRANSACTION_ACCEPTED", itm, ts + seq).to_item()
            yield outbound_record(
                FACET, id, 3, 0, "accountOverdrawn", f'{{"accountId":"{id}"}}', ts + 3
            ).to_item()

    table.load(items())
    write_states(table, entities, events, drifted=False)


def write_states(table: DynamoTable, entities: int, events: int, *, drifted: bool) -> None:
    balance = 9999 if drifted else 10 * (events - 2) - 25
    table.load(
        state_record(
            FACET,
            f"acc-{number}",
            events,
            f'{{"balance":{balance},"minimumBalance":-1000,"id":"acc-{number}"}}',
            1_700_000_000_000 + events,
        ).to_item()
        for number in range(entities)
    )


def command(workers: int, folder: str, *, expected: str, apply: bool = False) -> None:
    arguments = ["--apply", "--reason", "a benchmark"] if apply else []
    report = Path(folder) / f"{time.monotonic_ns()}.jsonl"
    out = io.StringIO()
    with redirect_stderr(io.StringIO()):
        call_command(
            "recalculate",
            FACET,
            "--all",
            *arguments,
            "--workers",
            str(workers),
            "--report",
            str(report),
            stdout=out,
        )
    if expected not in out.getvalue():
        raise SystemExit(out.getvalue())


def seconds_of(act: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of this process on the CPU, which other work on the machine disturbs less."""
    start, start_cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - start_cpu


def pair(
    title: str,
    ours: Callable[[], object],
    bare: Callable[[], object],
    rounds: int,
    prepare: Callable[[], object],
    entities: int,
) -> None:
    took: dict[Callable[[], object], list[tuple[float, float]]] = {ours: [], bare: []}
    for turn in range(rounds + 1):
        for act in (ours, bare) if turn % 2 else (bare, ours):
            prepare()
            seconds = seconds_of(act)
            if turn:
                took[act].append(seconds)
    (mine, my_cpu), (theirs, their_cpu) = (
        [statistics.median(column) for column in zip(*took[act], strict=True)] for act in (ours, bare)
    )
    print(
        f"| {title} | {mine:.2f} | {theirs:.2f} | {entities / mine:.0f} | {mine / theirs:.2f} | at most {GOAL} "
        f"| {my_cpu / their_cpu:.2f} |"
    )


def main() -> None:
    # A line for each entity is the log's business; here it would bury the table.
    logging.getLogger("facets.changes.recalculate").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=500)
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()

    with running() as server, tempfile.TemporaryDirectory() as folder:
        table = DynamoTable(server.client(), "bench")
        table.create()
        fill(table, given.entities, given.events)
        settings.HDEADMIN_STORE = f"dynamodb:{table.name}"
        conf.make_client = server.client  # type: ignore[assignment]
        bare = Bare(server.client(), table.name, given.workers)
        all = f"{given.entities:,}"

        print(f"{all} entities of {given.events} events, {given.workers} threads, DynamoDB Local\n")
        print(
            "| recalculate --all | ours, s | bare boto3, s | ours, entities a second | ratio | goal | CPU ratio |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        pair(
            "dry run",
            lambda: command(given.workers, folder, expected=f"unchanged: {all}"),
            bare.read_all,
            given.rounds,
            lambda: None,
            given.entities,
        )
        pair(
            "apply, every state written",
            lambda: command(given.workers, folder, expected=f"changed: {all}", apply=True),
            bare.rewrite_all,
            given.rounds,
            lambda: write_states(table, given.entities, given.events, drifted=True),
            given.entities,
        )


if __name__ == "__main__":
    main()
