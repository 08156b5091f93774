"""manage.py createtable: make the table that the console is set to."""

from typing import Any

from django.core.management.base import BaseCommand

from facets.core import TableNotFound
from facets.management.table import configured_table, failures_named, in_words


class Command(BaseCommand):
    help = (
        "Make the table that HDEADMIN_STORE names: a DynamoDB table with hde's keys and on-demand billing, or a "
        "SQLite file. One that is there already is left as it is."
    )

    def handle(self, **options: Any) -> str:
        table = configured_table()
        with failures_named():
            try:
                table.check()
            except TableNotFound:
                table.create()
                return f"Made the {in_words(table)}."
        return f"The {in_words(table)} is there already; nothing was changed."
