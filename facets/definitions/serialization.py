"""Models as the plain JSON that TypeScript services store. What no rule changed is written as it was read."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from math import isfinite
from types import NoneType
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic_core import to_jsonable_python

from facets.core import InvalidRecord
from facets.core.diff import ABSENT
from facets.core.json import JSON
from facets.definitions.source import attach, keys_of, parts, raw_of, stored_key

__all__ = [
    "WrittenAsNull",
    "has_serializer",
    "initial_of",
    "same_value",
    "stored_key",
    "to_stored",
    "validated",
]

# Beyond it, items of a list that was reordered are written anew rather than looked for among the old ones.
_MAX_COMPARISONS = 1_000_000

_SCALARS = frozenset({str, int, float, bool, NoneType})


class WrittenAsNull:
    """Marks a field, `Annotated[int | None, WrittenAsNull()] = None`, that is stored as null while it is None.

    Without it a field whose default is None is left out, as JavaScript leaves out what is undefined.
    """


def to_stored(value: Any, before: JSON = ABSENT) -> JSON:
    """A model, or what one holds, as plain JSON in the form that TypeScript services store.

    Decimals become numbers, times JavaScript's ISO strings. A model that was read from JSON (see `attach`) keeps that
    JSON but for what was changed since: nulls, forms of values and the order of keys are as they were, and a field that
    was not there is written only if it was set. A model that a rule made has all its fields; those whose default is
    None are left out while they are None.

    Args:
        before: what the value takes the place of; a model that a rule made in the place of another follows its form.

    Raises:
        InvalidRecord: a Decimal has more digits than a JSON number keeps, or a value has no JSON form, as NaN has none.
    """
    writer = _Writer()
    pristine = writer.validated(type(value), before) if _is_made(value) else None
    return writer.write(value, before, pristine)


def initial_of(model: type[BaseModel]) -> BaseModel:
    """The state before the first event: the model's defaults, as if they had been stored."""
    state = model()
    attach(state, to_stored(state))
    return state


def validated(model: type[BaseModel], raw: JSON) -> BaseModel | None:
    """The model that this JSON makes; None if it makes none."""
    try:
        made: BaseModel = model.__pydantic_validator__.validate_python(raw)
    except Exception:  # noqa: BLE001 - a validator is somebody else's code
        return None
    return made


def same_value(value: Any, other: Any, *, fields_set: bool = False) -> bool:
    """Equality, but for what Python takes for equal and JSON does not: true and 1.

    Args:
        fields_set: models are the same only if the same of their fields were set.
    """
    kind = type(value)
    if kind in _SCALARS or (kind is not dict and not isinstance(value, (BaseModel, list, tuple, Mapping))):
        return (kind is bool) == (type(other) is bool) and bool(value == other)
    if isinstance(value, BaseModel):
        return (
            kind is type(other)
            and not (fields_set and value.__pydantic_fields_set__ != other.__pydantic_fields_set__)
            and same_value(value.__dict__, other.__dict__, fields_set=fields_set)
            and same_value(
                value.__pydantic_extra__ or {}, other.__pydantic_extra__ or {}, fields_set=fields_set
            )
        )
    if isinstance(value, (list, tuple)):
        if not isinstance(other, (list, tuple)) or len(value) != len(other):
            return False
        pairs: Iterable[tuple[Any, Any]] = zip(value, other, strict=True)
    else:
        if not isinstance(other, Mapping) or value.keys() != other.keys():
            return False
        pairs = [(item, other[key]) for key, item in value.items()]
    return all(same_value(item, other_item, fields_set=fields_set) for item, other_item in pairs)


@cache
def has_serializer(model: type[BaseModel]) -> bool:
    """Whether a model's own serializer makes it into something else than its fields."""
    return bool(model.__pydantic_decorators__.model_serializers)


