"""What a person should know before they confirm: nothing of it forbids the append. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from facets.changes.append import MAX_REPLAY, Preview
from facets.definitions.definition import FacetDefinition, humanize
from facets.definitions.display import MAX_SAFE_INTEGER
from facets.definitions.masking import leave_out, mask

JSON = Any

# Somebody is behind each message: a mail, a parcel, a booking.
MANY_MESSAGES = 10


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning; `text` is hostile text maybe. `recalculate`: a recalculation is the way to mend it."""

    title: str
    text: str
    recalculate: bool = False


def cautions(definition: FacetDefinition[Any], preview: Preview) -> list[Caution]:
    """The warnings of one preview, the gravest first."""
    return [
        *_drift(preview),
        *_dangers(definition, preview),
        *_messages(preview),
        *_sensitive(definition, preview),
        *_rounded(definition, preview),
    ]


def _drift(preview: Preview) -> Iterator[Caution]:
    if preview.drift == "drifts":
        yield Caution(
            "The stored state disagrees with its own history",
            "Replaying the events gives another state than the one below, and this would build on it. Recalculate "
            "first, or know why not.",
            recalculate=True,
        )
    elif preview.drift == "fails":
        yield Caution(
            "The history cannot be replayed",
            "The rules do not accept one of the past events, so whether the stored state is right is not known.",
            recalculate=True,
        )
    elif preview.drift == "unchecked":
        yield Caution(
            "Whether the stored state is right was not checked",
            f"A history of more than {MAX_REPLAY:,} events, or one that is growing right now, is not replayed here.",
            recalculate=True,
        )


def _dangers(definition: FacetDefinition[Any], preview: Preview) -> Iterator[Caution]:
    for type in dict.fromkeys(effect.event.type for effect in preview.effects):
        event_type = definition.events.get(type)
        if event_type and event_type.dangerous:
            yield Caution(event_type.title, event_type.dangerous)


def _messages(preview: Preview) -> Iterator[Caution]:
    if len(preview.messages) > MANY_MESSAGES:
        yield Caution(
            f"{len(preview.messages)} messages would be published",
            "Other services act on each of them, and they cannot be called back.",
        )


def _sensitive(definition: FacetDefinition[Any], preview: Preview) -> Iterator[Caution]:
    named: dict[str, None] = {}
    for effect in preview.effects:
        named |= dict.fromkeys(leave_out(effect.event.data, definition.sensitive_fields)[1])
    if named:
        labels = ", ".join(definition.label(name) for name in named)
        yield Caution(
            f"Sensitive: {labels}",
            "What is written there stays in the history and cannot be taken out again.",
        )


def _rounded(definition: FacetDefinition[Any], preview: Preview) -> Iterator[Caution]:
    values = [
        ("the state", preview.after),
        *((effect.event.type, effect.event.data) for effect in preview.effects),
    ]
    values += [(message.type, message.data) for message in preview.messages]
    places: dict[str, None] = {}
    for where, value in values:
        for path, leaf in _leaves(value):
            if type(leaf) is int and abs(leaf) > MAX_SAFE_INTEGER:
                field = " › ".join(
                    humanize(part) if isinstance(part, str) else f"#{part + 1}" for part in path
                )
                shown = mask(leaf, definition.sensitive_fields, under=path)
                places[f"{shown} ({field or 'value'} of {where})"] = None
    if places:
        shown = list(places)[:5]
        more = f" and {len(places) - 5} more" if len(places) > 5 else ""
        yield Caution("TypeScript readers will round a number", "; ".join(shown) + more)


def _leaves(value: JSON) -> Iterator[tuple[tuple[str | int, ...], JSON]]:
    """Each scalar with its path; an explicit stack, since stored JSON may be nested deeper than Python may call."""
    todo: list[tuple[tuple[str | int, ...], JSON]] = [((), value)]
    while todo:
        path, part = todo.pop()
        if isinstance(part, Mapping):
            todo.extend(((*path, key), item) for key, item in reversed(list(part.items())))
        elif isinstance(part, list):
            todo.extend(((*path, index), item) for index, item in reversed(list(enumerate(part))))
        else:
            yield path, part
