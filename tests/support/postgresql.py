"""A PostgreSQL of its own for one command: `python tests/support/postgresql.py pytest tests/hdeadmin` runs tests on it.

The cluster lies in a temporary folder, answers on a socket there and nowhere else, and is gone when the command ends.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

# What tests/settings.py reads; any other PostgreSQL may be named in it too.
VARIABLE = "HDEADMIN_TEST_DATABASE_URL"

_START_SECONDS = 60
# A database that lives for one run is never recovered, so nothing waits for a disk.
_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


class Cluster:
    """A cluster in a folder of its own. `url` is the address of a database in it, as `DATABASE_URL` takes it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"postgres://hdeadmin@/postgres?host={folder}"
        self._folder = folder
        self._owner = _owner()
        self._server: subprocess.Popen[bytes] | None = None
        if self._owner:
            shutil.chown(folder, user=self._owner["user"], group=self._owner["group"])
        options = ["--no-sync", "--auth=trust", "--username=hdeadmin", "--encoding=UTF8"]
        subprocess.run(  # noqa: S603 - what _program found
            [_program("initdb"), *options, folder / "data"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._owner,
        )

    def start(self) -> None:
        """Returns when it answers. Raises RuntimeError, with its log, where it does not."""
        options = [part for option in _OPTIONS for part in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - as above
                [_program("postgres"), "-D", self._folder / "data", "-k", self._folder, *options],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                # Ctrl-C ends the command; the server outlives it and is told by us.
                start_new_session=True,
                **self._owner,
            )
        end = time.monotonic() + _START_SECONDS
        probe = [_program("pg_isready"), "-q", "-h", self._folder]
        while subprocess.run(probe, check=False).returncode != 0:  # noqa: S603 - as above
            if self._server.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self._folder / "log").read_text(errors="replace"))
            time.sleep(0.05)

    def stop(self) -> None:
        """Returns when it is gone, and every connection to it."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait()
            self._server = None


@contextmanager
def running() -> Iterator[Cluster]:
    """A new cluster that answers, and is gone at the end.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
        RuntimeError: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="hdeadmin-postgresql-") as name:
        cluster = Cluster(Path(name))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: whom it runs as instead, as arguments for subprocess."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _program(name: str) -> str:
    """Debian keeps the server's programs out of the path, in a folder for each version."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4].split(".")[0])
    )
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        raise FileNotFoundError(f"PostgreSQL is not installed: there is no {name}.")
    return found


def _stopped(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    if len(sys.argv) < 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    signal.signal(signal.SIGTERM, _stopped)
    with running() as cluster:
        environment = {**os.environ, VARIABLE: cluster.url}
        # The command that whoever calls this has named.
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    raise SystemExit(main())
