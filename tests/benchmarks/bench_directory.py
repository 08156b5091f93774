"""Lists and search among a million entities, and how fast a table is read into the directory.

    .venv/bin/python tests/benchmarks/bench_directory.py [--entities 10000,1000000] [--scanned 100000] [--repeats 41]
    .venv/bin/python tests/support/postgresql.py .venv/bin/python tests/benchmarks/bench_directory.py --scanned 0

Works in a temporary folder; the second line measures PostgreSQL. Starts a DynamoDB Local of its own. The bare scan is
boto3's, with as many segments on as many threads, the same projection and filter, and only counts; both take turns.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

FOLDER = tempfile.TemporaryDirectory(prefix="hdeadmin-bench-")
os.environ |= {
    "DEBUG": "true",
    "SECRET_KEY": "for benchmarks only " * 3,
    "HDEADMIN_AUDIT_KEY": "for benchmarks only " * 3,
    "HDEADMIN_FACETS": "facets.demo.definitions",
    "HDEADMIN_STORE": os.environ.get("BENCH_STORE", "dynamodb:bench"),
    "DATABASE_URL": os.environ.get("BENCH_DATABASE_URL")
    or os.environ.get("HDEADMIN_TEST_DATABASE_URL")
    or f"sqlite:///{FOLDER.name}/hdeadmin.sqlite3",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hdeadmin.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from facets import directory  # noqa: E402
from facets.core import json  # noqa: E402
from facets.core.dynamodb import DynamoTable  # noqa: E402
from facets.core.dynamodb.scan import facts_of  # noqa: E402
from facets.core.records import Item, inbound_record, state_record  # noqa: E402
from facets.directory import full_scan, writer  # noqa: E402
from facets.directory.models import TableFacet  # noqa: E402
from facets.directory.queries import ID, SEQ, UPDATED, Condition, Question  # noqa: E402
from tests.support.dynamodb_local import DynamoDBLocal, running  # noqa: E402

FACET = "BANK_ACCOUNT"
FIRST = ("Ada", "Berta", "Çelik", "Dörte", "Émile", "Fay", "Gül", "Hans", "Inés", "José")
SYLLABLES = ("ba", "ke", "li", "mo", "nu", "pra", "ster", "wick", "ton", "zal", "fer", "gri")
EVENTS = 2
SEGMENTS = 4
PAGE = 50


def account(number: int, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """One account in a thousand has the same last name; half are "online", and one in a hundred thousand a "Quux"."""
    last = "".join(SYLLABLES[(number * 7919 // 12**place) % 12] for place in range(3)).title()
    name = f"{last} online" if number % 2 else last
    if number % 100_000 == 77:
        name += " Quux"
    state = {
        "balance": round(rng.uniform(-1000, 100_000), 2),
        "minimumBalance": -1000,
        "id": f"acc-{number:07}",
        "ownerFirst": FIRST[number % 10],
        "ownerLast": name,
    }
    return f"acc-{number * 2654435761 % 2**32:010}", state


def fill(entities: int) -> float:
    """Entities as a pass writes them; returns the seconds."""
    rng = random.Random(6)
    facet = writer.facet_of(FACET)
    recipe = writer.recipe_of(facet)
    begun = time.monotonic()
    todo = iter(range(entities))
    while batch := list(islice(todo, 4_000)):
        entries = []
        for number in batch:
            id, state = account(number, rng)
            ts = 1_700_000_000_000 + rng.randrange(10**10)
            entries.append(recipe.entry(state_record(FACET, id, rng.randint(1, 500), json.dumps(state), ts)))
        entries.sort(key=lambda entry: entry.id)
        with transaction.atomic():
            writer.write(facet, entries, 1)
    writer.recount(facet)
    writer.settle_version(facet)
    return time.monotonic() - begun


def timed(do: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    do()
    return (time.perf_counter() - begun) * 1000


def deep_place(sort: str, entities: int) -> str:
    """A place in the middle of the list."""
    table = TableFacet.objects.get(table=settings.HDEADMIN_STORE, name=FACET)
    column = {ID: "entity_id", SEQ: "seq", UPDATED: "ts", "balance": "key_3"}[sort]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, entity_id FROM facets_entity WHERE facet_id = %s"  # noqa: S608
            f" ORDER BY {column} DESC, entity_id DESC LIMIT 1 OFFSET %s",
            [table.pk, entities // 2],
        )
        key, id = cursor.fetchone()
    from base64 import urlsafe_b64encode

    said = [sort, None if sort == ID else bytes(key).hex() if sort == "balance" else key, id]
    return urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def bench_lists(sizes: list[int], repeats: int) -> None:
    results: dict[int, dict[str, tuple[float, float]]] = {}
    for entities in sizes:
        settings.HDEADMIN_STORE = f"dynamodb:bench-{entities}"
        seconds = fill(entities)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE" if connection.vendor == "postgresql" else "PRAGMA optimize")
        print(
            f"filled with {entities:,} entities in {seconds:.0f} s, {entities / seconds:,.0f} a second",
            flush=True,
        )
        places = {sort: deep_place(sort, entities) for sort in (UPDATED, ID, "balance")}
        results[entities] = {}
        for name, ask in questions(places).items():
            ask()
            times = sorted(timed(ask) for _ in range(repeats))
            results[entities][name] = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    head = " | ".join(f"{size:,}: median, p95 ms" for size in sizes)
    print(f"\n| {connection.vendor} | {head} | growth |\n| --- |{' --- |' * (len(sizes) + 1)}")
    for name in results[sizes[0]]:
        cells = [results[size][name] for size in sizes]
        text = " | ".join(f"{median:.1f}, {high:.1f}" for median, high in cells)
        print(f"| {name} | {text} | {cells[-1][0] / max(cells[0][0], 0.01):.2f} |")
    if connection.vendor == "sqlite":
        size = Path(settings.DATABASES["default"]["NAME"]).stat().st_size
        print(f"\nthe database has {size / 2**20:,.0f} MB")


def questions(places: dict[str, str]) -> dict[str, Callable[[], Any]]:
    rng = random.Random(7)

    def last() -> str:
        return "".join(rng.choice(SYLLABLES) for _ in range(3))

    def asked(**options: Any) -> Question:
        return Question(FACET, **options)

    def page(question: Question, place: str | None = None) -> Callable[[], Any]:
        def ask() -> Any:
            directory.freshness(FACET)
            directory.count(question)
            return directory.query(question, limit=PAGE, after=place)

        return ask

    def word(make: Callable[[], str]) -> Callable[[], Any]:
        return lambda: directory.query(asked(words=make()), limit=PAGE)

    return {
        "a page in the middle, by last change, with count and freshness": page(asked(), places[UPDATED]),
        "a page in the middle, by id": page(asked(sort=ID), places[ID]),
        "a page in the middle, by a column": page(asked(sort="balance"), places["balance"]),
        "a narrow range of a column, by last change": page(
            asked(conditions=(Condition("balance", "from", (500,)), Condition("balance", "to", (520,))))
        ),
        "half of all by a column, by last change": page(
            asked(conditions=(Condition("balance", "from", (50_000,)),))
        ),
        "a column contains, by id": page(
            asked(sort=ID, conditions=(Condition("ownerLast", "contains", ("quux",)),))
        ),
        "a word that 600 to 1,000 of a million have": word(last),
        "part of a word, and another word": word(lambda: f"{last()[1:6]} {rng.choice(FIRST)}"),
        "a word that ten have": word(lambda: "quux"),
        "a word that half have": word(lambda: "online"),
        "a word that half have, by id": lambda: directory.query(asked(words="online", sort=ID), limit=PAGE),
        "a word that none has": word(lambda: "nobody"),
        "two letters that many have": word(lambda: "za"),
        "two letters that ten have": word(lambda: "qu"),
        "an id": word(lambda: f"{rng.randrange(2**32):010}"),
        "as the palette asks, over two facets": lambda: directory.search(last(), [FACET, "ORDER"], limit=8),
    }


def items(entities: int) -> Iterator[Item]:
    rng = random.Random(6)
    payload = json.dumps({"desc": "card payment at a shop", "amount": -42.5, "ref": "0123456789"})
    for number in range(entities):
        id, state = account(number, rng)
        ts = 1_700_000_000_000 + number
        yield state_record(FACET, id, EVENTS, json.dumps(state), ts).to_item()
        for seq in range(1, EVENTS + 1):
            yield inbound_record(FACET, id, seq, "TRANSACTION_ACCEPTED", payload, ts).to_item()


def bare_scan(table: DynamoTable, *, projected: bool) -> int:
    """Count all states by boto3 alone."""
    names = {"#rng": "_rng"}
    options: dict[str, Any] = {}
    if projected:
        names |= {"#id": "_id", "#facet": "_facet", "#seq": "_seq", "#ts": "_ts", "#itm": "_itm"}
        options["ProjectionExpression"] = "#id, #facet, #seq, #ts, #itm"

    def segment(number: int) -> int:
        found = 0
        start: dict[str, Any] = {}
        while True:
            page = table.client.scan(
                TableName=table.name,
                Segment=number,
                TotalSegments=SEGMENTS,
                FilterExpression="#rng = :state",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={":state": {"S": "STATE"}},
                **options,
                **start,
            )
            found += len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    with ThreadPoolExecutor(SEGMENTS) as pool:
        return sum(pool.map(segment, range(SEGMENTS)))


def bench_pass(entities: int, rounds: int = 3) -> None:
    with running() as server:
        settings.HDEADMIN_STORE = "dynamodb:bench"
        table = DynamoTable(server.client(), "bench")
        table.create()
        begun = time.monotonic()
        count = table.load(items(entities))
        print(f"\nloaded {count:,} records in {time.monotonic() - begun:.0f} s", flush=True)
        times: dict[str, list[float]] = {
            "bare, all attributes": [],
            "bare, projected": [],
            "index, first": [],
            "index, again": [],
        }
        assert bare_scan(table, projected=True) == entities
        for _ in range(rounds):
            TableFacet.objects.filter(table=settings.HDEADMIN_STORE).delete()
            times["bare, all attributes"].append(timed(partial(bare_scan, table, projected=False)))
            times["index, first"].append(
                timed(partial(full_scan.run, table, facts_of(table), segments=SEGMENTS))
            )
            times["bare, projected"].append(timed(partial(bare_scan, table, projected=True)))
            times["index, again"].append(
                timed(partial(full_scan.run, table, facts_of(table), segments=SEGMENTS))
            )
            assert TableFacet.objects.get(table=settings.HDEADMIN_STORE).entities == entities
        base = statistics.median(times["bare, projected"])
        print(
            "\n| reading a table | s | entities a second | of the bare, projected scan |\n| --- | --- | --- | --- |"
        )
        for name, taken in times.items():
            median = statistics.median(taken)
            print(f"| {name} | {median / 1000:.1f} | {entities / median * 1000:,.0f} | {base / median:.2f} |")
        for size in (entities // 10, entities):
            print(f"\npeak memory of `manage.py index` with {size:,} entities: {peak(server, size)} MB")


def peak(server: DynamoDBLocal, entities: int) -> int:
    """Megabytes at most that the command takes, in a process of its own, over a table with so many entities."""
    name = f"bench-peak-{entities}"
    table = DynamoTable(server.client(), name)
    table.create()
    table.load(items(entities))
    # Not what getrusage tells, which begins at what this process holds.
    code = (
        "import sys; sys.argv = ['manage.py', 'index']; import manage; manage.main();"
        "print('peak', int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024)"
    )
    environment = {
        **os.environ,
        "HDEADMIN_STORE": f"dynamodb:{name}",
        "AWS_ENDPOINT_URL_DYNAMODB": server.endpoint,
        "DATABASE_URL": f"sqlite:///{FOLDER.name}/peak-{entities}.sqlite3",
        # As on a server: otherwise Django keeps the last 9,000 statements.
        "DEBUG": "false",
        "ALLOWED_HOSTS": "localhost",
        "HDEADMIN_AUDIT_KEY": "another for benchmarks " * 3,
    }
    environment.pop("BENCH_DATABASE_URL", None)
    for arguments in (["manage.py", "migrate", "--verbosity=0"], ["-c", code]):
        said = subprocess.run(  # noqa: S603
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return int(said.rpartition("peak ")[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--entities", default="10000,1000000")
    parser.add_argument("--scanned", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=41)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    sizes = [int(size) for size in options.entities.split(",") if size]
    if sizes:
        bench_lists(sizes, options.repeats)
    if options.scanned:
        bench_pass(options.scanned)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"\nthe benchmark itself took {own} MB at most")


if __name__ == "__main__":
    main()
