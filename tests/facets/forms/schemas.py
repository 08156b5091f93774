"""Strategies: any model of the supported shapes, and values of it."""

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

from facets.core import json
from facets.core.json import JSON


class Colour(enum.Enum):
    RED = "red"
    DARK_BLUE = "dark blue"
    EMPTY = ""


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2**60


class Rate(enum.Enum):
    LOW = 0.5
    HIGH = 1.0


@dataclass(frozen=True)
class Kind:
    """An annotation, and JSON values that it allows, in the form in which they are stored."""

    annotation: Any
    values: st.SearchStrategy[JSON]
    default: Any = ...


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "",
        "\n",
        "\r\n",
        "\r",
        "\x00",
        " ",
        "a\n",
        "\na",
        "<script>\"&'",
        "\u2028",
        "\x85",
        "null",
        "1",
        "\ud7ff",
    ]
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.1 + 0.2, 1e21, 1e-7, -0.0, 2.0**53 + 2]
)
OFFSETS = st.sampled_from(
    [None, UTC, timezone(timedelta(hours=-11, minutes=-30)), timezone(timedelta(hours=14))]
)
MOMENTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=OFFSETS,
)


def _as_number(value: Decimal) -> JSON:
    return int(value) if value == value.to_integral_value() else float(value)


def _storable(value: Decimal) -> bool:
    return value == value.to_integral_value() or Decimal(repr(float(value))) == value


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20).filter(
    _storable
)

LEAVES = [
    Kind(str, TEXTS),
    Kind(Annotated[str, Field(max_length=300, json_schema_extra={"widget": "textarea"})], TEXTS),
    Kind(int, st.integers() | st.integers(min_value=2**53, max_value=10**40)),
    Kind(Annotated[int, Field(ge=0, multiple_of=3)], st.integers(0, 10**20).map(lambda number: number * 3)),
    Kind(float, FLOATS),
    Kind(Decimal, DECIMALS.map(_as_number)),
    Kind(bool, st.booleans()),
    Kind(date, st.dates().map(date.isoformat)),
    Kind(datetime, MOMENTS.map(datetime.isoformat)),
    Kind(time, st.times().map(time.isoformat)),
    Kind(UUID, st.uuids().map(str)),
    Kind(Colour, st.sampled_from([member.value for member in Colour])),
    Kind(Size, st.sampled_from([member.value for member in Size])),
    Kind(Rate, st.sampled_from([member.value for member in Rate])),
    Kind(Literal["a", 1, True, "1"], st.sampled_from(["a", 1, True, "1"])),
    Kind(Literal["only"], st.just("only")),
    Kind(Literal["x", None], st.sampled_from(["x", None])),
    Kind(
        Any,
        st.recursive(
            st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
            max_leaves=4,
        ),
    ),
]

NAMES = st.sampled_from(["name", "ownerFirst", "a_b", "ab", "é", "x1", "model", "rows", "on", "kind"])
ALIASES = st.none() | st.sampled_from(
    ["storedName", "a.b", "with space", "q\"<'", "0", "a~2e~b", ":as", "日本"]
)


@st.composite
def kinds(draw: st.DrawFn, depth: int = 3) -> Kind:
    """Any annotation nested to `depth`."""
    if depth == 0:
        return draw(st.sampled_from(LEAVES))
    what = draw(
        st.sampled_from(
            ["leaf"] * 4 + ["optional", "list", "tuple", "fixed", "dict", "model", "union", "tagged"]
        )
    )
    if what == "leaf":
        return draw(st.sampled_from(LEAVES))
    if what in ("model", "union", "tagged"):
        return draw({"model": models, "union": unions, "tagged": tagged_unions}[what](depth - 1))
    inner = draw(kinds(depth - 1))
    if what == "optional":
        return Kind(inner.annotation | None if inner.annotation is not Any else Any, inner.values | st.none())
    if what == "list":
        return Kind(list[inner.annotation], st.lists(inner.values, max_size=3))  # type: ignore[name-defined]
    if what == "tuple":
        return Kind(tuple[inner.annotation, ...], st.lists(inner.values, max_size=3))  # type: ignore[name-defined]
    if what == "dict":
        return Kind(dict[str, inner.annotation], st.dictionaries(TEXTS, inner.values, max_size=3))  # type: ignore[name-defined]
    other = draw(kinds(depth - 1))
    pair = st.tuples(inner.values, other.values).map(list)
    return Kind(tuple[inner.annotation, other.annotation], pair)  # type: ignore[name-defined]


