"""How long pages of lists and searches take, at 10,000 and at 1,000,000 entities.

    .venv/bin/python tests/benchmarks/bench_lists.py [--entities 10000 1000000] [--rounds 21] [--keep FOLDER]

The view is called as a request would call it, signed in, without the network and the middleware: its time holds the
queries and the rendering. Rows of the goals: a page deep in the middle, sorted by last change or id, at most 30 ms at the
median, and at most 1.5 times that of the smallest; words that hit up to 1,000 entities at most 100 ms at the 95th
percentile; a word that hits half of them its first page within 300 ms.
On a machine that does other work meanwhile, look at the column of the processor's time, which SQLite's queries are in.
With --keep the databases stay in the folder, and the next run uses them. DATABASE_URL measures PostgreSQL instead.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, reset_queries  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django_htmx.middleware import HtmxDetails  # noqa: E402

from facets import directory, registry  # noqa: E402
from facets.directory.models import Entity  # noqa: E402
from facets.directory.queries import ID, UPDATED, Question  # noqa: E402
from facets.directory.writer import current_version  # noqa: E402
from facets.views import search  # noqa: E402
from facets.views.facet import facet as facet_view  # noqa: E402
from facets.views.home import home as home_view  # noqa: E402
from tests.benchmarks.many_entities import COMMON, FACET, RARE, STORE, fill  # noqa: E402

MEDIAN_GOAL, GROWTH_GOAL, WORDS_GOAL, COMMON_GOAL = 30.0, 1.5, 100.0, 300.0  # ms, times, ms, ms


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entities", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    settings.HDEADMIN_STORE = STORE
    settings.DEBUG = True  # so that queries are timed
    # A limit that is never reached, and costs what the real one does.
    search._SECONDS = 0.001  # type: ignore[assignment]
    sizes: dict[int, dict[str, Times]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for entities in arguments.entities:
            prepare(arguments.keep or Path(scratch), entities)
            sizes[entities] = measure(arguments.rounds)
            show(entities, sizes[entities])
    return judge(sizes)


def prepare(folder: Path, entities: int) -> None:
    """Connect to a database that holds so many entities, filled now unless an earlier run did."""
    folder.mkdir(parents=True, exist_ok=True)
    if connection.vendor == "sqlite":
        connection.close()
        connection.settings_dict["NAME"] = str(folder / f"{entities}.sqlite3")
    call_command("migrate", verbosity=0)
    facet = directory.found().get(FACET)
    if facet is None or (facet.entities, facet.version) != (entities, current_version(registry.get(FACET))):
        Entity.objects.all().delete()
        print(f"{entities:,} entities filled in {fill(entities):.0f} s")
    User.objects.get_or_create(username="root", is_superuser=True)
    assert directory.count(Question(FACET, words=RARE)).number == entities // 1_000


class Times:
    """Milliseconds of the whole view, of the processor meanwhile, and of its queries."""

    def __init__(self, ask: Callable[[], Any], rounds: int) -> None:
        self.view: list[float] = []
        self.work: list[float] = []
        self.sql: list[float] = []
        ask()
        for _ in range(rounds):
            reset_queries()
            begun, worked = time.perf_counter(), time.process_time()
            ask()
            self.work.append((time.process_time() - worked) * 1000)
            self.view.append((time.perf_counter() - begun) * 1000)
            self.sql.append(sum(float(query["time"]) for query in connection.queries) * 1000)

    @property
    def median(self) -> float:
        return statistics.median(self.view)

    @property
    def p95(self) -> float:
        return sorted(self.view)[int(0.95 * (len(self.view) - 1))]


def measure(rounds: int) -> dict[str, Times]:
    user = User.objects.get(username="root")

    def ask(view: Callable[..., Any], *args: str, **query: str) -> Callable[[], Any]:
        def call() -> Any:
            request = RequestFactory().get("/", query)
            request.user = User.objects.get(pk=user.pk)
            request.htmx = HtmxDetails(request)
            response = view(request, *args)
            assert response.status_code == 200, response.status_code
            return response

        return call

    found: dict[str, Times] = {}
    for name, sort in (("last change", UPDATED), ("id", ID), ("balance", "balance")):
        middle = middle_of(sort)
        found[f"middle by {name}"] = Times(ask(facet_view, FACET, sort=f"-{sort}", after=middle), rounds)
    found["first page"] = Times(ask(facet_view, FACET), rounds)
    found[f"word in 1 of 1,000 ({RARE})"] = Times(ask(facet_view, FACET, q=RARE), rounds)
    found["part of a word (uixo)"] = Times(ask(facet_view, FACET, q="uixo"), rounds)
    found["two words (quixotic zoe)"] = Times(ask(facet_view, FACET, q=f"{RARE} zoe"), rounds)
    found[f"word in half ({COMMON})"] = Times(ask(facet_view, FACET, q=COMMON), rounds)
    found["search of all facets (quixotic)"] = Times(
        lambda: directory.search(RARE, [FACET, "ORDER"], limit=12), rounds
    )
    found["filter by balance"] = Times(ask(facet_view, FACET, **{"from.balance": "49900"}), rounds)
    found["overview"] = Times(ask(home_view), rounds)
    return found


def middle_of(sort: str) -> str:
    """The place of the row in the middle of a list."""
    half = Entity.objects.count() // 2
    column = {UPDATED: "-ts", ID: "-entity_id"}.get(sort)
    if column is None:
        page = directory.query(Question(FACET, sort=sort), limit=half)
    else:
        row = Entity.objects.order_by(column, "-entity_id")[half]
        question = Question(FACET, sort=sort)
        page = directory.query(question, limit=1)
        page = page_at(question, row, column)
    assert page.after
    return page.after


def page_at(question: Question, row: Entity, column: str) -> Any:
    from facets.directory.queries import Page, Row
    from facets.directory.reader import _write_place

    key = row.ts if column == "-ts" else None
    found = Row(FACET, row.entity_id, row.seq, row.ts, row.read_at)
    return Page([found], _write_place(question, (found, key)), None)


def show(entities: int, found: dict[str, Times]) -> None:
    print(f"\n{entities:,} entities{'view, median':>44} {'p95':>10} {'SQL, median':>12} {'processor':>12}")
    for name, times in found.items():
        sql, work = statistics.median(times.sql), statistics.median(times.work)
        print(f"  {name:50} {times.median:8.1f} ms {times.p95:7.1f} ms {sql:9.1f} ms {work:9.1f} ms")


def judge(sizes: dict[int, dict[str, Times]]) -> int:
    """1 where a goal is missed."""
    small, large = sizes[min(sizes)], sizes[max(sizes)]
    goals: list[tuple[str, float, float]] = []
    for name in ("middle by last change", "middle by id"):
        goals.append((f"{name}, median ms", large[name].median, MEDIAN_GOAL))
        goals.append((f"{name}, growth", large[name].median / small[name].median, GROWTH_GOAL))
    goals += [
        (f"{name}, p95 ms", times.p95, WORDS_GOAL)
        for name, times in large.items()
        if RARE in name or "uixo" in name
    ]
    goals.append(("word in half, p95 ms", large[f"word in half ({COMMON})"].p95, COMMON_GOAL))
    print()
    for name, value, goal in goals:
        print(f"  {name:55} {value:8.1f}  goal {goal:6.1f}  {'met' if value <= goal else 'MISSED'}")
    return int(any(value > goal for _, value, goal in goals))


if __name__ == "__main__":
    sys.exit(main())
