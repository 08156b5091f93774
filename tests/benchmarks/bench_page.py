"""What the entity's page takes inside our process, and what it sends: 50 rows on the SQLite engine.

    .venv/bin/python tests/benchmarks/bench_page.py [--lengths 100,10000,100000] [--repeats 60]

The whole request is timed, sign-in, SQL, middleware and compression included, without a socket. Lengths take turns.
Bytes are those of the first visit, gzipped: the page, and the style sheets and scripts that it names.
"""

from __future__ import annotations

import argparse
import cProfile
import gzip
import os
import pstats
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import Group, User  # noqa: E402
from django.contrib.staticfiles import finders  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from facets import conf  # noqa: E402
from facets.core.records import Item, inbound_record, outbound_record, state_record  # noqa: E402
from facets.demo.accounts import FACET  # noqa: E402

GOAL_MS, GOAL_BYTES = 40, 60_000


def items(id: str, length: int) -> Iterator[Item]:
    """An account that is credited and debited in turn; each twentieth event sends a message."""
    ts = 1_700_000_000_000
    for seq in range(1, length + 1):
        ts += 60_000
        type, payload = (
            "TRANSACTION_ACCEPTED",
            f'{{"desc":"Card sale, till {seq % 14}","amount":{(-1) ** seq * 42.5}}}',
        )
        if seq == 1:
            type, payload = "ACCOUNT_CREATION", f'{{"id":"{id}"}}'
        yield inbound_record(FACET, id, seq, type, payload, ts).to_item()
        if seq % 20 == 0:
            yield outbound_record(
                FACET, id, seq, 0, "accountOverdrawn", f'{{"accountId":"{id}"}}', ts
            ).to_item()
    yield state_record(FACET, id, length, f'{{"balance":0,"minimumBalance":-1000,"id":"{id}"}}', ts).to_item()


def visit(client: Client, id: str) -> tuple[float, float, bytes]:
    """Milliseconds that passed, and those of them that the processor worked for us, and the page."""
    url = reverse("entity", args=[FACET, id])
    start, worked = time.perf_counter(), time.process_time()
    response = client.get(url, headers={"Accept-Encoding": "gzip"})
    ms = (time.perf_counter() - start) * 1000, (time.process_time() - worked) * 1000
    assert response.status_code == 200, response
    return *ms, response.content


def sent(page: bytes) -> dict[str, int]:
    """Gzipped bytes by what they are of."""
    text = gzip.decompress(page).decode()
    found = {"page": len(page)}
    for address in re.findall(r'<(?:link rel="stylesheet" href|script src)="/static/([^"]+)"', text):
        path = finders.find(address)
        assert isinstance(path, str), address
        found[address] = len(gzip.compress(Path(path).read_bytes()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", default="100,10000,100000")
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    given = parser.parse_args()
    lengths = [int(length) for length in given.lengths.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        settings.DEBUG = False
        settings.ALLOWED_HOSTS = ["testserver"]
        settings.HDEADMIN_STORE = f"sqlite:{Path(folder) / 'ledger.sqlite3'}"
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        table = conf.current_table()
        table.create()
        for length in lengths:
            table.load(items(str(length), length))
        user = User.objects.create_user("operator")
        user.groups.add(Group.objects.get(name="operator"))
        client = Client()
        client.force_login(user)
        took: dict[int, list[tuple[float, float]]] = {length: [] for length in lengths}
        for _ in range(3):
            for length in lengths:
                visit(client, str(length))
        for _ in range(given.repeats):
            for length in lengths:
                ms, worked, page = visit(client, str(length))
                took[length].append((ms, worked))
        print("| events | median ms | slowest of 20 | median ms of processor |")
        print("| --- | --- | --- | --- |")
        for length, times in took.items():
            passed, busy = zip(*times, strict=True)
            slow = statistics.quantiles(passed, n=20)[-1]
            print(
                f"| {length:,} | {statistics.median(passed):.1f} | {slow:.1f} | {statistics.median(busy):.1f} |"
            )
        print(f"\nGoal: {GOAL_MS} ms at the median.\n")
        bytes_of = sent(page)
        for name, size in bytes_of.items():
            print(f"{size:>8,} {name}")
        print(f"{sum(bytes_of.values()):>8,} bytes in all; goal: {GOAL_BYTES:,}")
        if given.profile:
            with cProfile.Profile() as profile:
                for _ in range(20):
                    visit(client, str(lengths[-1]))
            pstats.Stats(profile).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    main()
