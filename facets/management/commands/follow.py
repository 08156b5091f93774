"""manage.py follow: keep the directory at the heels of the table, by its stream, until told to stop."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.change_stream import VIEWS, StreamEnded
from facets.core.dynamodb.scan import facts_of
from facets.directory import stream_sync
from facets.directory.stream_sync import Told
from facets.management.stopping import stop_on_signals
from facets.management.table import configured_table, failures_named, in_words

_TELL_EVERY = 60.0  # seconds


class Command(BaseCommand):
    help = (
        "Read the table's stream into the directory, so that lists and search follow what services write within "
        "seconds. Runs until it is stopped, and goes on where it was when it is started again. Several may run: one "
        "reads, the others stand by. The table needs a stream with new images; see README.md. Run `index` once, too: "
        "a stream tells only of the last day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Read what there is, then end.")

    def handle(self, *, once: bool, **options: Any) -> None:
        table = configured_table()
        if not isinstance(table, DynamoTable):
            raise CommandError(
                f"The {in_words(table)} has no stream and needs none: its changes are seen at once."
            )
        with failures_named():
            facts = facts_of(table)
        if not facts.stream:
            raise CommandError(
                f"The {in_words(table)} has no stream. `manage.py createtable --stream` enables one; README.md says "
                "what it costs."
            )
        if facts.stream_view not in VIEWS:
            raise CommandError(
                f"The stream of the {in_words(table)} holds {facts.stream_view}, not what items became. It has to "
                f"be of the view type {VIEWS[0]} or {VIEWS[1]}."
            )
        self._say(f"Following the {in_words(table)}.")
        self._told = _Told(self._say)
        try:
            with failures_named(), stop_on_signals() as stop:
                told = stream_sync.follow(table, facts.stream, once=once, told=self._told, stop=stop)
        except StreamEnded as error:
            raise CommandError(
                f"The stream of the {in_words(table)} was disabled; what it still held is in the directory. Where there "
                "is a new one, the same command follows that. What happens in between is found by `manage.py index`."
            ) from error
        if once and told.standing_by:
            raise CommandError(f"It is being followed already, by {told.standing_by}.")
        self._say(_summary(told))

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


class _Told:
    """Says what changes, and how it goes once a minute."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self._standing_by = ""
        self._missed = False
        self._said_at = time.monotonic()

    def __call__(self, told: Told) -> None:
        if told.standing_by != self._standing_by:
            self._standing_by = told.standing_by
            self._say(f"Standing by: {told.standing_by} reads." if told.standing_by else "Reading.")
        if told.missed and not self._missed:
            self._missed = True
            self._say("Changes were missed while nobody followed. Run `manage.py index`.")
        if time.monotonic() - self._said_at >= _TELL_EVERY:
            self._said_at = time.monotonic()
            self._say(_summary(told))


def _summary(told: Told) -> str:
    text = f"{told.states:,} state{'' if told.states == 1 else 's'} read, {told.removed:,} gone"
    if told.unreadable:
        text += f", {told.unreadable:,} passed over that are not of hde's format"
    return text if told.until is not None or told.standing_by else f"{text}; not caught up yet"
