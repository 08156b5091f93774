"""What a browser may send to the pages of coming in and never should: an answer, never a crash, and nobody is in."""

import base64
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client

from tests.hdeadmin.accounts.browsing import is_in, sign_in
from tests.hdeadmin.accounts.conftest import PASSWORD

HUGE = "9" * 40


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def passkey(challenge: str, user: int, credential: bytes = b"1234") -> str:
    """A passkey's answer to a challenge, in the right form, signed by nobody."""
    client_data = {"type": "webauthn.get", "challenge": challenge, "origin": "http://testserver"}
    return json.dumps(
        {
            "type": "public-key",
            "id": text(credential),
            "rawId": text(credential),
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(json.dumps(client_data).encode()),
                "authenticatorData": text(b"\x00" * 32 + b"\x05" + b"\x00" * 4),
                "signature": text(b"no signature"),
                "userHandle": text(str(user).encode()),
            },
        }
    )


NO_PASSKEYS = (
    "",
    "null",
    "[]",
    "{}",
    "1",
    '"x"',
    '{"id": 1}',
    "{",
    '{"response": null}',
    '{"response": {"userHandle": 1}}',
    "\x00",
)


def test_a_passkey_of_any_other_form_is_refused(ada: User, client: Client):
    for sent in NO_PASSKEYS:
        client.get("/account/factors/passkeys/sign-in/", headers={"Accept": "application/json"})
        answer = client.post("/account/factors/passkeys/sign-in/", {"credential": sent})

        assert answer.url == "/login/"
        assert not is_in(client)


@pytest.mark.parametrize("person", ["ada", "nobody"])
def test_a_passkey_that_nobody_has_is_refused(ada: User, client: Client, person: str):
    asked = client.get("/account/factors/passkeys/sign-in/", headers={"Accept": "application/json"}).json()
    challenge = asked["request_options"]["publicKey"]["challenge"]
    answer = client.post(
        "/account/factors/passkeys/sign-in/",
        {"credential": passkey(challenge, ada.pk if person == "ada" else int(HUGE))},
    )

    assert answer.url == "/login/"
    assert not is_in(client)


def test_a_new_passkey_of_any_other_form_is_refused(ada: User, client: Client):
    sign_in(client)
    for sent in NO_PASSKEYS:
        client.get("/account/factors/passkeys/add/")
        answer = client.post("/account/factors/passkeys/add/", {"credential": sent, "name": "x"})

        assert answer.status_code == 200
        assert not Authenticator.objects.exists()


def test_a_name_and_password_of_any_kind_get_an_answer(ada: User, client: Client):
    logins = ("", "\x00", "a" * 5_000, "'; DROP TABLE", "%00", "\u202e😀", "ada\n", "ada\x00")
    for login, password in [*((login, "wrong") for login in logins), ("ada", "\x00"), ("ada", "x" * 5_000)]:
        assert sign_in(client, login, password).status_code == 200, login
        assert not is_in(client)


def test_a_code_of_any_kind_gets_an_answer(ada: User, client: Client):
    sign_in(client)
    for code in ("", "\x00", "٣٣٣٣٣٣", "0" * 10_000, "-1", "1e5"):
        client.get("/account/factors/app/add/")
        assert client.post("/account/factors/app/add/", {"code": code}).status_code == 200, code
    assert not Authenticator.objects.exists()


ADDRESSES = (
    f"/people/{HUGE}/",
    f"/account/sessions/{HUGE}/end/",
    f"/account/factors/passkeys/{HUGE}/name/",
    f"/admin/auth/user/{HUGE}/change/",
    "/people/?page=-1",
    f"/people/?page={HUGE}",
    "/people/?q=%00",
    "/people/?q=%F0%9F%98%80'%22%3Cscript%3E",
    "/account/sso/callback/?code=%00&state=%00",
    "/account/sso/callback/?code=x&state=" + "x" * 1_000,
    "/login/?next=%00",
    "/login/?next=" + "x" * 1_000,
)


def test_an_address_of_any_kind_gets_an_answer(administrator: Client):
    for path in ADDRESSES:
        for method in ("GET", "POST"):
            answer: Any = administrator.generic(method, path)
            assert answer.status_code < 500, (method, path)


def test_what_is_invited_of_any_kind_gets_an_answer(administrator: Client):
    for email in (
        "\x00",
        "a" * 400 + "@example.com",
        "ann@example.com\r\nBcc: eve@example.com",
        "ann @example.com",
        "<script>@x",
    ):
        answer = administrator.post("/people/invite/", {"email": email, "roles": ["\x00", "no such role"]})
        assert answer.status_code == 422, email
    long = administrator.post(
        "/people/invite/", {"email": "a" * 60 + "@example.com", "roles": ["no such role"]}
    )
    assert long.status_code == 200
    assert User.objects.count() == 2


def test_an_action_that_does_not_exist_is_not_found(administrator: Client, ada: User):
    assert administrator.post(f"/people/{ada.pk}/promote/").status_code == 404
    assert administrator.post(f"/people/{ada.pk}/__class__/").status_code == 404


def test_forms_without_their_token_are_refused(ada: User):
    client = Client(enforce_csrf_checks=True)
    for path in ("/login/", "/account/sso/", "/account/factors/passkeys/sign-in/", "/account/welcome/"):
        assert client.post(path, {"login": "ada", "password": PASSWORD}).status_code == 403, path
    client.force_login(ada)
    for path in (
        "/logout/",
        "/account/sso/",
        "/account/sessions/",
        "/account/password/",
        "/account/factors/app/add/",
    ):
        assert client.post(path).status_code == 403, path
    assert is_in(client)
