"""The pictures of the README, taken of the demo in headless Chromium.

    .venv/bin/python tests/screenshots.py [--chromium /usr/bin/chromium]

Starts the demo, over what `.demo/` holds, and writes to `.screenshots/`. Times are relative to today, so the pictures
differ a little each time; take them when the look has changed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".screenshots"
PASSWORD = "correct horse battery"  # of the demo that lives as long as this script
LARGEST = 150 * 1024

SHOTS = {
    "entity-light": ("/facets/BANK_ACCOUNT/entity/10007919", "light", 1180, 700),
    "entity-dark": (
        "/facets/BANK_ACCOUNT/entity/SHOW-20000-EVENTS?event=11992#event-11992",
        "dark",
        1180,
        700,
    ),
    "entity-phone": ("/facets/ORDER/entity/ord-5001", "light", 390, 844),
}


def take(browser: Browser, address: str, name: str, chosen: tuple[str, str, int, int]) -> None:
    path, scheme, width, height = chosen
    context = browser.new_context(
        base_url=address,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto(path if name != "entity-phone" else "/facets/ORDER/")
    if name == "entity-phone":
        page.locator("main .row-link").first.click()
    page.wait_for_load_state("networkidle")
    file = FOLDER / f"{name}.png"
    page.screenshot(path=file)
    context.close()
    size = file.stat().st_size
    sys.stdout.write(f"{file.relative_to(ROOT)}  {size / 1024:.0f} KB\n")
    if size > LARGEST:
        raise SystemExit(f"More than {LARGEST // 1024} KB; a picture of the README should be smaller.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args()
    if not given.chromium:
        raise SystemExit("There is no chromium in PATH; name it with --chromium.")
    FOLDER.mkdir(exist_ok=True)
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
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=given.chromium,
                    args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
                )
                for name, chosen in SHOTS.items():
                    take(browser, address, name, chosen)
                browser.close()
        finally:
            demo.terminate()


if __name__ == "__main__":
    main()
