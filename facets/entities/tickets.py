"""Tickets: what their numbers look like, and where they are read, by HDEADMIN_TICKET_PATTERN and _URL."""

import re
from urllib.parse import quote

from django.conf import settings

LONGEST = 100  # characters


def problem(ticket: str) -> str:
    """What is wrong with a ticket's number, "" for nothing. There need not be one."""
    if not ticket:
        return ""
    if len(ticket) > LONGEST:
        return f"At most {LONGEST} characters."
    pattern = settings.HDEADMIN_TICKET_PATTERN
    if pattern and not re.fullmatch(pattern, ticket):
        return f"Tickets here look like {pattern}"
    return ""


def url(ticket: str) -> str:
    """Where the ticket is read; "" where that is not known, or the number is none, as in what others wrote."""
    template: str = settings.HDEADMIN_TICKET_URL
    if not template or not ticket or problem(ticket):
        return ""
    return template.replace("{ticket}", quote(ticket, safe="", errors="replace"))
