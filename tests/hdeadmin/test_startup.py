"""Background work runs once in each process that answers requests, and in no other."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from facets.core.sqlite import SqliteTable
from hdeadmin.env import BASE_DIR

# In place of the console's own background work: says in which process it runs, and goes on.
WORK = """
import os, time
from pathlib import Path

def note():
    with (Path(__file__).parent / "ran").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(600)
"""
SETTINGS = """
from hdeadmin.settings import *

HDEADMIN_AT_START = ["work.note"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "settings_of_the_test.py").write_text(SETTINGS)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings_of_the_test",
        "PYTHONPATH": f"{folder}{os.pathsep}{BASE_DIR}",
        "DATABASE_URL": f"sqlite:///{folder / 'hdeadmin.sqlite3'}",
        "HDEADMIN_STORE": f"sqlite:{folder / 'ledger.sqlite3'}",
    }


def processes_with_work(folder: Path) -> list[int]:
    file = folder / "ran"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def run(folder: Path, program: str) -> None:
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr


def test_work_begins_at_the_first_request_and_once(folder: Path):
    run(
        folder,
        """
        import threading, time
        from django.test import RequestFactory
        from hdeadmin.wsgi import application
        from pathlib import Path

        threads = lambda: [thread.name for thread in threading.enumerate() if thread.name == "work.note"]
        assert threads() == [], "begun by loading"
        for _ in range(3):
            list(application(RequestFactory().get("/healthz", HTTP_HOST="localhost").environ, lambda *answer: None))
        assert threads() == ["work.note"]
        while not Path("ran").exists():
            time.sleep(0.01)
        """,
    )

    assert len(processes_with_work(folder)) == 1


def test_work_begins_anew_in_a_forked_process(folder: Path):
    run(
        folder,
        """
        import os, time, warnings
        from hdeadmin.wsgi import application
        from hdeadmin import startup
        from pathlib import Path

        def wait_for(lines):
            while not Path("ran").exists() or len(Path("ran").read_text().split()) < lines:
                time.sleep(0.01)

        startup.begin()
        wait_for(1)
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if not child:
            startup.begin()
            wait_for(2)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """,
    )

    assert len(set(processes_with_work(folder))) == 2


def test_a_management_command_begins_none(folder: Path):
    subprocess.run(  # noqa: S603
        [sys.executable, Path(BASE_DIR) / "manage.py", "migrate", "--plan"],
        env=environment(folder),
        check=True,
        capture_output=True,
        timeout=60,
    )

    assert processes_with_work(folder) == []


@pytest.mark.only_on_sqlite(reason="The locks that a fork left behind were SQLite's.")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [["--preload"], []], ids=["preload", "no-preload"])
def test_gunicorn_answers_and_works_in_each_worker(folder: Path, options: list[str]):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    cookie = client.cookies["hdeadmin_session"].value
    connection.close()
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as filled,
        closing(sqlite3.connect(folder / "hdeadmin.sqlite3")) as copy,
    ):
        filled.backup(copy)

    SqliteTable(folder / "ledger.sqlite3").create()

    def ask(number: int) -> int:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as server:
            path = ("/", "/audit/", "/readyz", "/search/?q=a")[number % 4]
            server.request("GET", path, headers={"Cookie": f"hdeadmin_session={cookie}"})
            return server.getresponse().status

    statuses: list[int] = []
    with gunicorn(folder, options) as (port, master), ThreadPoolExecutor(16) as browsers:
        # A worker that is up first may take all that is asked at once.
        while len(processes_with_work(folder)) < 2 and len(statuses) < 5_000:
            statuses += browsers.map(ask, range(48))

    assert set(statuses) == {200}
    working = processes_with_work(folder)
    assert master not in working
    assert len(working) == len(set(working)) == 2


@contextmanager
def gunicorn(folder: Path, options: list[str]) -> Iterator[tuple[int, int]]:
    """Its port and the id of the process that starts the workers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    log = folder / "log"
    command = ["hdeadmin.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "8"]
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "gunicorn", *command, "--no-control-socket", *options],
            cwd=folder,
            env=environment(folder),
            stdout=output,
            stderr=output,
        )
    try:
        # Both, so that each has its share of the requests.
        end = time.monotonic() + 60
        while len(re.findall("Booting worker", log.read_text())) < 2 and time.monotonic() < end:
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)
