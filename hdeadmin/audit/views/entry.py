"""One entry of the trail: all that it says, and what belongs with it."""

import json
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hdeadmin.audit import labels, log, verify
from hdeadmin.audit.models import AuditEntry
from hdeadmin.audit.views.entries import row
from hdeadmin.audit.views.permissions import require_audit

# Of one operation: more come of a confirmation only if it is sent over and over.
_MOST_OTHERS = 20


@require_safe
def entry(request: HttpRequest, number: int) -> HttpResponse:
    """404 where there is no such entry, or the person may not see it."""
    scope = require_audit(request)
    try:
        found = AuditEntry.objects.filter(number=number).first() if number < 2**63 else None
        shown = row(found) if found else {}
    except verify.UNREADABLE:
        raise Http404("This entry was altered in the database, and cannot be read.") from None
    if found is None or not scope.includes(found.facet):
        raise Http404("There is no such entry in the audit trail.")
    others = _together_with(found)
    outcome = next((other for other in others if other.intent == found.number), None)
    around = AuditEntry.objects.filter(number__in=(number - 1, number + 1)).values_list("number", "facet")
    neighbours = {
        at: number_ for number_, facet in around if scope.includes(facet) for at in [number_ - number]
    }
    context = {
        **shown,
        "changes": [_change(change) for change in found.changes],
        "changes_more": _more(found),
        **_details(found),
        "others": [row(other) for other in others],
        "is_open": found.phase == AuditEntry.Phase.INTENT and outcome is None,
        "written": _was_written(found, outcome),
        "has_receipt": _has_receipt(found, outcome),
        "genuine": verify.entry_is_genuine(_values(found), log.keys()),
        "before": neighbours.get(-1),
        "after": neighbours.get(1),
    }
    return render(request, "audit/entry.html", context)


def _together_with(found: AuditEntry) -> list[AuditEntry]:
    """The other entries of the same undertaking, oldest first."""
    same = Q(number=found.intent) if found.intent else Q(intent=found.number)
    if found.operation_id:
        same |= Q(operation_id=found.operation_id, facet=found.facet, entity=found.entity)
    return list(
        AuditEntry.objects.filter(same).exclude(number=found.number).order_by("number")[:_MOST_OTHERS]
    )


def _was_written(found: AuditEntry, outcome: AuditEntry | None) -> bool:
    """Whether the entry tells of a write that was made."""
    return found.result == "applied" or (outcome is not None and outcome.result == "applied")


def _has_receipt(found: AuditEntry, outcome: AuditEntry | None) -> bool:
    if found.action != "append" or not _was_written(found, outcome):
        return False
    try:
        UUID(found.operation_id)
    except ValueError:
        return False
    return True


def _change(change: Any) -> dict[str, Any]:
    """A change for a row: its path in words, and both values as JSON text, None where there is none."""
    return {
        "path": ".".join(map(str, change.get("path", ()))) or "the whole state",
        "old": change.get("old"),
        "new": change.get("new"),
    }


def _more(found: AuditEntry) -> int:
    counted = found.details.get("changes")
    return counted - len(found.changes) if isinstance(counted, int) else 0


def _details(found: AuditEntry) -> dict[str, Any]:
    """The rest: `facts` for rows, as name and text, and `details`, what is no single value, as indented JSON.

    What the page says otherwise, and what only a machine reads, is left out.
    """
    told = ("changes", "before", "after", "ts_after")
    rest = {name: value for name, value in found.details.items() if name not in told}
    facts = {name: value for name, value in rest.items() if isinstance(value, str | bool | int)}
    nested = {name: value for name, value in rest.items() if name not in facts}
    return {
        "facts": [(labels.detail(name), labels.value(value)) for name, value in facts.items()],
        "details": json.dumps(nested, ensure_ascii=False, indent=2) if nested else "",
    }


def _values(found: AuditEntry) -> dict[str, Any]:
    return {field.attname: getattr(found, field.attname) for field in found._meta.fields}
