"""Off to the provider, and back from it."""

from typing import Any

import requests
import structlog
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from hdeadmin.accounts.provider import Exchange

log = structlog.get_logger(__name__)


@login_not_required
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """A page that goes on to the provider by itself.

    A page, and not a redirect: our policy lets no form end elsewhere. By POST, since whoever is signed in links an
    identity to their account by it.
    """
    provider = Exchange(request).get_provider()
    process = "connect" if request.user.is_authenticated else "login"
    if process == "connect":
        raise_if_reauthentication_required(request, app="allauth.socialaccount")
    try:
        answer: HttpResponse = provider.redirect(request, process, next_url=get_next_redirect_url(request))
    except (OAuth2Error, requests.RequestException) as error:
        return _unavailable(request, provider, error)
    if answer.status_code != 302:
        return answer
    return render(request, "access/sso_begin.html", {"provider": provider, "url": answer.headers["Location"]})


@login_not_required
@require_safe
def callback(request: HttpRequest) -> HttpResponseBase:
    """Where the provider sends people back to."""
    exchange = Exchange(request)
    view = _Callback()
    view.request, view.adapter = request, exchange
    try:
        response: HttpResponseBase = view.dispatch(request)
    except (OAuth2Error, requests.RequestException) as error:
        return _unavailable(request, exchange.get_provider(), error)
    return response


@login_not_required
@require_safe
def cancelled(request: HttpRequest) -> HttpResponse:
    """Where somebody ends who turned back at the provider."""
    return render(request, "access/sso_cancelled.html")


class _Callback(OAuth2CallbackView):  # type: ignore[misc]
    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, Any]:
        state, response = super()._get_state(request, provider)
        if state:
            self.adapter.nonce = state.get("nonce", "")
        return state, response


def _unavailable(request: HttpRequest, provider: Any, error: Exception) -> HttpResponse:
    log.warning("The provider cannot be asked", error=str(error))
    response: HttpResponse = render_authentication_error(request, provider, exception=error)
    return response
