"""A column for text of any kind: also for what a database refuses, U+0000 and halves of surrogate pairs."""

import re
from typing import Any

from django.db import models

# SYMBOL FOR ESCAPE: rare enough that the stored text nearly always is the text itself.
_ESCAPE = "\u241b"
_REFUSED = re.compile(f"[\x00\ud800-\udfff{_ESCAPE}]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def stored(text: str) -> str:
    """The text as it is kept: what a database refuses becomes U+241B and four hexadecimal digits."""
    return _REFUSED.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def restored(text: str) -> str:
    return text if _ESCAPE not in text else _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def shortened(text: str, most: int) -> str:
    """The text, cut where it would take more than `most` bytes of UTF-8 as it is kept; a cut text ends in `…`."""
    if len(stored(text).encode()) <= most:
        return text
    size, kept = len("…".encode()), 0
    for char in text:
        size += len(stored(char).encode())
        if size > most:
            break
        kept += 1
    return text[:kept] + "…"


class ExactTextField(models.TextField):  # type: ignore[type-arg]
    """Gives back exactly the text that was put in, on every database; so do lookups by the whole text."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return value if value is None else restored(value)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return stored(value) if isinstance(value, str) else value
