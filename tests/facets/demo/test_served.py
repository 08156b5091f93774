"""manage.py demo, started as the README says, on a checkout of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from facets.core.records import state_record
from facets.core.sqlite import SqliteTable
from facets.demo.fill import fill

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("hdeadmin", "facets", "templates", "static"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


@pytest.fixture
def filled(checkout: Path) -> Path:
    """A checkout whose demo has run before, with few entities."""
    table = SqliteTable(checkout / ".demo" / "ledger.sqlite3")
    table.create()
    fill(table, scale=0.01)
    return checkout


class Demo:
    """A running demo: what it has printed, and a browser's way in."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""
        assert process.stdout is not None
        for line in process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        else:
            raise AssertionError(f"The demo ended with {process.wait()}: {self.said}")
        [self.address] = re.findall(r"http://127\.0\.0\.1:\d+/", self.said)
        [self.password] = re.findall(r"password +(\S+)", self.said)
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def read(self, path: str, **form: str) -> tuple[str, str]:
        """The address that a request ended at, and its page."""
        data = urllib.parse.urlencode(form).encode() if form else None
        with self.browser.open(self.address + path, data, timeout=60) as answer:
            return answer.url, answer.read().decode()

    def sign_in(self, name: str, password: str) -> str:
        _, page = self.read("login/")
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page))
        url, _ = self.read("login/", login=name, password=password, csrfmiddlewaretoken=token)
        return url

    def stop(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return rest


@contextmanager
def demo(checkout: Path, *arguments: str, **environment: str) -> Iterator[Demo]:
    process = start(checkout, *arguments, **environment)
    try:
        yield Demo(process)
    finally:
        process.kill()
        process.communicate()


def start(checkout: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-W", "error", "manage.py", "demo", *(arguments or ("--port", "0"))],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def refusal(checkout: Path, *arguments: str, **environment: str) -> str:
    process = start(checkout, *arguments, **environment)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    return said


def test_it_runs_from_nothing_and_again_with_what_it_kept(checkout: Path) -> None:
    with demo(checkout) as first:
        assert first.sign_in("corrector", first.password) == first.address
        _, page = first.read("facets/BANK_ACCOUNT/?sort=@id")
        assert "10007919" in page
        with first.browser.open(f"{first.address}static/hdeadmin.css") as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert first.stop(signal.SIGINT) == "\nStopped.\n"

    with demo(checkout, HDEADMIN_DEMO_PASSWORD="open sesame") as second:
        assert "Filling" in first.said
        assert "Filling" not in second.said
        assert "open sesame" in second.said
        assert second.sign_in("viewer", first.password).endswith("/login/")
        assert second.sign_in("viewer", "open sesame") == second.address
        assert second.stop(signal.SIGTERM) == "\nStopped.\n"
    assert all(
        b"open sesame" not in path.read_bytes() for path in (checkout / ".demo").iterdir() if path.is_file()
    )


def test_it_listens_on_this_machine_only_and_says_who_has_the_port(filled: Path) -> None:
    with demo(filled) as running:
        port = str(urllib.parse.urlsplit(running.address).port)

        assert f"Port {port} is in use." in refusal(filled, "--port", port, "--fresh")
        assert running.sign_in("viewer", running.password) == running.address
        others = [address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None)]
        for other in others:
            if not str(other).startswith(("127.", "::1")):
                with pytest.raises((OSError, PermissionError)):
                    socket.create_connection((str(other), int(port)), timeout=2)


def test_fresh_starts_over_with_what_the_demo_keeps(filled: Path) -> None:
    table = SqliteTable(filled / ".demo" / "ledger.sqlite3")
    table.load([state_record("ORDER", "mine", 0, "{}", 1_700_000_000_000).to_item()])

    with demo(filled, "--port", "0", "--fresh") as running:
        assert "Filling" in running.said

    assert table.db("ORDER").get_state("mine") is None


def test_fresh_deletes_nothing_that_is_kept_elsewhere(
    filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "ledger.sqlite3"
    table = SqliteTable(elsewhere)
    table.create()
    arguments = ("--port", "0", "--fresh")

    assert "--fresh deletes files in" in refusal(filled, *arguments, HDEADMIN_STORE=f"sqlite:{elsewhere}")
    assert "--fresh deletes files in" in refusal(
        filled, *arguments, HDEADMIN_STORE="dynamodb:ledger", AWS_DEFAULT_REGION="local"
    )
    assert elsewhere.exists()


def test_a_table_with_records_of_its_own_is_served_as_it_is(
    filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = SqliteTable(tmp_path_factory.mktemp("elsewhere") / "ledger.sqlite3")
    table.create()
    table.load([state_record("ORDER", "mine", 0, "{}", 1_700_000_000_000).to_item()])

    with demo(filled, HDEADMIN_STORE=f"sqlite:{table.path}") as running:
        assert "it is served as it is" in running.said

    assert table.facets().counts == {"ORDER": 1}


def test_a_store_that_does_not_answer_is_named(filled: Path) -> None:
    nowhere = {"AWS_DEFAULT_REGION": "local", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "a"}
    said = refusal(filled, HDEADMIN_STORE="dynamodb:ledger", AWS_ENDPOINT_URL="http://127.0.0.1:9", **nowhere)

    assert "CommandError: dynamodb:ledger: The store is not available" in said
