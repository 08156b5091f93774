"""Ids and facet names as parts of a URL's path, whatever characters they hold."""

import re
from urllib.parse import quote

from django.urls import reverse
from django.utils.http import RFC3986_SUBDELIMS

# What browsers, proxies and servers change or cut even where it is percent-encoded: slashes are merged and
# decoded, backslashes become slashes, `;` begins parameters, control characters are refused.
_FRAGILE = re.compile(r"[~/\\%?#;\x00-\x1f\x7f]|^ +| +$")
_ONLY_DOTS = re.compile(r"\.+")
_ESCAPED = re.compile(r"(?:~[0-9A-Fa-f]{2})+")

# No escape: stands for the text of no characters, which a path cannot show.
_EMPTY = "~"


class NameConverter:
    """Any text without a raw slash, such as a facet's name.

    Fragile characters are written as `~` and two hex digits for each byte of UTF-8: `a/b` is `a~2Fb`, `..` is
    `~2E~2E`, which browsers would otherwise resolve. Django percent-encodes the rest.
    """

    regex = r"[^/]+"

    def to_url(self, value: str) -> str:
        if _ONLY_DOTS.fullmatch(value):
            return _escape(value)
        return _FRAGILE.sub(lambda found: _escape(found[0]), value) or _EMPTY

    def to_python(self, value: str) -> str:
        """Undo `to_url`; text that `to_url` cannot have made, which somebody typed, stays as it is."""
        return "" if value == _EMPTY else _ESCAPED.sub(lambda found: _unescape(found[0]), value)


class IdConverter(NameConverter):
    """An entity's id, the rest of the path; raw slashes are taken as they are, for links typed by hand."""

    regex = r"[\s\S]+"


def entities_url(facet: str) -> str:
    """What the addresses of a facet's entities begin with; each ends in its `id_in_path`."""
    return reverse("entity", args=[facet, ""]).removesuffix(_EMPTY)


def id_in_path(entity_id: str) -> str:
    """An id as `reverse` writes it at the end of an address. Cheaper, where there are hundreds."""
    return quote(IdConverter().to_url(entity_id), safe=f"{RFC3986_SUBDELIMS}/~:@")


def _escape(text: str) -> str:
    return "".join(f"~{byte:02X}" for byte in text.encode())


def _unescape(text: str) -> str:
    try:
        return bytes.fromhex(text.replace("~", "")).decode()
    except UnicodeDecodeError:
        return text
