"""What the overview tells of each facet, in a few queries of SQL: how many, how lively, how sound, how often corrected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.core.cache import cache
from django.db.models import Count
from django.utils import timezone

from facets.directory.activity import DAYS, events_between
from facets.directory.models import Entity, TableFacet
from hdeadmin.audit.models import AuditEntry

WEEK = timedelta(days=7)

_REMEMBERED = 60  # seconds


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: how many events there were, and its bar's height in a picture of 0 to 100."""

    day: date
    count: int
    height: float

    @property
    def top(self) -> float:
        """The place of its upper end, counted from above."""
        return round(102 - self.height, 1)


@dataclass(frozen=True, slots=True)
class Activity:
    """The last days, today last.

    Attributes:
        changed: entities that were last changed today.
        since: before this day, no more than the last event of each entity is counted; None where that is of no matter.
    """

    bars: list[Bar]
    changed: int
    since: date | None = None

    @property
    def today(self) -> int:
        return self.bars[-1].count

    @property
    def most(self) -> int:
        return max((bar.count for bar in self.bars), default=0)


def activity(facet: TableFacet | None, *, now: datetime | None = None) -> Activity:
    """Events by local day; as of at most a minute ago. None is a facet without any."""
    today = timezone.localtime(now).date()
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    if facet is None:
        return Activity([Bar(day, 0, 0.0) for day in days], 0)
    counts, changed = _counts(facet, days)
    most = max(counts)
    bars = [Bar(day, count, _height(count, most)) for day, count in zip(days, counts, strict=True)]
    return Activity(bars, changed, _known_since(facet, days))


def corrections(facets: Collection[str], *, now: datetime | None = None) -> Mapping[str, int]:
    """By facet, the appends and recalculations that people made within a week, as the audit trail has them."""
    made = AuditEntry.objects.filter(
        facet__in=list(facets),
        action__in=["append", "recalculate"],
        phase="outcome",
        result="applied",
        at__gte=(now or timezone.now()) - WEEK,
    )
    return dict(made.order_by().values_list("facet").annotate(count=Count("number")))


def _counts(facet: TableFacet, days: list[date]) -> tuple[list[int], int]:
    """The events of each of the days, which follow one another, and the entities that were last changed on the last."""
    key = f"overview:{facet.pk}:{days[-1]}"
    cached = cache.get(key)
    if cached is None:
        moments = [_midnight(day) for day in (*days, days[-1] + timedelta(days=1))]
        changed = Entity.objects.filter(facet=facet, ts__gte=moments[-2], ts__lt=moments[-1]).count()
        cached = [events_between(facet, moments), changed]
        cache.set(key, cached, _REMEMBERED)
    counts, changed = cached
    return counts, changed


def _known_since(facet: TableFacet, days: list[date]) -> date | None:
    if facet.counted_since is None:
        return days[-1]
    since = timezone.localtime(datetime.fromtimestamp(facet.counted_since / 1000, UTC)).date()
    return since if since > days[0] else None


def _midnight(day: date) -> int:
    """When a local day begins, in milliseconds since 1970."""
    return round(timezone.make_aware(datetime.combine(day, time())).timestamp() * 1000)


def _height(count: int, most: int) -> float:
    """Of 100; the smallest number can still be seen."""
    return round(max(100 * count / most, 6), 1) if count else 0.0
