"""What is kept under the SECRET_KEY: second factors, and sessions, in which a new factor waits to be confirmed."""

import base64
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def box(purpose: str) -> MultiFernet:
    """What encrypts under the present key and decrypts under any that the settings name; one for each purpose."""
    return _box(purpose, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


class SealedSerializer:
    """A session as it is kept: whoever reads the database reads nothing in it.

    One that cannot be opened raises InvalidToken, and is an empty session to Django.
    """

    def dumps(self, session: dict[str, Any]) -> bytes:
        return box("sessions").encrypt(json.dumps(session, separators=(",", ":")).encode())

    def loads(self, text: bytes) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(box("sessions").decrypt(text))
        return opened


@lru_cache(maxsize=8)
def _box(purpose: str, *secrets: str) -> MultiFernet:
    info = f"hdeadmin {purpose}".encode()
    return MultiFernet(
        Fernet(
            base64.urlsafe_b64encode(HKDF(SHA256(), length=32, salt=None, info=info).derive(secret.encode()))
        )
        for secret in secrets
    )
