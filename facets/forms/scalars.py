"""What the text of one box means: for each kind of single value, from JSON to text and from text to JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone

from facets.core import InvalidRecord, json
from facets.definitions.number_input import Unreadable, read_number

JSON = Any

# Beyond it JavaScript's numbers have gaps.
MAX_SAFE_INTEGER = 2**53 - 1

_INTEGER = re.compile(r"-?[0-9]{1,4000}")
# A form cannot carry these: no page is encoded with a lone surrogate, HTML has no U+0000, and a browser turns
# every carriage return into a line's end.
_NOT_IN_A_BOX = re.compile("[\x00\r\ud800-\udfff]")


def fits_a_box(text: str, *, lines: bool = False) -> bool:
    """Whether an `<input>` (with `lines` a `<textarea>`) gives back exactly this text."""
    return not _NOT_IN_A_BOX.search(text) and (lines or "\n" not in text)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One kind of single value.

    `judged` gives what the schema is to judge, in the form in which it is stored; text of which nothing can be made
    goes to the schema as it is. `typed` gives the Python value, which tells a union's members apart.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)

    template: ClassVar[str] = "forms/_text.html"
    # Whether the empty text is a value of its own.
    keeps_empty: ClassVar[bool] = False

    def show(self, value: JSON) -> str | None:
        """The text that stands for a stored value; None where a box cannot."""
        return value if isinstance(value, str) and value.strip() and fits_a_box(value) else None

    def judged(self, text: str) -> Any:
        return text

    def typed(self, text: str) -> Any:
        return self.judged(text)

    def stored(self, text: str) -> JSON:
        """The value for a draft in JSON: never raises, and loses nothing."""
        try:
            value = self.judged(text)
            return _as_number(value) if isinstance(value, Decimal) else value
        except Unreadable:
            return text

    def input_type(self, text: str) -> str:
        """The `type` of the `<input>`; browsers throw away what is no value of a type."""
        return "text"


class Text(Scalar):
    keeps_empty = True

    def show(self, value: JSON) -> str | None:
        return value if isinstance(value, str) and fits_a_box(value, lines=True) else None


@dataclass(frozen=True, slots=True)
class Number(Scalar):
    """A number, typed as text: a browser's own box for numbers changes what is typed.

    `unit` is what it counts, and may be typed with it.
    """

    unit: str = ""

    def show(self, value: JSON) -> str | None:
        return _shown_number(value)

    def judged(self, text: str) -> Any:
        """The number; the text itself where it is none.

        Raises:
            AmbiguousNumber, Unreadable
        """
        plain = read_number(text, self.unit)
        return text if plain is None else self.number(plain)

    def number(self, plain: str) -> Any:
        raise NotImplementedError


class Integer(Number):
    def number(self, plain: str) -> Any:
        return int(plain) if _INTEGER.fullmatch(plain) else plain


class Float(Number):
    def number(self, plain: str) -> Any:
        number = float(plain)
        if number in (float("inf"), float("-inf")):
            raise Unreadable("The number is too large.")
        return number


class DecimalNumber(Number):
    def number(self, plain: str) -> Any:
        number = Decimal(plain)
        # As an integer of so many digits it would stop the server.
        if number and number.adjusted() > 400:
            raise Unreadable("The number is too large.")
        return number


class Day(Scalar):
    def input_type(self, text: str) -> str:
        return "date" if not text or (_read(date, text) and len(text) == 10) else "text"

    def typed(self, text: str) -> Any:
        return _read(date, text) or text


class Clock(Scalar):
    def input_type(self, text: str) -> str:
        if not text:
            return "time"
        return (
            "time"
            if re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{3})?)?", text) and _read(time, text)
            else "text"
        )

    def typed(self, text: str) -> Any:
        moment = _read(time, text)
        return text if moment is None else moment


class Identifier(Scalar):
    def typed(self, text: str) -> Any:
        try:
            return UUID(text)
        except ValueError:
            return text


@dataclass(frozen=True, slots=True)
class Option:
    """One of several values. `token` is what the form carries."""

    token: str
    label: str
    value: JSON
    member: Any


@dataclass(frozen=True, slots=True)
class Choice(Scalar):
    options: tuple[Option, ...] = ()

    template: ClassVar[str] = "forms/_choice.html"

    def show(self, value: JSON) -> str | None:
        for option in self.options:
            if type(option.value) is type(value) and option.value == value:
                return option.token
        # 1.0 in the schema is 1 in JSON.
        for option in self.options:
            if _both_numbers(option.value, value) and option.value == value:
                return option.token
        return None

    def judged(self, text: str) -> Any:
        option = self.option(text)
        return option.value if option else text

    def typed(self, text: str) -> Any:
        option = self.option(text)
        return option.member if option else text

    def option(self, token: str) -> Option | None:
        return next((option for option in self.options if option.token == token), None)


@dataclass(frozen=True, slots=True)
class Moment(Scalar):
    """A date and time. Without an offset it is one of Django's current time zone, except where `naive`."""

    naive: bool = False

    template: ClassVar[str] = "forms/_moment.html"

    def judged(self, text: str) -> Any:
        moment = self.read(text)
        return moment_text(moment) if moment else text

    def typed(self, text: str) -> Any:
        return self.read(text) or text

    def read(self, text: str) -> datetime | None:
        """The moment that a text means, None where it means none.

        Raises:
            Unreadable: clocks were put forward over this time, so that it never was.
        """
        moment = read_moment(text)
        if moment is None or moment.tzinfo or self.naive:
            return moment
        zone = timezone.get_current_timezone()
        local = moment.replace(tzinfo=zone)
        try:
            back = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
        except OverflowError:
            return None
        if back != moment:
            raise Unreadable(f"There is no such time in {zone}: the clocks were put forward over it.")
        return local

    def input_type(self, text: str) -> str:
        return "datetime-local" if not text or (_LOCAL.fullmatch(text) and read_moment(text)) else "text"


_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{3})?)?")


def shown_moment(moment: datetime, zone: tzinfo) -> str:
    """A moment as `datetime-local` has it: in the zone, to the millisecond; whole, as ISO, where that has no room."""
    try:
        local = moment.astimezone(zone) if moment.tzinfo else moment
    except OverflowError:
        return moment.isoformat()
    if local.year < 1000:
        return moment.isoformat()
    precision = "milliseconds" if local.microsecond >= 1000 else "seconds"
    return local.replace(tzinfo=None).isoformat(timespec=precision)


def moment_text(moment: datetime) -> str:
    """A moment as the schema reads it: ISO, in UTC where it has an offset."""
    if moment.tzinfo is None:
        return moment.isoformat()
    try:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return moment.isoformat()


def read_moment(text: str) -> datetime | None:
    moment: datetime | None = _read(datetime, text)
    return moment


def _read(kind: Any, text: str) -> Any:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        return None


def _shown_number(value: JSON) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        return value if fits_a_box(value) and value.strip() else None
    try:
        return json.dumps(value)
    except InvalidRecord:
        return "1e999" if value == float("inf") else "-1e999" if value == float("-inf") else None


def _as_number(value: Decimal) -> JSON:
    """A decimal as the JSON number that stands for it; as text where none does."""
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _both_numbers(one: Any, other: Any) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other))
