"""What the overview tells of each facet, in a few queries of SQL: how many, how lively, how sound, how often corrected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from facets.directory.models import TableFacet
from hdeadmin.audit.models import AuditEntry

DAYS = 30
WEEK = timedelta(days=7)

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
    today = timezone.localtime(now).date()
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    counts = _counts(facet, days) if facet else [0] * DAYS
    most = max(counts)
    return Activity(
        [Bar(day, count, _height(count, most)) for day, count in zip(days, counts, strict=True)], counts[-1]
    )


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


def _counts(facet: TableFacet, days: list[date]) -> list[int]:
    """How many entities were last changed on each of the days, which follow one another.

    What claims to be of the future has no place among them, and may be of no year at all.
    """
    key = f"overview:{facet.pk}:{days[-1]}"
    counts: list[int] | None = cache.get(key)
    if counts is None:
        bounds = [_midnight(day) for day in (*days, days[-1] + timedelta(days=1))]
        # A range of the index for each day costs a seventh of what grouping its entries by day does.
        one = "SELECT {}, count(*) FROM facets_entity WHERE facet_id = %s AND ts >= %s AND ts < %s"
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join(one.format(place) for place in range(len(days))),
                [value for ends in pairwise(bounds) for value in (facet.pk, *ends)],
            )
            counts = [count for _, count in sorted(cursor.fetchall())]
        cache.set(key, counts, _REMEMBERED)
    return counts


def _midnight(day: date) -> int:
    """When a local day begins, in milliseconds since 1970."""
    return round(timezone.make_aware(datetime.combine(day, time())).timestamp() * 1000)


def _height(count: int, most: int) -> float:
    """Of 100; the smallest number can still be seen."""
    return round(max(100 * count / most, 6), 1) if count else 0.0
