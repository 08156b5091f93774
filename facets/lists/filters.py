"""What the address of a list asks for: words, filters, order, place; and the addresses that ask for a little else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from facets.definitions.display import visible
from facets.definitions.number_input import AmbiguousNumber, Unreadable, parse_number
from facets.directory.queries import SEQ, UPDATED, Condition, Question
from facets.forms.scalars import Moment
from facets.lists.columns import OWN, Column

JSON = Any

SIZES = (25, 50, 100, 250)  # entities a page
SIZE = 50
LONGEST = 500  # characters of what is typed into a box; a longer one is cut
SINCE = {
    "1h": "the last hour",
    "24h": "the last 24 hours",
    "7d": "the last 7 days",
    "30d": "the last 30 days",
}

_AGO = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in words, and the query without it."""

    label: str
    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What in an address cannot be understood.

    Attributes:
        label, text, reason: of which column, what was typed, why.
        without: the query without it.
        readings: where it can mean two numbers, each and the query with it.
    """

    label: str
    text: str
    reason: str
    without: str
    readings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """One control of the filters: its parameter's name, its label, what is in it, and what is wrong with that.

    `is_day`: what is in it can be chosen from a calendar.
    """

    name: str
    label: str
    value: str
    problem: str = ""
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """The controls of one column, as far as its kind has a use for them."""

    column: Column
    has: Box | None = None
    bounds: tuple[Box, ...] = ()
    empty: Box | None = None
    chosen: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """An address, read.

    Attributes:
        problems: by parameter, what in it cannot be understood; the question is none to be answered then.
        given: what the address says, without what it leaves empty or what no list knows.
    """

    question: Question
    size: int
    after: str | None
    before: str | None
    changed: str
    problems: Mapping[str, Problem]
    given: Mapping[str, Sequence[str]]
    columns: tuple[Column, ...] = ()
    filters: tuple[Filter, ...] = ()
    chips: tuple[Chip, ...] = field(default=())

    @property
    def filtered(self) -> bool:
        return bool(self.chips) or bool(self.question.words)

    @property
    def here(self) -> str:
        """The query that asks for just this."""
        return _url(self.given, set(), {})

    @property
    def bare(self) -> str:
        """The query without words and filters."""
        kept = {name: values for name, values in self.given.items() if name in ("sort", "size")}
        return _url(kept, set(), {})

    def url(self, *without: str, **changed: str | None) -> str:
        """The query that asks the same but for some parameters, from its first page on; `?` where it asks nothing."""
        return _url(self.given, {"after", "before", *without}, changed)

    def place(self, **place: str) -> str:
        """The query of the same list at another place."""
        return _url(self.given, {"after", "before"}, place)

    @property
    def order(self) -> str:
        """The order in words."""
        label = next(
            column.label for column in (*OWN.values(), *self.columns) if column.path == self.question.sort
        )
        return f"{label}, {'descending' if self.question.descending else 'ascending'}"

    def sized(self, size: int) -> str:
        """The query of the same list with so many entities a page."""
        return self.url(size=str(size) if size != SIZE else None)

    def sorted(self, path: str) -> str:
        """The query of the same list in the order of a column; in the opposite one if it is in that already."""
        sort = path
        if self.question.sort == path:
            sort = path if self.question.descending else f"-{path}"
        elif path in (UPDATED, SEQ):
            sort = f"-{path}"
        return self.url(sort=sort)


def read(query: QueryDict, facet: str, columns: tuple[Column, ...], *, now: datetime | None = None) -> Asked:
    """Understand an address. Never raises: what makes no sense is told in `problems`."""
    reading = _Reading(query, columns, now or timezone.now())
    words = reading.text("q")
    sort, descending = reading.order()
    changed = reading.changed()
    conditions = tuple(reading.conditions())
    given = reading.given
    return Asked(
        Question(
            facet,
            words=words,
            conditions=conditions,
            sort=sort,
            descending=descending,
            drifted=reading.flag("drifted"),
        ),
        size=reading.size(),
        after=reading.text("after", limit=8_000) or None,
        before=reading.text("before", limit=8_000) or None,
        changed=changed,
        problems={
            name: replace(
                problem,
                without=_url(given, {"after", "before", name}, {}),
                readings=tuple(
                    (number, _url(given, {"after", "before"}, {name: number}))
                    for number, _ in problem.readings
                ),
            )
            for name, problem in reading.problems.items()
        },
        given=given,
        columns=columns,
        filters=tuple(reading.filters()),
        chips=tuple(reading.chips()),
    )


class _Reading:
    """One address on its way to being understood."""

    def __init__(self, query: QueryDict, columns: tuple[Column, ...], now: datetime) -> None:
        self.problems: dict[str, Problem] = {}
        self.given: dict[str, list[str]] = {}
        self._query = query
        self._columns = columns
        self._now = now
        self._chips: list[tuple[str, str, set[str], str | None]] = []

    def text(self, name: str, limit: int = LONGEST) -> str:
        text = self._query.get(name, "").replace("\x00", "").strip()[:limit]
        if text:
            self.given[name] = [text]
        return text

    def flag(self, name: str) -> bool:
        if not self.text(name):
            return False
        self.given[name] = ["1"]
        self._chips.append(("Drifted", "differs from its events", {name}, None))
        return True

    def size(self) -> int:
        text = self.text("size")
        if text.isascii() and text.isdecimal() and len(text) < 5 and int(text) in SIZES:
            return int(text)
        self.given.pop("size", None)
        return SIZE

    def order(self) -> tuple[str, bool]:
        text = self.text("sort")
        path = text.removeprefix("-")
        if path in OWN or any(column.path == path and column.usable for column in self._columns):
            return path, text.startswith("-")
        self.given.pop("sort", None)
        return UPDATED, True

    def changed(self) -> str:
        """`24h`, or a date or time: since when."""
        return self.text("changed")

    def conditions(self) -> Iterator[Condition]:
        if text := self.given.get("changed", [""])[0]:
            since = self._since(text)
            if since is None:
                self._refuse(
                    "changed", "Changed", "Give a time such as 2026-11-20, 2026-11-20T14:30, or 24h."
                )
            else:
                label = SINCE.get(text) or f"since {text.replace('T', ' ')}"
                self._chips.append(("Last change", label, {"changed"}, None))
                yield Condition(UPDATED, "from", (since,))
        for column in (*OWN.values(), *self._columns):
            if column.usable:
                yield from self._of(column)

    def filters(self) -> Iterator[Filter]:
        for column in (*self._columns, OWN[SEQ], OWN[UPDATED]):
            if not column.usable or column.kind == "other":
                continue
            yield Filter(
                column,
                has=self._box("has", "contains", column) if column.kind == "text" else None,
                bounds=tuple(self._box(test, test, column) for test in ("from", "to") if column.ranged),
                empty=self._box("empty", "is empty", column) if column.path not in OWN else None,
                chosen=frozenset(self.given.get(f"is.{column.path}", ())),
            )

    def chips(self) -> Iterator[Chip]:
        for label, text, names, value in self._chips:
            given = dict(self.given)
            if value is not None:
                [name] = names
                given[name] = [each for each in given[name] if each != value]
                names = set()
            yield Chip(visible(label), visible(text), _url(given, {"after", "before", *names}, {}))

    def _refuse(self, name: str, label: str, reason: str, *readings: str) -> None:
        text = visible(self.given[name][0])
        self.problems[name] = Problem(
            visible(label), text, reason, name, tuple((number, "") for number in readings)
        )

    def _box(self, test: str, word: str, column: Column) -> Box:
        name = f"{test}.{column.path}"
        value = self.given.get(name, [""])[0]
        return Box(
            name,
            word,
            value,
            self.problems[name].reason if name in self.problems else "",
            # A calendar would lose a time of day, and what is wrong.
            is_day=column.kind in ("day", "moment") and (not value or _is_day(value)),
        )

    def _of(self, column: Column) -> Iterator[Condition]:
        """What the address asks of one column."""
        if column.kind == "choice" and (options := self._chosen(column)):
            yield Condition(column.path, "is", tuple(option.value for option in options))
        if column.kind == "text" and (text := self.text(f"has.{column.path}")):
            self._chips.append((column.label, f"contains “{text}”", {f"has.{column.path}"}, None))
            yield Condition(column.path, "contains", (text,))
        if column.ranged:
            yield from self._range(column)
        if column.path not in OWN and self.text(name := f"empty.{column.path}"):
            self.given[name] = ["1"]
            self._chips.append((column.label, "is empty", {name}, None))
            yield Condition(column.path, "empty")

    def _chosen(self, column: Column) -> list[Any]:
        name = f"is.{column.path}"
        keys = dict.fromkeys(key[:LONGEST] for key in self._query.getlist(name))
        found = [option for option in column.options if option.key in keys]
        if found:
            self.given[name] = [option.key for option in found]
        for option in found:
            self._chips.append((column.label, option.label, {name}, option.key))
        return found

    def _range(self, column: Column) -> Iterator[Condition]:
        """From, to, or both: the bounds belong to it."""
        bounds: dict[str, tuple[str, JSON]] = {}
        for test in ("from", "to"):
            name = f"{test}.{column.path}"
            if text := self.text(name):
                try:
                    bounds[test] = text, self._bound(column, text, last=test == "to")
                except AmbiguousNumber as problem:
                    label = f"{column.label}, {test}"
                    self._refuse(name, label, str(problem), problem.whole, problem.fraction)
                except Unreadable as problem:
                    self._refuse(name, f"{column.label}, {test}", str(problem))
        for test, (_, value) in bounds.items():
            yield Condition(column.path, "from" if test == "from" else "to", (value,))
        if bounds:
            words = " to ".join(dict.fromkeys(text.replace("T", " ") for text, _ in bounds.values()))
            if len(bounds) == 1:
                words = f"{next(iter(bounds))} {words}"
            self._chips.append((column.label, words, {f"{test}.{column.path}" for test in bounds}, None))

    def _bound(self, column: Column, text: str, *, last: bool) -> JSON:
        """One end of a range, as it is stored.

        Raises:
            Unreadable
        """
        if column.kind == "number":
            return parse_number(text, column.unit)
        if column.kind == "day":
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                raise Unreadable("Give a date such as 2026-11-20.") from None
        moment = _moment(text, last=last)
        if moment is None:
            raise Unreadable("Give a time such as 2026-11-20 or 2026-11-20T14:30.")
        if column.path == UPDATED:
            return _milliseconds(moment)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _since(self, text: str) -> int | None:
        if ago := _AGO.fullmatch(text):
            try:
                return _milliseconds(self._now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
            except OverflowError:
                return None
        moment = _moment(text, last=False)
        return None if moment is None else _milliseconds(moment)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _moment(text: str, *, last: bool) -> datetime | None:
    """A date or a time, in the console's zone where it says none; the last moment of a date for the end of a range."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        text = f"{day.isoformat()}T{'23:59:59.999' if last else '00:00'}"
    try:
        moment = Moment().read(text)
        return moment.astimezone(UTC) if moment else None
    except (Unreadable, OverflowError, ValueError):
        return None


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _url(given: Mapping[str, Sequence[str]], without: set[str], changed: Mapping[str, str | None]) -> str:
    pairs = [
        (name, value)
        for name, values in given.items()
        if name not in without and name not in changed
        for value in values
    ]
    pairs += [(name, value) for name, value in changed.items() if value]
    return f"?{urlencode(pairs, safe='@')}"
