"""Commands as processes of their own, which can be killed at any line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from facets.core.dynamodb import DynamoTable, create_table
from tests.support.dynamodb_local import DynamoDBLocal
from tests.support.stores import console_of

_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 120  # seconds


class Process:
    """A command that runs, and what it has said so far."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "manage.py", *arguments],
            cwd=_ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.pid = self._process.pid
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(iter(self._process.stdout.readline, ""))

    @property
    def said(self) -> str:
        return "".join(self._lines)

    def wait_for(self, words: str) -> None:
        until(lambda: words in self.said or self._process.poll() is not None)
        assert words in self.said, self.said

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def terminate(self) -> int:
        self._process.terminate()
        return self.end()

    def end(self) -> int:
        """Wait for it; its exit status."""
        status = self._process.wait(_PATIENCE)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    @property
    def runs(self) -> bool:
        return self._process.poll() is None


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds; it fails, sooner or later, where it never does."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def ledger(
    dynamodb_local: DynamoDBLocal,
    transactional_db: None,
    settings: Settings,
) -> Iterator[DynamoTable]:
    """A table with a stream in DynamoDB Local, which the directory is of, in a database that other processes see."""
    found = DynamoTable(dynamodb_local.client(), f"ledger-{uuid4()}")
    create_table(found.client, found.name, stream=True)
    with console_of(found, settings):
        yield found
    found.client.delete_table(TableName=found.name)
    found.client.close()


@pytest.fixture
def start(ledger: DynamoTable) -> Iterator[Callable[..., Process]]:
    """Start `manage.py` with these arguments, beside this process; killed at the test's end."""
    started: list[Process] = []
    environment = os.environ | {
        "DATABASE_URL": _address(connection.settings_dict),
        "HDEADMIN_STORE": f"dynamodb:{ledger.name}",
        "DJANGO_SETTINGS_MODULE": "hdeadmin.settings",
        "AWS_ENDPOINT_URL": ledger.client.meta.endpoint_url,
        "PYTHONUNBUFFERED": "1",
    }

    def start(*arguments: str) -> Process:
        started.append(Process(arguments, environment))
        return started[-1]

    yield start
    for process in started:
        if process.runs:
            process.kill()


def _address(given: dict[str, Any]) -> str:
    if given["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{given['NAME']}"
    place = {"host": given["HOST"], "port": given["PORT"], **given["OPTIONS"]}
    query = urlencode({name: value for name, value in place.items() if value and name != "connect_timeout"})
    who = f"{quote(given['USER'])}:{quote(given['PASSWORD'])}" if given["PASSWORD"] else quote(given["USER"])
    return f"postgres://{who}@/{quote(given['NAME'])}?{query}"
