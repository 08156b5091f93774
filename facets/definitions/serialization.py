"""Models as the plain JSON that TypeScript services store, with all that the model does not know kept in its place."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from facets.core import InvalidRecord
from facets.core.json import JSON

# Beyond it, items of a list that was reordered are written anew rather than looked for among the old ones.
_MOST_COMPARISONS = 1_000_000


class WrittenAsNull:
    """Marks a field, `Annotated[int | None, WrittenAsNull()] = None`, that is stored as null while it is None.

    Without it a field whose default is None is left out, as JavaScript leaves out what is undefined.
    """


def to_stored(value: Any, before: JSON | None = None, pristine: Any = None) -> JSON:
    """A model, or what one holds, as plain JSON in the form that TypeScript services store.

    Decimals become numbers, times JavaScript's ISO strings. A field whose default is None is left out while it is
    None. What is equal in `pristine`, which was read from `before`, is written back just as it stands there, and
    keys keep the order that they have there.

    Raises:
        InvalidRecord: a Decimal has more digits than a JSON number keeps, or a value has no JSON form, as NaN has none.
    """
    if isinstance(value, BaseModel):
        return _model_to_stored(value, before, pristine)
    if isinstance(value, Mapping):
        return {str(_leaf(key)): to_stored(item, *_at(key, before, pristine)) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)
        return [
            to_stored(item, *was) for item, was in zip(items, _places(items, before, pristine), strict=True)
        ]
    return _leaf(value)


def keep_unknown(stored: JSON, model: Any, replaced: JSON) -> JSON:
    """A state made again from its events, with what only other services know carried over from the stored one.

    No rule of ours can make it again. In a list an item keeps it where nothing else of the item changed, since
    an item at the same place may be another one.
    """
    if isinstance(stored, list) and isinstance(replaced, list) and isinstance(model, (list, tuple)):
        return [
            keep_unknown(item, part, replaced[place])
            if place < len(replaced) and _knows_same(item, part, replaced[place])
            else item
            for place, (item, part) in enumerate(zip(stored, model, strict=True))
        ]
    if isinstance(model, Mapping) and isinstance(stored, dict) and isinstance(replaced, dict):
        parts = {str(_leaf(key)): part for key, part in model.items()}
        return {
            key: keep_unknown(item, parts.get(key), replaced[key]) if key in replaced else item
            for key, item in stored.items()
        }
    if not (isinstance(model, BaseModel) and isinstance(stored, dict) and isinstance(replaced, dict)):
        return stored
    known = _known(model)
    merged = {}
    for key, value in replaced.items():
        if key in stored:
            merged[key] = keep_unknown(stored[key], getattr(model, known.get(key, ""), None), value)
        elif key not in known:
            merged[key] = value
    return merged | {key: value for key, value in stored.items() if key not in merged}


def stored_key(name: str, field: Any) -> str:
    key: str = field.serialization_alias or field.alias or name
    return key


def _model_to_stored(model: BaseModel, before: JSON | None, pristine: Any) -> JSON:
    was = before if isinstance(before, dict) and type(pristine) is type(model) else {}
    # A model's own serializer may make anything of it.
    dumped: Any = model.model_dump(mode="python", by_alias=True)
    if not isinstance(dumped, dict):
        return to_stored(dumped)
    stored: dict[str, JSON] = {}
    for name, field in type(model).model_fields.items():
        key = stored_key(name, field)
        value = getattr(model, name)
        old = getattr(pristine, name, None) if was else None
        if was and _same(value, old):
            if key in was:
                stored[key] = was[key]
                continue
            if value is None:
                continue
        if key not in dumped or (value is None and field.default is None and not _as_null(field)):
            continue
        stored[key] = to_stored(value if _holds_models(value) else dumped[key], was.get(key), old)
    for key, value in (model.__pydantic_extra__ or {}).items():
        stored[key] = to_stored(value)
    in_place = {key: stored[key] for key in was if key in stored}
    return in_place | stored


def _holds_models(value: Any) -> bool:
    """What holds none is taken as pydantic dumped it, so that a field's own serializer has its say."""
    if isinstance(value, Mapping):
        return any(_holds_models(item) for item in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_holds_models(item) for item in value)
    return isinstance(value, BaseModel)


