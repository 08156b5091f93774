"""Settings in, a table out; the only place where they meet."""

from functools import cache
from pathlib import Path

from django.conf import settings

from facets.core.dynamodb import DynamoTable, make_client
from facets.core.sqlite import SqliteTable
from facets.core.store import Table


def current_table() -> Table:
    """The table that `HDEADMIN_STORE` names; one for the whole process, shared by its threads."""
    return table(settings.HDEADMIN_STORE)


def table_answers() -> None:
    """Return if the table can be read. Raises TableNotFound, StoreUnavailable."""
    current_table().check()


@cache
def table(store: str) -> Table:
    """The table of that name, `dynamodb:TABLE` or `sqlite:PATH`."""
    engine, _, place = store.partition(":")
    if engine == "dynamodb":
        return DynamoTable(make_client(), place)
    return SqliteTable(Path(settings.BASE_DIR) / place)
