"""Where the words of a search stand in a text, whatever their case and accents. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facets.directory.normalize import fold


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; `hit` where it is one of the words."""

    text: str
    hit: bool = False


def marked(text: str, words: Sequence[str]) -> list[Part]:
    """The text in pieces that make it up again.

    Args:
        words: folded, as `facets.directory.normalize.words_of` gives them.
    """
    if not words:
        return [Part(text)] if text else []
    folded, places = _fold(text)
    hits = [False] * len(text)
    for word in words:
        start = folded.find(word)
        while start >= 0:
            # A letter that folds to several, such as ß, is hit whole.
            for place in places[start : start + len(word)]:
                hits[place] = True
            start = folded.find(word, start + len(word))
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
        for piece in " " if character.isspace() else fold(character):
            folded.append(piece)
            places.append(place)
    return "".join(folded), places
