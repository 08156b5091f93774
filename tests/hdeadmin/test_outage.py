"""The console's own database gone and back, seen from outside, on a real PostgreSQL."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from hdeadmin.env import BASE_DIR, Environment
from tests.support import postgresql

SERVER = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from facets.demo import server
from facets.conf import current_table

call_command("migrate", verbosity=0)
current_table().create()
client = Client()
client.force_login(User.objects.create_superuser("root"))
waiting = server.bind(0)
print(waiting.server_port, flush=True)
print("; ".join(f"{name}={cookie.value}" for name, cookie in client.cookies.items()), flush=True)
server.serve(waiting)
"""


@pytest.fixture
def cluster() -> Iterator[postgresql.Cluster]:
    try:
        with postgresql.running() as cluster:
            yield cluster
    except FileNotFoundError as error:
        pytest.skip(str(error))


class Console:
    """A server of the console's, and a browser that is signed in."""

    def __init__(self, port: int, cookies: str) -> None:
        self.port, self.cookies = port, cookies

    def ask(self, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers={"Cookie": self.cookies})
        response = connection.getresponse()
        answer = response.status, response.read().decode(), dict(response.getheaders())
        connection.close()
        return answer


@pytest.fixture
def console(cluster: postgresql.Cluster, tmp_path: Path) -> Iterator[Console]:
    environment = {
        name: value for name, value in os.environ.items() if name not in Environment.model_fields
    } | {
        "DJANGO_SETTINGS_MODULE": "hdeadmin.settings",
        "HDEADMIN_DEMO": "true",
        "SECRET_KEY": "for tests only " * 4,
        "DATABASE_URL": cluster.url,
        "HDEADMIN_STORE": f"sqlite:{tmp_path / 'ledger.sqlite3'}",
    }
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - the script above
            [sys.executable, "-c", SERVER], cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=log
        )
    assert server.stdout is not None
    try:
        port = server.stdout.readline().decode()
        assert port, (tmp_path / "log").read_text()
        yield Console(int(port), server.stdout.readline().decode().strip())
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def test_a_database_that_is_gone_is_said_so_and_comes_back_without_a_restart(
    cluster: postgresql.Cluster, console: Console
):
    before, _, _ = console.ask("/")

    cluster.stop()
    status, page, headers = console.ask("/")
    sent, sent_page, _ = console.ask("/theme/", "POST")
    ready, parts, _ = console.ask("/readyz")
    alive, _, _ = console.ask("/healthz")

    assert before == 200
    assert (status, sent, ready, alive) == (503, 503, 503, 200)
    assert "The console’s database does not answer" in page
    assert "Nothing was changed" in page
    # It was not even known who sent it, so nothing can have come of it.
    assert "Nothing was changed" in sent_page
    assert "reload this page to send it again" in sent_page
    assert headers["Retry-After"] == "10"
    assert headers["X-Request-ID"] in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.search(r"hdeadmin-postgresql|psycopg|Traceback", page)
    assert json.loads(parts) == {"database": "down", "table": "ok", "audit": "down"}

    cluster.start()

    assert console.ask("/")[0] == 200
    assert console.ask("/readyz")[0] == 200
