"""A device that keeps one passkey, in Python, for tests without a browser. It says what WebAuthn asks of one."""

import hashlib
import json
import secrets
import struct
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

_PRESENT, _VERIFIED, _ATTESTED = 1, 4, 64


@dataclass
class Passkey:
    """One passkey. `key` is its private key in hexadecimal, `credential` and `user` are base64url, `count` its uses."""

    key: str
    credential: str
    user: str
    count: int = 0

    @classmethod
    def create(cls, options: dict[str, Any], origin: str) -> tuple["Passkey", str]:
        """A new passkey for the options of a page, and the answer to send."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = options["publicKey"]
        passkey = cls(
            f"{key.private_numbers().private_value:x}",
            websafe_encode(secrets.token_bytes(16)),
            public["user"]["id"],
        )
        identifier = websafe_decode(passkey.credential)
        cose = ES256.from_cryptography_key(key.public_key())
        attested = bytes(16) + struct.pack(">H", len(identifier)) + identifier + cbor.encode(dict(cose))
        data = passkey._authenticator_data(public["rp"]["id"], _ATTESTED) + attested
        response = {
            "clientDataJSON": _client_data("webauthn.create", public["challenge"], origin),
            "attestationObject": websafe_encode(
                cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
            ),
        }
        return passkey, passkey._answer(response)

    def sign(self, options: dict[str, Any], origin: str) -> str:
        """The answer to a page that asks for a passkey."""
        public = options["publicKey"]
        self.count += 1
        data = self._authenticator_data(public["rpId"])
        client_data = _client_data("webauthn.get", public["challenge"], origin)
        key = ec.derive_private_key(int(self.key, 16), ec.SECP256R1())
        signed = data + hashlib.sha256(websafe_decode(client_data)).digest()
        return self._answer(
            {
                "clientDataJSON": client_data,
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(key.sign(signed, ec.ECDSA(SHA256()))),
                "userHandle": self.user,
            }
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def _authenticator_data(self, site: str, flags: int = 0) -> bytes:
        flags |= _PRESENT | _VERIFIED
        return hashlib.sha256(site.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _answer(self, response: dict[str, Any]) -> str:
        return json.dumps(
            {
                "id": self.credential,
                "rawId": self.credential,
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )


def _client_data(type: str, challenge: str, origin: str) -> str:
    return websafe_encode(
        json.dumps({"type": type, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()
    )