class _Writer:
    """Writes one value. What models were read as, before anything was changed in them, is found out once."""

    def __init__(self) -> None:
        self._validated: list[tuple[BaseModel, JSON]] = []
        # By the id of the JSON that they were read from, which lives as long as the models that are written.
        self._pristine: dict[int, BaseModel] = {}

    def validated(self, model: type[BaseModel], raw: JSON) -> BaseModel | None:
        while (known := self._pristine.get(id(raw))) is None and self._validated:
            self._pristine.update((id(part_raw), part) for part, part_raw in parts(*self._validated.pop()))
        if type(known) is model:
            return known
        made = validated(model, raw)
        if made is not None:
            self._validated.append((made, raw))
        return made

    def write(self, value: Any, raw: JSON = ABSENT, pristine: Any = None) -> JSON:
        """Write a value that stands where `raw` stood, which was read as `pristine`."""
        if isinstance(value, RootModel):
            return self.write(value.root, raw, pristine.root if isinstance(pristine, RootModel) else None)
        if isinstance(value, BaseModel):
            return self._model(value, raw, pristine)
        if raw is not ABSENT and pristine is not None and same_value(value, pristine, fields_set=True):
            return raw
        if isinstance(value, Mapping):
            texts = {key: str(_leaf(key)) for key in value}
            return {
                texts[key]: self.write(item, *_at(texts[key], key, raw, pristine))
                for key, item in value.items()
            }
        if isinstance(value, (set, frozenset)):
            return sorted((self.write(item) for item in value), key=repr)
        if isinstance(value, (list, tuple)):
            return [
                self.write(item, *place)
                for item, place in zip(value, _places(value, raw, pristine), strict=True)
            ]
        return _leaf(value)

    def _model(self, model: BaseModel, raw: JSON, pristine: Any) -> JSON:
        kind = type(model)
        source = raw_of(model)
        if isinstance(source, dict):
            raw, pristine = source, self.validated(kind, source)
        if not (isinstance(raw, dict) and type(pristine) is kind):
            # A rule made it, and nothing that is known stood in its place.
            raw, pristine = {}, None
        all_dumped: Any = model.model_dump(mode="python", by_alias=True) if has_serializer(kind) else None
        if not (all_dumped is None or isinstance(all_dumped, dict)):
            return self.write(all_dumped)
        stored: dict[str, JSON] = {}
        changed: dict[str, tuple[str, Any, JSON, Any]] = {}
        for name, keys in keys_of(kind).items():
            value, old = getattr(model, name), getattr(pristine, name, None)
            key = keys[0] if keys[0] in raw else next((key for key in keys[1:] if key in raw), keys[0])
            if pristine is not None and _is_untouched(model, name, key, value, old, raw):
                if key in raw:
                    stored[key] = raw[key]
                continue
            field = kind.__pydantic_fields__[name]
            if field.exclude or (value is None and field.default is None and not _as_null(field)):
                continue
            changed[name] = key, value, raw.get(key, ABSENT), old
        # As pydantic dumps them, so that a field's own serializer has its say.
        plain = {name for name, (_, value, _, _) in changed.items() if not _holds_models(value)}
        dumped = all_dumped or (
            model.model_dump(mode="python", by_alias=True, include=plain) if plain else {}
        )
        for name, (key, value, old_raw, old) in changed.items():
            if name not in plain:
                stored[key] = self.write(value, old_raw, old)
            elif keys_of(kind)[name][0] in dumped:
                stored[key] = self.write(dumped[keys_of(kind)[name][0]], old_raw, old)
        old_extra = getattr(pristine, "__pydantic_extra__", None) or {}
        for key, value in (model.__pydantic_extra__ or {}).items():
            stored[key] = self.write(value, *_at(key, key, raw, old_extra))
        in_place = {key: stored[key] for key in raw if key in stored}
        return in_place | stored


def _is_made(value: Any) -> bool:
    """Whether a rule made this model, rather than change one that was read."""
    return isinstance(value, BaseModel) and raw_of(value) is ABSENT


def _is_untouched(model: BaseModel, name: str, key: str, value: Any, old: Any, raw: dict[str, JSON]) -> bool:
    if key in raw:
        return same_value(value, old, fields_set=True)
    if name in model.model_fields_set:
        return False
    # A default that only a look at it could have changed is as it was, even where each has its own.
    return not isinstance(value, (BaseModel, Mapping, list, set)) or same_value(value, old, fields_set=True)


def _holds_models(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_models(item) for item in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_holds_models(item) for item in value)
    return isinstance(value, BaseModel)


def _places(items: Any, raw: JSON, pristine: Any) -> list[tuple[JSON, Any]]:
    """Where each item of a list stood before: an equal item first, else what stood at the same place and is gone.

    A model that was read from JSON needs no place; it takes the one that it came from.
    """
    if not (isinstance(raw, list) and isinstance(pristine, (list, tuple)) and len(raw) == len(pristine)):
        return [(ABSENT, None)] * len(items)
    origins = {id(item): place for place, item in enumerate(raw) if isinstance(item, dict)}
    places: list[int | None] = [origins.get(id(raw_of(item))) for item in items]
    taken = {place for place in places if place is not None}
    todo = [
        index for index, item in enumerate(items) if raw_of(item) is ABSENT or not isinstance(item, BaseModel)
    ]
    for index in todo:
        if index < len(pristine) and index not in taken and same_value(items[index], pristine[index]):
            places[index] = index
            taken.add(index)
    free = [place for place in range(len(pristine)) if place not in taken]
    missing = [index for index in todo if places[index] is None]
    if len(free) * len(missing) <= _MAX_COMPARISONS:
        for index in missing:
            places[index] = next((place for place in free if same_value(items[index], pristine[place])), None)
            if places[index] is not None:
                free.remove(places[index])  # type: ignore[arg-type]  # mypy loses what the line before says
    gone = set(free)
    for index in missing:
        if places[index] is None and index in gone:
            places[index] = index
    return [(ABSENT, None) if place is None else (raw[place], pristine[place]) for place in places]


def _at(text: str, key: Any, raw: JSON, pristine: Any) -> tuple[JSON, Any]:
    """What stood at this key of a mapping, which is a text in JSON."""
    try:
        return raw[text], pristine[key]
    except (KeyError, IndexError, TypeError):
        return ABSENT, None


def _leaf(value: Any) -> JSON:
    raw = raw_of(value)
    if raw is not ABSENT:
        return raw
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
