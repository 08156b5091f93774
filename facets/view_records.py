"""Every look at an entity on record, where `HDEADMIN_AUDIT_VIEWS` asks for it."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.middleware import unavailable

logger = logging.getLogger(__name__)


class RecordedViews:
    """Record each answer that shows an entity, whichever page or part of one it is, before it leaves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        # A POST is on record as what it does.
        if (
            not settings.HDEADMIN_AUDIT_VIEWS
            or request.method != "GET"
            or response.status_code != 200
            or match is None
            or "entity_id" not in match.kwargs
        ):
            return response
        try:
            log.record(
                "view",
                request=request,
                facet=match.kwargs.get("facet", ""),
                entity=match.kwargs["entity_id"],
                details={"page": match.url_name},
            )
        except AuditUnavailable:
            logger.exception("a look at an entity could not be put on record, so it was not shown")
            response.close()
            return unavailable(request)
        return response
