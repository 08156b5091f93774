"""The schema's verdict on a draft: the model and the value to store, or what is wrong at which node."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

from facets.core import InvalidRecord, json
from facets.definitions.serialization import to_stored
from facets.forms.fields import ABSENT
from facets.forms.json_text import Path
from facets.forms.messages import FILL_IN, message, sayable
from facets.forms.nodes import BoxNode, EntriesNode, GroupNode, JsonNode, Node, RowsNode, UnionNode, walk
from facets.forms.scalars import MAX_SAFE_INTEGER

JSON = Any
Loc = Sequence[str | int]

ROUNDED = "TypeScript readers will round this."
_EMPTY = ("missing", "_parsing", "_type", "_too_short", "uuid_", "enum", "literal_error", "from_date")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, or worth knowing, with one node.

    Attributes:
        node: where it is shown.
        path: in the event's JSON; may lead on below the node, into what is written as JSON.
        message: for a person; text of unescaped, hostile origin.
        id: of what on the page it is about.
    """

    node: Node
    path: Path
    message: str
    id: str


@dataclass(slots=True)
class Verdict:
    """`model` and `value` are right only where there are no complaints."""

    complaints: list[Complaint]
    model: BaseModel | None = None
    value: JSON = ABSENT
    note: str = ""


def judge(schema: type[BaseModel], root: Node, given: JSON = ABSENT) -> Verdict:
    """Judge a draft. `given` is the value itself where the person wrote JSON; `root` is then its draft as a form.

    Never raises, whatever the schema's own checks raise.
    """
    complaints = list(_problems(root)) if given is ABSENT else []
    spoiled = {id(complaint.node) for complaint in complaints}
    value = root.judged() if given is ABSENT else given
    try:
        model = schema.model_validate({} if value is ABSENT else value)
    except ValidationError as error:
        complaints += _Placing(spoiled).all(root, error)
        return Verdict(complaints or [_at(root, (), "The schema refuses this event.")])
    except Exception as error:  # noqa: BLE001 - a schema's own checks may raise anything
        return Verdict([*complaints, _at(root, (), _broken(error))])
    if not complaints:
        complaints = [_at(*_find(root, path), text) for path, text in _unstorable(model, ())]
    return Verdict(complaints) if complaints else _stored(schema, root, model)


def roundings(root: Node, value: JSON) -> list[Complaint]:
    """The integers of a value that JavaScript's numbers cannot hold."""
    return [_at(*_find(root, path), ROUNDED) for path in _unsafe(value, ())]


def _stored(schema: type[BaseModel], root: Node, model: BaseModel) -> Verdict:
    """The value to store, if the rules can read it again."""
    try:
        value = to_stored(model)
        json.dumps(value)
    except (InvalidRecord, ValueError, OverflowError, RecursionError) as error:
        reason = error.reason if isinstance(error, InvalidRecord) else str(error)
        return Verdict([_at(root, (), f"It cannot be stored. {sayable(reason)}")])
    except Exception as error:  # noqa: BLE001 - a schema's own serializers may raise anything
        return Verdict([_at(root, (), _broken(error))])
    try:
        again = schema.model_validate(value)
        same = bool(again == model)
    except ValidationError as error:
        problem = message(error.errors(include_url=False)[0])
        return Verdict([_at(root, (), f"Once stored it could not be read again. {problem}")])
    except Exception as error:  # noqa: BLE001 - as above
        return Verdict([_at(root, (), _broken(error))])
    note = (
        "" if same else "Once stored it is read as something else than is written here. Look at the preview."
    )
    return Verdict([], model, value, note)


def _problems(root: Node) -> Iterator[Complaint]:
    for node, _ in walk(root):
        for problem in node.problems():
            yield _at(node, (), problem)
        if isinstance(node, EntriesNode):
            for index in node.repeated():
                yield _key(node, index, "An entry above has this key.")


