"""What the directory keeps of a state: values, sort keys, search text. Pure; nothing masked goes in."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from facets.core import FacetError, InvalidRecord, Record, json
from facets.core.diff import ABSENT
from facets.definitions.definition import FacetDefinition, fits
from facets.definitions.masking import leave_out
from facets.definitions.serialization import stored_key
from facets.directory.models import KEYS
from facets.directory.normalize import exact_forms, search_text
from facets.directory.sort_keys import EMPTY, Kind, sort_key

JSON = Any

# Raised when the same definition comes to other values, keys or texts than before. Those of an earlier format find
# less, by other rules of folding, but mask the same; they are read until `manage.py index` has run again.
_FORMAT = 2
_EARLIER_FORMATS = (1,)

# A value of a list is for reading in a row; one that is longer is cut, or left out if it is no text.
LONGEST_VALUE = 2_000  # characters of JSON

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entity, ready to be written. `keys` is one for each key column, `digests` of masked values to find it by."""

    id: str
    seq: int
    ts: int
    values: str
    text: str
    version: int
    keys: tuple[bytes | None, ...]
    digests: tuple[bytes, ...] = ()


class Recipe:
    """How the states of one facet become entries.

    Args:
        facet: the primary key of its TableFacet.
        slots: that row's, in which every column of the definition has its place, if there is one left.
        secret: keys the hashes of masked values.
    """

    def __init__(
        self, facet: int, slots: Sequence[str], definition: FacetDefinition[Any] | None, secret: bytes
    ) -> None:
        self._facet = facet
        self._sensitive = definition.sensitive_fields if definition else ()
        self._schema = definition.state if definition else BaseModel
        self._findable = definition.searchable_sensitive if definition else ()
        self._name = definition.name if definition else ""
        self._secret = secret
        self._paths = [(path, path.split("."), f"{json.dumps(path)}:") for path in paths_of(definition)]
        self._searched = definition.search_fields if definition else ()
        places = {slot: number for number, slot in enumerate(slots) if slot}
        self._keyed: list[tuple[int, str, Kind]] = []
        for path, kind in columns_of(definition):
            if (number := places.get(slot_of(path, kind))) is not None:
                self._keyed.append((number, path, kind))
        self.version = version_of(definition, secret)

    def entry(self, record: Record) -> Entry:
        """The entry of a STATE record. Never raises: of a payload that is not JSON, only what is beside it is kept."""
        state: JSON = None
        if self._paths or self._findable:
            try:
                state = record.data
            except InvalidRecord:
                state = None
        digests = self._digests(state) if self._findable else ()
        if self._sensitive:
            # Of a state that is masked whole, nothing is kept.
            state = leave_out(state, self._sensitive)[0] if fits(state, self._schema) else None
        found: dict[str, JSON] = {}
        written: list[str] = []
        for path, parts, key in self._paths:
            value = value_at(state, parts)
            if value is not ABSENT:
                found[path] = value
                if text := _written(value):
                    written.append(key + text)
        keys: list[bytes | None] = [None] * KEYS
        for number, path, kind in self._keyed:
            keys[number] = sort_key(found[path], kind) if path in found else EMPTY
        id = record.entity_id
        text = search_text(self._facet, id, [found[path] for path in self._searched if path in found])
        return Entry(
            id,
            _held(record.seq),
            _held(record.ts),
            f"{{{','.join(written)}}}",
            text,
            self.version,
            tuple(keys),
            digests,
        )

    def _digests(self, state: JSON) -> tuple[bytes, ...]:
        texts: dict[bytes, None] = {}
        for path in self._findable:
            value = value_at(state, path.split("."))
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str | int | float) and not isinstance(one, bool) and one != "":
                    text = one if isinstance(one, str) else _written(one)
                    texts[digests_of(self._name, text, self._secret)[0]] = None
        return tuple(texts)


def paths_of(definition: FacetDefinition[Any] | None) -> tuple[str, ...]:
    """What is kept of each state: `list_display`, then `search_fields`, each path once."""
    return tuple(dict.fromkeys((*definition.list_display, *definition.search_fields))) if definition else ()


@lru_cache(maxsize=256)
def columns_of(definition: FacetDefinition[Any] | None) -> tuple[tuple[str, Kind], ...]:
    """The paths that can be sorted and filtered by, with what each holds by the state's schema: those not masked."""
    if definition is None:
        return ()
    paths = [path for path in paths_of(definition) if not is_masked(definition, path)]
    return tuple((path, _kind_of(definition.state, path.split("."))) for path in paths[:KEYS])


