"""Compare the messages that are stored with those that a replay of the history would publish. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from facets.core import InvalidRecord, json
from facets.core.json import JSON

Kind = Literal["missing", "unexpected", "differs", "moved"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it is stored. `seq` is that of the last event of its append, `index` its place among its messages."""

    seq: int
    index: int
    type: str
    itm: str


@dataclass(frozen=True, slots=True)
class Published:
    """A message that the rule of the event `seq` publishes in a replay."""

    seq: int
    type: str
    data: JSON


@dataclass(frozen=True, slots=True)
class Finding:
    """One message that is not stored as a replay would publish it.

    Attributes:
        kind: `missing`: a replay publishes it and it is not stored. `unexpected`: it is stored and a replay does not
            publish it. `differs`: its append published one of its type, with another payload; hde writes payloads
            when the append ends, so that a stored one may show a later state. `moved`: another append published it.
        stored, published: None where there is none.
    """

    kind: Kind
    type: str
    stored: Stored | None = None
    published: Published | None = None

    @property
    def seq(self) -> int:
        """The event to look at."""
        return self.published.seq if self.published else self.stored.seq if self.stored else 0


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many messages are stored, how many a replay publishes, and in what they part; findings in order of seq."""

    stored: int = 0
    published: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> dict[Kind, int]:
        """How many findings there are of each kind, zeros included."""
        counts: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        for finding in self.findings:
            counts[finding.kind] += 1
        return counts


def append_ends(stamps: Iterable[tuple[int, int]], messages: Iterable[Stored]) -> list[int]:
    """The seqs of the events at which an append ended, ascending.

    What one append wrote has one ts, so that a run of equal ones is an append; two in one millisecond look like one,
    unless the first has published: a message has the seq at which its append ended.

    Args:
        stamps: (seq, ts) of the inbound events, oldest first.
    """
    ends = {message.seq for message in messages}
    last: tuple[int, int] | None = None
    for seq, ts in stamps:
        if last and last[1] != ts:
            ends.add(last[0])
        last = seq, ts
    if last:
        ends.add(last[0])
    return sorted(ends)


def compare(stored: Sequence[Stored], published: Sequence[Published], ends: Sequence[int]) -> Reconciliation:
    """Match by append, then type, then place and payload; what is left, by type and payload alone.

    Args:
        stored, published: in the order in which they were published.
        ends: as `append_ends` gives them.
    """
    appends: dict[tuple[int, str], tuple[list[_Kept], list[_Made]]] = defaultdict(lambda: ([], []))
    for kept in stored:
        appends[kept.seq, kept.type][0].append((_stored_key(kept.itm), kept))
    for made in published:
        place = bisect_left(ends, made.seq)
        end = ends[place] if place < len(ends) else made.seq
        appends[end, made.type][1].append((_key(made.data), made))
    findings: list[Finding] = []
    only_stored: list[_Kept] = []
    only_published: list[_Made] = []
    for (_, type), group in appends.items():
        left, right = _without_same(*group)
        both = min(len(left), len(right))
        findings += [
            Finding("differs", type, kept, made)
            for (_, kept), (_, made) in zip(left[:both], right[:both], strict=True)
        ]
        only_stored += left[both:]
        only_published += right[both:]
    findings += _moved(only_stored, only_published)
    findings.sort(key=lambda finding: finding.seq)
    return Reconciliation(len(stored), len(published), findings)


_Kept: TypeAlias = tuple[str, Stored]
_Made: TypeAlias = tuple[str, Published]


def _without_same(stored: list[_Kept], published: list[_Made]) -> tuple[list[_Kept], list[_Made]]:
    """What is left of one append's messages of one type without those that are the same, at their place first."""
    both = min(len(stored), len(published))
    differ = [place for place in range(both) if stored[place][0] != published[place][0]]
    left = [stored[place] for place in differ] + stored[both:]
    right = [published[place] for place in differ] + published[both:]
    waiting: dict[str, list[int]] = defaultdict(list)
    for place in reversed(range(len(left))):
        waiting[left[place][0]].append(place)
    found: set[int] = set()
    rest: list[_Made] = []
    for made in right:
        places = waiting.get(made[0])
        if places:
            found.add(places.pop())
        else:
            rest.append(made)
    return [kept for place, kept in enumerate(left) if place not in found], rest


def _moved(stored: list[_Kept], published: list[_Made]) -> list[Finding]:
    waiting: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    for key, kept in sorted(stored, key=lambda one: (one[1].seq, one[1].index), reverse=True):
        waiting[kept.type, key].append(kept)
    findings: list[Finding] = []
    for key, made in sorted(published, key=lambda one: one[1].seq):
        same = waiting.get((made.type, key))
        findings.append(
            Finding("moved", made.type, same.pop(), made)
            if same
            else Finding("missing", made.type, None, made)
        )
    left = [kept for group in waiting.values() for kept in group]
    return findings + [Finding("unexpected", kept.type, kept) for kept in left]


def _stored_key(itm: str) -> str:
    try:
        return _key(json.loads(itm))
    except InvalidRecord:
        return itm


def _key(data: JSON) -> str:
    """The same text for payloads that a reader of JSON takes for the same: in any order of keys, 1 as 1.0."""
    try:
        return json.dumps(_in_order(data))
    except RecursionError:
        return json.dumps(data)


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    return value
