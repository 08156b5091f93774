"""Light, dark, or as the system has it: chosen by a person, kept in a cookie."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

COOKIE = "hdeadmin_theme"
THEMES = ("system", "light", "dark")
ONE_YEAR = 365 * 24 * 60 * 60  # seconds


def theme(request: HttpRequest) -> dict[str, str]:
    """The theme for the template, known before the first paint. A cookie of another value counts as none."""
    chosen = request.COOKIES.get(COOKIE, "")
    return {"theme": chosen if chosen in THEMES else "system"}


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme and go back to the page that it was chosen on."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        return HttpResponseBadRequest()
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        back = "/"
    response = HttpResponseRedirect(back)
    # Not HttpOnly: the switch in static/hdeadmin.js sets it too, to change without a reload.
    response.set_cookie(
        COOKIE, chosen, max_age=ONE_YEAR, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax"
    )
    return response