def is_masked(definition: FacetDefinition[Any], path: str) -> bool:
    """Whether all of a path's value is sensitive, or stands in one that is."""
    state: JSON = True
    for key in reversed(path.split(".")):
        state = {key: state}
    return value_at(leave_out(state, definition.sensitive_fields)[0], path.split(".")) is ABSENT


def slot_of(path: str, kind: Kind) -> str:
    """What a key column is taken by: a path of another kind makes other keys."""
    return f"{kind} {path}"


def assigned(slots: Sequence[str], definition: FacetDefinition[Any] | None) -> list[str]:
    """The slots with a place for each column of the definition, as far as there are any left."""
    found = list(slots)
    for path, kind in columns_of(definition):
        slot = slot_of(path, kind)
        if slot in found:
            continue
        if "" in found:
            found[found.index("")] = slot
        elif len(found) < KEYS:
            found.append(slot)
    return found


def version_of(definition: FacetDefinition[Any] | None, secret: bytes) -> int:
    """Tells whether an entry was made by this definition: of 31 bits, never 0."""
    return versions_of(definition, secret)[0]


@lru_cache(maxsize=256)
def versions_of(definition: FacetDefinition[Any] | None, secret: bytes) -> tuple[int, ...]:
    """The version of entries by this definition, then those of entries of earlier formats, which mask the same."""
    return tuple(_version(definition, secret, number) for number in (_FORMAT, *_EARLIER_FORMATS))


def _version(definition: FacetDefinition[Any] | None, secret: bytes, number: int) -> int:
    said: list[Any] = [number]
    if definition:
        said += [definition.list_display, definition.search_fields, definition.sensitive_fields]
        said += [definition.searchable_sensitive, columns_of(definition)]
        if definition.searchable_sensitive:
            said.append(hmac.new(secret, b"version", sha256).hexdigest())
    return int.from_bytes(sha256(repr(said).encode()).digest()[:4], "big") % (2**31 - 1) + 1


def digests_of(facet: str, text: str, secret: bytes) -> tuple[bytes, ...]:
    """Stand for one masked value of a facet, whatever its case, accents and grouping; say nothing without the key.

    The first is the one that is kept of a value; the others are those that an earlier format kept of it.
    """
    said = [f"{facet}\0{form}".encode(errors="replace") for form in exact_forms(text)]
    return tuple(hmac.new(secret, each, sha256).digest()[:16] for each in said)


def value_at(state: JSON, parts: Sequence[str]) -> JSON:
    """The value at a path, ABSENT where there is none; through a list, a list of what its items have there."""
    for place, key in enumerate(parts):
        if isinstance(state, list):
            found = [value for item in state if (value := value_at(item, parts[place:])) is not ABSENT]
            return found or ABSENT
        if not isinstance(state, Mapping) or key not in state:
            return ABSENT
        state = state[key]
    return state


def _written(value: JSON) -> str:
    """The value as JSON text; cut if it is a long text, "" if it is too long otherwise, or JSON cannot hold it."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        value = value[:LONGEST_VALUE] + "…"
    try:
        text = json.dumps(value)
    except FacetError:
        return ""
    return text if len(text) <= 8 * LONGEST_VALUE else ""


def _held(number: int) -> int:
    """The number, or the nearest one that SQL holds."""
    return max(-_LARGEST, min(number, _LARGEST))


def _kind_of(annotation: Any, parts: Sequence[str]) -> Kind:
    kind = _unwrapped(annotation)
    if not parts:
        if isinstance(kind, type):
            if issubclass(kind, bool):
                return "bool"
            if issubclass(kind, int | float | Decimal):
                return "number"
            if issubclass(kind, date | datetime):
                return "date"
            if issubclass(kind, str):
                return "text"
        return "other"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if stored_key(name, field) == parts[0]:
                return _kind_of(field.annotation, parts[1:])
    return "other"


def _unwrapped(annotation: Any) -> Any:
    """The one type that an optional or annotated type is about; the annotation itself where there are several."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if origin in (Union, UnionType):
        kinds = {_unwrapped(kind) for kind in get_args(annotation) if kind is not type(None)}
        if len(kinds) == 1:
            return kinds.pop()
        numbers = all(isinstance(kind, type) and issubclass(kind, int | float | Decimal) for kind in kinds)
        return float if numbers else annotation
    return annotation
