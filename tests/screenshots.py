"""The pictures of the README, taken of the demo in headless Chromium.

    .venv/bin/python tests/screenshots.py [--chromium /usr/bin/chromium]

Starts the demo, over what `.demo/` holds, and writes to `.screenshots/`. Times are relative to today, so the pictures
differ a little each time; take them when the look has changed. Names and notes are of many scripts: without fonts for
them (Debian's fonts-noto-core, fonts-noto-cjk, fonts-noto-color-emoji) there are boxes instead.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser, sync_playwright

from tests.support.served_demo import ROOT, served_demo, sign_in

FOLDER = ROOT / ".screenshots"
LARGEST = 150 * 1024

# A page that is a list leads to the first entity in it.
SHOTS = {
    "list-light": ("/facets/BANK_ACCOUNT/?q=har", "light", 1180, 620),
    "entity-light": ("/facets/BANK_ACCOUNT/entity/10007919", "light", 1180, 700),
    "entity-dark": (
        "/facets/BANK_ACCOUNT/entity/SHOW-20000-EVENTS?event=11992#event-11992",
        "dark",
        1180,
        700,
    ),
    "entity-phone": ("/facets/ORDER/", "light", 390, 844),
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
    sign_in(page)
    page.goto(path)
    if path.endswith("/"):
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
    with served_demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=given.chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for name, chosen in SHOTS.items():
            take(browser, address, name, chosen)
        browser.close()


if __name__ == "__main__":
    main()
