"""manage.py createtable: make the table that the console is set to."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from facets.core import TableNotFound
from facets.core.dynamodb import DynamoTable, create_table, extend_table
from facets.core.dynamodb.scan import facts_of
from facets.management.table import configured_table, failures_named, in_words


class Command(BaseCommand):
    help = (
        "Make the table that HDEADMIN_STORE names: a DynamoDB table with hde's keys and on-demand billing, or a "
        "SQLite file. One that is there already is left as it is, but for what an option adds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--states-index",
            action="store_true",
            help="With an index from which `index` reads all states without the events. It costs; see README.md.",
        )
        parser.add_argument(
            "--stream", action="store_true", help="With a stream of its changes, for `follow`. See README.md."
        )

    def handle(self, *, states_index: bool, stream: bool, **options: Any) -> str:
        table = configured_table()
        if not isinstance(table, DynamoTable) and (states_index or stream):
            raise CommandError(f"The {in_words(table)} needs neither an index nor a stream.")
        with failures_named():
            try:
                table.check()
            except TableNotFound:
                if isinstance(table, DynamoTable):
                    create_table(table.client, table.name, states_index=states_index, stream=stream)
                else:
                    table.create()
                return f"Made the {in_words(table)}."
            if isinstance(table, DynamoTable):
                facts = facts_of(table)
                states_index, stream = states_index and not facts.index, stream and not facts.stream
                extend_table(table.client, table.name, states_index=states_index, stream=stream)
        added = [name for name, wanted in (("index of states", states_index), ("stream", stream)) if wanted]
        if not added:
            return f"The {in_words(table)} is there already; nothing was changed."
        return f"The {in_words(table)} gets {' and '.join(f'its {name}' for name in added)}; DynamoDB is at work on it."
