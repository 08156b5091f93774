"""When did this become true? Fields of a state that can be asked about, and what can be said of their values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from facets.core.diff import same
from facets.core.json import JSON
from facets.definitions import FacetDefinition, display
from facets.definitions.definition import unit_of
from facets.definitions.masking import holds_sensitive
from facets.definitions.number_input import AmbiguousNumber, Unreadable, parse_number
from facets.definitions.serialization import stored_key

Kind = Literal["number", "text", "bool", "choice", "time", "other"]

MAX_VALUE = 500  # characters
_DEEPEST = 4

# What can be said, in the words of the page; those after "changed" take a value.
TITLES = {
    "changed": "changed",
    "set": "was set",
    "unset": "was not set",
    "true": "was true",
    "false": "was false",
    "eq": "was",
    "ne": "was anything but",
    "lt": "was below",
    "le": "was at most",
    "gt": "was above",
    "ge": "was at least",
    "before": "was before",
    "after": "was after",
    "contains": "contained",
}
_FOR: dict[Kind, tuple[str, ...]] = {
    "number": ("lt", "le", "eq", "ne", "ge", "gt"),
    "text": ("eq", "ne", "contains"),
    "bool": ("true", "false"),
    "choice": ("eq", "ne"),
    "time": ("before", "after", "eq"),
    "other": (),
}
_OF_ALL = ("changed", "set", "unset")
WITHOUT_VALUE = frozenset({"changed", "set", "unset", "true", "false"})


class NotAsked(ValueError):
    """The question cannot be put; the message says why, for the one who asked.

    `readings` are the numbers between which they have to choose, where the value can mean two.
    """

    def __init__(self, message: str, readings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.readings = readings


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the state.

    Attributes:
        path: its keys as they are stored, joined by dots; `label` is what staff call it.
        choices: the values that it can have, where they are few and known.
        unit: what its numbers count, such as EUR.
    """

    path: str
    label: str
    kind: Kind
    choices: tuple[str, ...] = ()
    unit: str = ""

    @property
    def operations(self) -> tuple[str, ...]:
        return (*_OF_ALL, *_FOR[self.kind])


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that can be true of a field's value. `value` is as it was typed."""

    field: Field
    operation: str
    value: str
    wanted: JSON = None

    def holds(self, value: JSON, before: JSON) -> bool:
        """Whether it is true of a value that followed another one; None is a value that is not there."""
        match self.operation:
            case "changed":
                return not same(value, before)
            case "set":
                return value is not None
            case "unset":
                return value is None
            case "true":
                return value is True
            case "false":
                return value is False
            case "ne":
                return value is not None and not _equal(self.field.kind, value, self.wanted)
            case "eq":
                return _equal(self.field.kind, value, self.wanted)
            case "contains":
                return isinstance(value, str) and str(self.wanted).casefold() in value.casefold()
        if self.field.kind == "time":
            moment = _moment(value)
            return moment is not None and (
                moment < self.wanted if self.operation == "before" else moment > self.wanted
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return bool(_COMPARED[self.operation](value, self.wanted))

    @property
    def is_change(self) -> bool:
        return self.operation == "changed"

    def __str__(self) -> str:
        said = f"{self.field.label} {TITLES[self.operation]}"
        return said if self.operation in WITHOUT_VALUE else f"{said} {self.value}"


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
}


def fields(definition: FacetDefinition[Any], sensitive: Sequence[str]) -> list[Field]:
    """The fields of the facet's states that can be asked about, in the order of the schema.

    Sensitive ones are left out: answers would tell what is masked.
    """
    found = _fields(definition.state, (), (), definition)
    return [field for field in found if not is_secret(field.path, sensitive)]


def is_secret(path: str, sensitive: Sequence[str]) -> bool:
    """Whether the field at this path is masked."""
    value: JSON = 0
    for key in reversed(path.split(".")):
        value = {key: value}
    return holds_sensitive(value, sensitive)


def condition(found: Sequence[Field], path: str, operation: str, value: str) -> Condition:
    """The condition that somebody chose and typed.

    Raises:
        NotAsked: there is no such field for them, it does not have such values, or the value is none of its kind.
    """
    field = next((field for field in found if field.path == path), None)
    if field is None:
        raise NotAsked("Choose a field.")
    if operation not in field.operations:
        raise NotAsked(f"That cannot be said of {field.label}. Choose another condition.")
    if operation in WITHOUT_VALUE:
        return Condition(field, operation, "")
    value = value.strip()[:MAX_VALUE]
    return Condition(field, operation, value, _wanted(field, value))


def _wanted(field: Field, text: str) -> JSON:
    if field.kind == "number":
        if not text:
            raise NotAsked(f"{field.label}: give a number.")
        try:
            return parse_number(text, field.unit)
        except AmbiguousNumber as two:
            raise NotAsked(f"{field.label}: {two}", (two.whole, two.fraction)) from None
        except Unreadable as problem:
            raise NotAsked(f"{field.label} is a number, and “{text}” is not one. {problem}") from None
    if field.kind == "time":
        moment = _moment(text)
        if moment is None:
            raise NotAsked(f"{field.label} is a date or time, such as 2026-11-20 or 2026-11-20T14:34Z.")
        return moment
    if field.kind == "choice" and text not in field.choices:
        raise NotAsked(f"{field.label} is one of: {', '.join(field.choices)}.")
    if field.kind == "text" and not text:
        raise NotAsked(f"{field.label}: give a value.")
    return text


def _equal(kind: Kind, value: JSON, wanted: JSON) -> bool:
    if kind == "time":
        return bool(_moment(value) == wanted)
    if kind == "choice":
        return value is not None and bool(_spelt(value) == wanted)
    return same(value, wanted)


def _moment(value: JSON) -> datetime | None:
    """A date or time as an instant; one without an offset is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _fields(
    model: type[BaseModel], path: tuple[str, ...], labels: tuple[str, ...], definition: FacetDefinition[Any]
) -> Iterator[Field]:
    for name, info in model.model_fields.items():
        key = stored_key(name, info)
        if "." in key:
            continue
        label = definition.label(key) if not path else display.field_label(name, info)
        inner, words = (*path, key), (*labels, label)
        annotation = display.unwrapped(info.annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and len(inner) < _DEEPEST:
            yield Field(".".join(inner), " › ".join(words), "other")
            yield from _fields(annotation, inner, words, definition)
        else:
            kind, choices = _kind(annotation)
            yield Field(".".join(inner), " › ".join(words), kind, choices, unit_of(info))


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", tuple(_spelt(choice) for choice in get_args(annotation))
    if not isinstance(annotation, type):
        return "other", ()
    if issubclass(annotation, Enum):
        return "choice", tuple(_spelt(choice.value) for choice in annotation)
    if issubclass(annotation, bool):
        return "bool", ()
    if issubclass(annotation, (int, float, Decimal)):
        return "number", ()
    if issubclass(annotation, (datetime, date)):
        return "time", ()
    return ("text", ()) if issubclass(annotation, str) else ("other", ())


def _spelt(value: JSON) -> str:
    return value if isinstance(value, str) else display.scalar(value).text