def _places(items: list[Any], before: JSON | None, pristine: Any) -> list[tuple[JSON | None, Any]]:
    """Where each item of a list stood before: an equal item first, else what stood at the same place and is gone."""
    if not (
        isinstance(before, list) and isinstance(pristine, (list, tuple)) and len(before) == len(pristine)
    ):
        return [(None, None)] * len(items)
    places: list[int | None] = [
        index if index < len(pristine) and _same(item, pristine[index]) else None
        for index, item in enumerate(items)
    ]
    free = [index for index in range(len(pristine)) if index >= len(items) or places[index] is None]
    if len(free) * len(items) <= _MOST_COMPARISONS:
        for index, item in enumerate(items):
            if places[index] is None:
                places[index] = next((place for place in free if _same(item, pristine[place])), None)
                if places[index] is not None:
                    free.remove(places[index])  # type: ignore[arg-type]  # mypy loses what the line before says
    gone = set(free)
    for index in range(len(items)):
        if places[index] is None and index in gone:
            places[index] = index
    return [(None, None) if place is None else (before[place], pristine[place]) for place in places]


def _at(key: Any, before: JSON | None, pristine: Any) -> tuple[JSON | None, Any]:
    """What stood at this place in a list or a mapping."""
    try:
        return before[key], pristine[key]  # type: ignore[index]  # no list or mapping: nothing stood there
    except (KeyError, IndexError, TypeError):
        return None, None


def _leaf(value: Any) -> JSON:
    match value:
        case enum.Enum():
            return _leaf(value.value)
        case Decimal():
            return _number(value)
        case datetime():
            try:
                text = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            except OverflowError as error:
                raise InvalidRecord(f"{value} is before year 1 or after 9999 in UTC.") from error
            precision = "microseconds" if value.microsecond % 1000 else "milliseconds"
            return text.isoformat(timespec=precision) + ("Z" if value.tzinfo else "")
        case date():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case float() if not isfinite(value):
            raise InvalidRecord(f"JSON has no {value}.")
        case None | bool() | int() | float() | str():
            return value
    try:
        return to_jsonable_python(value)
    except ValueError as error:
        raise InvalidRecord(f"JSON has no {type(value).__name__}.") from error


def _number(value: Decimal) -> int | float:
    # Beyond what a double holds; and a short text such as 1e999999999 stands for a number of a gigabyte.
    if value.is_finite() and value.adjusted() < 309:
        if value == value.to_integral_value():
            return int(value)
        if Decimal(repr(float(value))) == value:
            return float(value)
    raise InvalidRecord(f"{value} has more digits than a JSON number keeps.")


def _as_null(field: Any) -> bool:
    return any(isinstance(mark, WrittenAsNull) or mark is WrittenAsNull for mark in field.metadata)


def _known(model: BaseModel) -> dict[str, str]:
    """From the stored names of a model's fields to its own."""
    return {stored_key(name, field): name for name, field in type(model).model_fields.items()}


def _knows_same(stored: JSON, model: Any, replaced: JSON) -> bool:
    if not (isinstance(model, BaseModel) and isinstance(stored, dict) and isinstance(replaced, dict)):
        return False
    known = _known(model)
    return all(
        (key in stored) == (key in replaced) and _same(stored.get(key), replaced.get(key)) for key in known
    )


def _same(value: Any, other: Any) -> bool:
    """Equality, but for what Python takes for equal and JSON does not: true and 1."""
    if isinstance(value, BaseModel) and isinstance(other, BaseModel):
        return (
            type(value) is type(other)
            and _same(value.__dict__, other.__dict__)
            and _same(value.__pydantic_extra__ or {}, other.__pydantic_extra__ or {})
        )
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return value.keys() == other.keys() and all(_same(item, other[key]) for key, item in value.items())
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(map(_same, value, other))
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)