class _Placing:
    """Finds the node that each of pydantic's errors is about."""

    def __init__(self, spoiled: set[int]) -> None:
        self._spoiled = spoiled
        self._asked: set[int] = set()

    def all(self, node: Node, error: ValidationError) -> Iterator[Complaint]:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            yield from self.one(node, problem["loc"], problem)

    def one(self, node: Node, loc: Loc, problem: Mapping[str, Any]) -> Iterator[Complaint]:
        """Follow a location down from a node.

        Besides keys and indexes it holds the tags of unions and the names of functions, which the draft does not;
        what a union's chosen variant has wrong, that variant's own validation tells.
        """
        if id(node) in self._spoiled:
            return
        if isinstance(node, UnionNode) and node.node is not None:
            yield from self._union(node, loc, problem)
            return
        if not loc:
            yield _at(node, (), self._said(node, problem))
            return
        head, rest = loc[0], loc[1:]
        match node:
            case GroupNode():
                child = next(
                    (node.fields[field.key] for field in node.shape.fields if head in field.names), None
                )
                if child is not None:
                    yield from self.one(child, rest, problem)
                    return
                if node.rest is not None and id(node.rest) not in self._spoiled:
                    yield _at(node.rest, (head,), message(problem))
                    return
            case RowsNode():
                if isinstance(head, int) and 0 <= head < len(node.rows):
                    yield from self.one(node.rows[head], rest, problem)
                    return
            case EntriesNode():
                if head in node.keys:
                    index = node.keys.index(str(head))
                    if "[key]" in rest:
                        yield _key(node, index, message(problem))
                    else:
                        yield from self.one(node.rows[index], rest, problem)
                    return
            case JsonNode():
                yield _at(node, _real_path(node, loc), message(problem))
                return
        yield _at(node, (), self._said(node, problem))

    def _union(self, node: UnionNode, loc: Loc, problem: Mapping[str, Any]) -> Iterator[Complaint]:
        if id(node) in self._asked:
            return
        self._asked.add(id(node))
        if node.node is None or node.chosen is None:
            return
        try:
            node.shape.adapters[node.chosen].validate_python(node.node.judged())
        except ValidationError as error:
            yield from self.all(node.node, error)
        except Exception as error:  # noqa: BLE001 - a schema's own checks may raise anything
            yield _at(node, (), _broken(error))
        else:
            # Right as this variant, and refused by what is said of all variants.
            if not any(id(below) in self._spoiled for below, _ in walk(node)):
                yield _at(node, (), message(problem))

    def _said(self, node: Node, problem: Mapping[str, Any]) -> str:
        empty = isinstance(node, BoxNode) and node.is_empty
        if problem["type"] == "missing" or (empty and any(part in problem["type"] for part in _EMPTY)):
            return FILL_IN
        return message(problem)


def _real_path(node: JsonNode, loc: Loc) -> Path:
    """The part of a location that leads through the value, tags of unions left out."""
    value = node.judged()
    path: list[str | int] = []
    for position, part in enumerate(loc):
        if isinstance(value, dict) and part in value:
            path.append(part)
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path.append(part)
            value = value[part]
        elif isinstance(value, dict) and position == len(loc) - 1 and part != "[key]":
            path.append(part)
    return tuple(path)


def _find(root: Node, path: Path) -> tuple[Node, Path]:
    """The deepest node on a path of the stored value, and what is left of the path."""
    node = root
    for position, part in enumerate(path):
        while isinstance(node, UnionNode) and node.node is not None:
            node = node.node
        found: Node | None = None
        match node:
            case GroupNode():
                found = node.fields.get(str(part))
                if found is None and node.rest is not None:
                    return node.rest, path[position:]
            case RowsNode():
                found = node.rows[part] if isinstance(part, int) and part < len(node.rows) else None
            case EntriesNode():
                found = node.rows[node.keys.index(str(part))] if part in node.keys else None
        if found is None:
            return node, path[position:]
        node = found
    while isinstance(node, UnionNode) and node.node is not None:
        node = node.node
    return node, ()


def _unstorable(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """What a schema allows and JSON cannot hold."""
    match value:
        case float():
            if value != value or value in (float("inf"), float("-inf")):
                yield path, "Write a finite number."
        case Decimal():
            if reason := _unstorable_decimal(value):
                yield path, reason
        case BaseModel():
            for name, info in type(value).model_fields.items():
                key = info.serialization_alias or info.alias or name
                yield from _unstorable(getattr(value, name, None), (*path, key))
            for name, item in (value.__pydantic_extra__ or {}).items():
                yield from _unstorable(item, (*path, name))
        case Mapping():
            for key, item in value.items():
                yield from _unstorable(item, (*path, str(key)))
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _unstorable(item, (*path, index))
        case set() | frozenset():
            for item in value:
                yield from ((path, reason) for _, reason in _unstorable(item, path))


def _unstorable_decimal(value: Decimal) -> str:
    if not value.is_finite():
        return "Write a finite number."
    # Asked before anything else is done with it: as an integer it would fill the memory.
    if value and value.adjusted() > 400:
        return "The number is too large."
    if value != value.to_integral_value() and Decimal(repr(float(value))) != value:
        return "It has more digits than a JSON number keeps."
    return ""


def _unsafe(value: JSON, path: Path) -> Iterable[Path]:
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > MAX_SAFE_INTEGER:
            yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unsafe(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unsafe(item, (*path, index))


def _at(node: Node, rest: Path, text: str) -> Complaint:
    where = " › ".join(str(part + 1) if isinstance(part, int) else sayable(part) for part in rest)
    return Complaint(node, (*node.place.path, *rest), f"{where}: {text}" if where else text, node.name)


def _key(node: EntriesNode, index: int, text: str) -> Complaint:
    row = node.rows[index]
    node.key_errors.setdefault(index, []).append(text)
    return Complaint(node, row.place.path, f"Key of entry {index + 1}: {text}", f"{row.name}:key")


def _broken(error: Exception) -> str:
    return f"The schema's own check failed: {sayable(str(error) or type(error).__name__)}"
