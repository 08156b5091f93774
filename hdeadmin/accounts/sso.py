"""Single sign-on: whom an identity at the provider is here, and which roles its groups give."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse

from hdeadmin.accounts import mfa
from hdeadmin.accounts.provider import groups_in
from hdeadmin.audit.log import record
from hdeadmin.permissions.permissions import ROLES


class SingleSignOn(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """What allauth asks us about identities at the provider."""

    error_messages = {  # noqa: RUF012 - as allauth declares it
        **DefaultSocialAccountAdapter.error_messages,
        "no_password": "You have no password here, so this is your only way in.",
        "connected_other": "That identity belongs to somebody else here.",
    }

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("account")

    def authenticate_by_email(self, sociallogin: Any) -> None:
        """Never by allauth's own rule, which would take the password away; `pre_social_login` has ours."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Decide whom a new identity is: somebody new, or, only where the setting says so, whoever has its e-mail."""
        if sociallogin.state.get("process") == "connect":
            return
        if sociallogin.is_existing:
            if sociallogin.user.is_active:
                synchronise_roles(request, sociallogin.user, sociallogin)
            return
        email = sociallogin.user.email
        found = list(User.objects.filter(email__iexact=email).order_by("pk")[:2]) if email else []
        if not found:
            return
        here = found[0]
        verified = sociallogin.claims.get("email_verified") is True
        # Where two have it, whose it is cannot be told.
        if settings.HDEADMIN_OIDC_LINK_EMAIL and verified and here.is_active and len(found) == 1:
            sociallogin.connect(request, here)
            synchronise_roles(request, here, sociallogin)
            return
        record(
            "sign-in-failed",
            request=request,
            user=here,
            result="refused",
            details={"by": "single sign-on", "why": "another account has that e-mail"},
        )
        raise ImmediateHttpResponse(
            render(
                request,
                "access/sso_taken.html",
                {"provider": sociallogin.provider, "email": email},
                status=403,
            )
        )

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        # allauth keeps addresses of its own, to have them confirmed; we have no use for a second place.
        EmailAddress.objects.filter(user=user).delete()
        synchronise_roles(request, user, sociallogin)
        return user


def note_factor(request: HttpRequest, sociallogin: Any = None, **rest: Any) -> None:
    """Keep in the session that the provider's token tells of a second factor; heard when somebody has signed in.

    By the claims `amr` (RFC 8176) and `acr`; a provider that tells nothing counts as one that asked for none.
    """
    claims = getattr(sociallogin, "claims", {})
    methods = claims.get("amr")
    told = {str(claims.get("acr")), *map(str, methods if isinstance(methods, list) else ())}
    if told & set(settings.HDEADMIN_OIDC_MFA):
        request.session[mfa.SHOWN_TO_PROVIDER] = True


def synchronise_roles(request: HttpRequest, user: User, sociallogin: Any) -> None:
    """Give the person the roles of their groups, and take all others; tell them where that leaves none.

    Does nothing where HDEADMIN_OIDC_ROLES is unset: roles are given in the console then.
    """
    if settings.HDEADMIN_OIDC_ROLES:
        groups = groups_in(sociallogin.claims) or set()
        roles = {role for group in groups for role in settings.HDEADMIN_OIDC_ROLES.get(group, frozenset())}
        with transaction.atomic():
            before = set(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
            user.groups.remove(*Group.objects.filter(name__in=before - roles))
            user.groups.add(*Group.objects.filter(name__in=roles - before))
            for action, changed in (("granted", roles - before), ("revoked", before - roles)):
                if changed:
                    record(
                        action,
                        request=request,
                        user=user,
                        details={
                            "person": user.username,
                            "roles": sorted(changed),
                            "by": "groups at the provider",
                        },
                        in_transaction=True,
                    )
    if not user.is_superuser and not user.groups.exists():
        messages.warning(
            request,
            f"Your groups at {sociallogin.provider.name} give you no role here. Ask an administrator for one.",
        )
