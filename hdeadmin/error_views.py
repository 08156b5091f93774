"""The pages for what went wrong, each saying what to do next, with the request's id."""

import sys
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.template.defaultfilters import filesizeformat
from django.views.decorators.csrf import requires_csrf_token

from hdeadmin.logging import request_id

# Statuses for which a view may answer with nothing and leave the page to us.
_PAGES = frozenset({400, 403, 404, 405})


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; 413 where more was sent than is read."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return too_large(
            request,
            fields=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS if isinstance(exception, TooManyFieldsSent) else 0,
        )
    return _bare(request, 400)


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {"reason": str(exception)}, status=403)


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what was not found, in the words of the Http404 that a view raised."""
    # A route that did not match raises Resolver404, whose only argument is a dict.
    message = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return render(request, "404.html", {"message": message}, status=404)


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where our own database does not answer.

    Rendered without the request: who is signed in is a question to a database that may be down.
    """
    sent = request.method not in ("GET", "HEAD", "OPTIONS")
    # What fails after the event is committed, as saving the session, fails here too. Where no view was looked for yet,
    # as while it is asked who is signed in, none has run.
    maybe_written = sent and request.resolver_match is not None
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        response = _bare(request, 503, maybe_written=maybe_written, sent=sent)
        response.headers["Retry-After"] = "10"
        return response
    return _bare(request, 500, maybe_written=maybe_written)


def too_large(request: HttpRequest, *, size: int = 0, fields: int = 0) -> HttpResponse:
    """413, with the limit that was passed: so many bytes, or so many fields."""
    size = size or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return _bare(request, 413, size=filesizeformat(size), fields=fields)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "csrf_failure.html", status=403)


class ErrorPages:
    """Give a page to an error that a view, or Django, answers with nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code not in _PAGES or response.streaming or response.content:
            return response
        if response.status_code == 400:
            return _bare(request, 400)
        page = render(request, f"{response.status_code}.html", status=response.status_code)
        if "Allow" in response.headers:
            page.headers["Allow"] = response.headers["Allow"]
        return page


class BodyLimit:
    """Read no more of a body than whoever sends it may need: a draft is large, what a stranger may send is not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        sent = int(length) if length.isascii() and length.isdecimal() else 0
        if sent > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return too_large(request)
        if sent > settings.HDEADMIN_STRANGERS_BODY and not request.user.is_authenticated:
            return too_large(request, size=settings.HDEADMIN_STRANGERS_BODY)
        return self.get_response(request)


def _bare(request: HttpRequest, status: int, **context: object) -> HttpResponse:
    """A page without the request: no host name that is not ours, and no question to the database, is in it."""
    page = loader.render_to_string(f"{status}.html", {**context, **request_id(request)})
    return HttpResponse(page, status=status)
