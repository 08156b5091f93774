"""Prove that the trail is as it was written: every entry there, in order, unaltered, up to its head and its anchors."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DataError
from django.db.models import Max

from hdeadmin.audit import chain, log
from hdeadmin.audit.models import AuditEntry, ChainHead

# What a page looks at each time it is shown.
END = 200
_CHUNK = 5_000

# What drivers and Django raise over a value that is none of its column's: SQLite keeps any, PostgreSQL far-away times.
UNREADABLE = (ValueError, TypeError, AttributeError, DataError)

_FIELDS = (*chain.FIELDS[chain.VERSION], "mac")


@dataclass(frozen=True, slots=True)
class Fault:
    """The first entry that is not as it was written. `number` is its own, or the one that it should have."""

    number: int
    problem: str

    def __str__(self) -> str:
        return f"Entry {self.number}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what is wrong with it first; `last` is the number of the last good entry, 0 for none."""

    entries: int
    last: int
    mac: str
    fault: Fault | None


def follow(
    rows: Iterable[Mapping[str, Any]], keys: Mapping[str, str], *, after: Mapping[str, Any] | None = None
) -> Verified:
    """Follow the chain along entries in order, from its beginning, or from the entry `after`, which is not judged."""
    last, mac = (after["number"], after["mac"]) if after else (0, "")
    at: datetime | str | None = after["at"] if after else None
    entries = 0
    remaining = iter(rows)
    while True:
        try:
            row = next(remaining, None)
        except UNREADABLE as error:
            return Verified(entries, last, mac, Fault(last + 1, f"it cannot be read: {error}"))
        if row is None:
            return Verified(entries, last, mac, None)
        if problem := _problem(row, last, mac, at, keys):
            # What is missing is named, not what comes after the hole.
            number = last + 1 if row["number"] > last + 1 else row["number"]
            return Verified(entries, last, mac, Fault(number, problem))
        entries += 1
        last, mac, at = row["number"], row["mac"], row["at"]


def whole(progress: Callable[[int], object] = lambda entries: None) -> Verified:
    """Follow the whole trail up to its head. Entries that are added meanwhile are left to the next time."""
    ends = _Ends.now()
    verified = follow(_counted(_rows(1, ends.upto), progress), log.keys())
    return verified if verified.fault else ends.reached(verified)


def note(faults: Sequence[str], *, user: str) -> None:
    """Put on record that the whole trail was verified, and what was found; the trail's page tells of the last time.

    Raises:
        AuditUnavailable: a broken end may take no entry.
    """
    log.record(
        "audit-verified",
        user=user,
        result="broken" if faults else "ok",
        details={"faults": list(faults)} if faults else None,
    )


def of_the_end(entries: int = END) -> Verified:
    """Follow the last entries up to the head: what a page can afford to know."""
    ends = _Ends.now()
    rows = _rows(max(1, ends.upto - entries), ends.upto)
    try:
        # The first one is only held on to, unless the trail begins with it.
        first = next(rows, None) if ends.upto > entries else None
    except UNREADABLE as error:
        return Verified(0, 0, "", Fault(ends.upto - entries, f"it cannot be read: {error}"))
    verified = follow(rows, log.keys(), after=first)
    return verified if verified.fault else ends.reached(verified)


def entry_is_genuine(values: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    """Whether one entry is as it was signed, wherever it stands."""
    key = keys.get(values["key_id"])
    try:
        return key is not None and hmac.compare_digest(chain.sign(values, key), values["mac"])
    except (chain.UnknownKey, TypeError, ValueError, AttributeError):
        return False


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where the trail ends: by its entries, and by its head."""

    newest: int
    number: int | None
    mac: str

    @classmethod
    def now(cls) -> _Ends:
        # The entries first: an entry and its head come in one transaction, so that the head is never behind.
        newest = AuditEntry.objects.aggregate(Max("number"))["number__max"] or 0
        head = ChainHead.objects.filter(id=1).first()
        return cls(newest, head.number if head else None, head.mac if head else "")

    @property
    def upto(self) -> int:
        return self.newest if self.number is None else max(self.number, self.newest)

    def reached(self, verified: Verified) -> Verified:
        """What the ends say against entries that hold together by themselves."""
        fault = None
        if self.number is None and verified.last:
            fault = Fault(verified.last, "the head of the chain is gone, and maybe entries after this one.")
        elif self.number is not None and verified.last < self.number:
            fault = Fault(verified.last + 1, f"missing; the head of the chain is at {self.number}.")
        elif self.number is not None and verified.last > self.number:
            fault = Fault(
                self.number + 1, f"it stands beyond the head of the chain, which is at {self.number}."
            )
        elif verified.mac != self.mac:
            fault = Fault(verified.last, "it is not the entry that the head of the chain names.")
        return Verified(verified.entries, verified.last, verified.mac, fault)


def _problem(
    row: Mapping[str, Any], last: int, mac: str, at: datetime | str | None, keys: Mapping[str, str]
) -> str:
    if row["number"] > last + 1:
        return f"missing; entry {row['number']} comes next."
    if row["number"] <= last:
        return "out of order."
    if row["version"] not in chain.FIELDS:
        return f"written in the form {row['version']}, which this version of hdeadmin does not know."
    if row["key_id"] not in keys:
        return f"sealed with the key {row['key_id']}, which the settings do not name."
    if not entry_is_genuine(row, keys):
        return "altered: its seal does not fit what it says."
    if row["previous"] != mac:
        return "it does not follow the entry before it."
    if at is not None and row["at"] < at:
        return "earlier than the entry before it."
    return ""


def _rows(first: int, last: int) -> Iterator[dict[str, Any]]:
    """The entries from one number to another, in order. One that cannot be read raises where it stands."""
    while first <= last:
        entries = AuditEntry.objects.filter(number__gte=first, number__lte=last).order_by("number")
        try:
            rows = list(entries.values(*_FIELDS)[:_CHUNK])
        except UNREADABLE:
            # One by one, up to the one that it is.
            for number in list(entries.values_list("number", flat=True)[:_CHUNK]):
                yield entries.values(*_FIELDS).get(number=number)
            raise
        yield from rows
        if len(rows) < _CHUNK:
            return
        first = rows[-1]["number"] + 1


def _counted(
    rows: Iterable[Mapping[str, Any]], progress: Callable[[int], object]
) -> Iterable[Mapping[str, Any]]:
    for count, row in enumerate(rows, start=1):
        if count % _CHUNK == 0:
            progress(count)
        yield row
