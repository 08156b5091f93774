"""manage.py index: read the table's states into the directory, so that lists and search know all entities."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from facets import directory
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import TableFacts, facts_of
from facets.core.store import Table
from facets.definitions.display import visible
from facets.directory import full_scan, sqlite_sync
from facets.directory.full_scan import PassRunning, PassStopped, Told
from facets.management.progress import Progress, in_time
from facets.management.stopping import INTERRUPTED, stop_on_signals
from facets.management.table import configured_table, failures_named, in_words

_SHARE = 10_000  # of a SQLite file


class Command(BaseCommand):
    help = (
        "Read the states of all entities, or of the facets that are named, into the directory: lists and search find "
        "what is in there. Reads the whole DynamoDB table, or its index of states if there is one. It may be stopped "
        "at any time, by Ctrl-C or otherwise; the same command goes on where it was. A SQLite file is read "
        "without it, as soon as it is needed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "facets", nargs="*", metavar="FACET", help="Facets, as named in the table; all if none."
        )
        parser.add_argument(
            "--max-rcu",
            type=_capacity,
            metavar="N",
            help="Read units a second, on average; as many as it takes.",
        )
        parser.add_argument(
            "--segments", type=_segments, default=4, metavar="N", help="Parts read side by side, 1 to 64 (4)."
        )
        parser.add_argument("--restart", action="store_true", help="Begin anew what an earlier run has left.")
        parser.add_argument(
            "--whole-table", action="store_true", help="Read the table even if it has an index of states."
        )

    def handle(
        self,
        *,
        facets: list[str],
        max_rcu: float | None,
        segments: int,
        restart: bool,
        whole_table: bool,
        **options: Any,
    ) -> None:
        table = configured_table()
        begun = time.monotonic()
        try:
            with failures_named(), stop_on_signals() as stop:
                table.check()
                if not isinstance(table, DynamoTable):
                    self._read_file(table)
                    return
                facts = facts_of(table)
                self._announce(table, facts, whole_table)
                left = None if restart else full_scan.unfinished(facets)
                progress = Progress(
                    sys.stderr,
                    "Indexing",
                    full_scan.expected(facts, facets, whole_table=whole_table),
                    unit=("entity", "entities"),
                    resumed=(left.records, left.entities) if left else (0, 0),
                    left=True,
                )
                told = full_scan.run(
                    table,
                    facts,
                    facets,
                    segments=segments,
                    max_capacity=max_rcu,
                    anew=restart,
                    whole_table=whole_table,
                    told=lambda told: progress.update(told.records, told.entities),
                    stopping=stop.is_set,
                )
                if told.is_whole:
                    progress.finish(told.entities)
                else:
                    progress.stop()
        except PassRunning as error:
            raise CommandError(f"It is being done already, by {error.owner}.") from error
        except PassStopped as error:
            raise CommandError(
                f"The {in_words(table)} does not answer any more: {error} What was read is kept; the same command "
                "goes on there."
            ) from error
        except DatabaseError as error:
            raise CommandError(
                f"Django's database: {str(error).strip()} What was read before is kept; the same command goes on there."
            ) from error
        self.stdout.write(_summary(told, time.monotonic() - begun))
        if left_over := directory.outdated(sorted(directory.found())):
            names = " ".join(visible(facet) for facet in left_over)
            self.stderr.write(
                f"The index of these facets is of an earlier version. Fix: manage.py index {names}"
            )
        if not told.is_whole:
            raise CommandError("Stopped. The same command goes on from here.", returncode=INTERRUPTED)

    def _announce(self, table: DynamoTable, facts: TableFacts, whole_table: bool) -> None:
        if facts.index and not whole_table:
            self.stderr.write(f"Reading the index {facts.index.name!r} of the {in_words(table)}.")
        elif facts.items:
            self.stderr.write(
                f"Reading the {in_words(table)}: about {facts.items:,} items, {facts.size / 2**20:,.1f} MB, "
                f"{facts.scan_capacity:,.0f} read units."
            )
        else:
            self.stderr.write(f"Reading the {in_words(table)}. DynamoDB does not say yet how large it is.")

    def _read_file(self, table: Table) -> None:
        progress = Progress(sys.stderr, "Reading", _SHARE, unit=("entity", "entities"))
        sqlite_sync.catch_up(
            seconds=None, told=lambda entities, share: progress.update(int(share * _SHARE), entities)
        )
        found = directory.found()
        total = sum(facet.entities for facet in found.values())
        progress.finish(total)
        self.stdout.write(f"The {in_words(table)} needs no index: {_count(total)} in the directory.")


def _summary(told: Told, seconds: float) -> str:
    lines = [f"{_count(told.entities)}, {told.records:,} records, {told.capacity:,.1f} read units"]
    lines[0] += f", {in_time(seconds)}" + (" since it was resumed" if told.resumed else "")
    lines += [f"  {visible(facet)}: {count:,}" for facet, count in sorted(told.by_facet.items())]
    if told.removed:
        lines.append(f"gone from the table, and now from the directory: {told.removed:,}")
    if told.unreadable:
        lines.append(f"passed over, since they are not of hde's format: {told.unreadable:,}")
    return "\n".join(lines)


def _count(number: int) -> str:
    return f"{number:,} entit{'y' if number == 1 else 'ies'}"


def _capacity(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 10**9:
        raise ArgumentTypeError("a number of read units a second, above 0")
    return number


def _segments(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError("the number of segments is from 1 to 64")
    return int(text)
