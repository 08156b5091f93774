"""The engines that the core's contract is held against, one fresh table for each test."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from moto import mock_aws

from facets.core.dynamodb import DynamoTable, make_client
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from tests.support.dynamodb_local import DynamoDBLocal

ENGINES = ("sqlite", "moto", "dynamodb")


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_a_disk() -> Iterator[None]:
    """A table that lives for one test outlives no loss of power; other processes keep theirs as a console does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facets.core.sqlite._SYNCHRONOUS", "OFF")
        yield


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """A new, empty table. A test that takes it runs once on each engine; see the markers `not_on_...`."""
    found: Table = request.getfixturevalue(f"{request.param}_table")
    return found


@pytest.fixture
def sqlite_table(tmp_path: Path) -> SqliteTable:
    """A new, empty table in a SQLite file."""
    table = SqliteTable(tmp_path / "ledger.sqlite3")
    table.create()
    return table


@pytest.fixture
def moto_table() -> Iterator[DynamoTable]:
    """A new, empty table in moto, which also answers other clients of AWS for as long."""
    # boto3 would read its descriptions of AWS anew for each test. What it keeps instead must not be credentials of moto's
    # own: DynamoDB Local has other tables for each, and processes that tests start have those of the settings.
    with mock_aws(config={"core": {"reset_boto3_session": False, "mock_credentials": False}}):
        table = DynamoTable(make_client(endpoint_url="https://dynamodb.eu-central-1.amazonaws.com"), "ledger")
        table.create()
        yield table


@pytest.fixture
def dynamodb_table(dynamodb_local: DynamoDBLocal) -> Iterator[DynamoTable]:
    """A new, empty table in DynamoDB Local, with a client of its own."""
    table = DynamoTable(dynamodb_local.client(), f"ledger-{uuid4()}")
    table.create()
    yield table
    table.client.delete_table(TableName=table.name)
    table.client.close()


def pytest_configure(config: pytest.Config) -> None:
    for engine in ENGINES:
        config.addinivalue_line(
            "markers",
            f"not_on_{engine}(reason): {engine} cannot judge this; it runs on the other engines only.",
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each engine that can judge it; on the others it does not exist, so nothing is skipped."""
    if "table" not in metafunc.fixturenames:
        return
    engines = []
    for engine in ENGINES:
        marker = metafunc.definition.get_closest_marker(f"not_on_{engine}")
        if not marker:
            engines.append(engine)
        elif not marker.args:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: {marker.name} needs a reason")
    metafunc.parametrize("table", engines, indirect=True)
