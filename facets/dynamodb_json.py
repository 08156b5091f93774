"""Files of DynamoDB JSON, one item a line: what DynamoDB's API shows, or AWS's export to S3 writes; gzipped or not."""

import gzip
import shutil
import sys
import tempfile
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from facets.core import InvalidRecord, json

_GZIP = b"\x1f\x8b"

# An item has at most 400 KB, and JSON escapes a byte as six characters at most; attributes add little.
_LONGEST_LINE = 8 * 1024 * 1024


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
