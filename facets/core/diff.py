"""Which fields of a JSON value changed, by their path. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

JSON = Any
Path = tuple[str | int, ...]

# The place of a value that is not there, which is something else than a null that is.
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT", "__bool__": lambda self: False})()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        path: keys and list indexes from the top; empty where the whole value changed. An index is a place in the
            old list for what was removed or changed, in the new one for what was added.
        kind: `added` has no `old`, `removed` no `new`; they are ABSENT then.
    """

    path: Path
    kind: Literal["changed", "added", "removed"]
    old: JSON = ABSENT
    new: JSON = ABSENT


def diff(old: JSON, new: JSON) -> list[Change]:
    """The differences that lead from `old` to `new`, in the order in which a reader of both meets them.

    The order of keys is no difference, nor is 1 against 1.0; 1 against true is one. Objects are compared key by
    key, lists item by item; of lists that differ in length, what they begin and end with alike is set aside first,
    so that one inserted item is one change.
    """
    changes: list[Change] = []
    # A stack of its own: stored JSON may be nested deeper than Python may call.
    todo: list[Change] = [Change((), "changed", old, new)]
    while todo:
        step = todo.pop()
        if step.kind != "changed":
            changes.append(step)
        elif isinstance(step.old, Mapping) and isinstance(step.new, Mapping):
            todo.extend(reversed(_of_objects(step)))
        elif isinstance(step.old, list) and isinstance(step.new, list):
            todo.extend(reversed(_of_lists(step)))
        elif not _same_scalar(step.old, step.new):
            changes.append(step)
    return changes


def same(old: JSON, new: JSON) -> bool:
    """Whether `diff` would find nothing."""
    todo = [(old, new)]
    while todo:
        left, right = todo.pop()
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            if left.keys() != right.keys():
                return False
            todo.extend((value, right[key]) for key, value in left.items())
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            todo.extend(zip(left, right, strict=True))
        elif not _same_scalar(left, right):
            return False
    return True


def _of_objects(step: Change) -> list[Change]:
    old: Mapping[str, JSON] = step.old
    new: Mapping[str, JSON] = step.new
    steps = [
        Change((*step.path, key), "changed", value, new[key])
        if key in new
        else Change((*step.path, key), "removed", old=value)
        for key, value in old.items()
    ]
    return steps + [
        Change((*step.path, key), "added", new=value) for key, value in new.items() if key not in old
    ]


def _of_lists(step: Change) -> list[Change]:
    old: Sequence[JSON] = step.old
    new: Sequence[JSON] = step.new
    if len(old) == len(new):
        return [
            Change((*step.path, at), "changed", *pair) for at, pair in enumerate(zip(old, new, strict=True))
        ]
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and same(old[head], new[head]):
        head += 1
    tail = 0
    while tail < shorter - head and same(old[-1 - tail], new[-1 - tail]):
        tail += 1
    old_end, new_end = len(old) - tail, len(new) - tail
    both = min(old_end, new_end)
    return (
        [Change((*step.path, at), "changed", old[at], new[at]) for at in range(head, both)]
        + [Change((*step.path, at), "removed", old=old[at]) for at in range(both, old_end)]
        + [Change((*step.path, at), "added", new=new[at]) for at in range(both, new_end)]
    )


def _same_scalar(old: JSON, new: JSON) -> bool:
    # Python counts True as 1; JSON does not.
    return isinstance(old, bool) == isinstance(new, bool) and old == new
