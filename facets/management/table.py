"""The configured table for a command: its name in words, and its failures as one line that names it."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError
from django.conf import settings
from django.core.management.base import CommandError

from facets.conf import current_table
from facets.core import FacetError, TableNotFound
from facets.core.sqlite import SqliteTable
from facets.core.store import Table


def configured_table() -> Table:
    """The table that HDEADMIN_STORE names. Raises CommandError where there can be no client for it."""
    with failures_named():
        return current_table()


def in_words(table: Table) -> str:
    return f"SQLite file {table.path}" if isinstance(table, SqliteTable) else f"DynamoDB table {table.name}"


@contextmanager
def failures_named() -> Iterator[None]:
    """Raise CommandError for whatever the table cannot do in the block."""
    try:
        yield
    except TableNotFound as error:
        raise CommandError(
            f"{settings.HDEADMIN_STORE}: there is no such table. `manage.py createtable` makes it."
        ) from error
    except (FacetError, BotoCoreError, OSError) as error:
        # OSError: the directory of a SQLite file may be missing, or not ours to write to.
        raise CommandError(f"{settings.HDEADMIN_STORE}: {error}") from error
