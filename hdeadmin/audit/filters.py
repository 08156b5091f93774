"""Which entries somebody looks for: read from an address or a command's options, applied to the trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from hdeadmin.audit.models import AuditEntry
from hdeadmin.permissions.permissions import Scope

_LONGEST = 2_100  # characters: no id of an entity is longer


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; "" is anything. `since` and `until` are as they were typed, times of the console's zone."""

    person: str = ""
    action: str = ""
    result: str = ""
    facet: str = ""
    entity: str = ""
    ticket: str = ""
    operation: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> Filters:
        """The filters among the parameters of an address; others are passed over."""
        names = (field.name for field in fields(cls))
        # Not stripped: an entity's id may begin with a space.
        return cls(**{name: str(asked.get(name) or "")[:_LONGEST] for name in names})

    @property
    def given(self) -> dict[str, str]:
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}

    @property
    def problems(self) -> dict[str, str]:
        """From a filter's name to why it cannot be used."""
        found = {}
        for name in ("since", "until"):
            try:
                _moment(getattr(self, name), end=name == "until")
            except ValueError:
                found[name] = "Use a date, or a date and a time, such as 2026-11-24 14:30."
        return found

    def of(self, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Those of the entries that are asked for. A filter with a problem lets nothing through."""
        if self.problems:
            return entries.none()
        columns = {"operation": "operation_id"}
        wanted = {
            columns.get(name, name): value
            for name, value in self.given.items()
            if name not in ("since", "until")
        }
        entries = entries.filter(**wanted)
        # By number, in whose order the times are: an index holds the page then, whatever else is asked.
        if since := _moment(self.since, end=False):
            entries = entries.filter(number__gte=_first_at(since))
        if until := _moment(self.until, end=True):
            entries = entries.filter(number__lt=_first_at(until))
        return entries


def visible_to(scope: Scope) -> QuerySet[AuditEntry]:
    """The entries that somebody may see who may audit there: those about no facet only with all facets."""
    if scope.every:
        return AuditEntry.objects.all()
    return AuditEntry.objects.filter(Q(facet__in=scope.facets))


def newest(filters: Filters, scope: Scope, *, before: int | None, limit: int) -> list[AuditEntry]:
    """Up to `limit` entries below the number `before`, newest first, at the cost of the page however long the trail is."""
    entries = filters.of(AuditEntry.objects.order_by("-number"))
    if before is not None:
        entries = entries.filter(number__lt=before)
    if scope.every or filters.facet:
        return list(entries[:limit]) if scope.includes(filters.facet) or scope.every else []
    # Facet by facet, each from an index in order: asked for all at once, a database sorts everything that they have.
    found = [entry for facet in scope.facets for entry in entries.filter(facet=facet)[:limit]]
    return sorted(found, key=lambda entry: -entry.number)[:limit]


def _first_at(moment: datetime) -> int:
    """The number of the first entry at or after a moment; beyond the newest where there is none yet."""
    found = (
        AuditEntry.objects.filter(at__gte=moment).order_by("at", "number").values_list("number", flat=True)
    )
    return found.first() or 2**62


def _moment(text: str, *, end: bool) -> datetime | None:
    """A typed moment; of a date alone its beginning, or its end. Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if end and len(text) <= 10:
        moment = datetime.combine(moment.date() + timedelta(days=1), time.min)
    elif end and len(text) <= 16:
        # To the minute, as a browser's field is: the minute is meant too.
        moment += timedelta(minutes=1)
    return moment if moment.tzinfo else timezone.make_aware(moment)
