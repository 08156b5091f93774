"""What the audit trail is told of people coming, going and changing how they come in. Nothing secret, nothing mistyped."""

from typing import Any

import structlog
from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import password_changed, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core.cache import cache
from django.http import HttpRequest

from hdeadmin.audit.log import AuditUnavailable, record

log = structlog.get_logger(__name__)

_KINDS = {
    Authenticator.Type.TOTP: "authenticator app",
    Authenticator.Type.WEBAUTHN: "passkey",
    Authenticator.Type.RECOVERY_CODES: "recovery codes",
}


def listen() -> None:
    """Hear of what allauth and Django do by themselves; called once, when the app is ready."""
    for signal, heard in (
        (user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (password_changed, _password_changed),
        (authenticator_added, _factor_added),
        (authenticator_reset, _factor_added),
        (authenticator_removed, _factor_removed),
        (authentication_failed, _factor_refused),
        (social_account_added, _identity_linked),
        (social_account_removed, _identity_unlinked),
    ):
        signal.connect(heard, dispatch_uid=f"{__name__}.{heard.__name__}")


def failure(request: HttpRequest, user: User | None, by: str) -> None:
    """A sign-in that failed. Whom the name meant, if anybody: people type passwords into the field of the name."""
    record("sign-in-failed", request=request, user=user or "", result="refused", details={"by": by})


def lockout(request: HttpRequest, user: User | None, key: str) -> None:
    """So many failures that even the right answer is refused for a while. Once for each lock, or whoever knocks on
    could fill the trail.
    """
    if cache.add(f"lockout:{key}", True, timeout=5 * 60):
        record("lockout", request=request, user=user or "", result="refused")


def signed_out(request: HttpRequest, user: Any, why: str) -> None:
    """Somebody is out. A trail that cannot be written must keep nobody in."""
    try:
        record("sign-out", request=request, user=user, details={"why": why})
    except AuditUnavailable:
        log.exception("A sign-out could not be recorded", why=why)


def _signed_in(request: HttpRequest, user: User, **rest: Any) -> None:
    try:
        record("sign-in", request=request, user=user)
    except AuditUnavailable:
        # Nobody comes in unrecorded.
        request.session.flush()
        raise


def _signed_out(request: HttpRequest | None, user: User | None, **rest: Any) -> None:
    if request is not None and user is not None:
        signed_out(request, user, "by themselves")


def _password_changed(request: HttpRequest, user: User, **rest: Any) -> None:
    record("password-changed", request=request, user=user)


def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **rest: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        # Setting it up has shown it.
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
        # allauth tells of it when the transaction is over, which may be after the session was kept.
        request.session.save()
    record("factor-added", request=request, user=user, details={"factor": _KINDS[authenticator.type]})


def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **rest: Any) -> None:
    record("factor-removed", request=request, user=user, details={"factor": _KINDS[authenticator.type]})


def _factor_refused(request: HttpRequest, user: User, authenticator: Authenticator, **rest: Any) -> None:
    failure(request, user, _KINDS[authenticator.type])


def _identity_linked(request: HttpRequest, sociallogin: Any, **rest: Any) -> None:
    record("identity-linked", request=request, user=sociallogin.user)


def _identity_unlinked(request: HttpRequest, socialaccount: Any, **rest: Any) -> None:
    record("identity-unlinked", request=request, user=socialaccount.user)
