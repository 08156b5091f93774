"""How fast the audit trail is: its pages beside paging by offset, at two lengths, and what adding to it takes.

    .venv/bin/python tests/benchmarks/bench_audit.py [--entries 10000 1000000] [--seconds 3]
    .venv/bin/python tests/support/postgresql.py .venv/bin/python tests/benchmarks/bench_audit.py

On SQLite in a temporary folder, or on the PostgreSQL that tests/support/postgresql.py gives. Reads run in turn, A B A B, so that
a machine whose speed drifts does not favour either. Times are medians.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

FOLDER = tempfile.TemporaryDirectory(prefix="hdeadmin-bench-")
os.environ |= {
    "DEBUG": "true",
    "SECRET_KEY": "for the benchmark only " * 3,
    "HDEADMIN_AUDIT_KEY": "for the benchmark's trail " * 3,
    "DATABASE_URL": os.environ.get("HDEADMIN_TEST_DATABASE_URL") or f"sqlite:///{FOLDER.name}/trail.sqlite3",
    "DJANGO_SETTINGS_MODULE": "hdeadmin.settings",
}

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, reset_queries  # noqa: E402

from hdeadmin.audit import chain, log, triggers, verify  # noqa: E402
from hdeadmin.audit.filters import Filters, newest  # noqa: E402
from hdeadmin.audit.models import AuditEntry, ChainHead  # noqa: E402
from hdeadmin.permissions.permissions import Scope  # noqa: E402
from tests.hdeadmin.audit.unguarded import drop_triggers  # noqa: E402

PAGE = 51
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
EVERYWHERE = Scope(every=True)
FACETS = ("BANK_ACCOUNT", "ORDER", "CLAIM", "INVOICE")
ACTIONS = ("preview", "append", "append", "view", "view", "view", "sign-in", "denied")


def fill(entries: int) -> None:
    """A trail of that many entries with a chain that holds, of 200 people and 4,000 entities, over a year."""
    drop_triggers()
    AuditEntry.objects.all().delete()
    ChainHead.objects.all().delete()
    chance = random.Random(1)
    key = settings.HDEADMIN_AUDIT_KEY
    key_id, previous, step = chain.key_id(key), "", timedelta(days=365) / entries
    batch: list[AuditEntry] = []
    announced: int | None = None
    for number in range(1, entries + 1):
        action = chance.choice(ACTIONS)
        about = action != "sign-in"
        phase, intent = "event", None
        if action == "append":
            # An intent, then the outcome of that one.
            phase, intent, announced = (
                ("intent", None, number) if announced is None else ("outcome", announced, None)
            )
        values: dict[str, Any] = {
            "number": number,
            "at": BEGIN + number * step,
            "action": action,
            "phase": phase,
            "result": "denied" if action == "denied" else "ok",
            "person": f"person-{chance.randrange(200)}",
            "person_id": number % 200,
            "signed_in_by": "password, totp",
            "session": f"{number % 5000:032x}",
            "address": "192.0.2.7",
            "request_id": f"{number:032x}",
            "facet": chance.choice(FACETS) if about else "",
            "entity": f"e-{chance.randrange(1_000)}" if about else "",
            "operation_id": f"00000000-0000-0000-0000-{number:012x}" if action == "append" else "",
            "intent": intent,
            "reason": "Counted twice, see the ticket" if action == "append" else "",
            "ticket": f"SUP-{number % 20_000}" if action == "append" else "",
            "seq_before": 4 if action == "append" else None,
            "seq_after": 5 if action == "append" else None,
            "changes_json": '[{"path":["balance"],"kind":"changed","old":"1","new":"2"}]'
            if action == "append"
            else "",
            "details_json": "",
            "version": chain.VERSION,
            "key_id": key_id,
            "previous": previous,
        }
        previous = chain.sign(values, key)
        batch.append(AuditEntry(**values, mac=previous))
        if len(batch) == 5_000 or number == entries:
            AuditEntry.objects.bulk_create(batch)
            batch.clear()
            reset_queries()
    ChainHead.objects.create(id=1, number=entries, at=BEGIN + entries * step, mac=previous)
    triggers.install(connection)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def median_ms(*calls: Callable[[], object], seconds: float) -> list[float]:
    """The median of each call, run in turn for about so long, at least five times; in milliseconds."""
    times: list[list[float]] = [[] for _ in calls]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for call, taken in zip(calls, times, strict=True):
            begun = time.perf_counter()
            call()
            taken.append((time.perf_counter() - begun) * 1000)
        reset_queries()
    return [statistics.median(taken) for taken in times]


def by_offset(filters: Filters, offset: int) -> list[AuditEntry]:
    """The same page as the usual way finds it."""
    return list(filters.of(AuditEntry.objects.order_by("-number"))[offset : offset + PAGE])


def pages(entries: int, seconds: float) -> None:
    person = Filters(person="person-7")
    year = f"{BEGIN.year}-06-15"
    asked: list[tuple[str, Filters, float]] = [
        ("all, newest", Filters(), 0),
        ("all, in the middle", Filters(), 0.5),
        ("all, oldest", Filters(), 1),
        ("one person, newest", person, 0),
        ("one person, oldest", person, 1),
        ("one action, in the middle", Filters(action="denied"), 0.5),
        ("one facet, oldest", Filters(facet="CLAIM"), 1),
        ("one entity", Filters(facet="CLAIM", entity="e-7"), 0),
        ("one ticket", Filters(ticket="SUP-77"), 0),
        ("a person's refusals", Filters(person="person-7", result="denied"), 0),
        ("until June", Filters(until=year), 0),
    ]
    print(f"\n{connection.vendor}, {entries:,} entries, pages of {PAGE - 1}; median ms")
    print(f"{'':28}{'by number':>12}{'by offset':>12}")
    for title, filters, depth in asked:
        found = filters.of(AuditEntry.objects.order_by("-number"))
        offset = max(0, int(found.count() * depth) - PAGE)
        before = found.values_list("number", flat=True)[offset] + 1 if offset else None
        keyset, usual = median_ms(
            lambda filters=filters, before=before: newest(filters, EVERYWHERE, before=before, limit=PAGE),
            lambda filters=filters, offset=offset: by_offset(filters, offset),
            seconds=seconds,
        )
        same = [e.number for e in newest(filters, EVERYWHERE, before=before, limit=PAGE)]
        assert same == [e.number for e in by_offset(filters, offset)], title
        print(f"{title:28}{keyset:>12.2f}{usual:>12.2f}")
    two = Scope(facets=frozenset(FACETS[:2]))
    of_two, end, waiting = median_ms(
        lambda: newest(Filters(), two, before=None, limit=PAGE),
        verify.of_the_end,
        log.count_open,
        seconds=seconds,
    )
    print(f"{'who audits two facets':28}{of_two:>12.2f}")
    print(f"{'the chain, its last 200':28}{end:>12.2f}")
    print(f"{'open intents':28}{waiting:>12.2f}")
    begun = time.perf_counter()
    verified = verify.whole()
    took = time.perf_counter() - begun
    assert verified.fault is None, verified.fault
    print(f"the whole chain verified in {took:.1f} s, {verified.entries / took:,.0f} entries a second")


def writes(seconds: float) -> None:
    print("\nentries added a second, each in a durable transaction of its own")
    for workers in (1, 4, 16):
        counts = [0] * workers
        end = time.perf_counter() + seconds

        def work(place: int, counts: list[int] = counts, end: float = end) -> None:
            while time.perf_counter() < end:
                log.record("append", user="ann", facet="CLAIM", entity="e-1", reason="Counted twice")
                counts[place] += 1
                reset_queries()
            connection.close()

        threads = [threading.Thread(target=work, args=(place,)) for place in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{workers:>3} threads {sum(counts) / seconds:>10,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each line")
    options = parser.parse_args()
    settings.DEBUG = False
    call_command("migrate", verbosity=0)
    for entries in options.entries:
        begun = time.perf_counter()
        fill(entries)
        sys.stderr.write(f"filled in {time.perf_counter() - begun:.0f} s\n")
        pages(entries, options.seconds)
    writes(max(2.0, options.seconds))


if __name__ == "__main__":
    main()
