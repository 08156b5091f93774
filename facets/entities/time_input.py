"""Moments that people ask for: a date and time in somebody's zone, told back without doubt about which was meant. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"\d[.,]\d")


class NoSuchMoment(ValueError):
    """The text names no moment; the message says why, for the one who typed it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant.

    Attributes:
        ts: milliseconds since 1970.
        local: as it was asked for, with the name of its zone.
        utc: the same in UTC.
        note: what a reader should know about it, such as how much of it counts.
    """

    ts: int
    local: str
    utc: str
    note: str = ""


def zone_of(name: str, default: tzinfo) -> tzinfo:
    """The zone of that IANA name, such as `Europe/Berlin`; the default where there is none."""
    if not name or len(name) > 64:
        return default
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # no such zone, or no name of one
        return default


def read(text: str, zone: tzinfo) -> Moment:
    """An ISO date, maybe with a time, in the zone; one that names its own offset keeps to that.

    Without fractions of a second it is the end of that second: pages tell the times of events to the second, and
    what held at such a time is what held after its events.

    Raises:
        NoSuchMoment
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoSuchMoment(f"“{text[:60]}” is not a date and time, such as 2026-11-20T14:34.") from None
    notes = []
    try:
        if moment.tzinfo is None:
            naive, moment = moment, moment.replace(tzinfo=zone)
            instant = moment.astimezone(UTC)
            if instant.astimezone(zone).replace(tzinfo=None) != naive:
                raise NoSuchMoment(
                    f"There is no {naive:%H:%M} on that day in {zone}: the clocks were put forward."
                )
            if moment.replace(fold=1).astimezone(UTC) != instant:
                notes.append("Clocks showed this time twice on that day; the first is meant.")
        instant = moment.astimezone(UTC)
        ts = (instant - _EPOCH) // timedelta(milliseconds=1)
    except (OverflowError, ValueError) as error:
        if isinstance(error, NoSuchMoment):
            raise
        raise NoSuchMoment(f"“{text[:60]}” is out of range.") from None
    fraction = f".{ts % 1000:03}" if _FRACTION.search(text) else ""
    if not fraction:
        ts += 999
        notes.append("The whole of that second counts.")
    return Moment(
        ts,
        f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {_name(moment.tzinfo)}",
        f"{instant:%Y-%m-%d %H:%M:%S}{fraction} UTC",
        " ".join(notes),
    )


def _name(zone: tzinfo | None) -> str:
    name = str(zone)
    return name if isinstance(zone, ZoneInfo) or name.startswith("UTC") else "UTC"
