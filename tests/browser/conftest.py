"""Debian's Chromium for the browser tests, and an ear for what it complains about."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, WebError
from pytest_django.live_server_helper import LiveServer


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
