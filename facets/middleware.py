"""The core's errors as pages: what is down or unreadable, and that nothing was written."""

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from facets.core import FacetError, InvalidRecord, StoreUnavailable, TableNotFound

logger = structlog.get_logger(__name__)


class StoreFailures:
    """Answer what no view has caught: 503 where the table is out of reach, 502 where a record makes no sense."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, FacetError):
            return None
        if isinstance(exception, TableNotFound | StoreUnavailable):
            logger.warning("the table is out of reach", reason=str(exception))
        elif isinstance(exception, InvalidRecord):
            # Not its words, which may be those of a payload.
            logger.warning("a record cannot be read", id=exception.id, rng=exception.rng, exc_info=exception)
        else:
            logger.warning("the table refused", exc_info=exception)
        return failure_page(request, exception)


def failure_page(request: HttpRequest, error: FacetError) -> HttpResponse:
    """The page for one error of the core, with its status."""
    if isinstance(error, TableNotFound | StoreUnavailable):
        context = {
            "missing_table": isinstance(error, TableNotFound),
            "maybe_written": isinstance(error, StoreUnavailable) and error.maybe_written,
            "was_write": request.method == "POST",
        }
        response = render(request, "facets/unavailable.html", context, status=503)
        response.headers["Retry-After"] = "10"
        return response
    reason = error.reason if isinstance(error, InvalidRecord) else str(error)
    return render(request, "facets/unreadable.html", {"reason": reason, "error": error}, status=502)
