"""Moments that people ask for: a date and time in somebody's zone, told back without doubt about which was meant. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


class NoSuchMoment(ValueError):
    """The text names no moment; the message says why, for the one who typed it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant.

    Attributes:
        ts: milliseconds since 1970.
        local: as it was asked for, with the name of its zone.
        utc: the same in UTC.
        note: what a reader should know about it, such as that clocks showed this time twice.
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

    Raises:
        NoSuchMoment
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoSuchMoment(f"“{text[:60]}” is not a date and time, such as 2026-11-20T14:34.") from None
    note = ""
    try:
        if moment.tzinfo is None:
            naive, moment = moment, moment.replace(tzinfo=zone)
            instant = moment.astimezone(UTC)
            if instant.astimezone(zone).replace(tzinfo=None) != naive:
                raise NoSuchMoment(
                    f"There is no {naive:%H:%M} on that day in {zone}: the clocks were put forward."
                )
            if moment.replace(fold=1).astimezone(UTC) != instant:
                note = "Clocks showed this time twice on that day; the first is meant."
        instant = moment.astimezone(UTC)
        ts = int(instant.timestamp() * 1000)
    except (OverflowError, ValueError) as error:
        if isinstance(error, NoSuchMoment):
            raise
        raise NoSuchMoment(f"“{text[:60]}” is out of range.") from None
    return Moment(
        ts, f"{moment:%Y-%m-%d %H:%M:%S} {_name(moment.tzinfo)}", f"{instant:%Y-%m-%d %H:%M:%S} UTC", note
    )


def _name(zone: tzinfo | None) -> str:
    name = str(zone)
    return name if isinstance(zone, ZoneInfo) or name.startswith("UTC") else "UTC"
