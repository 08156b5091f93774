"""manage.py verify: replay the entities of facets, and note those whose stored state is not what their events make."""

from __future__ import annotations

import re
import sys
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from facets import directory, registry
from facets.core.store import Table
from facets.definitions import FacetDefinition
from facets.definitions.display import visible
from facets.directory.queries import Question
from facets.jobs import verify
from facets.jobs.bulk_recalculate import Settled
from facets.jobs.report import Report
from facets.management.progress import Progress
from facets.management.replays import OUTAGE, definition_of, report_failures, workers
from facets.management.stopping import INTERRUPTED, stop_on_signals
from facets.management.table import configured_table, failures_named, in_words

_DRIFTED = 3


class Command(BaseCommand):
    help = (
        "Replay every entity of the facets, all defined ones if none is named, and note in the console's database "
        "which differ from their stored state: the console lists and counts them. Nothing is written to the table. "
        "Every entity gets a line in the report, as of a dry run of `recalculate`. Ctrl-C finishes what is begun; "
        "the same command with the same --report goes on where it stopped. Exit status: 0 none differs, 3 some do, "
        "1 some could not be judged or the table did not answer, 130 stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("facets", nargs="*", metavar="FACET", help="Names of facets, as in the table.")
        parser.add_argument(
            "--per-second",
            type=_rate,
            metavar="N",
            help="At most so many entities a second, on average; each is read whole. No limit if not given.",
        )
        parser.add_argument("--workers", type=workers, default=8, help="Entities at once, 1 to 64 (8).")
        parser.add_argument(
            "--report",
            type=Path,
            metavar="FILE.jsonl",
            help="Added to if it is there, and what it has settled is skipped; verify-TIME.jsonl if none is named.",
        )

    def handle(
        self,
        *,
        facets: list[str],
        per_second: float | None,
        workers: int,
        report: Path | None,
        **options: Any,
    ) -> None:
        definitions = [definition_of(name) for name in dict.fromkeys(facets or registry.definitions())]
        table = configured_table()
        with failures_named():
            table.check()
        path = report or Path(f"verify-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
        tally = _Tally()
        with stop_on_signals() as stop, report_failures(path):
            for definition in definitions:
                if not stop.is_set():
                    self._verify(table, definition, path, tally, stop, workers, Pace(per_second, stop))
        self.stdout.write(tally.summary(table, path))
        if tally.outage:
            raise CommandError(
                f"The {in_words(table)} does not answer: stopped. Run it again with --report {path}."
            )
        if stop.is_set():
            raise CommandError(
                f"Stopped. Run it again with --report {path} to go on.", returncode=INTERRUPTED
            )
        if failed := tally.results["failed"]:
            raise CommandError(f"{failed:,} could not be judged.")
        if tally.drifted:
            raise CommandError(f"{tally.drifted:,} drifted.", returncode=_DRIFTED)

    def _verify(
        self,
        table: Table,
        definition: FacetDefinition[Any],
        path: Path,
        tally: _Tally,
        stop: threading.Event,
        workers: int,
        pace: Callable[[Iterator[str]], Iterator[str]],
    ) -> None:
        """One facet, an entity at a time as they are found."""
        name = definition.name
        with failures_named():
            db = table.db(name)
        tally.begin(name)
        with Report(path, name, None, sensitive=definition.sensitive_fields) as lines:
            ids = verify.ids_of(table, name, stopping=stop.is_set)
            todo = (id for id in ids if not tally.skip(id in lines.settled))
            known = directory.count(Question(name)).number
            progress = Progress(sys.stderr, f"Verifying {visible(name)}", known, unit=("entity", "entities"))
            found = verify.verify(definition, db, pace(todo), workers=workers, stopping=stop.is_set)
            for settled in _named(found):
                lines.add(settled)
                tally.add(settled)
                progress.update(tally.of_facet, tally.of_facet)
                if tally.outage:
                    stop.set()
            if stop.is_set():
                progress.stop()
            else:
                verify.finish(name)
                progress.finish(tally.of_facet)


def _named(settled: Iterator[Settled]) -> Iterator[Settled]:
    with failures_named():
        yield from settled


class Pace:
    """Lets ids through at no more than so many a second, on average over the run."""

    def __init__(self, per_second: float | None, stop: threading.Event) -> None:
        self._per_second = per_second
        self._stop = stop

    def __call__(self, ids: Iterator[str]) -> Iterator[str]:
        begun = time.monotonic()
        for count, id in enumerate(ids):
            if self._per_second:
                self._stop.wait(max(0.0, begun + count / self._per_second - time.monotonic()))
            yield id


class _Tally:
    """Counts what came of the entities, facet by facet."""

    def __init__(self) -> None:
        self.results: Counter[str] = Counter()
        self.drifted = 0
        self.of_facet = 0
        self.outage = False
        self._begun = time.monotonic()
        self._skipped = 0
        self._unanswered = 0
        self._why: Counter[str] = Counter()
        self._facets: dict[str, Counter[str]] = {}

    def begin(self, facet: str) -> None:
        self._counts = self._facets.setdefault(facet, Counter())
        self.of_facet = 0

    def skip(self, settled: bool) -> bool:
        self._skipped += settled
        return settled

    def add(self, settled: Settled) -> None:
        self.of_facet += 1
        self.results[settled.result] += 1
        drifted = verify.has_drifted(settled)
        self.drifted += drifted
        self._counts["verified"] += 1
        self._counts["drifted"] += drifted
        if settled.why:
            self._why[settled.why] += 1
        self._unanswered = self._unanswered + 1 if settled.why == "unavailable" else 0
        self.outage = settled.why == "no-such-table" or self._unanswered >= OUTAGE

    def summary(self, table: Table, report: Path) -> str:
        seconds = max(time.monotonic() - self._begun, 0.001)
        total = sum(self.results.values())
        lines = [
            f"{total:,} entit{'y' if total == 1 else 'ies'} in the {in_words(table)}, {seconds:.1f} s, {total / seconds:,.0f} a second"
        ]
        lines += [
            f"  {visible(facet)}: {counts['verified']:,} replayed, {counts['drifted']:,} drifted"
            for facet, counts in self._facets.items()
        ]
        if self._why:
            named = ", ".join(f"{why} {count:,}" for why, count in self._why.most_common())
            lines.append(f"could not be judged: {self.results['failed']:,} ({named})")
        if self._skipped:
            lines.append(f"skipped, since the report has settled them: {self._skipped:,}")
        lines.append(f"Report: {report}")
        return "\n".join(lines)


def _rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or not float(text):
        raise ArgumentTypeError("a number of entities a second, above 0")
    return float(text)
