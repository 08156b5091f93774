"""What it takes to run a long history through its rules: the first look, and later ones, beside boto3 and the rules alone.

    .venv/bin/python tests/benchmarks/bench_replay.py [--events 100000] [--repeats 3]

Starts a DynamoDB Local of its own, and keeps checkpoints in a SQLite database of its own. The ways take turns, so that
a machine whose speed drifts favours none; times are medians. Units are read units as the engine reports them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

FACET, TABLE, ID = "BANK_ACCOUNT", "bench", "long"
OPTIONS = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "local",
    "aws_secret_access_key": "local",
    # DynamoDB Local takes seconds for a page of 1 MB on a busy machine.
    "config": Config(read_timeout=120, retries={"total_max_attempts": 1}, max_pool_connections=64),
}


def items(length: int) -> Iterator[Any]:
    """An account's whole life: opened, renamed now and then, credited and debited."""
    from facets.core.records import inbound_record, state_record

    for seq in range(1, length + 1):
        ts = 1_700_000_000_000 + 1000 * seq
        if seq == 1:
            type, itm = "ACCOUNT_CREATION", '{"id":"long"}'
        elif seq % 50 == 0:
            type, itm = "ACCOUNT_UPDATE", '{"ownerFirst":"Ada","ownerLast":"Reed"}'
        else:
            type, itm = (
                "TRANSACTION_ACCEPTED",
                f'{{"desc":"card payment at a shop","amount":{7 - seq % 13}}}',
            )
        yield inbound_record(FACET, ID, seq, type, itm, ts).to_item()
    yield state_record(FACET, ID, length, "{}", ts).to_item()


class Meter:
    """Counts a client's requests and the read units that they report."""

    def __init__(self, client: Any) -> None:
        self.requests, self.units = 0, 0.0
        for operation in ("Query", "BatchGetItem"):
            events = client.meta.events
            events.register(f"before-parameter-build.dynamodb.{operation}", self._ask)
            events.register(f"after-call.dynamodb.{operation}", self._count)

    def take(self) -> tuple[int, float]:
        taken = self.requests, self.units
        self.requests, self.units = 0, 0.0
        return taken

    def _ask(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        found = parsed.get("ConsumedCapacity", [])
        self.requests += 1
        self.units += sum(each["CapacityUnits"] for each in (found if isinstance(found, list) else [found]))


def plain(client: Any) -> list[Any]:
    """Every item by Query, page after page, in history order: boto3 alone."""
    found: list[Any] = []
    start: dict[str, Any] = {}
    while True:
        page = client.query(
            TableName=TABLE,
            KeyConditionExpression="#id = :id",
            ExpressionAttributeNames={"#id": "_id"},
            ExpressionAttributeValues={":id": {"S": f"{FACET}/{ID}"}},
            ConsistentRead=True,
            **start,
        )
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return sorted(found, key=lambda item: int(item["_seq"]["N"]))
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def rules(found: list[Any]) -> None:
    from facets.core.events import LazyEvents
    from facets.demo.definitions.bank_account import bank_account

    texts = [(item["_typ"]["S"], item["_itm"]["S"]) for item in found if item["_rng"]["S"] != "STATE"]
    bank_account.processor.fold(None, LazyEvents(texts), [])


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = act()
    return time.perf_counter() - start, result


def history(client: Any) -> Any:
    from facets.core.dynamodb import DynamoTable
    from facets.demo.definitions.bank_account import bank_account
    from facets.entities.replay import History

    return History(f"dynamodb:{TABLE}", DynamoTable(client, TABLE).db(FACET), bank_account, ID)


def most_memory() -> int:
    """The most that this process ever held, in KB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def memory(client: Any, length: int) -> None:
    """Print by how many KB this new process grows when it replays the whole history, after a little of it."""
    history(client).run(1_500)
    idle = most_memory()
    history(client).shelf.forget()
    history(client).run(length)
    print(most_memory() - idle)


def compare(client: Any, length: int, repeats: int) -> None:
    meter = Meter(client)
    took: dict[str, list[float]] = {}
    cost: dict[str, tuple[int, float]] = {}

    def note(way: str, act: Callable[[], Any]) -> Any:
        meter.take()
        seconds, result = timed(act)
        took.setdefault(way, []).append(seconds)
        cost[way] = meter.take()
        return result

    for _ in range(repeats):
        whole = [note("boto3 alone", lambda: plain(client))]
        note("the rules alone", lambda whole=whole: rules(whole.pop()))
        history(client).shelf.forget()
        end = note("first look", lambda: history(client).run(length))
        assert end.seq == length
        note("later look, the end", lambda: history(client).run(length))
        note("later look, the middle", lambda: history(client).run(length // 2 + 777))
        note("later look, event 4,321", lambda: history(client).run(min(4_321, length)))
        note("what 15 events changed", lambda: history(client).effects(length // 2, length // 2 + 14))
    base = statistics.median(took["boto3 alone"]) + statistics.median(took["the rules alone"])
    first = statistics.median(took["first look"])
    print(f"\n{length:,} events of 3 types\n")
    print("| way | requests | units | s | of the first look |\n| --- | --- | --- | --- | --- |")
    for way, seconds in took.items():
        median = statistics.median(seconds)
        print(f"| {way} | {cost[way][0]} | {cost[way][1]:,.0f} | {median:.2f} | {median / first:.1%} |")
    print(f"\nFirst look: {first / base:.2f} times boto3 alone and the rules alone ({base:.2f} s)")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-of", metavar="ENDPOINT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DEBUG": "true", "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hdeadmin.settings")
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        from facets.core.dynamodb import DynamoTable, make_client

        if given.memory_of:
            memory(make_client(endpoint_url=given.memory_of, **OPTIONS), given.events)
            return
        from tests.support.dynamodb_local import running

        with running() as server:
            client = server.client(**OPTIONS)
            table = DynamoTable(client, TABLE)
            table.create()
            seconds, count = timed(lambda: table.load(items(given.events)))
            print(f"loaded {count:,} records in {seconds:.0f} s", file=sys.stderr, flush=True)
            compare(client, given.events, given.repeats)
            grown = subprocess.run(  # noqa: S603
                [sys.executable, __file__, "--events", str(given.events), "--memory-of", server.endpoint],
                capture_output=True,
                check=True,
                text=True,
            )
            print(f"Memory of the first look: {int(grown.stdout.split()[-1]) / 1024:.1f} MB above idle")


if __name__ == "__main__":
    main()
