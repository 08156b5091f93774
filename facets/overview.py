"""What the overview tells of each facet, in a few queries of SQL: how many, how lively, how sound, how often corrected."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.core.cache import cache
from django.db.models import Count, F
from django.utils import timezone

from facets.directory.models import Entity, TableFacet
from hdeadmin.audit.models import AuditEntry

DAYS = 30
WEEK = timedelta(days=7)

# Time zones differ by quarters of an hour at the finest.
_SLICE = 15 * 60 * 1000  # milliseconds
_REMEMBERED = 60  # seconds


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: how many entities were last changed on it, and its bar's height in a picture of 0 to 100."""

    day: date
    count: int
    height: float

    @property
    def top(self) -> float:
        """The place of its upper end, counted from above."""
        return round(102 - self.height, 1)


@dataclass(frozen=True, slots=True)
class Activity:
    """The last `DAYS` days, today last. The directory knows each entity's last change, not those before it."""

    bars: list[Bar]
    today: int

    @property
    def most(self) -> int:
        return max((bar.count for bar in self.bars), default=0)


def activity(facet: TableFacet | None, *, now: datetime | None = None) -> Activity:
    """Entities by the local day of their last change; as of at most a minute ago. None is a facet without any."""
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight.date() - timedelta(days=DAYS - 1)
    slices = _slices(facet, first) if facet else {}
    days = [first + timedelta(days=number) for number in range(DAYS)]
    begins = [_midnight(day) for day in days]
    counts: Counter[date] = Counter()
    for slice, count in slices.items():
        counts[days[max(0, bisect_right(begins, slice * _SLICE) - 1)]] += count
    most = max((counts[day] for day in days), default=0)
    bars = [Bar(day, counts[day], _height(counts[day], most)) for day in days]
    return Activity(bars, counts[local.date()])


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


def _slices(facet: TableFacet, first: date) -> dict[int, int]:
    """How many entities were last changed in each slice of time since the first day."""
    key = f"overview:{facet.pk}:{first}"
    slices: dict[int, int] | None = cache.get(key)
    if slices is None:
        # What claims to be of the future has no place in the picture, and may be of no year at all.
        changed = Entity.objects.filter(
            facet=facet, ts__gte=_midnight(first), ts__lt=_midnight(first + timedelta(days=DAYS))
        )
        rows = changed.annotate(slice=F("ts") / _SLICE).order_by().values_list("slice")
        slices = dict(rows.annotate(count=Count("pk")))
        cache.set(key, slices, _REMEMBERED)
    return slices


def _midnight(day: date) -> int:
    """When a local day begins, in milliseconds since 1970."""
    return round(timezone.make_aware(datetime.combine(day, time())).timestamp() * 1000)


def _height(count: int, most: int) -> float:
    """Of 100; the smallest number can still be seen."""
    return round(max(100 * count / most, 6), 1) if count else 0.0
