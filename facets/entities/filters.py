"""What of a history a reader wants to see: by type, by direction, by hand, by words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.http import QueryDict

from facets.core import Record
from facets.definitions import FacetDefinition
from facets.entities.metadata import meta_of
from facets.entities.stored_text import payload_text

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

    def seqs(self, records: Iterable[Record], definition: FacetDefinition[Any] | None) -> set[int]:
        """The seqs of the events that hold, or have a message that holds. What is masked is not looked through."""
        words = self.words.casefold().split()
        return {record.seq for record in records if self._holds(record, words, definition)}

    def _holds(self, record: Record, words: list[str], definition: FacetDefinition[Any] | None) -> bool:
        if record.kind != {"in": "INBOUND", "out": "OUTBOUND"}.get(self.direction, record.kind):
            return False
        if self.types and record.typ not in self.types:
            return False
        if self.manual and not (record.kind == "INBOUND" and meta_of(record)):
            return False
        if not words:
            return True
        sensitive = definition.sensitive_fields if definition else ()
        text = payload_text(record, definition, sensitive=sensitive).casefold()
        return all(word in text for word in words)
