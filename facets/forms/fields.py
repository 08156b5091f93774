"""What a schema's types ask of a form: each annotation as a shape. Nothing here knows a request or a value."""

import enum
import types
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    FutureDate,
    FutureDatetime,
    JsonValue,
    NaiveDatetime,
    PastDate,
    PastDatetime,
    RootModel,
    TypeAdapter,
)
from pydantic import Field as SchemaField
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from facets.core import InvalidRecord, json
from facets.definitions.definition import humanize, unit_of
from facets.definitions.serialization import WrittenAsNull, to_stored
from facets.forms import scalars
from facets.forms.html_constraints import Limits, limits_of, text_attributes
from facets.forms.scalars import Choice, Option, Scalar, fits_a_box

JSON = Any

# No value, which is not null.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT", "__bool__": lambda self: False})()

# A longer text is written on several lines.
LONG_TEXT = 200  # characters


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What one value of a schema asks of a form.

    Attributes:
        nullable: None is allowed.
        leaves_out: a None is not stored, as that of a field whose default is None.
        required: the schema has no default for it.
        default: makes the value, as JSON, of a field that nobody has touched; ABSENT where the schema has none.
    """

    label: str = ""
    help: str = ""
    unit: str = ""
    placeholder: str = ""
    nullable: bool = False
    leaves_out: bool = False
    required: bool = True
    default: Callable[[], JSON] = lambda: ABSENT


@dataclass(frozen=True, kw_only=True)
class One(Shape):
    """A single value in a box."""

    scalar: Scalar
    long: bool = False


@dataclass(frozen=True, kw_only=True)
class Flag(Shape):
    """True or false."""


@dataclass(frozen=True, kw_only=True)
class Constant(Shape):
    """The only value there is."""

    value: JSON
    member: Any


@dataclass(frozen=True, kw_only=True)
class Free(Shape):
    """Whatever the form has no better box for: JSON."""


@dataclass(frozen=True)
class Field:
    """A field of a model. `key` is its name where it is stored, `names` all names by which pydantic calls it."""

    key: str
    names: frozenset[str]
    shape: Shape


@dataclass(frozen=True, kw_only=True)
class Group(Shape):
    """A model."""

    model: type[BaseModel]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        # Not before it is asked for: a model may hold itself.
        return tuple(_field(name, info) for name, info in self.model.model_fields.items())


@dataclass(frozen=True, kw_only=True)
class Rows(Shape):
    """A list, a set or a tuple. `fixed` are the annotations of a tuple whose length is given."""

    annotation: Any = None
    fixed: tuple[Any, ...] | None = None
    least: int = 0

    @cached_property
    def item(self) -> Shape:
        return _with_unit(shape_of(self.annotation), self.unit)

    @cached_property
    def items(self) -> tuple[Shape, ...] | None:
        if self.fixed is None:
            return None
        return tuple(_with_unit(shape_of(annotation), self.unit) for annotation in self.fixed)


@dataclass(frozen=True, kw_only=True)
class Entries(Shape):
    """A mapping."""

    annotation: Any

    @cached_property
    def item(self) -> Shape:
        return shape_of(self.annotation)


@dataclass(frozen=True, kw_only=True)
class OneOf(Shape):
    """A union. `tagged`: a discriminator tells its variants apart."""

    annotation: Any
    members: tuple[Any, ...]
    tagged: bool = False

    @cached_property
    def variants(self) -> tuple[Shape, ...]:
        shapes = [shape_of(member) for member in self.members]
        labels = [shape.label or _kind(shape) for shape in shapes]
        return tuple(
            replace(
                _with_unit(shape, self.unit),
                label=label if labels.count(label) == 1 else f"{label} ({number})",
            )
            for number, (shape, label) in enumerate(zip(shapes, labels, strict=True), 1)
        )

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.annotation)

    @cached_property
    def adapters(self) -> tuple[TypeAdapter[Any], ...]:
        return tuple(TypeAdapter(member) for member in self.members)


def shape_of_model(model: type[BaseModel]) -> Group:
    """The shape of a schema.

    Source: the annotations and pydantic's FieldInfo, not the JSON Schema, where a Decimal is an `anyOf`.
    """
    return Group(model=model, label=_model_title(model))


def shape_of(annotation: Any, info: FieldInfo | None = None, label: str = "") -> Shape:
    """The shape of an annotation; `info` is what pydantic knows of the field that has it."""
    metadata: list[Any] = list(info.metadata) if info else []
    tag = info.discriminator if info else None
    whole = Annotated[annotation, *metadata] if metadata else annotation
    if tag is not None:
        whole = Annotated[whole, SchemaField(discriminator=tag)]
    kind, marks, nullable = _unwrapped(annotation)
    metadata += marks
    shape = _shape_of_kind(kind, metadata, whole, limits_of(metadata), tagged=tag is not None)
    shape = replace(shape, nullable=nullable or shape.nullable, label=label or shape.label)
    if info is not None:
        shape = _of_field(shape, info, metadata)
    if shape.nullable and isinstance(shape, (Flag, Constant)):
        values = [True, False] if isinstance(shape, Flag) else [shape.member]
        common = {name: getattr(shape, name) for name in Shape.__dataclass_fields__}
        return One(scalar=Choice(options=_options(values) or ()), **common)
    return shape


def _field(name: str, info: FieldInfo) -> Field:
    key = info.serialization_alias or info.alias or name
    names = {key, name, *([info.alias] if info.alias else [])}
    if isinstance(info.validation_alias, str):
        names.add(info.validation_alias)
    return Field(key, frozenset(names), shape_of(info.annotation, info, info.title or humanize(key)))


def _of_field(shape: Shape, info: FieldInfo, metadata: list[Any]) -> Shape:
    as_null = any(isinstance(mark, WrittenAsNull) or mark is WrittenAsNull for mark in metadata)
    example = info.examples[0] if info.examples else None
    extra = info.json_schema_extra
    if isinstance(shape, One) and isinstance(extra, dict) and extra.get("widget") == "textarea":
        shape = replace(shape, long=True)
    shape = _with_unit(shape, unit_of(info))
    return replace(
        shape,
        help=info.description or "",
        placeholder=example if isinstance(example, str) else "" if example is None else _text(example),
        required=info.is_required(),
        leaves_out=not info.is_required() and info.default is None and not as_null,
        default=_default_of(info),
    )


def _with_unit(shape: Shape, unit: str) -> Shape:
    """The shape of what is counted in a unit."""
    if isinstance(shape, One) and isinstance(shape.scalar, scalars.Number):
        shape = replace(shape, scalar=replace(shape.scalar, unit=unit))
    return replace(shape, unit=unit)


def _default_of(info: FieldInfo) -> Callable[[], JSON]:
    def default() -> JSON:
        if info.is_required():
            return ABSENT
        try:
            return to_stored(info.get_default(call_default_factory=True, validated_data={}))
        except Exception:  # noqa: BLE001 - the factory is somebody's code; what it makes, the schema makes again
            return ABSENT

    return default


def _unwrapped(annotation: Any) -> tuple[Any, list[Any], bool]:
    """The type that an annotation is about, the marks on it, and whether None is allowed beside it."""
    marks: list[Any] = []
    nullable = False
    while True:
        origin = get_origin(annotation)
        arguments = get_args(annotation)
        if annotation is JsonValue:
            return annotation, marks, nullable
        if isinstance(annotation, TypeAliasType) or type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif origin is Annotated:
            annotation = arguments[0]
            marks += arguments[1:]
        elif origin in (Union, types.UnionType) and type(None) in arguments:
            rest = tuple(argument for argument in arguments if argument is not type(None))
            nullable = True
            annotation = Union[rest]  # noqa: UP007 - of as many as there are
        elif origin is Literal and None in arguments and len(arguments) > 1:
            nullable = True
            annotation = Literal[tuple(argument for argument in arguments if argument is not None)]
        else:
            return annotation, marks, nullable


def _shape_of_kind(kind: Any, metadata: list[Any], whole: Any, limits: Limits, *, tagged: bool) -> Shape:
    origin = get_origin(kind) or kind
    arguments = get_args(kind)
    if origin in (Union, types.UnionType):
        tagged = tagged or any(hasattr(mark, "discriminator") and mark.discriminator for mark in metadata)
        return OneOf(annotation=whole, members=arguments, tagged=tagged)
    if origin is Literal:
        return _choice(list(arguments))
    if not isinstance(origin, type):
        return Free()
    if issubclass(origin, enum.Enum):
        return _choice(list(origin))
    if issubclass(origin, BaseModel):
        return Free() if issubclass(origin, RootModel) else Group(model=origin, label=_model_title(origin))
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return Rows(fixed=() if arguments == ((),) else arguments)
    if origin in _ROWS:
        return Rows(annotation=arguments[0] if arguments else Any, least=int(limits.min_length or 0))
    if origin in _ENTRIES:
        return Entries(annotation=arguments[1] if arguments else Any)
    if origin is bool:
        return Flag()
    return _one(origin, limits)


_ROWS = (list, tuple, set, frozenset, Sequence, MutableSequence)
_ENTRIES = (dict, Mapping, MutableMapping)

_SCALARS: dict[Any, Scalar] = {
    int: scalars.Integer(),
    float: scalars.Float(),
    Decimal: scalars.DecimalNumber(),
    **dict.fromkeys((date, PastDate, FutureDate), scalars.Day()),
    **dict.fromkeys((datetime, AwareDatetime, PastDatetime, FutureDatetime), scalars.Moment()),
    NaiveDatetime: scalars.Moment(naive=True),
    time: scalars.Clock(),
    UUID: scalars.Identifier(),
}


def _one(kind: Any, limits: Limits) -> Shape:
    if kind is str:
        long = limits.max_length is not None and limits.max_length > LONG_TEXT
        return One(scalar=scalars.Text(attributes=text_attributes(limits)), long=long)
    if kind in _SCALARS:
        return One(scalar=_SCALARS[kind])
    return One(scalar=Scalar()) if _is_written_as_text(kind) else Free()


def _is_written_as_text(kind: Any) -> bool:
    """Whether a type that we do not know, such as an IP address or a URL, is text in JSON."""
    try:
        return bool(TypeAdapter(kind).json_schema().get("type") == "string")
    except Exception:  # noqa: BLE001 - a type may refuse in its own way, and JSON is always there
        return False


def _choice(members: list[Any]) -> Shape:
    options = _options(members)
    if options is None:
        return Free()
    if len(options) == 1:
        return Constant(value=options[0].value, member=options[0].member)
    return One(scalar=Choice(options=options))


def _options(members: list[Any]) -> tuple[Option, ...] | None:
    """The members of an enum or a Literal; None where one is stored as something else than a single value."""
    found: list[Option] = []
    try:
        values = [to_stored(member) for member in members]
        texts = [json.dumps(value) for value in values]
    except InvalidRecord:
        return None
    if not members or any(isinstance(value, (dict, list)) or value is None for value in values):
        return None
    plain = all(isinstance(value, str) and value and fits_a_box(value) for value in values)
    for member, value, text in zip(members, values, texts, strict=True):
        label = value if isinstance(value, str) and value and fits_a_box(value) else text
        if isinstance(value, bool):
            label = "Yes" if value else "No"
        elif isinstance(member, enum.Enum) and not isinstance(value, str):
            label = f"{humanize(member.name)} ({text})"
        found.append(Option(value if plain else text, label, value, member))
    return tuple(found)


def _model_title(model: type[BaseModel]) -> str:
    return model.model_config.get("title") or humanize(model.__name__)


_KINDS: dict[type[Scalar], str] = {
    scalars.Text: "Text",
    scalars.Integer: "Whole number",
    scalars.Float: "Number",
    scalars.DecimalNumber: "Decimal number",
    scalars.Day: "Date",
    scalars.Moment: "Date and time",
    scalars.Clock: "Time",
    scalars.Identifier: "UUID",
    Choice: "Choice",
}


def _kind(shape: Shape) -> str:
    """What staff call a variant that has no name of its own."""
    match shape:
        case One():
            return _KINDS.get(type(shape.scalar), "Text")
        case Flag():
            return "Yes or no"
        case Constant():
            return _text(shape.value)
        case Rows(fixed=None):
            return f"List of {(shape.item.label or _kind(shape.item)).lower()}"
        case Rows():
            return "List"
        case Entries():
            return f"Entries of {(shape.item.label or _kind(shape.item)).lower()}"
        case OneOf():
            return "One of several"
    return "JSON"


def _text(value: Any) -> str:
    try:
        stored = to_stored(value)
        return stored if isinstance(stored, str) else json.dumps(stored)
    except InvalidRecord:
        return ""
