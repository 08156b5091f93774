"""Coming in by password: whom a name means, how often it may be guessed at, where one goes then."""

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.core import context
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from hdeadmin.accounts import mfa, sessions, signals
from hdeadmin.http import client_address

WRONG = "That name and password do not go together."


def person_called(login: str) -> User | None:
    """The one person with that name or e-mail, in any case of letters; the name comes first."""
    for field in ("username__iexact", "email__iexact"):
        found = list(User.objects.filter(**{field: login})[:2]) if login else []
        if len(found) == 1:
            return found[0]
    return None


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's, but with one password checked for each answer, so that its time tells nothing of who exists."""

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        login = credentials.get("username") or credentials.get("email") or ""
        user: User | None = self._check_password(person_called(login), credentials["password"])
        return user


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """Name or e-mail, and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].max_length = 254
        self.fields["login"].error_messages["required"] = "Say who you are."
        self.fields["password"].error_messages["required"] = "The password is missing."

    def user_credentials(self) -> dict[str, str]:
        return {"username": self.cleaned_data["login"], "password": self.cleaned_data["password"]}


class Entrance(DefaultAccountAdapter):  # type: ignore[misc]
    """What allauth asks us while somebody comes in."""

    error_messages = {  # noqa: RUF012 - as allauth declares it
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": WRONG,
        "email_password_mismatch": WRONG,
        "too_many_login_attempts": "Too many wrong answers. Wait five minutes, then try again.",
        "rate_limited": "Too many wrong answers. Wait five minutes, then try again.",
        "incorrect_code": "That code is wrong, or was used before. Wait for the next one.",
        "incorrect_password": "That is not your password.",
        "enter_current_password": "That is not your present password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_safe_url(self, url: str) -> bool:
        return url_has_allowed_host_and_scheme(
            url, {context.request.get_host()}, require_https=context.request.is_secure()
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # By person, so that a second spelling, their e-mail or another host name gives no more guesses.
        login = credentials.get("username") or credentials.get("email") or ""
        user = person_called(login)
        return f"person:{user.pk}" if user else f"name:{login.casefold()}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            key = self._get_login_attempts_cache_key(request, **credentials)
            signals.lockout(request, person_called(credentials.get("username", "")), key)
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        signals.failure(request, person_called(credentials.get("username", "")), "password")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within minutes of signing in, with the second factor where there is one."""
        request = context.request
        fresh = (
            time.time() - request.session.get(sessions.BEGAN, 0) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        )
        return not fresh or (mfa.has_factor(request.user) and not mfa.shown(request))

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """The password alone is no proof of somebody who has a second factor."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        strong = [method for method in methods if method["id"] != "reauthenticate"]
        return strong or methods
