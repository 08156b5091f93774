"""How the keys of events sort: as text, their numbers not padded, so that 12 is followed by 120 before 13 comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from facets.core.records import LONGEST_RNG


def parts(seqs: range) -> Iterator[range]:
    """The seqs in parts of as many digits: the keys of one part are in order."""
    while seqs:
        longer = 10 ** len(str(seqs.start))
        yield range(seqs.start, min(seqs.stop, longer))
        seqs = range(longer, max(longer, seqs.stop))


def crowd(part: range, last: int) -> int:
    """How many seqs up to `last` have more digits than those of `part` and yet lie between them as text."""
    count = 0
    low, high = part[0] * 10, part[-1] * 10
    while low <= last:
        count += max(0, min(high, last + 1) - low)
        low, high = low * 10, high * 10
    return count


def is_crossed(type: str, types: Iterable[str]) -> bool:
    """Whether keys of another type lie between those of this one, as those of "T/5" do between those of "T"."""
    return any(is_hidden(other, (type,)) for other in types)


def is_hidden(type: str, types: Iterable[str]) -> bool:
    """Whether keys of this type lie between those of another one."""
    return any(
        type.startswith(f"{other}/") and "/0" <= type[len(other) : len(other) + 2] < "/:" for other in types
    )


def fits(key: str) -> bool:
    """Whether there can be such a key."""
    try:
        return len(key.encode()) <= LONGEST_RNG
    except UnicodeEncodeError:
        return False


def end_of(prefix: str) -> str:
    """The lowest text that follows all that begin with `prefix`, which ends with a slash."""
    return prefix[:-1] + chr(ord("/") + 1)
