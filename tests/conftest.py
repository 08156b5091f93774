"""What every test shares: the engines, a guard that keeps tests on this machine, and no skipping in CI."""

import os
import sys
from collections.abc import Generator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import settings

from tests.hdeadmin.audit.unguarded import drop_triggers

pytest_plugins = ("tests.support.dynamodb_local", "tests.support.engines")

# Properties are judged by what they find, never by how long a busy machine takes to find it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_HERE = ("127.0.0.1", "::1", "localhost")


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in _HERE:
        raise PermissionError(f"A test tried to connect to {arguments[1][0]}.")


sys.addaudithook(_stay_on_this_machine)


@pytest.fixture(scope="session", autouse=True)
def _a_test_that_commits_leaves_what_migrating_leaves() -> Generator[None]:
    """Tests that commit empty all tables at their end. Others may come after them, where workers share the work."""
    flush = TransactionTestCase._fixture_teardown

    def flush_and_begin_anew(case: TransactionTestCase) -> None:
        # The audit trail's guards are taken away for that alone; migrations' signal, which a flush sends too, puts
        # them back.
        drop_triggers()
        flush(case)
        # Its table is no model's.
        cache.clear()
        import_module("hdeadmin.permissions.migrations.0002_grants").grant_defaults(apps, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush_and_begin_anew)
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_busy_machine_answers_with_what_it_was_asked() -> Generator[None]:
    """Not with the progress of a replay, to which a page turns after a second. Tests of that say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("facets.views.long_replay"), "SECONDS", 60.0)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-database",
        action="store_true",
        help="run only tests that use Django's database, as on another database than SQLite",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_on_sqlite(reason): no other database can be in such a state.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what another database cannot judge, or has no part in; nothing is skipped."""

    def has_part(item: pytest.Item) -> bool:
        if item.get_closest_marker("only_on_sqlite") and connection.vendor != "sqlite":
            return False
        uses = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
        return bool(uses or item.get_closest_marker("django_db")) or not config.getoption("only_database")

    left_out = [item for item in items if not has_part(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if has_part(item)]


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
