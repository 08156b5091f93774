"""What Lighthouse says of a list, an entity and a preview of the demo.

    npm install --prefix .tools lighthouse@12.8.2
    .venv/bin/python tests/benchmarks/lighthouse.py [--mobile] [--chromium /usr/bin/chromium]

Lighthouse times the whole machine, so that nothing else should run on it. An append's preview answers to a form, which
Lighthouse cannot send; the preview of a recalculation is the same page made of other parts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from tests.support.served_demo import served_demo, sign_in  # noqa: E402

GOAL = 95
TRIES = 3
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
PAGES = {
    "facet": "/facets/BANK_ACCOUNT/",
    "entity": "/facets/BANK_ACCOUNT/entity/10007919",
    "preview": "/facets/BANK_ACCOUNT/recalculate/SHOW-DRIFTED",
}


def cookies(address: str, chromium: str) -> str:
    """A signed-in session, as a header."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split()[1:])
        context = browser.new_context(base_url=address)
        sign_in(context.new_page())
        found = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
        browser.close()
    return found


def judged(command: list[str], chromium: str) -> Any:
    """Lighthouse's report. Chromium does not always tell it that a page began to load; then it asks to be run again."""
    left = TRIES
    while True:
        left -= 1
        done = subprocess.run(  # noqa: S603  # a command of our own
            command, env={**os.environ, "CHROME_PATH": chromium}, capture_output=True, text=True, check=False
        )
        if not done.returncode:
            return json.loads(done.stdout)
        if not left or "NO_NAVSTART" not in done.stderr:
            raise SystemExit(done.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mobile", action="store_true", help="a slow phone instead of a desktop")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args()
    lighthouse = ROOT / ".tools" / "node_modules" / ".bin" / "lighthouse"
    if not given.chromium or not lighthouse.exists():
        raise SystemExit("It takes chromium, and lighthouse in .tools; see above.")
    print("| page | performance | accessibility | best practices | layout shift |")
    print("| --- | --- | --- | --- | --- |")
    with served_demo() as address, tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "headers.json"
        headers.write_text(json.dumps({"Cookie": cookies(address, given.chromium)}))
        for name, path in PAGES.items():
            command = [
                str(lighthouse),
                f"{address}{path}",
                "--quiet",
                "--output=json",
                "--only-categories=performance,accessibility,best-practices",
                f"--extra-headers={headers}",
                f"--chrome-flags={FLAGS}",
                *([] if given.mobile else ["--preset=desktop"]),
            ]
            report = judged(command, given.chromium)
            if not report["finalDisplayedUrl"].endswith(path):
                raise SystemExit(f"{path} led to {report['finalDisplayedUrl']}.")
            scores = [round(100 * each["score"]) for each in report["categories"].values()]
            shift = report["audits"]["cumulative-layout-shift"]["numericValue"]
            print(f"| {name} | {' | '.join(map(str, scores))} | {shift:.4f} |", flush=True)
    print(f"\nGoal: {GOAL} each, no shift.")


if __name__ == "__main__":
    main()
