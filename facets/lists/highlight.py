"""Where the words of a search stand in a text, whatever their case and accents. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `hit` where it is one of the words."""

    text: str
    hit: bool = False


def marked(text: str, words: Iterable[str]) -> list[Part]:
    """The text in pieces that make it up again."""
    folded, places = _fold(text)
    hits = [False] * len(text)
    for word in words:
        wanted = _fold(word)[0]
        start = folded.find(wanted) if wanted else -1
        while start >= 0:
            # A letter that folds to several, such as ß, is hit whole.
            for place in places[start : start + len(wanted)]:
                hits[place] = True
            start = folded.find(wanted, start + len(wanted))
    parts: list[Part] = []
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or hits[place] != hits[begin]:
            parts.append(Part(text[begin:place], hits[begin]))
            begin = place
    return parts


def _fold(text: str) -> tuple[str, list[int]]:
    """The text as a search compares it, and for each of its characters the place in `text` that it came from."""
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for piece in unicodedata.normalize("NFKD", character).casefold():
            if not unicodedata.combining(piece):
                folded.append(piece)
                places.append(place)
    return "".join(folded), places
