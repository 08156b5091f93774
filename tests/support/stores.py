"""The console, set to a table of DynamoDB that is a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django import Settings

from facets import conf
from facets.core.dynamodb import DynamoTable


@contextmanager
def console_of(table: DynamoTable, settings: Settings) -> Iterator[None]:
    """Within the block, pages and commands of this process read and write the table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conf, "make_client", lambda: table.client)
        conf.table.cache_clear()
        settings.HDEADMIN_STORE = f"dynamodb:{table.name}"
        yield
    conf.table.cache_clear()
