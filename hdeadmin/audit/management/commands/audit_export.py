"""manage.py audit_export: the trail, or a part of it, as a file."""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hdeadmin.audit import anchors, export, log
from hdeadmin.audit.anchors import AnchorProblem
from hdeadmin.audit.filters import Filters
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.models import AuditEntry


class Command(BaseCommand):
    help = (
        "Write the audit trail, oldest entry first, as JSON lines with a manifest, which `audit_verify --file` verifies "
        "without the database, or as CSV. The export goes on record before its first line is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "output", type=Path, nargs="?", metavar="FILE", help="A new file; printed unless named."
        )
        parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="jsonl unless named.")
        for name, what in (
            ("person", "user name"),
            ("action", "such as append"),
            ("result", "such as denied"),
            ("facet", "name of the facet"),
            ("entity", "id of the entity"),
            ("ticket", "whole ticket number"),
            ("operation", "operation id"),
            ("since", "date, or date and time, in TIME_ZONE"),
            ("until", "the same, inclusive"),
        ):
            parser.add_argument(f"--{name}", default="", help=f"Only these: {what}.")

    def handle(self, *, output: Path | None, format: str, **options: Any) -> None:
        filters = Filters.read(options)
        if filters.problems:
            raise CommandError("\n".join(f"--{name}: {text}" for name, text in filters.problems.items()))
        try:
            key = anchors.private_key(path) if (path := settings.HDEADMIN_AUDIT_SIGNING_KEY) else None
            log.record(
                "export",
                user=log.command_user(),
                facet=filters.facet,
                entity=filters.entity,
                details={"of": "audit", "format": format, "asked": filters.given},
            )
        except (AnchorProblem, AuditUnavailable) as error:
            raise CommandError(f"Nothing was exported. {error}") from error
        entries = filters.of(AuditEntry.objects.all())
        chunks = (
            export.as_csv(entries)
            if format == "csv"
            else export.as_json_lines(entries, asked=filters.given, by=log.command_user(), key=key)
        )
        with ExitStack() as stack:
            try:
                file = (
                    stack.enter_context(output.open("x", encoding="utf-8", newline=""))
                    if output
                    else sys.stdout
                )
                for chunk in chunks:
                    file.write(chunk)
            except OSError as error:
                raise CommandError(f"{output}: {error.strerror}") from error
