"""manage.py recalculate: make the states of many entities again from their events, or see which would change."""

import re
import sys
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from facets.changes.audited_write import announcing
from facets.core.store import Table
from facets.definitions.display import visible
from facets.definitions.masking import mask_changes
from facets.jobs.bulk_recalculate import Authority, Settled, settle, settle_all
from facets.jobs.report import Report
from facets.management.progress import Progress
from facets.management.replays import OUTAGE, definition_of, report_failures, workers
from facets.management.stopping import INTERRUPTED, stop_on_signals
from facets.management.table import configured_table, failures_named, in_words
from hdeadmin.audit import log

# Entities a read; DynamoDB gives fewer, what one read of 1 MB holds.
_PAGE = 10_000

# Named in the summary; the report names all.
_NAMED = 20


class Command(BaseCommand):
    help = (
        "Make the states of a facet's entities again from their events. Without --apply nothing is written: it says "
        "which would change. Every entity gets a line in the report. Ctrl-C finishes what is begun; run the same "
        "command with the same --report to go on: what the report has settled, in the same mode, is skipped. "
        "Histories with missing events are not recalculated, nor are those that a rule refuses. --all finds "
        "entities by their stored state; one that has lost it must be named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("facet", metavar="FACET", help="Name of the facet, as in the table.")
        parser.add_argument("ids", nargs="*", metavar="ID", help="Ids of entities, without the facet's name.")
        parser.add_argument("--all", action="store_true", help="All entities of the facet; reads the table.")
        parser.add_argument("--apply", action="store_true", help="Write what differs. Needs --reason.")
        parser.add_argument("--reason", type=_reason, help="Why, in 5 to 500 characters; it is logged.")
        parser.add_argument("--workers", type=workers, default=8, help="Entities at once, 1 to 64 (8).")
        parser.add_argument(
            "--report",
            type=Path,
            metavar="FILE.jsonl",
            help="Added to if it is there; recalculate-FACET-TIME.jsonl if none is named.",
        )

    def handle(
        self,
        *,
        facet: str,
        ids: list[str],
        all: bool,
        apply: bool,
        reason: str | None,
        workers: int,
        report: Path | None,
        **options: Any,
    ) -> None:
        definition = definition_of(facet)
        if all == bool(ids):
            raise CommandError("Name entities by their ids, or say --all.")
        if "" in ids:
            raise CommandError("An entity's id may not be empty.")
        if apply and not reason:
            raise CommandError("--apply needs --reason: it is logged with every change.")
        table = configured_table()
        with failures_named():
            table.check()
            engine = definition.facet(table.db(facet))
        authority = None
        if apply and reason:
            actor = log.command_user()
            authority = Authority(actor, reason, announcing(definition.sensitive_fields, user=actor))
        path = report or _new_report(facet)
        with stop_on_signals() as stop, report_failures(path):
            with Report(path, facet, authority, sensitive=definition.sensitive_fields) as lines:
                todo, skipped, complete = self._find(table, facet, ids, lines.settled, stop)
                tally = _Tally(facet, skipped, apply, definition.sensitive_fields)
                progress = Progress(
                    sys.stderr,
                    "Recalculating" if apply else "Comparing",
                    len(todo),
                    unit=("entity", "entities"),
                )
                for settled in settle_all(
                    partial(settle, engine, authority=authority),
                    todo,
                    workers=workers,
                    stopping=stop.is_set,
                ):
                    lines.add(settled)
                    tally.add(settled)
                    progress.update(tally.total, tally.total)
                    if tally.outage or tally.unrecorded:
                        stop.set()
            if tally.total == len(todo):
                progress.finish(tally.total)
            else:
                progress.stop()
        self.stdout.write(tally.summary(table, path, len(todo)))
        if tally.unrecorded:
            raise CommandError(
                f"The audit trail cannot be written: stopped. Run it again with --report {path}."
            )
        if tally.outage:
            raise CommandError(
                f"The {in_words(table)} does not answer: stopped. Run it again with --report {path}."
            )
        if tally.total < len(todo) or not complete:
            raise CommandError(
                f"Stopped. Run it again with --report {path} to go on.", returncode=INTERRUPTED
            )
        if tally.results["failed"]:
            raise CommandError(f"{_count(tally.results['failed'])} failed.")

    def _find(
        self, table: Table, facet: str, ids: list[str], settled: set[str], stop: threading.Event
    ) -> tuple[list[str], int, bool]:
        """The ids to look at, each once; how many the report has settled; whether all were found before a stop."""
        complete = True
        if ids:
            found = list(dict.fromkeys(ids))
        else:
            sys.stderr.write(f"Looking for entities of {visible(facet)} …\n")
            found = []
            after: str | None = None
            with failures_named():
                complete = False
                while not complete and not stop.is_set():
                    page = table.browse(facet, after=after, limit=_PAGE)
                    found += [state.entity_id for state in page.states]
                    after = page.next
                    complete = after is None
        todo = [id for id in found if id not in settled]
        return todo, len(found) - len(todo), complete


class _Tally:
    """Counts what came of the entities, and remembers the first few that matter."""

    def __init__(self, facet: str, skipped: int, apply: bool, sensitive: tuple[str, ...]) -> None:
        self.results: Counter[str] = Counter()
        self.total = 0
        self.outage = False
        self.unrecorded = False
        self._facet = facet
        self._skipped = skipped
        self._apply = apply
        self._sensitive = sensitive
        self._begun = time.monotonic()
        self._why: Counter[str] = Counter()
        self._conflicts = 0
        self._messages: Counter[str] = Counter()
        self._unruled = 0
        self._unanswered = 0
        self._failures: list[str] = []
        self._changes: list[str] = []

    def add(self, settled: Settled) -> None:
        self.total += 1
        self.results[settled.result] += 1
        self._conflicts += settled.conflicts
        self._messages.update(settled.messages)
        self._unruled += bool(settled.unruled)
        self._unanswered = self._unanswered + 1 if settled.why == "unavailable" else 0
        self.outage = settled.why == "no-such-table" or self._unanswered >= OUTAGE
        self.unrecorded = settled.why == "not-recorded"
        if settled.why:
            self._why[settled.why] += 1
            if len(self._failures) < _NAMED:
                self._failures.append(f"  {visible(settled.id)}: {settled.why}: {_one_line(settled.error)}")
        elif settled.result != "unchanged" and len(self._changes) < _NAMED:
            fields = [
                ".".join(map(str, change.path)) for change in mask_changes(settled.changes, self._sensitive)
            ]
            words = ", ".join(fields[:8]) + (f" and {len(fields) - 8} more" if len(fields) > 8 else "")
            self._changes.append(f"  {visible(settled.id)}: {_one_line(words) or 'the seq'}")

    def summary(self, table: Table, report: Path, asked: int) -> str:
        changed = "changed" if self._apply else "would-change"
        seconds = max(time.monotonic() - self._begun, 0.001)
        of = "" if self.total == asked else f"{self.total:,} of "
        lines = [
            f"{of}{_count(asked)} of {visible(self._facet)} in the {in_words(table)}",
            f"{seconds:.1f} s, {self.total / seconds:,.0f} a second",
            f"unchanged: {self.results['unchanged']:,}",
            f"{changed.replace('-', ' ')}: {self.results[changed]:,}",
            *self._named(self._changes, self.results[changed]),
            f"failed: {self.results['failed']:,}"
            + "".join(f", {why} {count:,}" for why, count in self._why.most_common()),
            *self._named(self._failures, self.results["failed"]),
            f"conflicts retried: {self._conflicts:,}",
        ]
        if self._skipped:
            lines.append(f"skipped, since {report} has settled them: {self._skipped:,}")
        if self._unruled:
            lines.append(f"with events that have no rule: {self._unruled:,}")
        if self._messages:
            counts = ", ".join(f"{count:,} {kind}" for kind, count in self._messages.most_common())
            lines.append(f"messages not stored as a replay would publish them: {counts}")
        lines.append(f"Report: {report}")
        if not self._apply:
            lines.append('Nothing was written: this was a dry run. --apply --reason "…" writes.')
        return "\n".join(lines)

    def _named(self, lines: list[str], count: int) -> list[str]:
        return (
            [*lines, f"  … and {count - len(lines):,} more, see the report"] if count > len(lines) else lines
        )


def _count(number: int) -> str:
    return f"{number:,} entit{'y' if number == 1 else 'ies'}"


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())[:300]


def _reason(text: str) -> str:
    text = text.strip()
    if not 5 <= len(text) <= 500:
        raise ArgumentTypeError("a reason has 5 to 500 characters")
    return text


def _new_report(facet: str) -> Path:
    name = re.sub(r"[^\w.-]", "_", facet)[:100]
    return Path(f"recalculate-{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