@st.composite
def models(draw: st.DrawFn, depth: int = 3, tag: str | None = None, most: int = 4) -> Kind:
    names = draw(st.lists(NAMES, min_size=0 if tag or depth < 3 else 1, max_size=most, unique=True))
    fields: dict[str, Any] = {}
    required: dict[str, st.SearchStrategy[JSON]] = {}
    optional: dict[str, st.SearchStrategy[JSON]] = {}
    keys: set[str] = set()
    if tag is not None:
        fields["type"] = (Literal[tag], ...)
        required["type"] = st.just(tag)
    for name in names:
        alias = draw(ALIASES)
        key = alias or name
        if key in keys or key in NAMES_TAKEN:
            continue
        keys.add(key)
        kind = draw(kinds(depth))
        options: dict[str, Any] = {"alias": alias} if alias else {}
        options |= draw(
            st.sampled_from(
                [{}, {"title": "A <b>title</b>"}, {"description": 'It "helps"', "examples": ['e"g']}]
            )
        )
        how = draw(st.sampled_from(["required", "required", "none", "default"]))
        if how == "none":
            annotation = kind.annotation | None if kind.annotation is not Any else Any
            fields[name] = (annotation, Field(None, **options))
            optional[key] = kind.values | st.none()
        elif how == "default" and kind.annotation in (str, int, bool):
            fields[name] = (
                kind.annotation,
                Field({str: "x\ny", int: 7, bool: True}[kind.annotation], **options),
            )
            optional[key] = kind.values
        else:
            fields[name] = (kind.annotation, Field(..., **options))
            required[key] = kind.values
    model = create_model(
        draw(st.sampled_from(["Payment", "Item", "Thing"])),
        __config__=ConfigDict(extra="allow", protected_namespaces=()),
        **fields,
    )
    named = st.fixed_dictionaries(required, optional=optional)
    extra = st.just({}) | st.fixed_dictionaries({"zz extra": TEXTS | st.integers()})
    values = st.builds(lambda known, more: known | more, named, extra)
    return Kind(model, values)


# The tag of the tagged unions.
NAMES_TAKEN = ("type",)


@st.composite
def unions(draw: st.DrawFn, depth: int) -> Kind:
    members = draw(st.lists(kinds(max(depth - 1, 0)), min_size=2, max_size=3))
    members = [member for member in members if member.annotation is not Any]
    if len(members) < 2:
        return draw(st.sampled_from(LEAVES))
    annotation = members[0].annotation
    for member in members[1:]:
        annotation = annotation | member.annotation
    return Kind(annotation, st.one_of([member.values for member in members]))


@st.composite
def tagged_unions(draw: st.DrawFn, depth: int) -> Kind:
    one, other = draw(models(depth, tag="a", most=2)), draw(models(depth, tag="b", most=2))
    annotation = Annotated[one.annotation | other.annotation, Field(discriminator="type")]
    return Kind(annotation, one.values | other.values)


@st.composite
def schemas_and_values(draw: st.DrawFn) -> tuple[type[BaseModel], JSON]:
    kind = draw(models())
    return kind.annotation, draw(kind.values)


def same(one: JSON, other: JSON) -> bool:
    """Equal as stored JSON: true is not 1, and the order of keys is no difference."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        # A large float is written as an integer of the digits that JavaScript gives it.
        return json.dumps(one) == json.dumps(other)
    return bool(one == other)
