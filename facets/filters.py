"""What of a history a reader wants to see: by type, by direction, by hand, by words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.http import QueryDict

from facets.core import Record
from facets.corrections import meta_of
from facets.masking import mask_text

Direction = Literal["", "in", "out"]

MAX_WORDS = 200  # characters


@dataclass(frozen=True, slots=True)
class Filters:
    """All of them must hold; each empty one lets everything through.

    Attributes:
        types: of inbound events or of messages, as they are stored.
        direction: `in` for events alone, `out` for messages alone.
        manual: only events that were appended in the console.
        words: each stands in the payload, whatever its case.
    """

    types: tuple[str, ...] = ()
    direction: Direction = ""
    manual: bool = False
    words: str = ""

    @classmethod
    def of(cls, asked: QueryDict) -> Filters:
        """What an address asks for; what makes no sense asks for nothing."""
        direction = asked.get("show", "")
        return cls(
            tuple(dict.fromkeys(type for type in asked.getlist("type") if type)),
            "in" if direction == "in" else "out" if direction == "out" else "",
            bool(asked.get("manual")),
            asked.get("words", "").strip()[:MAX_WORDS],
        )

    def __bool__(self) -> bool:
        return bool(self.types or self.direction or self.manual or self.words)

    def query(self) -> list[tuple[str, str]]:
        """As an address says it."""
        pairs = [("type", type) for type in self.types]
        pairs += [("show", self.direction)] if self.direction else []
        pairs += [("manual", "1")] if self.manual else []
        return pairs + ([("words", self.words)] if self.words else [])

    def seqs(self, records: Iterable[Record], sensitive: Sequence[str]) -> set[int]:
        """The seqs of the events that hold, or have a message that holds. What is masked is not looked through."""
        words = self.words.casefold().split()
        return {record.seq for record in records if self._holds(record, words, sensitive)}

    def _holds(self, record: Record, words: list[str], sensitive: Sequence[str]) -> bool:
        if record.kind != {"in": "INBOUND", "out": "OUTBOUND"}.get(self.direction, record.kind):
            return False
        if self.types and record.typ not in self.types:
            return False
        if self.manual and not (record.kind == "INBOUND" and meta_of(record)):
            return False
        if not words:
            return True
        text = mask_text(record.itm, sensitive).casefold()
        return all(word in text for word in words)
