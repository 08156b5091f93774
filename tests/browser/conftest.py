"""Debian's Chromium for the browser tests, an ear for what it complains about, and the table that they open."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from facets.conf import current_table
from facets.core import Facet
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from tests.browser.console import PASSWORD, sign_in

# How long a page may take says how busy the machine is, and nothing of the console.
expect.set_options(timeout=20_000)

FIXTURE = Path(__file__).parent.parent / "fixtures" / "hde-ledger" / "items.jsonl"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium that HDEADMIN_TEST_CHROMIUM names, or the one in PATH; it calls nobody on its own."""
    chromium = os.environ.get("HDEADMIN_TEST_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.skip("Browser tests need Chromium; there is no chromium in PATH")
    return {
        **browser_type_launch_args,
        "executable_path": chromium,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    """The served console, so that a test says `page.goto("/")`."""
    return str(live_server.url)


@pytest.fixture(autouse=True)
def complaints(context: BrowserContext) -> Iterator[list[str]]:
    """What the pages of a test wrote to the console as errors or warnings, CSP violations among them.

    Nothing may be left in it at the end; a test that provokes a complaint looks at it and clears it.
    """
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def hear_error(error: WebError) -> None:
        heard.append(f"uncaught: {error.error}")

    context.on("console", hear)
    context.on("weberror", hear_error)
    yield heard
    assert heard == []


@pytest.fixture
def ledger(settings: Settings, tmp_path: Path, transactional_db: None) -> Table:
    """The table that hde wrote, and an operator who may do everything with it."""
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    table = current_table()
    table.create()
    table.load(json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").split("\n") if line)
    operator = User.objects.create_user("operator", password=PASSWORD)
    operator.groups.add(Group.objects.get(name="operator"))
    return table


@pytest.fixture
def accounts(ledger: Table) -> Facet:
    return bank_account.facet(ledger.db("BANK_ACCOUNT"))


@pytest.fixture
def signed_in(page: Page, ledger: Table) -> Page:
    sign_in(page)
    return page
