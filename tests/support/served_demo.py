"""The demo, served for as long as a script needs it, over what `.demo/` holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"  # of the demo that lives as long as the script


@contextmanager
def served_demo() -> Iterator[str]:
    """Its address. Raises SystemExit where it does not start."""
    environment = {**os.environ, "HDEADMIN_DEMO_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as demo:
        try:
            assert demo.stdout
            addresses = (re.search(r"http://[\d.:]+", line) for line in demo.stdout)
            address = next((found[0] for found in addresses if found), None)
            if not address:
                raise SystemExit("The demo did not start.")
            yield address
        finally:
            demo.terminate()


def sign_in(page: Page) -> None:
    """As `operator`, on a page whose context has the demo's address as its base."""
    page.goto("/")
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
