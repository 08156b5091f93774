"""What tests about coming in do alike: sign in by the form, compute a code."""

import base64
import hashlib
import hmac
import struct
import time
from typing import Any

from django.test import Client

from tests.hdeadmin.accounts.conftest import PASSWORD


def sign_in(client: Client, login: str = "ada", password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login/", {"login": login, "password": password}, **more)


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def code_of(secret: str, *, ago: int = 0) -> str:
    """The code of an authenticator app, by RFC 6238, of so many half minutes ago."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30 - ago), hashlib.sha1)
    offset = mac.digest()[-1] & 15
    return f"{(struct.unpack('>I', mac.digest()[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"
