"""What every test shares: the engines, a guard that keeps tests on this machine, and no skipping in CI."""

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import settings
from pytest_django import DjangoDbBlocker

from tests.audit.unguarded import drop_triggers

pytest_plugins = ("tests.dynamodb_local", "tests.engines")

# Properties are judged by what they find, never by how long a busy machine takes to find it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_HERE = ("127.0.0.1", "::1", "localhost")


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in _HERE:
        raise PermissionError(f"A test tried to connect to {arguments[1][0]}.")


sys.addaudithook(_stay_on_this_machine)


@pytest.fixture(autouse=True)
def _nothing_counted_by_other_tests(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Generator[None]:
    """Empty the cache after a test that commits: its table is no model's, so the tests' own flush leaves it."""
    yield
    if "transactional_db" in request.fixturenames or "live_server" in request.fixturenames:
        with django_db_blocker.unblock():
            cache.clear()


@pytest.fixture(scope="session", autouse=True)
def _the_trail_lets_tests_flush() -> Generator[None]:
    """Tests that commit empty all tables at their end; the audit trail's guards are taken away for that alone."""
    flush = TransactionTestCase._fixture_teardown

    def unguarded(case: TransactionTestCase) -> None:
        drop_triggers()
        # Migrations' signal, which a flush sends too, puts them back.
        flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", unguarded)
        yield


def pytest_report_header() -> str:
    return f"database: {connection.vendor}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, where every tool is installed, a test that is skipped has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"CI must not skip this: {report.longreprtext}"
    return report
