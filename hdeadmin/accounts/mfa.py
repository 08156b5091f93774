"""The second factor: who must have one, whether a session has shown it, and how its secrets are kept."""

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm as AllauthAuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as AllauthReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict, ErrorList
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django_htmx.http import HttpResponseClientRedirect

from hdeadmin.accounts import signals
from hdeadmin.accounts.encryption import box
from hdeadmin.permissions.permissions import Action, scope

# Whoever may do one of these must have a second factor.
GUARDED: tuple[Action, ...] = ("reveal", "append", "recalculate", "administer")

_PURPOSE = "second factors"

# In the session of whoever showed a second factor to the provider that they came by.
SHOWN_TO_PROVIDER = "factor_shown_to_provider"

# Where somebody without a second factor may still go: to set one up, to prove who they are, or out.
_WAYS = frozenset(
    {
        "account_logout",
        "account_reauthenticate",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_download_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_view_recovery_codes",
        "theme",
    }
)


def must_have_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person's rights ask for a second factor, anywhere, on any facet."""
    return settings.HDEADMIN_MFA and any(scope(user, action) for action in GUARDED)


def has_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether they have one to show; recovery codes alone are none."""
    return (
        user.pk is not None
        and Authenticator.objects.filter(user_id=user.pk)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .exists()
    )


def shown(request: HttpRequest) -> bool:
    """Whether a second factor was shown in this session, at sign-in or since."""
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))


class FactorGate:
    """Let whoever must have a second factor do nothing before they have set one up and shown it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if (
            not settings.HDEADMIN_MFA
            or not getattr(view, "login_required", True)
            or (match and match.url_name in _WAYS and not match.namespace)
            or not request.user.is_authenticated
            or not must_have_factor(request.user)
            or request.session.get(SHOWN_TO_PROVIDER)
        ):
            return None
        if not has_factor(request.user):
            return _send(request, reverse("mfa_index"))
        if not shown(request):
            back = request.get_full_path() if request.method == "GET" else "/"
            return _send(request, f"{reverse('mfa_reauthenticate')}?{urlencode({'next': back})}")
        return None


def _send(request: HttpRequest, url: str) -> HttpResponse:
    if "HX-Request" in request.headers:
        # A whole page must not land inside another.
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)


class Factors(DefaultMFAAdapter):  # type: ignore[misc]
    """What allauth asks us about second factors."""

    error_messages = {  # noqa: RUF012 - as allauth declares it
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code is wrong, or was used before. Wait for the next one.",
        "incorrect_passkey": "That passkey is not known here.",
        "cannot_generate_recovery_codes": "Set up an authenticator app or a passkey first.",
    }

    def encrypt(self, text: str) -> str:
        return box(_PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Undo `encrypt`, under the present key or an earlier one.

        Raises:
            ValidationError: none of them is the one it was encrypted under.
        """
        try:
            return box(_PURPOSE).decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            raise ValidationError(
                "Your second factor was kept under a key that the console no longer has. "
                "Ask an administrator to reset it."
            ) from error

    def build_totp_svg(self, url: str) -> SafeString:
        """The QR code, to stand in the page itself: our policy loads no data: addresses."""
        svg: str = super().build_totp_svg(url)
        return mark_safe(svg[svg.index("<svg") :])  # noqa: S308 - drawn by qrcode, it holds no text

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return "Passkey" if number == 1 else f"Passkey {number}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": context.request.get_host().partition(":")[0], "name": "hdeadmin"}


class _Code:
    """A code that brings its secret under the present key, and whose lockout is on record."""

    user: User

    def clean_code(self) -> str:
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError as error:
            if error.code == "too_many_login_attempts":
                signals.lockout(context.request, self.user, f"code:{self.user.pk}")
            raise
        _bring_under_present_key(self.user)
        return code


class AuthenticateForm(_Code, AllauthAuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(_Code, AllauthReauthenticateForm):  # type: ignore[misc]
    pass


class _Passkey:
    """A passkey's answer, refused where a part of it is missing: allauth looks at the form of the rest only."""

    def full_clean(self) -> None:
        try:
            super().full_clean()  # type: ignore[misc]
        except (KeyError, AttributeError):
            error = Factors().validation_error("incorrect_passkey")
            self._errors = ErrorDict({"credential": ErrorList([error])})


class AddPasskeyForm(_Passkey, AddWebAuthnForm):  # type: ignore[misc]
    pass


class LoginPasskeyForm(_Passkey, LoginWebAuthnForm):  # type: ignore[misc]
    pass


class AuthenticatePasskeyForm(_Passkey, AuthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class ReauthenticatePasskeyForm(_Passkey, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    pass


def reset(user: User) -> int:
    """Take all of somebody's second factors away; how many there were."""
    deleted: int = Authenticator.objects.filter(user=user).delete()[0]
    return deleted


def _bring_under_present_key(user: User) -> None:
    """Encrypt anew what an earlier key still guards, so that the earlier key can be dropped one day."""
    if not settings.SECRET_KEY_FALLBACKS:
        return
    for authenticator in Authenticator.objects.filter(user=user):
        for name in ("secret", "seed"):
            if name in authenticator.data:
                authenticator.data[name] = box(_PURPOSE).rotate(authenticator.data[name].encode()).decode()
                authenticator.save(update_fields=["data"])
