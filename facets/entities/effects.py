"""What each event of a page changed, in a line: its first changes by the rules, and how many more there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from facets.core import FacetError
from facets.core.diff import Change, diff
from facets.core.json import JSON
from facets.core.streaming import StreamEntry
from facets.definitions import display
from facets.definitions.masking import mask_changes, redact
from facets.entities.reader import Reading
from facets.entities.replay import Effect, History, entries_of

# Changes in the line of an event; the others are told when it is unfolded.
SHOWN = 4

# How many earlier events are run to know the state before a page: where reading them takes a moment, and where each
# of them is paid for.
MOST_BEFORE, MOST_BEFORE_PAID = 1_000, 100


@dataclass(frozen=True, slots=True)
class Changed:
    """What one event changed.

    Attributes:
        changes: as display.changes makes them, at most `SHOWN` of them.
        more: how many others there are.
        error: what its rule says against it, masked; hostile text made visible.
        skipped: no rule handles it.
        paths: every change, masked, to mark what it touched.
        label: to tell all of them.
    """

    changes: list[dict[str, Any]]
    more: int
    error: str
    skipped: bool
    paths: list[Change]
    label: Callable[[str], str]

    def difference(self) -> list[dict[str, Any]]:
        """All of the changes, for a table."""
        return display.changes(self.paths, self.label, sensitive=())


def changed(history: History, reading: Reading, sensitive: Sequence[str]) -> dict[tuple[int, str], Changed]:
    """By seq and type, what the events that were read changed.

    Empty where too many events before them would have to be run.
    """
    entries = entries_of([*reading.records, *reading.unreadable])
    if not entries:
        return {}
    most = MOST_BEFORE if reading.cost.capacity is None else MOST_BEFORE_PAID
    first, last = entries[0].seq, entries[-1].seq
    if len(entries) <= last - first:
        # Some of them were filtered out, so all have to be read.
        if last > most:
            return {}
        return _effects(history, 1, last, most, None, sensitive)
    return _effects(history, first, last, most, entries, sensitive)


def changed_by(
    history: History, seq: int, sensitive: Sequence[str], *, most: int
) -> dict[tuple[int, str], Changed]:
    """What the events of one seq changed; empty where more than `most` events before them would have to be run."""
    return _effects(history, seq, seq, most, None, sensitive)


def _effects(
    history: History,
    first: int,
    last: int,
    most: int,
    entries: Sequence[StreamEntry] | None,
    sensitive: Sequence[str],
) -> dict[tuple[int, str], Changed]:
    try:
        effects = history.effects(first, last, most=most, entries=entries) or []
    except FacetError:
        return {}
    label = history.definition.label
    start = history.start() if first == 1 else None
    return {(effect.seq, effect.type): _line(effect, start, label, sensitive) for effect in effects}


def _line(effect: Effect, start: JSON, label: Callable[[str], str], sensitive: Sequence[str]) -> Changed:
    # Before the first event there is no state, but what it would be begins with defaults.
    found = (
        diff(start, effect.after) if effect.before is None and effect.after is not None else effect.changes
    )
    # Masked before they are counted: how many there are below a masked field is not told.
    found = mask_changes(found, sensitive)
    return Changed(
        display.changes(found[:SHOWN], label, sensitive=(), show=display.brief),
        max(0, len(found) - SHOWN),
        display.visible(redact(effect.error, sensitive, effect.before, effect.data)),
        effect.skipped,
        found,
        label,
    )
