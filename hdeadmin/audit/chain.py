"""How entries hold together: the canonical form of an entry, and the HMAC over it and the entry before."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

# Of the canonical form. A new one is a new number, and the old ones stay readable.
VERSION = 1

# In the order in which they are signed.
FIELDS = {
    1: (
        "version",
        "key_id",
        "number",
        "at",
        "action",
        "phase",
        "result",
        "person",
        "person_id",
        "signed_in_by",
        "session",
        "address",
        "request_id",
        "facet",
        "entity",
        "operation_id",
        "intent",
        "reason",
        "ticket",
        "seq_before",
        "seq_after",
        "changes_json",
        "details_json",
        "previous",
    )
}


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


class UnknownKey(Exception):
    """An entry was signed with a key that the settings do not name, or in a form of a later hdeadmin."""


def canonical(values: Mapping[str, Any]) -> bytes:
    """An entry as it is signed: a JSON array of all its fields but `mac`, in a fixed order, in ASCII.

    Two entries that differ in any field differ here.

    Raises:
        UnknownKey: the form is one that this version of hdeadmin does not know.
    """
    fields = FIELDS.get(values["version"])
    if fields is None:
        raise UnknownKey(f"the form {values['version']} is not known")
    row = [instant(values[name]) if name == "at" else values[name] for name in fields]
    return _encode(row).encode("ascii")


def instant(at: datetime | str) -> str:
    """A time as entries are signed and exported with it: UTC, to the microsecond, of one length."""
    if isinstance(at, str):
        return at
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def sign(values: Mapping[str, Any], key: str) -> str:
    """The entry's mac, in hexadecimal."""
    return _hmac(_derived(key, b"entry"), canonical(values)).hex()


def key_id(key: str) -> str:
    """Names a key without telling it."""
    return _derived(key, b"id").hex()[:8]


def session_mark(session_key: str, key: str) -> str:
    """Tells one session from another; the session's key cannot be told from it."""
    return _hmac(_derived(key, b"session"), session_key.encode()).hex()[:32]


def fingerprint(text: str, key: str) -> str:
    """Tells one text from another; the text cannot be told from it, nor guessed at without the key."""
    digest = _hmac(_derived(key, b"fingerprint"), text.encode(errors="surrogatepass"))
    return f"{key_id(key)}:{digest.hex()}"


@cache
def _derived(key: str, purpose: bytes) -> bytes:
    return _hmac(key.encode(), b"hdeadmin audit " + purpose)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
