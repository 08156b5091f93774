"""One's own account: who one is here, how one signs in, and where one is signed in."""

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.views import PasswordChangeView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import EditWebAuthnView, LoginWebAuthnView, RemoveWebAuthnView
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.signals import social_account_removed
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.http import require_POST, require_safe

from hdeadmin.accounts import signals


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = request.user
    identities = SocialAccount.objects.filter(user=user)
    return render(
        request,
        "access/account.html",
        {
            "groups": user.groups.order_by("name"),
            "factors": Authenticator.objects.filter(user=user)
            .exclude(type=Authenticator.Type.RECOVERY_CODES)
            .order_by("created_at"),
            "session_count": len(UserSession.objects.purge_and_list(user)),
            "identities": identities,
            "has_password": _has_password(request),
        },
    )


class ChangePassword(PasswordChangeView):  # type: ignore[misc]
    """allauth's, for whoever has a password; who comes by single sign-on has none to change."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _has_password(request):
            raise PermissionDenied("You sign in without a password here.")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_default_success_url(self) -> str:
        return reverse("account")


class RenamePasskey(EditWebAuthnView):  # type: ignore[misc]
    success_url = reverse_lazy("mfa_index")


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    http_method_names = ("get", "head", "post")
    success_url = reverse_lazy("mfa_index")


class SignInByPasskey(LoginWebAuthnView):  # type: ignore[misc]
    """allauth's, telling the trail of a passkey that was refused."""

    def form_invalid(self, form: Any) -> HttpResponse:
        signals.failure(self.request, None, "passkey")
        response: HttpResponse = super().form_invalid(form)
        return response


class Sessions(ListUserSessionsView):  # type: ignore[misc]
    """allauth's; ending the others takes proof of who one is, or a thief could end their owner's."""

    http_method_names = ("get", "head", "post")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise_if_reauthentication_required(request, app="allauth.usersessions")
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out one of one's other sessions."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    raise_if_reauthentication_required(request, app="allauth.usersessions")
    if session.session_key == request.session.session_key:
        raise PermissionDenied("That is this session. Sign out instead.")
    session.end()
    signals.signed_out(request, request.user, "from another session")
    messages.success(request, "That session has ended.")
    return redirect("usersessions_list")


@require_POST
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an identity at the provider off one's account."""
    identity = get_object_or_404(SocialAccount, pk=pk, user=request.user)
    if not _has_password(request):
        raise PermissionDenied("You have no password here, so this is your only way in.")
    raise_if_reauthentication_required(request, app="allauth.socialaccount")
    identity.delete()
    social_account_removed.send(sender=SocialAccount, request=request, socialaccount=identity)
    messages.success(request, "That identity opens your account no longer.")
    return redirect("account")


def _has_password(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.has_usable_password()
