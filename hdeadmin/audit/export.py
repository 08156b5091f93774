"""The trail as a file: JSON lines with a manifest, which can be verified without the database; or CSV for a desk."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db.models import QuerySet

from hdeadmin.audit import chain
from hdeadmin.audit.anchors import key_name
from hdeadmin.audit.chain import instant
from hdeadmin.audit.models import AuditEntry, ChainHead
from hdeadmin.audit.verify import Fault, entry_is_genuine
from hdeadmin.spreadsheets import harmless

FORM = "hdeadmin-audit-export-1"
FIELDS = (*chain.FIELDS[chain.VERSION], "mac")

_ROWS = 2_000


class NotAnExport(Exception):
    """The file was not written by an export of the trail, or was cut short."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file proves.

    Attributes:
        fault: the first entry that is wrong; None for none.
        sealed: entries whose seal was checked, which takes the audit key.
        whole: no entry is left out between the first and the last.
        signed: by the Ed25519 key that was given; None where none was, or the file bears no signature.
    """

    entries: int
    first: int
    last: int
    fault: Fault | None
    sealed: int
    whole: bool
    signed: bool | None


def as_json_lines(
    entries: QuerySet[AuditEntry], *, asked: Mapping[str, Any], by: str, key: Ed25519PrivateKey | None
) -> Iterator[str]:
    """The entries, oldest first: a line about the export, one for each entry, and the manifest.

    Args:
        asked: by which filters the entries were chosen; none means all.
        key: signs the manifest, so that who has the public key alone can trust the file.
    """
    digest = hashlib.sha256()
    head = ChainHead.objects.filter(id=1).first()
    upto = head.number if head else 0
    opening = {
        "export": FORM,
        "at": instant(datetime.now(UTC)),
        "by": by,
        "asked": dict(asked),
        "head": {"number": upto, "mac": head.mac if head else ""},
    }
    line = _line(opening)
    digest.update(line.encode("ascii"))
    yield line
    count = first = last = 0
    for row in entries.filter(number__lte=upto).order_by("number").values(*FIELDS).iterator(_ROWS):
        row["at"] = instant(row["at"])
        line = _line(row)
        digest.update(line.encode("ascii"))
        count, first, last = count + 1, first or row["number"], row["number"]
        yield line
    manifest: dict[str, Any] = {
        "manifest": FORM,
        "entries": count,
        "first": first,
        "last": last,
        "sha256": digest.hexdigest(),
    }
    if key is not None:
        manifest["key"] = key_name(key.public_key())
        manifest["signature"] = base64.b64encode(key.sign(_line(manifest).encode("ascii"))).decode()
    yield _line(manifest)


def as_csv(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    """The entries, oldest first, under a line of names; no cell begins with what a spreadsheet would take for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    for count, row in enumerate(entries.order_by("number").values(*FIELDS).iterator(_ROWS), start=1):
        row["at"] = instant(row["at"])
        writer.writerow([_cell(row[name]) for name in FIELDS])
        if count % 100 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def check_file(
    path: Path, *, keys: Mapping[str, str] | None = None, public_key: Ed25519PublicKey | None = None
) -> Checked:
    """Verify an export by itself: its manifest, its signature, the links between neighbours, the seals.

    Raises:
        NotAnExport
        OSError
    """
    with path.open(encoding="ascii", newline="\n") as file:
        try:
            return _check_lines(file, keys or {}, public_key)
        except UnicodeDecodeError as error:
            raise NotAnExport(f"{path} is not an export of the audit trail.") from error


def _check_lines(
    lines: Iterable[str], keys: Mapping[str, str], public_key: Ed25519PublicKey | None
) -> Checked:
    digest = hashlib.sha256()
    manifest: dict[str, Any] | None = None
    count = first = sealed = 0
    last: dict[str, Any] | None = None
    fault: Fault | None = None
    whole = True
    for place, line in enumerate(lines, start=1):
        read = _read(line, place)
        if manifest is not None:
            raise NotAnExport(f"Line {place}: there is nothing after the manifest.")
        if place == 1:
            if read.get("export") != FORM:
                raise NotAnExport("Line 1 does not say that this is an export of an audit trail.")
        elif read.get("manifest") == FORM:
            manifest = read
            continue
        else:
            if set(read) != set(FIELDS) or not isinstance(read["number"], int):
                raise NotAnExport(f"Line {place} is no entry.")
            fault = fault or _fault(read, last, keys)
            sealed += read["key_id"] in keys
            whole = whole and (last is None or read["number"] == last["number"] + 1)
            count, first, last = count + 1, first or read["number"], read
        digest.update(line.encode("ascii"))
    if manifest is None:
        raise NotAnExport("The file has no manifest at its end, so it was cut short.")
    number = last["number"] if last else 0
    told = [manifest.get(name) for name in ("entries", "first", "last", "sha256")]
    if fault is None and told != [count, first, number, digest.hexdigest()]:
        fault = Fault(number, "the file is not the one that its manifest describes.")
    return Checked(count, first, number, fault, sealed, whole, _is_signed(manifest, public_key))


def _fault(row: Mapping[str, Any], last: Mapping[str, Any] | None, keys: Mapping[str, str]) -> Fault | None:
    number = row["number"]
    if last is not None and number <= last["number"]:
        return Fault(number, "out of order.")
    if row["key_id"] in keys and not entry_is_genuine(row, keys):
        return Fault(number, "altered: its seal does not fit what it says.")
    if last is not None and number == last["number"] + 1 and row["previous"] != last["mac"]:
        return Fault(number, "it does not follow the entry before it.")
    return None


def _is_signed(manifest: dict[str, Any], public_key: Ed25519PublicKey | None) -> bool | None:
    signature = manifest.pop("signature", None)
    if public_key is None or signature is None:
        return None
    try:
        public_key.verify(base64.b64decode(signature), _line(manifest).encode("ascii"))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _read(line: str, place: int) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except ValueError as error:
        raise NotAnExport(f"Line {place} is not JSON; the file was cut short or altered.") from error
    if not isinstance(read, dict) or not line.endswith("\n"):
        raise NotAnExport(f"Line {place} is not of an export.")
    return read


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n"


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        # Halves of surrogate pairs cannot be written as UTF-8, nor read by what opens a CSV.
        value = value.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")
        return harmless(value)
    return value
