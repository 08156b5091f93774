"""Files of DynamoDB JSON, one item a line: what DynamoDB's API shows, or AWS's export to S3 writes; gzipped or not."""

import gzip
import shutil
import sys
import tempfile
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from facets.core import InvalidRecord, json

_GZIP = b"\x1f\x8b"

# An item has at most 400 KB, and JSON escapes a byte as six characters at most; attributes add little.
_LONGEST_LINE = 8 * 1024 * 1024

# Of the numbers that DynamoDB keeps, and of its maps and lists within each other.
_MOST_DIGITS, _LARGEST_POWER, _SMALLEST_POWER = 38, 125, -130
_DEEPEST = 32


class UnreadableFile(Exception):
    """A file cannot be read, or its compressed data is damaged; the message names it."""


class Line(NamedTuple):
    """A line of a file. `number` counts from 1; `done` is how many bytes of the file, as stored, have been read."""

    file: str
    number: int
    text: bytes
    done: int


class ItemFile:
    """A file that can be read more than once; `-` is the standard input, kept in a temporary file.

    Use as a context manager.

    Raises:
        UnreadableFile
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == "-" else name
        try:
            self._file = _spooled(sys.stdin.buffer) if name == "-" else _opened(Path(name))
            self.size = self._file.seek(0, 2)
        except OSError as error:
            raise UnreadableFile(f"{self.name}: {error.strerror or error}.") from error

    def __enter__(self) -> "ItemFile":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def lines(self) -> Iterator[Line]:
        """Every line that is not blank.

        Lines end at `\\n` only: payloads hold U+2028 and U+0085 raw, which some readers also split at.

        Raises:
            UnreadableFile
        """
        try:
            self._file.seek(0)
            packed = self._file.read(2) == _GZIP
            self._file.seek(0)
            content = cast(IO[bytes], gzip.GzipFile(fileobj=self._file)) if packed else self._file
            number = 0
            while text := content.readline(_LONGEST_LINE):
                number += 1
                if len(text) == _LONGEST_LINE:
                    raise UnreadableFile(f"{self.name}: line {number} is longer than any item can be.")
                if text.strip():
                    yield Line(self.name, number, text, self._file.tell())
        except (EOFError, zlib.error, OSError) as error:
            raise UnreadableFile(f"{self.name}: {error}.") from error


def parse(text: bytes) -> dict[str, dict[str, Any]]:
    """One line's item, its binary values decoded, as boto3 takes it.

    Raises:
        InvalidRecord: it is not JSON, or not an item.
    """
    try:
        found = json.loads(text.decode())
    except UnicodeDecodeError:
        raise InvalidRecord("Not UTF-8.") from None
    if not isinstance(found, dict):
        raise InvalidRecord("Not a JSON object.")
    if "NewImage" in found or "Keys" in found:
        raise InvalidRecord("From an incremental export, which holds changes; a full export holds items.")
    item = found["Item"] if found.keys() == {"Item"} else found
    if not isinstance(item, dict):
        raise InvalidRecord("Item is not a JSON object.")
    try:
        return {
            name: {kind: value} for name, (kind, value) in zip(item, map(_typed, item.values()), strict=True)
        }
    except RecursionError:
        raise InvalidRecord("Nested too deeply.") from None


def weigh(item: Mapping[str, Mapping[str, Any]]) -> int:
    """An item's size in bytes as DynamoDB counts it, every attribute of it, whoever's it is.

    Args:
        item: as `parse` gives it.

    Raises:
        InvalidRecord: naming the attribute that DynamoDB would refuse.

    Source: Amazon DynamoDB developer guide, "Item sizes and formats" and "Constraints".
    """
    size = 0
    for name, attribute in item.items():
        if not name:
            raise InvalidRecord("An attribute has no name.")
        try:
            size += len(name.encode()) + _weigh(attribute, 1)
        except InvalidRecord as error:
            raise InvalidRecord(f"{name[:60]}: {error.reason}") from None
        except UnicodeEncodeError:
            raise InvalidRecord("An attribute's name is not valid Unicode.") from None
    return size


def _weigh(attribute: Mapping[str, Any], depth: int) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return _weigh_number(value)
        case "BOOL" | "NULL":
            if kind == "NULL" and value is not True:
                raise InvalidRecord("NULL is true or is not there.")
            return 1
        case "SS" | "NS" | "BS":
            same = (
                {Decimal(one) for one in value}
                if kind == "NS" and all(map(_weigh_number, value))
                else set(value)
            )
            if not value or len(same) < len(value):
                raise InvalidRecord("A set is not empty and holds nothing twice.")
            return sum(_weigh({kind[0]: one}, depth) for one in value)
    if depth > _DEEPEST:
        raise InvalidRecord(f"Nested more than {_DEEPEST} deep.")
    if kind == "L":
        return 3 + sum(1 + _weigh(one, depth + 1) for one in value)
    return 3 + sum(1 + len(name.encode()) + _weigh(one, depth + 1) for name, one in value.items())


def _weigh_number(text: str) -> int:
    """Half a byte a digit, and one or two besides; what DynamoDB Local counts."""
    try:
        sign, digits, power = Decimal(text if text.isascii() else "").as_tuple()
    except InvalidOperation:
        raise InvalidRecord(f"{text[:40]!r} is not a number.") from None
    significant = "".join(map(str, digits)).strip("0") if isinstance(power, int) else "x" * 99
    magnitude = len(digits) + power - 1 if isinstance(power, int) and significant else 0
    if len(significant) > _MOST_DIGITS or not _SMALLEST_POWER <= magnitude <= _LARGEST_POWER:
        raise InvalidRecord(f"{text[:40]!r} is beyond DynamoDB's numbers.")
    return (len(digits) + 1) // 2 + 1 + sign


def _typed(attribute: Any) -> tuple[str, Any]:
    """Check one attribute's value, `{"S": "text"}` and the like."""
    if not isinstance(attribute, Mapping) or len(attribute) != 1:
        raise InvalidRecord(f"Not a typed value of DynamoDB's: {json.dumps(attribute)[:60]}")
    ((kind, value),) = attribute.items()
    match kind, value:
        case ("S" | "N", str()):
            return kind, _text(value)
        case ("BOOL" | "NULL", bool()):
            return kind, value
        case ("SS" | "NS", list()):
            return kind, [_text(one) for one in value]
        case ("B", str()):
            return kind, _binary(value)
        case ("BS", list()):
            return kind, [_binary(one) for one in value]
        case ("L", list()):
            return kind, [dict([_typed(one)]) for one in value]
        case ("M", dict()):
            return kind, {name: dict([_typed(one)]) for name, one in value.items()}
    raise InvalidRecord(f"Not a typed value of DynamoDB's: {json.dumps(attribute)[:60]}")


def _text(value: Any) -> str:
    """Refuse what cannot be sent: JSON can escape half a surrogate pair, UTF-8 cannot hold it."""
    if not isinstance(value, str):
        raise InvalidRecord("Not text where a text must be.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidRecord("A text is not valid Unicode.") from None
    return value


def _binary(value: Any) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise InvalidRecord("A binary value is not base64.") from None


def _opened(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise IsADirectoryError(None, "this is a directory; name the files in it")
    file = path.open("rb")
    # A pipe, such as the shell's <(…), can be read only once.
    return file if path.is_file() else _spooled(file)


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ItemFile
    shutil.copyfileobj(stream, kept)
    return cast(IO[bytes], kept)
