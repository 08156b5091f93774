"""A state made again from its events, over the stored one: what both say alike stays as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, RootModel

from facets.core.diff import same
from facets.core.json import JSON
from facets.definitions.serialization import has_serializer, same_value, validated
from facets.definitions.source import keys_of, parts, raw_of

# Beyond it, items of two lists that differ are compared only where they have the same place.
_MAX_COMPARISONS = 100_000


def keep_stored(made: JSON, model: BaseModel, stored: JSON) -> JSON:
    """The state that rules made, as a recalculation writes it over the stored one.

    What is the same keeps its place and its form, and what only other services know is carried over, since no rule of
    ours can make it again. A number is not the same as a text of its digits, nor is 1 as true. A null is the same as
    nothing where the model has None, which stands for both. In a list each item is looked for among the stored ones.

    Args:
        made: the same state as JSON, see `to_stored`.
    """
    return _Merge(type(model), stored).merge(made, model, stored)


class _Merge:
    def __init__(self, model: type[BaseModel], stored: JSON) -> None:
        self._model = model
        self._stored = stored
        self._pristine: dict[int, BaseModel] | None = None

    def merge(self, made: JSON, value: Any, stored: JSON) -> JSON:
        """`made` over `stored`; `value` is what rules made it as, None where that is not known."""
        while isinstance(value, RootModel):
            value = value.root
        if isinstance(value, BaseModel) and has_serializer(type(value)):
            value = None
        if isinstance(made, dict) and isinstance(stored, dict):
            if isinstance(value, BaseModel):
                return self._merge_model(made, value, stored)
            items = {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}
            kept = {
                key: self.merge(made[key], items.get(key), old) for key, old in stored.items() if key in made
            }
            return kept | {key: item for key, item in made.items() if key not in kept}
        if isinstance(made, list) and isinstance(stored, list):
            return self._merge_list(made, value, stored)
        return stored if same(made, stored) else made

    def _merge_model(self, made: dict[str, JSON], model: BaseModel, stored: dict[str, JSON]) -> JSON:
        names = {key: name for name, keys in keys_of(type(model)).items() for key in keys}
        merged: dict[str, JSON] = {}
        for key, old in stored.items():
            name = names.get(key)
            if key in made:
                value = getattr(model, name) if name else (model.__pydantic_extra__ or {}).get(key)
                merged[key] = self.merge(made[key], value, old)
                if merged[key] is not old and self._is_same_text(made[key], value, stored, key, name):
                    merged[key] = old
            elif name is None or _says_as_much(getattr(model, name), old):
                merged[key] = old
        for key, item in made.items():
            if key not in merged and not _is_default(model, names.get(key), key):
                merged[key] = item
        return merged

    def _is_same_text(
        self, made: JSON, value: Any, stored: dict[str, JSON], key: str, name: str | None
    ) -> bool:
        """Whether two texts mean the same to the model, such as two ways to write an instant."""
        if not (name and isinstance(made, str) and isinstance(stored[key], str)):
            return False
        if self._pristine is None:
            pairs = parts(validated(self._model, self._stored), self._stored)
            self._pristine = {id(raw): part for part, raw in pairs}
        pristine = self._pristine.get(id(stored))
        return pristine is not None and same_value(value, getattr(pristine, name, None))

    def _merge_list(self, made: list[JSON], value: Any, stored: list[JSON]) -> JSON:
        parts = value if isinstance(value, (list, tuple)) and len(value) == len(made) else [None] * len(made)
        merged: list[JSON] = list(made)
        free = set(range(len(stored)))
        todo = set(range(len(made)))

        def take(at: int, place: int) -> bool:
            found = self.merge(made[at], parts[at], stored[place])
            if not same(found, stored[place]):
                return False
            merged[at] = stored[place]
            free.discard(place)
            todo.discard(at)
            return True

        shorter = min(len(made), len(stored))
        head = 0
        while head < shorter and take(head, head):
            head += 1
        tail = 1
        while tail <= shorter - head and take(len(made) - tail, len(stored) - tail):
            tail += 1
        for at in sorted(todo):
            if at in free:
                take(at, at)
        if len(todo) * len(free) <= _MAX_COMPARISONS:
            for at in sorted(todo):
                any(take(at, place) for place in sorted(free))
            for at in sorted(todo):
                for place in sorted(free, key=lambda place, at=at: (place != at, place)):  # type: ignore[misc]
                    if _is_namesake(made[at], parts[at], stored[place]):
                        merged[at] = self.merge(made[at], parts[at], stored[place])
                        free.discard(place)
                        break
        return merged


def _says_as_much(value: Any, stored: JSON) -> bool:
    """Whether a field that is not written has the value that is stored: null for None, or its default."""
    return stored is None if value is None else same(value, stored)


def _is_default(model: BaseModel, name: str | None, key: str) -> bool:
    """Whether a field is written only since a rule made the model and left the field at its default."""
    if name is None or name in model.model_fields_set:
        return False
    source = raw_of(model)
    if isinstance(source, dict) and key in source:
        return False
    default = type(model).__pydantic_fields__[name].get_default(call_default_factory=True, validated_data={})
    return same_value(getattr(model, name), default)


def _is_namesake(made: JSON, model: Any, stored: JSON) -> bool:
    """Whether two items are one that has changed: all that the model knows of them in texts is the same."""
    if not (isinstance(model, BaseModel) and isinstance(made, dict) and isinstance(stored, dict)):
        return False
    texts = [
        (made.get(key), stored.get(key))
        for keys in keys_of(type(model)).values()
        for key in keys
        if isinstance(made.get(key), str) or isinstance(stored.get(key), str)
    ]
    return bool(texts) and all(old == new for old, new in texts)
