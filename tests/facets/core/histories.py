"""Invented histories of one entity, right and wrong ones, and the plain way to cut a page out of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from facets.core.records import Record, inbound_record, outbound_record, state_record

FACET = "LEDGER"

PLAIN = ("CREDIT", "DEBIT", "NAME")
# With slashes, with a segment of digits, like a sort key, with a space and an emoji, and those that sort at the edges.
ODD = ("T", "T/5", "T/5/x", "INBOUND/T/5", "a/b", "Ω 🎉", "!", "~", "0")
MESSAGES = ("overdrawn", "paid/late", "~sent")


@dataclass(frozen=True)
class History:
    """One entity's records, and the types in use."""

    records: list[Record]
    inbound_types: list[str]
    outbound_types: list[str]
    twins: list[int] = field(default_factory=list)

    @property
    def events(self) -> list[Record]:
        """All but STATE, in history order."""
        return sorted((r for r in self.records if r.kind != "STATE"), key=lambda record: record.order)


def history(
    length: int,
    types: Sequence[str] = PLAIN,
    messages: Sequence[str] = MESSAGES[:1],
    *,
    id: str = "1",
    seed: int = 0,
    batch: int = 3,
    chatty: float = 0.3,
    gaps: Iterable[int] = (),
    twins: Iterable[int] = (),
    state: int | None = 0,
) -> History:
    """A history of `length` events of random types, appended up to `batch` at once.

    Args:
        chatty: how many of the appends publish messages, one to three of them.
        gaps: seqs whose event is left out.
        twins: seqs with a second event, of another type.
        state: how far STATE is from the last event; None to leave STATE out.
    """
    rng = random.Random(seed)
    gaps, twins = set(gaps), {seq for seq in twins if 1 <= seq <= length and len(types) > 1}
    records: list[Record] = []
    end = 0
    while end < length:
        last = min(length, end + rng.randint(1, batch))
        ts = 1_700_000_000_000 + 1000 * last
        for seq in range(end + 1, last + 1):
            chosen = rng.sample(types, 2 if seq in twins else 1)
            if seq not in gaps:
                records += [inbound_record(FACET, id, seq, type, f'{{"n":{seq}}}', ts) for type in chosen]
        if messages and rng.random() < chatty:
            records += [
                outbound_record(FACET, id, last, index, rng.choice(messages), f'{{"n":{last}}}', ts)
                for index in range(rng.randint(1, 3))
            ]
        end = last
    if state is not None:
        records.append(state_record(FACET, id, max(0, length + state), "{}", 1_700_000_000_000))
    return History(records, list(types), list(messages), sorted(twins - gaps))


@st.composite
def histories(draw: st.DrawFn, lengths: st.SearchStrategy[int]) -> History:
    length = draw(lengths)
    types = draw(st.lists(st.sampled_from(PLAIN + ODD), min_size=1, max_size=6, unique=True))
    messages = draw(st.lists(st.sampled_from(MESSAGES), max_size=3, unique=True))
    seqs = st.lists(st.integers(1, max(1, length)), max_size=3, unique=True)
    return history(
        length,
        types,
        messages,
        seed=draw(st.integers(0, 2**32)),
        batch=draw(st.sampled_from((1, 3, 20))),
        chatty=draw(st.sampled_from((0.01, 0.3, 1.0))),
        gaps=draw(st.just([]) | seqs),
        twins=draw(st.just([]) | seqs),
        state=draw(st.just(0) | st.sampled_from((0, -1, -7, 1, 5, None))),
    )


def cut(
    events: Sequence[Record], *, before: int | None = None, after: int | None = None, limit: int
) -> list[Record]:
    """The page of `events`, which are all there are, in history order."""
    if after is not None:
        seqs = sorted({record.seq for record in events if record.seq > after})[:limit]
    else:
        seqs = sorted({record.seq for record in events if before is None or record.seq < before})[-limit:]
    return [record for record in events if record.seq in set(seqs)]
