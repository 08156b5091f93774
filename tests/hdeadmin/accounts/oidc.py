"""A small OpenID Connect provider on this machine: discovery, keys, token and userinfo; it can also lie."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "hdeadmin", "secret of the tests"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """Knows one person at a time, by `claims`.

    Attributes:
        address: where it answers; its issuer, unless it is asked as a proxy.
        claims: of the person, in the token.
        userinfo: what the userinfo page tells beside the subject.
        lies: claims of the token that are not as they should be; None leaves one out.
        headers, key: of the token's signature.
        asked: the parameters of each visit to the authorization page.
        refuses: the token page answers 400.
    """

    def __init__(self, issuer: str, address: str) -> None:
        self.issuer = issuer
        self.address = address
        self.calls_itself = issuer
        self.claims: dict[str, Any] = {"sub": "person-1"}
        self.userinfo: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.key: Any = _KEY
        self.key_id: str | None = "key-1"
        self.asked: list[dict[str, str]] = []
        self.refuses = False
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}

    def sign_with_another_key(self) -> None:
        self.key = _OTHER_KEY

    def authorize(self, url: str) -> str:
        """Let the person agree, as in their browser; the address that they are sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def answer(self, method: str, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.calls_itself,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/keys",
            }
        if path in ("/authorize", "/favicon.ico"):
            # For people; `authorize` does what they would do there.
            return 200, {}
        if path == "/keys":
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key()))
            return 200, {"keys": [{**key, "kid": "key-1", "use": "sig", "alg": "RS256"}]}
        if path == "/token" and method == "POST":
            return self._token(form, authorization)
        if path == "/userinfo":
            subject = self._tokens.get(authorization.removeprefix("Bearer "))
            return (200, {"sub": subject, **self.userinfo}) if subject else (401, {})
        return 404, {}

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        asked = self._codes.pop(form.get("code", ""), None)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if self.refuses or asked is None or authorization != basic:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked.get("code_challenge_method") != "S256" or asked.get("code_challenge") != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked.get("nonce"),
            **self.claims,
            **self.lies,
        }
        headers = {"kid": self.key_id} if self.key_id else {}
        token = jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.key,
            algorithm=self.algorithm,
            headers=headers,
        )
        access_token = secrets.token_urlsafe()
        self._tokens[access_token] = self.claims["sub"]
        return 200, {"access_token": access_token, "token_type": "Bearer", "id_token": token}


@contextmanager
def provider(issuer: str = "") -> Iterator[Provider]:
    """Run one until the end of the block. With an issuer of its own it is to be asked as a proxy, at its `address`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, answer = running.answer(
                self.command, urlsplit(self.path).path, form, self.headers.get("Authorization", "")
            )
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    running = Provider(issuer or address, address)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
