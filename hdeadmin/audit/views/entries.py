"""The trail, newest first, a page at a time."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hdeadmin.audit import labels, log, triggers, verify
from hdeadmin.audit.fields import restored
from hdeadmin.audit.filters import Filters, newest
from hdeadmin.audit.models import AuditEntry
from hdeadmin.audit.views.permissions import require_audit
from hdeadmin.permissions.permissions import Scope

PAGE = 50

# Of a filter's menu; what is beyond can still be named in the address.
_MOST_CHOICES = 200


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """The entries that are asked for and that the person may see; `?before=NUMBER` those below."""
    scope = require_audit(request)
    filters = Filters.read(request.GET)
    before = _number(request.GET.get("before", ""))
    unreadable = False
    try:
        found = newest(filters, scope, before=before, limit=PAGE + 1)
        rows = [row(entry) for entry in found[:PAGE]]
    except verify.UNREADABLE:
        # Somebody got round the guards; the rest of the page says what is known of that.
        found, rows, unreadable = [], [], True
    context = {
        "filters": filters,
        "problems": filters.problems,
        "unreadable": unreadable,
        "rows": rows,
        "newest_url": _address(filters),
        "older_url": _address(filters, before=found[PAGE - 1].number) if len(found) > PAGE else None,
        "before": before,
        "actions": [(value, labels.action(value)) for value in _choices("action", filters.action)],
        "results": [(value, labels.result(value)) for value in _choices("result", filters.result)],
        "facets": [facet for facet in _choices("facet", filters.facet) if facet and scope.includes(facet)],
        "health": _health(scope),
        "zone": settings.TIME_ZONE,
    }
    return render(request, "audit/entries.html", context)


def _address(filters: Filters, **place: int) -> str:
    return f"{reverse('audit')}?{urlencode({**filters.given, **place}, errors='replace')}"


def row(entry: AuditEntry) -> dict[str, Any]:
    """One entry as lists show it; `ts` is in milliseconds since 1970."""
    details = entry.details
    return {
        "entry": entry,
        "ts": int(entry.at.timestamp() * 1000),
        "action": labels.action(entry.action),
        "about": labels.about(details),
        "which": labels.which(details),
        "result": labels.result(entry.result),
        "level": labels.level(entry.result),
    }


def _health(scope: Scope) -> dict[str, Any]:
    """What can be told of the whole trail in the time of a page. Entry numbers are no secret."""
    last = AuditEntry.objects.filter(action="audit-verified").order_by("-number").first()
    return {
        "end": verify.of_the_end(),
        "guards_gone": triggers.missing(connection),
        "verified": row(last) if last else None,
        "faults": last.details.get("faults", []) if last else [],
        "open": log.count_open(),
        "whole": scope.every,
    }


def _choices(column: str, chosen: str) -> list[str]:
    """The values that a column has, in order: found by jumping along its index, however long the trail is."""
    table = AuditEntry._meta.db_table
    # The column's name is one of ours.
    statement = f"""
        WITH RECURSIVE found(value) AS (
            SELECT min({column}) FROM {table}
            UNION ALL
            SELECT (SELECT min({column}) FROM {table} WHERE {column} > value) FROM found WHERE value IS NOT NULL
        )
        SELECT value FROM found WHERE value IS NOT NULL LIMIT {_MOST_CHOICES}
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement)
        values = [restored(value) for (value,) in cursor.fetchall()]
    return values if not chosen or chosen in values else [chosen, *values]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
