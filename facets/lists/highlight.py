"""Where the words of a search stand in a text, whatever their case and accents. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facets.directory.normalize import SEPARATORS, fold


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
        # A number that is grouped here and was not where it was typed is hit whole, with its spaces and dashes.
        if not _hit(hits, folded, places, word) and any(letter.isdecimal() for letter in word):
            kept = [place for place, letter in enumerate(folded) if letter not in SEPARATORS]
            _hit(hits, "".join([folded[place] for place in kept]), [places[place] for place in kept], word)
    parts: list[Part] = []
    begin = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or hits[place] != hits[begin]:
            parts.append(Part(text[begin:place], hits[begin]))
            begin = place
    return parts


def _hit(hits: list[bool], folded: str, places: Sequence[int], word: str) -> bool:
    """Mark where the word is; False where it is not."""
    start = first = folded.find(word)
    while start >= 0:
        # A letter that folds to several, such as ß, is hit whole.
        for place in range(places[start], places[start + len(word) - 1] + 1):
            hits[place] = True
        start = folded.find(word, start + len(word))
    return first >= 0


def _fold(text: str) -> tuple[str, list[int]]:
    """The text as a search compares it, and for each of its characters the place in `text` that it came from."""
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for piece in " " if character.isspace() else fold(character):
            folded.append(piece)
            places.append(place)
    return "".join(folded), places
