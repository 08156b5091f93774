"""How many events a facet had, by quarter of an hour: added up whenever a state's seq is seen to have grown.

So it is as exact as the directory's reader: the stream's tells each change, a pass what happened since the one before,
at the time of each entity's last event. Of what was before an entity was first read, only its last event is known; see
`TableFacet.counted_since`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from django.db import connection

from facets.directory.models import TableFacet

DAYS = 30

QUARTER = 900_000  # milliseconds; every zone's midnight is between two
_DAY = 86_400_000
# Whatever a state claims, so many of them still add up in 63 bits.
_MOST = 10**9

_ADD = (
    "INSERT INTO facets_eventcount (facet_id, quarter, events) VALUES (%s, %s, %s)"
    " ON CONFLICT (facet_id, quarter) DO UPDATE SET events = facets_eventcount.events + excluded.events"
)


def quarter(ts: int) -> int:
    """The quarter of an hour, from 1970 on, in which a moment is, in milliseconds since 1970."""
    return ts // QUARTER


def earliest(now: int) -> int:
    """The moment before which no event is counted, since none is shown; milliseconds since 1970, as `now`."""
    return now - (DAYS + 1) * _DAY


def latest(now: int) -> int:
    """The moment after which none is counted: whoever writes may have a clock that is a little ahead."""
    return now + _DAY


def is_counted(ts: int, now: int) -> bool:
    """Whether an event of this moment is counted."""
    return earliest(now) <= ts <= latest(now)


def add(facet: TableFacet, events: Mapping[int, int]) -> None:
    """Count so many events more, by quarter. In a transaction."""
    with connection.cursor() as cursor:
        # In one order, so that no two writers wait for each other.
        cursor.executemany(
            _ADD, [(facet.pk, place, min(more, _MOST)) for place, more in sorted(events.items())]
        )


def events_between(facet: TableFacet, moments: Sequence[int]) -> list[int]:
    """The events between each of the moments, in milliseconds since 1970, and the next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quarter, events FROM facets_eventcount WHERE facet_id = %s AND quarter >= %s AND quarter < %s",
            [facet.pk, quarter(moments[0]), quarter(moments[-1])],
        )
        found = cursor.fetchall()
    ends = [quarter(moment) for moment in moments[1:]]
    counts = [0] * len(ends)
    for place, events in found:
        counts[bisect_right(ends, place)] += events
    return counts
