"""manage.py audit_anchor: sign how far the audit trail has come, and keep that where the database's owner cannot reach."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hdeadmin.audit import anchors
from hdeadmin.audit.anchors import AnchorProblem


class Command(BaseCommand):
    help = (
        "Sign the newest entry's number and seal with Ed25519, and add that to a file or below s3://bucket/prefix, or "
        "print it. Run it every hour, into a place that the database's owner cannot change: what is cut off the "
        "trail's end later is missed by `audit_verify`. --make-key makes the key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "place",
            nargs="?",
            metavar="PLACE",
            help="A file, s3://bucket/prefix, or - to print it; HDEADMIN_AUDIT_ANCHORS unless named.",
        )
        parser.add_argument(
            "--make-key",
            type=Path,
            metavar="FILE",
            help="Make a key pair, FILE and FILE.pub, and nothing else.",
        )

    def handle(self, *, place: str | None, make_key: Path | None, **options: Any) -> None:
        try:
            if make_key is not None:
                public = anchors.make_key(make_key)
                self.stdout.write(
                    f"Made {make_key}, for HDEADMIN_AUDIT_SIGNING_KEY, and {public}, for whoever verifies."
                )
                return
            path = settings.HDEADMIN_AUDIT_SIGNING_KEY
            if not path:
                raise CommandError(
                    "Set HDEADMIN_AUDIT_SIGNING_KEY to the file of a key; --make-key makes one."
                )
            place = place or settings.HDEADMIN_AUDIT_ANCHORS
            if not place:
                raise CommandError("Say where to keep it: a file, s3://bucket/prefix, or - to print it.")
            anchor = anchors.of_the_head(anchors.private_key(path))
            if place == "-":
                self.stdout.write(anchor.to_json())
                return
            kept = anchors.keep(anchor, place)
        except AnchorProblem as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Entry {anchor.number} is anchored in {kept}.")
