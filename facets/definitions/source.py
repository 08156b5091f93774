"""The JSON that a model was read from, kept with the model, so that it can be written back as it stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from facets.core.diff import ABSENT
from facets.core.json import JSON

_FIELDS_SET = "__pydantic_fields_set__"
_NUMBERS = frozenset({int, float, NoneType})
_TIMES = frozenset({datetime, date})
_LEAVES = _TIMES | {Decimal, int, float}
_set = object.__setattr__


class Source(set[str]):
    """The names of a model's fields that were set, with the JSON value that the model was read from.

    It stands where pydantic keeps those names, so that copies of the model have it too.
    """

    __slots__ = ("raw",)

    raw: JSON

    def __copy__(self) -> Source:
        copied = Source(self)
        copied.raw = self.raw
        return copied


class AsRead:
    """A value that JSON writes in another form than it was read from; `raw` is that form.

    What is computed with it is a plain value again.
    """

    raw: JSON


class _Decimal(AsRead, Decimal):
    pass


class _Int(AsRead, int):
    pass


class _Float(AsRead, float):
    pass


class _Datetime(AsRead, datetime):
    pass


class _Date(AsRead, date):
    pass


def raw_of(value: Any) -> JSON:
    """The JSON that a model or a value was read from; ABSENT where that is not known."""
    if isinstance(value, BaseModel):
        return getattr(value.model_fields_set, "raw", ABSENT)
    return getattr(value, "raw", ABSENT) if isinstance(value, AsRead) else ABSENT


def attach(value: Any, raw: JSON) -> None:
    """Keep with a model, and with each model in it, the JSON that it was read from."""
    if isinstance(value, BaseModel):
        if isinstance(value, RootModel):
            attach(value.root, raw)
            return
        if not isinstance(raw, dict):
            return
        source = Source(value.__pydantic_fields_set__)
        source.raw = raw
        _set(value, _FIELDS_SET, source)
        models, leaves, numbers = _fields(type(value))
        _keep_forms(value, raw, leaves, numbers)
        for name, keys in models:
            for key in keys:
                if key in raw:
                    attach(value.__dict__.get(name), raw[key])
                    break
    elif isinstance(value, (list, tuple)):
        if isinstance(raw, list) and len(raw) == len(value):
            for item, item_raw in zip(value, raw, strict=True):
                attach(item, item_raw)
    elif isinstance(value, Mapping) and isinstance(raw, dict) and len(raw) == len(value):
        for item, item_raw in zip(value.values(), raw.values(), strict=True):
            attach(item, item_raw)


def parts(value: Any, raw: JSON) -> Iterator[tuple[BaseModel, dict[str, JSON]]]:
    """A model and each model in it, with the JSON object that each was read from, as far as that is plain."""
    if isinstance(value, RootModel):
        yield from parts(value.root, raw)
    elif isinstance(value, BaseModel):
        if isinstance(raw, dict):
            yield value, raw
            for name, keys in _fields(type(value))[0]:
                for key in keys:
                    if key in raw:
                        yield from parts(value.__dict__.get(name), raw[key])
                        break
    elif isinstance(value, (list, tuple)):
        if isinstance(raw, list) and len(raw) == len(value):
            for item, item_raw in zip(value, raw, strict=True):
                yield from parts(item, item_raw)
    elif isinstance(value, Mapping) and isinstance(raw, dict) and len(raw) == len(value):
        for item, item_raw in zip(value.values(), raw.values(), strict=True):
            yield from parts(item, item_raw)


def reader(schema: type[BaseModel], state: type[BaseModel]) -> Callable[[JSON], Any]:
    """What makes an event's model of its payload, and keeps the payload with it where a state may take it over."""
    validate: Callable[[JSON], BaseModel] = schema.__pydantic_validator__.validate_python
    models, leaves, numbers = _fields(schema)

    def read(raw: JSON) -> BaseModel:
        model = validate(raw)
        attach(model, raw)
        return model

    def read_leaves(raw: JSON) -> BaseModel:
        model = validate(raw)
        _keep_forms(model, raw, leaves, numbers)
        return model

    if models or schema in models_in(state):
        return read
    return read_leaves if leaves else validate


