"""manage.py audit_verify: prove the audit trail, and settle the writes of which it does not say what came of them."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from facets.changes import recovery
from facets.definitions.display import visible
from facets.management.progress import Progress
from hdeadmin.audit import anchors, export, log, triggers, verify
from hdeadmin.audit.anchors import AnchorProblem
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.models import ChainHead

# Exit codes: 1 is Django's own, for a command that could not be carried out.
BROKEN = 3
OPEN = 4


class Command(BaseCommand):
    help = (
        "Follow the audit trail from its first entry to its head, check every seal and link, the database's guards "
        "and the signed anchors, and name the first entry that is wrong. Then settle writes whose outcome is not on "
        f"record, by looking into the table. Exit code {BROKEN}: the trail is not as it was written. {OPEN}: it is, but "
        "some outcomes could not be looked up. --file verifies an export instead, without the database."
    )
    # What is to be found here would keep the command from starting.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--file", type=Path, metavar="FILE.jsonl", help="Verify this export, and nothing else."
        )
        parser.add_argument(
            "--anchors",
            action="append",
            metavar="PLACE",
            help="A file or s3://bucket/prefix of anchors; HDEADMIN_AUDIT_ANCHORS unless named. May be repeated.",
        )
        parser.add_argument(
            "--public-key",
            metavar="FILE",
            help="Of the key that signed anchors and exports; that of HDEADMIN_AUDIT_SIGNING_KEY unless named.",
        )
        parser.add_argument(
            "--settle-after",
            type=_seconds,
            default=recovery.SETTLE_AFTER,
            metavar="SECONDS",
            help="Leave writes alone that were begun less than this ago: they may be under way (600).",
        )
        parser.add_argument(
            "--restore-triggers", action="store_true", help="Put back the database's guards that are missing."
        )

    def handle(
        self,
        *,
        file: Path | None,
        anchors: list[str] | None,
        public_key: str | None,
        settle_after: timedelta,
        restore_triggers: bool,
        **options: Any,
    ) -> None:
        if file is not None:
            self._verify_file(file, public_key)
            return
        try:
            faults = self._verify(anchors or _default_anchors(), public_key)
        except AnchorProblem as error:
            raise CommandError(str(error)) from error
        gone = triggers.missing(connection)
        if gone and restore_triggers:
            triggers.install(connection)
            self.stdout.write(f"Put back: {', '.join(gone)}.")
        elif gone:
            faults.append(
                f"The database does not guard the trail: no {', '.join(gone)}. --restore-triggers puts them back."
            )
        still_open = self._settle(settle_after)
        self._note(faults)
        if faults:
            raise CommandError(
                "\n".join(["The audit trail is not as it was written.", *faults]), returncode=BROKEN
            )
        if still_open:
            raise CommandError(
                f"The trail is whole, but what came of {still_open} could not be looked up.", returncode=OPEN
            )

    def _verify(self, places: list[str], public_key: str | None) -> list[str]:
        head = ChainHead.objects.filter(id=1).first()
        progress = Progress(sys.stderr, "Verifying", head.number if head else 0, unit=("entry", "entries"))
        verified = verify.whole(lambda entries: progress.update(entries, entries))
        progress.finish(verified.entries)
        self.stdout.write(
            f"{verified.entries:,} entries"
            + ("" if verified.fault else f": every seal and link is good, up to the head, {verified.last}.")
        )
        faults = [verified.fault] if verified.fault else []
        found = [anchor for place in places for anchor in anchors.read(place)]
        if found:
            fault = anchors.check(found, _public_key(public_key, required=True))
            faults += [fault] if fault else []
            if not fault:
                self.stdout.write(
                    f"{len(found):,} anchor{'' if len(found) == 1 else 's'}, the last of entry {max(a.number for a in found)}: good."
                )
        elif places:
            self.stdout.write("No anchor yet: `manage.py audit_anchor` makes one.")
        faults.sort(key=lambda fault: fault.number)
        return [str(fault) for fault in faults]

    def _settle(self, after: timedelta) -> int:
        """How many stay open though they are old enough."""
        still_open = 0
        try:
            for settled in recovery.settle(after=after, by=log.command_user()):
                self.stdout.write(visible(recovery.in_words(settled)))
                still_open += settled.verdict is None
        except AuditUnavailable as error:
            raise CommandError(f"An outcome could not be put on record: {error}") from error
        younger = log.open_intents().count() - still_open
        if younger:
            self.stdout.write(
                f"{younger} younger than {after.total_seconds():.0f} s: left alone, may be under way."
            )
        return still_open

    def _note(self, faults: list[str]) -> None:
        try:
            verify.note(faults, user=log.command_user())
        except AuditUnavailable as error:
            self.stderr.write(f"This could not be put on record: {error}")

    def _verify_file(self, path: Path, public_key: str | None) -> None:
        try:
            checked = export.check_file(path, keys=log.keys(), public_key=_public_key(public_key))
        except (export.NotAnExport, AnchorProblem) as error:
            raise CommandError(str(error), returncode=BROKEN) from error
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        if checked.signed is False:
            raise CommandError(f"{path}: the manifest is not signed by this key.", returncode=BROKEN)
        if checked.fault:
            raise CommandError(f"{path}: {checked.fault}", returncode=BROKEN)
        self.stdout.write(_said(checked))


def _said(checked: export.Checked) -> str:
    seals = (
        f"{checked.sealed:,} seals"
        if checked.sealed == checked.entries
        else (f"{checked.sealed:,} of {checked.entries:,} seals (for the others the settings name no key)")
    )
    lines = [
        f"{checked.entries:,} entries, {checked.first} to {checked.last}: the manifest, the links and {seals} are good.",
        "No entry is left out between them."
        if checked.whole
        else "It is a selection: entries between them are left out.",
        "The manifest is signed by the key." if checked.signed else "No signature was checked.",
    ]
    return "\n".join(lines)


def _default_anchors() -> list[str]:
    place = settings.HDEADMIN_AUDIT_ANCHORS
    if not place or (not place.startswith("s3://") and not Path(place).exists()):
        return []
    return [place]


def _public_key(path: str | None, *, required: bool = False) -> Any:
    path = path or settings.HDEADMIN_AUDIT_SIGNING_KEY
    if path:
        return anchors.public_key(path)
    if required:
        raise AnchorProblem("There are anchors; name the key that signed them with --public-key.")
    return None


def _seconds(text: str) -> timedelta:
    if not text.isdecimal() or len(text) > 9:
        raise ArgumentTypeError("a number of seconds")
    return timedelta(seconds=int(text))
