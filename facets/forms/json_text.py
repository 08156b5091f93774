"""JSON as people write it: parsed with the place of a mistake, indented, and where in the text each value stands."""

import json as python_json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from facets.core import InvalidRecord, json

JSON = Any
Path = tuple[str | int, ...]

# Nobody types deeper, and every walk over a value that is no deeper is safe to write as recursion.
MAX_DEPTH = 100

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_UNENCODABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column, both counted from 1."""

    line: int
    column: int


class NotJson(ValueError):
    """The text is no JSON. `position` is where it goes wrong, None where that is not known."""

    def __init__(self, reason: str, position: Position | None = None) -> None:
        where = f" (line {position.line}, column {position.column})" if position else ""
        super().__init__(f"{reason}{where}")
        self.reason = reason
        self.position = position


def parse(text: str) -> JSON:
    """Parse one JSON value, integers exact.

    Raises:
        NotJson: also for what JSON leaves open and a draft must not: a key given twice in one object, a number
            that no reader can hold, more than `MAX_DEPTH` levels.
    """
    _refuse_depth(text)
    try:
        value = json.loads(text)
    except InvalidRecord as error:
        raise _located(text, error.reason) from error
    seen: set[Path] = set()
    for path, offset in _places(text):
        if path in seen:
            raise NotJson(f"The key {json.dumps(path[-1])} is here twice.", _position(text, offset))
        seen.add(path)
    return value


def indented(value: JSON) -> str:
    """JSON text with a line for each value, numbers as JavaScript writes them.

    An infinity, which the text `1e999` makes, is written as that again.
    """
    return _UNENCODABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", _indented(value, "\n"))


def positions(text: str) -> dict[Path, Position]:
    """Where each value of a valid JSON text begins; a field of an object is at its key. The whole is at ()."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    found = {}
    line = 0
    for path, offset in _places(text):
        while line + 1 < len(starts) and starts[line + 1] <= offset:
            line += 1
        found[path] = Position(line + 1, offset - starts[line] + 1)
    return found


def _places(text: str) -> Iterator[tuple[Path, int]]:
    """Each value's path and offset, in the order of the text. A loop, not a recursion: the text is hostile."""
    # For each open object or array: is it an object, and the key or index that comes next.
    open_: list[list[Any]] = []
    path: list[str | int] = []
    key_at: int | None = None
    for token in _TOKEN.finditer(text):
        kind = token[0][0]
        if kind in "]}":
            open_.pop()
            path.pop() if path else None
            continue
        if kind == ",":
            if not open_[-1][0]:
                open_[-1][1] += 1
            continue
        if kind == ":":
            continue
        if open_ and open_[-1][0] and key_at is None:
            open_[-1][1] = python_json.loads(token[0], strict=False)
            key_at = token.start()
            continue
        here = (*path, open_[-1][1]) if open_ else ()
        yield here, token.start() if key_at is None else key_at
        key_at = None
        if kind in "[{":
            if open_:
                path.append(open_[-1][1])
            open_.append([kind == "{", 0])


def _refuse_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise NotJson(f"More than {MAX_DEPTH} levels deep.", _position(text, token.start()))
        elif token[0] in ("]", "}"):
            depth -= 1


def _located(text: str, reason: str) -> NotJson:
    """The same mistake with its place, which the core's reader does not tell."""
    try:
        python_json.loads(text, parse_constant=_refuse_constant)
    except python_json.JSONDecodeError as error:
        return NotJson(f"{error.msg}.", Position(error.lineno, error.colno))
    except ValueError:
        for token in _TOKEN.finditer(text):
            if token[0] in ("NaN", "Infinity", "-Infinity"):
                return NotJson(f"JSON has no {token[0]}.", _position(text, token.start()))
            if token[0].lstrip("-").isdecimal() and len(token[0]) > 4000:
                return NotJson("The number has too many digits.", _position(text, token.start()))
    return NotJson(reason)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _position(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _indented(value: JSON, line: str) -> str:
    inner = line + "  "
    if isinstance(value, dict) and value:
        parts = [f"{json.dumps(key)}: {_indented(item, inner)}" for key, item in value.items()]
        return "{" + inner + ("," + inner).join(parts) + line + "}"
    if isinstance(value, (list, tuple)) and value:
        return "[" + inner + ("," + inner).join([_indented(item, inner) for item in value]) + line + "]"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "1e999" if value > 0 else "-1e999"
    return json.dumps(value)
