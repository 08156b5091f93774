"""Items as DynamoDB keeps them, attribute by attribute, to be shown where they are not of hde's form. Pure."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facets.core.records import Item
from facets.definitions import display
from facets.definitions.masking import BULLETS

MAX_ATTRIBUTES = 40
MAX_VALUE = 500  # characters

# Every key is shown: it is what the item is found by, and an id is never masked.
_KEYS = ("_id", "_rng")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its name, DynamoDB's type, and its value as JSON. Hostile texts made visible."""

    name: str
    type: str
    text: str


def attributes_of(item: Item, sensitive: Sequence[str]) -> list[Attribute]:
    """The first attributes of an item, cut where they are long; masked whole where anything is sensitive."""
    shown = _masked(item, sensitive)
    found: list[Attribute] = []
    for name in sorted(shown, key=lambda name: (not name.startswith("_"), name))[:MAX_ATTRIBUTES]:
        value = shown[name]
        kind = next(iter(value), "?") if isinstance(value, Mapping) else "?"
        inner = value[kind] if isinstance(value, Mapping) and value else value
        text = inner if isinstance(inner, str) else _dumps(inner)
        text = text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
        found.append(Attribute(display.visible(name), display.visible(kind), display.visible(text)))
    return found


def raw_text(item: Item, sensitive: Sequence[str]) -> str:
    """An item as DynamoDB's JSON, binary as base64, as the AWS command line writes it; masked as above."""
    shown = _masked(item, sensitive)
    return _dumps({name: shown[name] for name in sorted(shown)}, indent=2)


def _masked(item: Item, sensitive: Sequence[str]) -> dict[str, Any]:
    """Nothing says what in it is sensitive, so that all of it is masked but its key and the types."""
    if not sensitive:
        return dict(item)
    return {
        name: value
        if name in _KEYS
        else dict.fromkeys(value, BULLETS)
        if isinstance(value, Mapping)
        else BULLETS
        for name, value in item.items()
    }


def _dumps(value: Any, indent: int | None = None) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    except RecursionError:
        return "nested too deeply to be shown"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(bytes(value)).decode()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
