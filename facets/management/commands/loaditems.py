"""manage.py loaditems: look at a copy of a table, such as an export of production, on this machine."""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.definitions.display import visible
from facets.importing import load
from facets.importing.dynamodb_json import ItemFile, UnreadableFile
from facets.importing.load import BadLines, Contents, PartlyLoaded
from facets.management.progress import Progress
from facets.management.table import configured_table, failures_named, in_words


class Command(BaseCommand):
    help = (
        "Load items into the empty table that HDEADMIN_STORE names. Every line is checked before anything is "
        "written; if one is bad, nothing is loaded. Items of other makers in the same table are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help='DynamoDB JSON, an item a line: {"_id": {"S": …}, …}, or {"Item": {…}} as in an export to S3; '
            "gzipped or not. - is the standard input.",
        )

    def handle(self, *, files: list[str], **options: Any) -> str:
        if files.count("-") > 1:
            raise CommandError("The standard input, -, can be read only once.")
        table = configured_table()
        with failures_named():
            if not table.is_empty():
                raise CommandError(
                    f"The {in_words(table)} is not empty. Load into an empty one: name it by HDEADMIN_STORE and "
                    "make it by `manage.py createtable`."
                )
        with ExitStack() as stack:
            try:
                opened = [stack.enter_context(ItemFile(name)) for name in files]
                total = sum(file.size for file in opened)
                contents = self._check(opened, total)
                self._load(table, opened, total)
            except UnreadableFile as error:
                raise CommandError(f"{error} Nothing was loaded.") from error
            except KeyboardInterrupt:
                raise CommandError("Stopped. Nothing was loaded.") from None
        return _summary(contents, table)

    def _check(self, files: list[ItemFile], total: int) -> Contents:
        progress = Progress(sys.stderr, "Checking", total)
        try:
            contents = load.check(files, progress.update)
        except BadLines as error:
            progress.stop()
            more = error.count - len(error.problems)
            lines = [visible(problem) for problem in error.problems]
            lines += [f"… and {more:,} more bad lines."] if more else []
            raise CommandError("\n".join([*lines, "Nothing was loaded."])) from error
        progress.finish(contents.items)
        return contents

    def _load(self, table: Table, files: list[ItemFile], total: int) -> None:
        progress = Progress(sys.stderr, "Loading ", total)
        try:
            with failures_named():
                progress.finish(load.load(table, files, progress.update))
        except PartlyLoaded as error:
            progress.stop()
            cause = str(error.__cause__) or "Stopped."
            raise CommandError(
                f"{cause} At least {error.written:,} items are in the {in_words(table)}, not all. To start over, "
                "delete the table, make it again by `manage.py createtable`, and load again."
            ) from error


def _summary(contents: Contents, table: Table) -> str:
    entities = sum(contents.entities.values())
    lines = [f"Loaded {contents.items:,} items of {entities:,} entities into the {in_words(table)}."]
    lines += [f"  {visible(name)}: {count:,}" for name, count in contents.entities.items()]
    if contents.others:
        lines.append(
            f"Left out {contents.others:,} items of other makers, whose sort keys are none of hde's."
        )
    if contents.more and isinstance(table, SqliteTable):
        names = ", ".join(f"{visible(name)} ({count:,})" for name, count in contents.more.most_common(20))
        lines.append(
            f"Not kept, since a SQLite file holds hde's attributes only, by number of items: {names}."
        )
    return "\n".join(lines)
