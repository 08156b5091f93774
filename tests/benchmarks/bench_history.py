"""What a page of 50 events costs, by the length of the history it is cut from; beside the plain ways to get it.

    .venv/bin/python tests/benchmarks/bench_history.py [--lengths 100,10000,100000,1000000] [--repeats 15]

Starts a DynamoDB Local of its own. Lengths take turns, so that a machine whose speed drifts favours none. Times are
medians; capacity is in read units by AWS's rules, where a key that is not found costs one.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from facets.core.dynamodb import DynamoTable, make_client  # noqa: E402
from facets.core.records import Item, inbound_record, outbound_record, state_record  # noqa: E402
from facets.core.sqlite import SqliteTable  # noqa: E402
from facets.core.store import EventStore, HistoryPage, ReadCost  # noqa: E402
from tests.support.dynamodb_local import running  # noqa: E402

FACET, TABLE = "BANK_ACCOUNT", "bench"
INBOUND = ("ACCOUNT_CREATION", "ACCOUNT_UPDATE", "TRANSACTION_ACCEPTED")
OUTBOUND = ("accountOverdrawn",)
LIMIT = 50
OPTIONS = {"region_name": "eu-west-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}

# Beyond these lengths nobody waits for the plain way (seconds, then minutes), and the other one of 10 a time.
LONGEST_PLAIN = 100_000
LONGEST_TENS = 10_000


def items(id: str, length: int, every: int) -> Iterator[Item]:
    """A history of `length` events; each `every`-th publishes a message."""
    payload = '{"desc":"card payment at a shop","amount":-42.5,"ref":"0123456789"}'
    for seq in range(1, length + 1):
        ts = 1_700_000_000_000 + 1000 * seq
        yield inbound_record(FACET, id, seq, INBOUND[seq * 7919 % 3], payload, ts).to_item()
        if seq % every == 0:
            yield outbound_record(FACET, id, seq, 0, OUTBOUND[0], '{"accountId":"a"}', ts).to_item()
    yield state_record(FACET, id, length, '{"balance":1,"minimumBalance":-1000}', ts).to_item()


def places(length: int) -> dict[str, dict[str, int]]:
    return {"newest": {}, "middle": {"before": length // 2}, "oldest": {"after": 0}}


def page_of(db: EventStore, id: str, place: dict[str, int]) -> HistoryPage:
    return db.get_page(id, **place, limit=LIMIT, inbound_types=INBOUND, outbound_types=OUTBOUND)  # type: ignore[arg-type]


def query_all(client: Any, id: str, **options: Any) -> ReadCost:
    """Every item by Query, page after page, sorted by seq."""
    records: list[Any] = []
    requests, capacity, start = 0, 0.0, {}
    while True:
        page = client.query(
            TableName=TABLE,
            KeyConditionExpression="#id = :id",
            ExpressionAttributeNames={"#id": "_id"},
            ExpressionAttributeValues={":id": {"S": f"{FACET}/{id}"}},
            ConsistentRead=True,
            ReturnConsumedCapacity="TOTAL",
            **options,
            **start,
        )
        records += page["Items"]
        requests += 1
        capacity += page["ConsumedCapacity"]["CapacityUnits"]
        if "LastEvaluatedKey" not in page:
            records.sort(key=lambda item: int(item["_seq"]["N"]))
            return ReadCost(len(records), requests, capacity)
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = act()
    return (time.perf_counter() - start) * 1000, result


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def compare(dynamo: EventStore, sqlite: EventStore, lengths: dict[str, int], repeats: int) -> None:
    took: dict[tuple[str, str, str], list[float]] = {}
    pages: dict[tuple[str, str], HistoryPage] = {}
    for _ in range(repeats):
        for id, length in lengths.items():
            for name, place in places(length).items():
                for engine, db in (("dynamo", dynamo), ("sqlite", sqlite)):
                    ms, page = timed(lambda db=db, id=id, place=place: page_of(db, id, place))
                    took.setdefault((engine, id, name), []).append(ms)
                    if engine == "dynamo":
                        pages[id, name] = page
    print(
        f"\nOne page of {LIMIT} events of 3 types. Each entity has 20 messages, unless it says otherwise.\n"
    )
    row("events", "page", "requests", "units", "ms, DynamoDB Local", "ms, SQLite")
    row(*["---"] * 6)
    for id, length in lengths.items():
        for name in places(length):
            cost = pages[id, name].cost
            medians = [statistics.median(took[engine, id, name]) for engine in ("dynamo", "sqlite")]
            row(id, name, cost.requests, cost.capacity, f"{medians[0]:.1f}", f"{medians[1]:.2f}")


def compare_plain(client: Any, lengths: dict[str, int]) -> None:
    print("\nThe plain ways to the same page\n")
    row("events", "way", "requests", "units", "ms")
    row(*["---"] * 5)
    for id, length in lengths.items():
        ways: list[tuple[str, int, dict[str, Any]]] = [
            ("Query everything, sort", LONGEST_PLAIN, {}),
            ("Query ten at a time", LONGEST_TENS, {"Limit": 10}),
        ]
        for title, longest, options in ways:
            if length <= longest:
                ms, cost = timed(lambda id=id, options=options: query_all(client, id, **options))
                row(id, title, cost.requests, cost.capacity, f"{ms:,.0f}")


def memory_of(endpoint: str, id: str) -> None:
    """Print by how many KB a new process grows when it reads pages of an entity, after one of another."""
    db = DynamoTable(make_client(endpoint_url=endpoint, **OPTIONS), TABLE).db(FACET)
    db.get_state("nobody")
    idle = most_memory()
    for place in places(int(id.replace(",", ""))).values():
        page_of(db, id, place)
    print(most_memory() - idle)


def most_memory() -> int:
    """The most that this process ever held, in KB. getrusage would say what the parent held, if that is more."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", default="100,10000,100000,1000000")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--memory-of", nargs=2, metavar=("ENDPOINT", "ID"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory_of:
        memory_of(*given.memory_of)
        return

    quiet = {f"{int(length):,}": int(length) for length in given.lengths.split(",")}
    chatty = {f"{length:,}, messages with half": length for length in quiet.values() if length == 100_000}
    with running() as server, tempfile.TemporaryDirectory() as folder:
        client = server.client(**OPTIONS)
        dynamo, sqlite = DynamoTable(client, TABLE), SqliteTable(Path(folder) / "bench.sqlite3")
        for table in (dynamo, sqlite):
            table.create()
            for lengths in (quiet, chatty):
                for id, length in lengths.items():
                    every = 2 if lengths is chatty else max(1, length // 20)
                    ms, count = timed(lambda t=table, i=id, n=length, e=every: t.load(items(i, n, e)))
                    print(f"loaded {count:,} records in {ms / 1000:.0f} s", file=sys.stderr, flush=True)
        compare(dynamo.db(FACET), sqlite.db(FACET), quiet | chatty, given.repeats)
        compare_plain(client, quiet)
        longest = list(quiet)[-1]
        grown = subprocess.run(  # noqa: S603
            [sys.executable, __file__, "--memory-of", server.endpoint, longest],
            capture_output=True,
            check=True,
            text=True,
        )
        print(f"\nMemory for the pages of {longest} events: {int(grown.stdout) / 1024:.1f} MB above idle")


if __name__ == "__main__":
    main()
