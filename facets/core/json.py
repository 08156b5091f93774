"""JSON text as JavaScript's JSON.stringify writes it, so that either side reads the other's records as its own."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

from facets.core.errors import InvalidRecord

# A recursive alias would make every rule fight the type checker over values whose shape only it knows.
JSON: TypeAlias = Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_quote = json.JSONEncoder(ensure_ascii=False).encode


def dumps(value: JSON) -> str:
    """Write a JSON value, compact, in the order of its keys.

    Numbers are written as JavaScript writes them: `100.0` is `100`, `1e-07` is `1e-7`, `1e20` is its 21 digits.
    Integers keep all their digits at any size. Lone surrogates are escaped, everything else stands raw.

    Raises:
        InvalidRecord: the value holds NaN, an infinity, a key that is no text, or what JSON cannot hold.

    Source: ECMA-262, Number::toString and JSON.stringify.
    """
    try:
        text = _write(value)
    except RecursionError:
        raise InvalidRecord("The value is nested too deeply, or holds itself.") from None
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def loads(text: str) -> JSON:
    """Parse one JSON value. Integers are exact at any size.

    Raises:
        InvalidRecord: the text is not JSON; `NaN` and `Infinity` are not.
    """
    try:
        # Half the time of json.loads: no detection of encodings, no search for surrounding white space.
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            end = -1
        return value if end == len(text) else _decoder.decode(text)
    except RecursionError:
        raise InvalidRecord("The JSON text is nested too deeply.") from None
    except ValueError as error:
        raise InvalidRecord(f"Not JSON: {error}") from error


def copy(value: JSON) -> JSON:
    """Copy a JSON value, so that changing the copy leaves the original as it is.

    Raises:
        InvalidRecord: the value is nested too deeply, or holds itself.
    """
    try:
        return _copy(value)
    except RecursionError:
        raise InvalidRecord("The value is nested too deeply, or holds itself.") from None


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _write(value: JSON) -> str:
    if isinstance(value, str):
        return _quote(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return _write_int(value)
    if isinstance(value, float):
        return _write_float(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{_write_key(key)}:{_write(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([_write(item) for item in value]) + "]"
    raise InvalidRecord(f"JSON has no {type(value).__name__}.")


def _write_key(key: object) -> str:
    if not isinstance(key, str):
        raise InvalidRecord(f"A key must be text, not {key!r}.")
    return _quote(key)


def _write_int(value: int) -> str:
    try:
        return int.__repr__(value)
    except ValueError:
        raise InvalidRecord("The integer has too many digits.") from None


def _write_float(value: float) -> str:
    """Python and JavaScript find the same shortest digits; they differ in where the exponent form begins."""
    text = float.__repr__(value)
    if text.endswith(".0"):
        return text[:-2] if value else "0"
    if "n" in text:
        raise InvalidRecord(f"JSON has no {text}.")
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = int(exponent)
    sign = "-" if value < 0 else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    if 0 < power < 21:
        return sign + whole + fraction.ljust(power, "0")
    if -7 < power < 0:
        return sign + "0." + "0" * (-power - 1) + whole + fraction
    return f"{mantissa}e{power:+d}"


def _refuse(constant: str) -> NoReturn:
    raise InvalidRecord(f"Not JSON: {constant[:40]!r}")


_decoder = json.JSONDecoder(parse_constant=_refuse)
_scan = _decoder.scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
