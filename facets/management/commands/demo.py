"""manage.py demo: the console over invented entities, from nothing to a sign-in page in seconds."""

import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

import hdeadmin.audit.verify
from facets import registry
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import facts_of
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.demo import ledger, users
from facets.demo.fill import Found, fill, look
from facets.demo.server import HOST, PortInUse, bind, serve
from facets.demo.users import OtherPeople
from facets.directory import full_scan, sqlite_sync
from facets.jobs import verify
from facets.management.progress import Progress
from facets.management.table import configured_table, failures_named, in_words
from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.env import DEMO_DIR


class Command(BaseCommand):
    help = (
        "Serve the console on this machine over about 2,000 invented entities, kept in .demo/ between runs, with a "
        "user for each role. HDEADMIN_DEMO_PASSWORD sets their password; HDEADMIN_STORE another table, which is "
        "filled if it is empty."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=_port, default=8000, help="Port on 127.0.0.1; 0 is any that is free."
        )
        parser.add_argument(
            "--fresh", action="store_true", help="Delete what .demo/ holds first, and fill it again."
        )

    def handle(self, *, port: int, fresh: bool, **options: Any) -> None:
        if not settings.HDEADMIN_DEMO:
            raise CommandError("Start the demo by `python manage.py demo`, which chooses its settings.")
        # The port first: whoever has the demo running already should not wait, nor have its data deleted.
        try:
            server = bind(port)
        except PortInUse as error:
            raise CommandError(
                f"Port {port} is in use. Choose another one: python manage.py demo --port {port + 1}"
            ) from error
        except OSError as error:
            raise CommandError(f"Port {port} cannot be used: {error.strerror}") from error
        try:
            table = configured_table()
            if fresh:
                _delete(table)
            password = os.environ.get("HDEADMIN_DEMO_PASSWORD") or users.new_password()
            _prepare_database(password)
            self._prepare_table(table)
            _verify_trail()
            self._say(f"\nhdeadmin is at http://{HOST}:{server.server_address[1]}/\n")
            self._say(f"  sign in as  {', '.join(users.ROLES)}")
            self._say(f"  password    {password}\n")
            self._say("Ctrl-C stops it; its data stays.")
            serve(server)
            self._say("\nStopped.")
        except KeyboardInterrupt:
            self._say("\nStopped before it was ready; the next start goes on.")
        finally:
            server.server_close()

    def _prepare_table(self, table: Table) -> None:
        with failures_named():
            table.create()
            found = look(table)
            if found is Found.OTHER:
                self._say(f"The {in_words(table)} has records of its own: it is served as it is.")
            elif found is not Found.DEMO:
                self._fill(table)
            _fill_directory(table)
            _find_drift(table)

    def _fill(self, table: Table) -> None:
        self._say(f"Filling the {in_words(table)}, this once …")
        begun = time.monotonic()
        progress = Progress(sys.stderr, "Filling", ledger.ENTITIES, unit=("record", "records"))
        records = fill(table, progress=progress.update)
        progress.finish(records)
        self._say(f"{records:,} records in {time.monotonic() - begun:.1f} s.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _prepare_database(password: str) -> None:
    DEMO_DIR.mkdir(exist_ok=True)
    try:
        call_command("migrate", verbosity=0, interactive=False)
        users.make_users(password)
    except OtherPeople as error:
        raise CommandError(
            f"{connection.settings_dict['NAME']}: {error} The demo prints passwords, so it needs a database of its "
            "own: unset DATABASE_URL."
        ) from error
    except DatabaseError as error:
        raise CommandError(f"{connection.settings_dict['NAME']}: {error}") from error


def _fill_directory(table: Table) -> None:
    """So that lists and search know everything from the first page on."""
    if isinstance(table, DynamoTable):
        full_scan.run(table, facts_of(table))
    else:
        sqlite_sync.catch_up(seconds=None)


def _find_drift(table: Table) -> None:
    """So that the overview knows what is wrong, once."""
    for name, definition in registry.definitions().items():
        if verify.verified_at(name) is None:
            for _ in verify.verify(definition, table.db(name), verify.ids_of(table, name)):
                pass
            verify.finish(name)


def _verify_trail() -> None:
    """So that the trail's page tells of it, as where it is verified every night."""
    fault = hdeadmin.audit.verify.whole().fault
    with suppress(AuditUnavailable):
        hdeadmin.audit.verify.note([str(fault)] if fault else [], user=log.command_user())


def _delete(table: Table) -> None:
    """Delete the files of the demo's two databases, and nothing that is kept elsewhere."""
    if not isinstance(table, SqliteTable):
        raise CommandError(
            f"--fresh deletes files in {DEMO_DIR} only. Delete the {in_words(table)} yourself, then start the demo."
        )
    if connection.vendor != "sqlite":
        raise CommandError(f"--fresh deletes files in {DEMO_DIR} only: unset DATABASE_URL.")
    paths = [table.path, Path(connection.settings_dict["NAME"])]
    for path in paths:
        if path.resolve().parent != DEMO_DIR:
            raise CommandError(f"--fresh deletes files in {DEMO_DIR} only, so not {path}.")
    connection.close()
    for path in paths:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)
