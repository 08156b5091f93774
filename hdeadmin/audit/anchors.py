"""Signed statements of how far the trail had come, kept elsewhere: what was cut off its end later is missed by them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from hdeadmin.audit.chain import instant
from hdeadmin.audit.models import AuditEntry, ChainHead
from hdeadmin.audit.verify import Fault

_FORM = "hdeadmin-audit-anchor-1"


class AnchorProblem(Exception):
    """A key or a place of anchors that cannot be used; says which and why."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """That at the instant `at` the trail's newest entry was `number`, with that mac; `key` names the signing key."""

    number: int
    mac: str
    at: str
    key: str
    signature: str

    def is_signed_by(self, public_key: Ed25519PublicKey) -> bool:
        try:
            public_key.verify(
                base64.b64decode(self.signature), _signed(self.number, self.mac, self.at, self.key)
            )
        except (InvalidSignature, ValueError):
            return False
        return True

    def to_json(self) -> str:
        names = ("number", "mac", "at", "key", "signature")
        return json.dumps({"form": _FORM} | {name: getattr(self, name) for name in names})

    @classmethod
    def from_json(cls, text: str) -> Anchor:
        """Raises ValueError where it is none."""
        read: Any = json.loads(text)
        if not isinstance(read, dict) or read.pop("form", None) != _FORM:
            raise ValueError("not an anchor of an audit trail")
        try:
            return cls(**{**read, "number": int(read["number"])})
        except (TypeError, KeyError) as error:
            raise ValueError("not an anchor of an audit trail") from error


def of_the_head(key: Ed25519PrivateKey) -> Anchor:
    """An anchor of the trail as it is now.

    Raises:
        AnchorProblem: the trail has not begun.
    """
    head = ChainHead.objects.filter(id=1, number__gt=0).first()
    if head is None:
        raise AnchorProblem("The audit trail is empty; there is nothing to anchor yet.")
    at, name = instant(datetime.now(UTC)), key_name(key.public_key())
    signature = key.sign(_signed(head.number, head.mac, at, name))
    return Anchor(head.number, head.mac, at, name, base64.b64encode(signature).decode())


def check(anchors: Iterable[Anchor], public_key: Ed25519PublicKey) -> Fault | None:
    """The lowest entry that an anchor speaks against, and what it says."""
    for anchor in sorted(anchors, key=lambda anchor: anchor.number):
        if not anchor.is_signed_by(public_key):
            return Fault(anchor.number, f"its anchor of {anchor.at} is not signed by this key.")
        mac = AuditEntry.objects.filter(number=anchor.number).values_list("mac", flat=True).first()
        if mac is None:
            newest = AuditEntry.objects.filter(number__lt=anchor.number).order_by("-number").first()
            missing = newest.number + 1 if newest else 1
            return Fault(
                missing, f"missing; there were {anchor.number} entries by the anchor of {anchor.at}."
            )
        if mac != anchor.mac:
            return Fault(anchor.number, f"it is not the entry that the anchor of {anchor.at} names.")
    return None


def make_key(path: Path) -> Path:
    """Make a key pair: the private one at `path`, for its owner's eyes, the public one beside it, which is returned.

    Raises:
        AnchorProblem: there is a file already, or it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    public = path.with_name(path.name + ".pub")
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        for place, pem, mode in ((path, private_pem, 0o600), (public, public_pem, 0o644)):
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(pem)
    except OSError as error:
        raise AnchorProblem(f"{error.filename}: {error.strerror}") from error
    return public


def private_key(path: str) -> Ed25519PrivateKey:
    """Raises AnchorProblem where the file is no private Ed25519 key without a password."""
    try:
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
    except OSError as error:
        raise AnchorProblem(f"The signing key {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AnchorProblem(f"The signing key {path} is no private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise AnchorProblem(f"The signing key {path} is not of Ed25519.")
    return key


def public_key(path: str) -> Ed25519PublicKey:
    """The public key in a file, or that of the private key in it. Raises AnchorProblem where there is none."""
    try:
        text = Path(path).read_bytes()
        if b"PRIVATE" in text:
            return private_key(path).public_key()
        key = load_pem_public_key(text)
    except OSError as error:
        raise AnchorProblem(f"The public key {path}: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AnchorProblem(f"The public key {path} is none: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise AnchorProblem(f"The public key {path} is not of Ed25519.")
    return key


def key_name(key: Ed25519PublicKey) -> str:
    """Names a key pair: the beginning of the public key's SHA-256."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def keep(anchor: Anchor, place: str) -> str:
    """Add an anchor to a file, or as an object below `s3://bucket/prefix`; returns where it is.

    Raises:
        AnchorProblem
    """
    text = anchor.to_json() + "\n"
    if place.startswith("s3://"):
        bucket, prefix = _bucket(place)
        name = f"{prefix}{anchor.number:012d}-{anchor.at.replace(':', '')}.json"
        try:
            boto3.client("s3", region_name=os.environ.get("AWS_REGION")).put_object(
                Bucket=bucket, Key=name, Body=text.encode(), ContentType="application/json"
            )
        except (BotoCoreError, ClientError) as error:
            raise AnchorProblem(f"{place}: {error}") from error
        return f"s3://{bucket}/{name}"
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AnchorProblem(f"{place}: {error.strerror}") from error
    return place


def read(place: str) -> list[Anchor]:
    """All anchors of a file, or below `s3://bucket/prefix`.

    Raises:
        AnchorProblem: it cannot be read, or holds something else.
    """
    if place.startswith("s3://"):
        texts = _objects(place)
    else:
        try:
            texts = Path(place).read_text(encoding="utf-8").split("\n")
        except OSError as error:
            raise AnchorProblem(f"{place}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise AnchorProblem(f"{place} is not a file of anchors.") from error
    try:
        return [Anchor.from_json(text) for text in texts if text.strip()]
    except ValueError as error:
        raise AnchorProblem(f"{place}: {error}") from error


def _objects(place: str) -> list[str]:
    bucket, prefix = _bucket(place)
    try:
        s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION"))
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        names = [found["Key"] for page in pages for found in page.get("Contents", ())]
        return [s3.get_object(Bucket=bucket, Key=name)["Body"].read().decode() for name in names]
    except (BotoCoreError, ClientError) as error:
        raise AnchorProblem(f"{place}: {error}") from error
    except UnicodeDecodeError as error:
        raise AnchorProblem(f"{place} holds something else than anchors.") from error


def _bucket(place: str) -> tuple[str, str]:
    parts = urlsplit(place)
    prefix = parts.path.strip("/")
    if not parts.netloc:
        raise AnchorProblem(f"{place}: name a bucket, as in s3://bucket/prefix.")
    return parts.netloc, f"{prefix}/" if prefix else ""


def _signed(number: int, mac: str, at: str, key: str) -> bytes:
    return json.dumps([_FORM, number, mac, at, key], separators=(",", ":")).encode()
