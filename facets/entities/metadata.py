"""What the console writes on an event (`_meta`): who appended it, why, the ticket, and the event that it corrects."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from django.conf import settings

from facets.core import InvalidRecord, json
from facets.core.records import Record

JSON = Any

MAX_TICKET_LENGTH = 100  # characters


def appended_by(records: Iterable[Record], operation_id: str) -> list[Record]:
    """Those inbound events that one operation appended, in their order."""
    return [
        record
        for record in records
        if record.kind == "INBOUND" and meta_of(record).get("operation_id") == operation_id
    ]


def corrections_of(records: Iterable[Record]) -> dict[int, list[Record]]:
    """From the seq of an event to the events that say that they correct it, oldest first."""
    corrections: dict[int, list[Record]] = {}
    for record in records:
        corrects = meta_of(record).get("corrects") if record.kind == "INBOUND" else None
        if type(corrects) is int:
            corrections.setdefault(corrects, []).append(record)
    return corrections


def meta_of(record: Record) -> Mapping[str, JSON]:
    """What the console wrote on an event about who appended it and why; empty for events of others. Hostile text."""
    if record.meta is None:
        return {}
    try:
        meta = json.loads(record.meta)
    except InvalidRecord:
        return {}
    return meta if isinstance(meta, Mapping) else {}


def ticket_problem(ticket: str) -> str:
    """What is wrong with a ticket's number by HDEADMIN_TICKET_PATTERN, "" if it is right, or if there is none."""
    if not ticket:
        return ""
    if len(ticket) > MAX_TICKET_LENGTH:
        return f"At most {MAX_TICKET_LENGTH} characters."
    pattern = settings.HDEADMIN_TICKET_PATTERN
    if pattern and not re.fullmatch(pattern, ticket):
        return f"Tickets here look like {pattern}"
    return ""


def ticket_url(ticket: str) -> str:
    """A ticket's page by HDEADMIN_TICKET_URL; "" without that setting, and for what is no ticket's number."""
    template: str = settings.HDEADMIN_TICKET_URL
    if not template or not ticket or ticket_problem(ticket):
        return ""
    return template.replace("{ticket}", quote(ticket, safe="", errors="replace"))
