"""Which rows of a value a change concerns. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from facets.core.diff import Change
from facets.definitions import display

Keys = tuple[str | int, ...]


def marked(rows: Sequence[display.Row], changes: Iterable[Change]) -> list[display.Row]:
    """The rows, as `display.rows` makes them, with `changed` set where a value is, or holds, one that changed."""
    paths = [
        tuple(display.visible(key) if isinstance(key, str) else key for key in change.path)
        for change in changes
    ]
    made: list[display.Row] = []
    above: list[str | int] = []
    for row in rows:
        del above[row.depth :]
        above.append(row.key or _place(row.label))
        here: Keys = tuple(above)
        is_group = row.value is None and row.table is None
        hit = any(here[: len(path)] == path or (not is_group and path[: len(here)] == here) for path in paths)
        made.append(replace(row, changed=True) if hit else row)
    return made


def _place(label: str) -> int | str:
    """The index of a list's item, whose row has no key: `#1` is the first."""
    number = label.removeprefix("#")
    return int(number) - 1 if label.startswith("#") and number.isdecimal() else label
