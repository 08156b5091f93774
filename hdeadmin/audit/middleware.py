"""503 where something cannot be put on record: it was not done, and the page says so."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hdeadmin.audit.log import AuditUnavailable

logger = logging.getLogger(__name__)


class AuditFailures:
    """Answer what no view has caught of a trail that cannot be written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, AuditUnavailable):
            return None
        logger.error("The audit trail cannot be written: %s", exception)
        return unavailable(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """The page for what was not done, since it could not be put on record."""
    response = render(request, "audit/unavailable.html", status=503)
    response.headers["Retry-After"] = "10"
    return response
