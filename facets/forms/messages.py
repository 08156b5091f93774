"""What a form says: a validation's messages in plain words, and hostile text made fit for a page."""

import re
from collections.abc import Mapping
from typing import Any

FILL_IN = "Fill this in."

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_MESSAGES = {
    "missing": FILL_IN,
    "extra_forbidden": "The schema does not allow this field.",
    "finite_number": "Write a finite number.",
}


def sayable(text: object) -> str:
    """Text in which nothing is unseen, and that a page can be encoded with."""
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", str(text))


def message(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems as a sentence, of hostile origin maybe."""
    text = _MESSAGES.get(problem["type"]) or str(problem["msg"])
    text = text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = sayable(text[:1].upper() + text[1:])
    return text if text.endswith((".", "!", "?")) else f"{text}."