def models_in(annotation: Any, seen: set[Any] | None = None) -> set[type[BaseModel]]:
    """Every model that a value of this annotation can hold."""
    seen = set() if seen is None else seen
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        for field in annotation.model_fields.values():
            models_in(field.annotation, seen)
    for argument in get_args(annotation):
        models_in(argument, seen)
    return seen


def stored_key(name: str, field: FieldInfo) -> str:
    """The key that a field is stored under."""
    key: str = field.serialization_alias or field.alias or name
    return key


@cache
def keys_of(model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """For each field of a model the keys that it may stand under in JSON, first the one that it is written under."""
    found = {}
    for name, field in model.__pydantic_fields__.items():
        alias = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
        found[name] = tuple(dict.fromkeys([stored_key(name, field), *([alias] if alias else []), name]))
    return found


_Fields: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]


@cache
def _fields(model: type[BaseModel]) -> tuple[_Fields, _Fields, tuple[str, ...] | None]:
    """The fields of a model that may hold models, and those that hold numbers or times, with their keys in JSON.

    Then the keys of the latter, where all of them are numbers.
    """
    annotations = {name: field.annotation for name, field in model.__pydantic_fields__.items()}
    keys = keys_of(model)
    models = tuple((name, keys[name]) for name, annotation in annotations.items() if models_in(annotation))
    leaves = tuple(
        (name, keys[name]) for name, annotation in annotations.items() if _atoms(annotation) & _LEAVES
    )
    are_numbers = not any(_atoms(annotations[name]) & _TIMES for name, _ in leaves)
    return models, leaves, tuple(key for _, names in leaves for key in names) if are_numbers else None


def _keep_forms(model: BaseModel, raw: JSON, leaves: _Fields, numbers: tuple[str, ...] | None) -> None:
    if numbers is not None:
        for key in numbers:
            # A number that was written as one has no form of its own.
            if type(raw.get(key)) not in _NUMBERS:
                break
        else:
            return
    values = model.__dict__
    for name, keys in leaves:
        for key in keys:
            if key in raw:
                values[name] = _as_read(values.get(name), raw[key])
                break


def _atoms(annotation: Any) -> set[Any]:
    arguments = get_args(annotation)
    return (
        set().union(*map(_atoms, arguments))
        if arguments
        else ({annotation} if isinstance(annotation, type) else set())
    )


def _as_read(value: Any, raw: JSON) -> Any:
    """The value, with the form that it was read from where writing it would give another."""
    kind = type(value)
    if kind in (int, float):
        return _of(_Int(value) if kind is int else _Float(value), raw) if isinstance(raw, str) else value
    if kind is list:
        if isinstance(raw, list) and len(raw) == len(value):
            value[:] = [_as_read(item, item_raw) for item, item_raw in zip(value, raw, strict=True)]
        return value
    if kind is dict:
        if isinstance(raw, dict) and len(raw) == len(value):
            value.update(
                {key: _as_read(value[key], item) for key, item in zip(value, raw.values(), strict=True)}
            )
        return value
    if not isinstance(raw, (str, int, float)):
        return value
    if kind is Decimal:
        return value if type(raw) in (int, float) else _of(_Decimal(value), raw)
    if kind is datetime:
        return _of(
            _Datetime(
                value.year,
                value.month,
                value.day,
                value.hour,
                value.minute,
                value.second,
                value.microsecond,
                value.tzinfo,
                fold=value.fold,
            ),
            raw,
        )
    if kind is date:
        return _of(_Date(value.year, value.month, value.day), raw)
    return value


def _of(value: Any, raw: JSON) -> Any:
    value.raw = raw
    return value
