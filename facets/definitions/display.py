"""JSON values as people read them: labelled rows for a page, indented text, unusual characters made visible. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from math import isfinite
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from facets.core import InvalidRecord, json
from facets.core.diff import ABSENT, Change
from facets.definitions.definition import humanize, unit_of, with_unit
from facets.definitions.masking import BULLETS, MASKED, mask, mask_changes
from facets.definitions.serialization import stored_key

JSON = Any
Kind = Literal[
    "text", "number", "bool", "time", "choice", "null", "absent", "empty", "raw", "masked", "count"
]

MAX_ROWS = 300
MAX_DEPTH = 6
MAX_TEXT = 4_000  # characters
MAX_RAW = 50_000  # characters
MAX_TABLE_COLUMNS = 8
MAX_INDENT = 80  # characters; deeper values stand on one line

# A text longer than this is folded.
LONG_TEXT = 300  # characters

# Beyond it JavaScript's numbers have gaps, so that a TypeScript reader rounds the number.
MAX_SAFE_INTEGER = 2**53 - 1

BEYOND = "beyond what a number holds"

# What a reader would not see, or what would change how its neighbours read: controls other than tab and newline,
# surrogates without a partner (which no page can be encoded with), marks that turn the direction of text.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Value:
    """One scalar.

    Attributes:
        text: hostile text made visible.
        note: what a reader should know about it.
        digits: of a number that `text` writes in groups, what is stored; that is what a copy gives.
    """

    kind: Kind
    text: str
    note: str = ""
    digits: str = ""

    @property
    def long(self) -> bool:
        return self.kind == "text" and len(self.text) > LONG_TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """A list of flat objects, such as an order's items; of each column its label, and whether all are numbers."""

    columns: list[tuple[str, bool]]
    rows: list[list[Value]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a value. A group's own rows follow it, one `depth` further in.

    Attributes:
        key: the name as it is stored; `label` is what staff call it.
        value: None for a group and for a table.
        extra: the schema does not name this field.
        changed: the event that is looked at changed it; see facets.definitions.highlight.
        unit: what a number counts, as the schema's field says in `json_schema_extra={"unit": "EUR"}`.
        about: the description of the schema's field.
    """

    depth: int
    key: str
    label: str
    value: Value | None = None
    table: Table | None = None
    extra: bool = False
    changed: bool = False
    unit: str = ""
    about: str = ""

    @property
    def wide(self) -> bool:
        return self.table is not None or (self.value is not None and self.value.kind == "raw")


def visible(text: str) -> str:
    """Text in which every character can be seen: U+202E reads ⟨U+202E⟩."""
    return _UNSEEN.sub(lambda found: _name(found[0]), text)


def rows(value: JSON, schema: type[BaseModel] | None = None, *, most: int = MAX_ROWS) -> list[Row]:
    """A value as labelled rows, in the schema's order, then in the value's own.

    A field that the schema names and the value lacks is shown as absent, which is not null. What is too deep is
    one row of JSON; after `most` rows one last row says how many are left.
    """
    found = list(_rows(value, schema, 0))
    if len(found) > most:
        left = len(found) - most
        found[most:] = [Row(0, "", "…", Value("empty", f"{left:,} more lines, see the JSON"))]
    return found


def scalar(value: JSON, annotation: Any = None) -> Value:
    """One value on one line; an object or a list as JSON. Never raises: 1e400, which JSON allows, is Infinity."""
    if value is ABSENT:
        return Value("absent", "not set")
    if value is MASKED:
        return Value("masked", BULLETS)
    if value is None:
        return Value("null", "null")
    if isinstance(value, (str, int)) and (choice := _choice(value, annotation)):
        return Value("choice", choice)
    if isinstance(value, bool):
        return Value("bool", "true" if value else "false")
    if isinstance(value, float) and not isfinite(value):
        return Value("number", _number(value), BEYOND)
    if isinstance(value, (int, float)):
        unsafe = isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER
        return Value("number", _number(value), "TypeScript readers round this number" if unsafe else "")
    if isinstance(value, str):
        if not value:
            return Value("empty", "empty text")
        if unwrapped(annotation) in (datetime, date) and (moment := _moment(value)):
            return Value("time", moment)
        if len(value) > MAX_TEXT:
            return Value(
                "text",
                visible(value[:MAX_TEXT]) + "…",
                f"{len(value) - MAX_TEXT:,} more characters, see the JSON",
            )
        return Value("text", visible(value))
    if not value:
        return Value("empty", "empty list" if isinstance(value, list) else "empty object")
    return Value("raw", _shortened(visible(indented(value))))


def brief(value: JSON) -> Value:
    """One value for a crowded line: of an object or a long list only how much it holds."""
    if isinstance(value, list) and value:
        return Value("text", _joined(value)) if _is_short_list(value) else _count(len(value), "item")
    return _count(len(value), "field") if isinstance(value, Mapping) and value else scalar(value)


def changes(
    found: Iterable[Change],
    label: Any = humanize,
    *,
    sensitive: Sequence[str],
    show: Callable[[JSON], Value] = scalar,
    heading: Callable[[str], str] | None = None,
) -> list[dict[str, Any]]:
    """Differences for a template: `path` as words, `kind`, and `old` and `new` as Values, sensitive ones masked.

    `heading` gives the words for a field at the top, where they are to be others than `label`'s.
    """
    heading = heading or label

    def named(change: Change) -> str:
        match change.path:
            case (str(field),):
                words = heading(field)
            case path:
                words = " › ".join(label(part) if isinstance(part, str) else f"#{part + 1}" for part in path)
        return visible(words) or "The whole value"

    return [
        {
            "path": named(change),
            "kind": change.kind,
            "old": show(change.old),
            "new": show(change.new),
        }
        for change in mask_changes(found, sensitive)
    ]


def indented(value: JSON) -> str:
    """JSON text with one line for each field. Never raises: what JSON cannot hold is written for people to see."""
    return _indented(value, "\n", compact)


def compact(value: JSON) -> str:
    """JSON text on one line, of any depth; an infinity is written as Infinity."""
    try:
        return json.dumps(value)
    except InvalidRecord:
        pass
    parts: list[str] = []
    # A stack of its own, of values and of texts that are written already: stored JSON may be nested deeper than
    # Python may call.
    todo: list[tuple[bool, JSON]] = [(False, value)]
    while todo:
        is_written, item = todo.pop()
        if is_written:
            parts.append(item)
        elif isinstance(item, (Mapping, list)):
            is_object = isinstance(item, Mapping)
            parts.append("{" if is_object else "[")
            steps: list[tuple[bool, JSON]] = []
            for place, inner in enumerate(item.items() if isinstance(item, Mapping) else item):
                comma = "," if place else ""
                steps += (
                    [(True, f"{comma}{json.dumps(inner[0])}:"), (False, inner[1])]
                    if is_object
                    else [(True, comma), (False, inner)]
                )
            todo.append((True, "}" if is_object else "]"))
            todo.extend(reversed(steps))
        else:
            parts.append(_number(item) if isinstance(item, (int, float)) else json.dumps(item))
    return "".join(parts)


def indented_text(text: str, sensitive: Sequence[str], most: int | None = MAX_RAW) -> str:
    """Stored JSON text, indented and made visible, sensitive values masked; cut after `most` characters.

    As it is where it is not JSON, is nested too deeply, or has a number that Python cannot hold, such as 1e400; but
    masked whole where it is not JSON and something is sensitive.
    """
    if sensitive:
        try:
            return _shortened(visible(indented(mask(json.loads(text), sensitive))), most)
        except InvalidRecord:
            return BULLETS
    with suppress(InvalidRecord):
        text = _indented(json.loads(text), "\n", json.dumps)
    return _shortened(visible(text), most)


def field_label(name: str, field: FieldInfo) -> str:
    return field.title or humanize(stored_key(name, field))


def _rows(value: JSON, annotation: Any, depth: int) -> Iterable[Row]:
    if isinstance(value, Mapping):
        schema = _model(annotation)
        fields = (
            {stored_key(name, field): (name, field) for name, field in schema.model_fields.items()}
            if schema
            else {}
        )
        for key, (name, field) in fields.items():
            label, found = field_label(name, field), value.get(key, ABSENT)
            yield from _field(key, label, found, field.annotation, depth, field=field)
        for key in value:
            if key not in fields:
                yield from _field(
                    key,
                    humanize(key) if schema else key,
                    value[key],
                    _entry_annotation(annotation),
                    depth,
                    extra=bool(schema),
                )
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _field("", f"#{place + 1}", item, _item_annotation(annotation), depth)
    else:
        yield Row(depth, "", "Value", scalar(value, annotation))


def _field(
    key: str,
    label: str,
    value: JSON,
    annotation: Any,
    depth: int,
    *,
    extra: bool = False,
    field: FieldInfo | None = None,
) -> Iterable[Row]:
    key, label = visible(key), visible(label)
    if not isinstance(value, (Mapping, list)) or not value or depth >= MAX_DEPTH:
        shown = scalar(value, annotation)
        unit = visible(unit_of(field)) if shown.kind == "number" else ""
        yield Row(depth, key, label, shown, extra=extra, unit=unit, about=_about(field))
    elif isinstance(value, list) and (table := _table(value, _item_annotation(annotation))):
        yield Row(depth, key, label, table=table, extra=extra)
    elif isinstance(value, list) and _is_short_list(value):
        yield Row(depth, key, label, Value("text", _joined(value)), extra=extra)
    else:
        yield Row(depth, key, label, extra=extra)
        yield from _rows(value, annotation, depth + 1)


def _table(items: list[JSON], annotation: Any) -> Table | None:
    """A list of objects as a table, if they are flat and few columns hold them all."""
    if not all(isinstance(item, Mapping) and item for item in items) or len(items) > MAX_ROWS:
        return None
    schema = _model(annotation)
    fields = (
        {stored_key(name, field): (name, field) for name, field in schema.model_fields.items()}
        if schema
        else {}
    )
    keys = list(dict.fromkeys([*fields, *(key for item in items for key in item)]))
    if len(keys) > MAX_TABLE_COLUMNS:
        return None
    if any(isinstance(cell, (Mapping, list)) and cell for item in items for cell in item.values()):
        return None
    labels = [_heading(*fields[key]) if key in fields else visible(humanize(key)) for key in keys]
    annotations = [fields[key][1].annotation if key in fields else None for key in keys]
    cells = [
        [scalar(item.get(key, ABSENT), annotation) for key, annotation in zip(keys, annotations, strict=True)]
        for item in items
    ]
    numeric = [all(value.kind == "number" for value in column) for column in zip(*cells, strict=True)]
    return Table(list(zip(labels, numeric, strict=True)), cells)


def _heading(name: str, field: FieldInfo) -> str:
    return visible(with_unit(field_label(name, field), unit_of(field)))


def _is_short_list(items: list[JSON]) -> bool:
    return len(items) <= 12 and all(_is_short(item) for item in items)


def _joined(items: list[JSON]) -> str:
    return ", ".join(scalar(item).text for item in items)


def _count(number: int, noun: str) -> Value:
    return Value("count", f"{number:,} {noun}{'' if number == 1 else 's'}")


def _is_short(item: JSON) -> bool:
    return not isinstance(item, (Mapping, list)) and (not isinstance(item, str) or 0 < len(item) <= 40)


def _indented(value: JSON, line: str, write: Callable[[JSON], str]) -> str:
    inner = line + "  "
    if len(inner) > MAX_INDENT:
        return write(value)
    if isinstance(value, Mapping) and value:
        parts = [f"{write(key)}: {_indented(item, inner, write)}" for key, item in value.items()]
        return "{" + inner + ("," + inner).join(parts) + line + "}"
    if isinstance(value, list) and value:
        return (
            "[" + inner + ("," + inner).join([_indented(item, inner, write) for item in value]) + line + "]"
        )
    return write(value)


def _number(value: float) -> str:
    try:
        return json.dumps(value)
    except InvalidRecord:
        return str(value).replace("inf", "Infinity") if isinstance(value, float) else hex(value)


def _shortened(text: str, most: int | None = MAX_RAW) -> str:
    if most is None or len(text) <= most:
        return text
    return text[:most] + f"\n… {len(text) - most:,} more characters"


def _name(character: str) -> str:
    # Not the pictures from U+2400 on, such as ␇, which many systems have no font for.
    return f"⟨U+{ord(character):04X}⟩"


def _moment(text: str) -> str | None:
    """An instant as ISO text in UTC, for `<time datetime>`; None where the text is no instant."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):  # in UTC it may be of the year 0
        return None


def unwrapped(annotation: Any) -> Any:
    """The one type that an optional or annotated type is about; the annotation itself where there are several."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return unwrapped(get_args(annotation)[0])
    if origin in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return unwrapped(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def _about(field: FieldInfo | None) -> str:
    return visible(field.description or "") if field else ""


def _choice(value: str | int, annotation: Any) -> str:
    """One of a fixed set, by its value, and its name where that says more; "" for what is none."""
    kind = unwrapped(annotation)
    if get_origin(kind) is Literal:
        return visible(str(value)) if isinstance(value, str) and value in get_args(kind) else ""
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return ""
    member = next((member for member in kind if member.value == value), None)
    if member is None:
        return ""
    text, name = str(value), humanize(member.name)
    return visible(text if humanize(text) == name else f"{name} ({text})")


def _entry_annotation(annotation: Any) -> Any:
    """The type of a mapping's values."""
    kind = unwrapped(annotation)
    arguments = get_args(kind)
    return arguments[1] if len(arguments) == 2 and get_origin(kind) in (dict, Mapping) else None


def _model(annotation: Any) -> type[BaseModel] | None:
    kind = unwrapped(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _item_annotation(annotation: Any) -> Any:
    kind = unwrapped(annotation)
    arguments = get_args(kind)
    return arguments[0] if get_origin(kind) in (list, tuple, set, frozenset) and arguments else None
