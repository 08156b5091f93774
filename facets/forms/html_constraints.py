"""A schema's constraints as the attributes that a browser checks before it sends. The schema has the last word."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from pydantic import StringConstraints
from pydantic.fields import FieldInfo

# What means the same to pydantic's regular expressions and to the `v` ones of HTML: letters, digits, classes of
# them, groups and repetition. `\d` does not (more than 0 to 9), nor `.` (other ends of lines).
_ATOM = r"""[A-Za-z0-9 _@#%&=:;,!"'<>~`]|\\[.^$*+?()\[\]{}|/\\]"""
_CLASS = r"""\[\^?(?:[A-Za-z0-9](?:-[A-Za-z0-9])?|[ _]|\\[\-.\\\[\]^$*+?(){}|/])+\]"""
_REPEAT = r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}"
_SAME_IN_JAVASCRIPT = re.compile(rf"(?:(?:{_CLASS}|{_ATOM}|\))(?:{_REPEAT})?|\((?:\?:)?(?![*+?{{])|\|)*")


@dataclass(slots=True)
class Limits:
    min_length: int | None = None
    max_length: int | None = None
    pattern: Any = None


def limits_of(marks: Iterable[Any]) -> Limits:
    """The constraints among the marks of an annotation, whoever's classes they are."""
    found = Limits()
    for mark in _flat(marks):
        for limit in fields(Limits):
            value = getattr(mark, limit.name, None)
            # Whatever else marks an annotation may have attributes of such names.
            if value is not None and not callable(value):
                setattr(found, limit.name, value)
    return found


def text_attributes(limits: Limits) -> dict[str, str]:
    found: dict[str, str] = {}
    if limits.min_length:
        found["minlength"] = str(limits.min_length)
    if limits.max_length is not None:
        found["maxlength"] = str(limits.max_length)
    if pattern := javascript_pattern(limits.pattern):
        found["pattern"] = pattern
    return found


def javascript_pattern(pattern: Any) -> str | None:
    """The `pattern` attribute that accepts what the schema's pattern accepts; None where that is not certain."""
    if not (isinstance(pattern, str) and pattern.startswith("^") and pattern.endswith("$")):
        return None
    inner = pattern[1:-1]
    if not _SAME_IN_JAVASCRIPT.fullmatch(inner) or inner.endswith("\\"):
        return None
    # `^a|b$` is `^a` or `b$`.
    depth = 0
    for token in re.finditer(rf"{_CLASS}|\\.|[()|]", inner):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth < 0 or (token[0] == "|" and depth == 0):
            return None
    return inner if depth == 0 and inner else None


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    for mark in marks:
        if isinstance(mark, FieldInfo):
            yield from _flat(mark.metadata)
        elif isinstance(mark, StringConstraints):
            yield mark
        elif hasattr(mark, "__is_annotated_types_grouped_metadata__"):
            yield from _flat(mark)
        else:
            yield mark
