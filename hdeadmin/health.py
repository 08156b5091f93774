"""Whether this process is alive, and whether what it needs answers."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

logger = structlog.get_logger(__name__)


class Probes:
    """Forget who asks where a probe is asked for: it is answered while the database that knows them is down."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in (reverse("healthz"), reverse("readyz")):
            request.COOKIES = {}
        return self.get_response(request)


@login_not_required
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """Answer, whatever else is down; a failure means that this process should be started again."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Say of each part in `HDEADMIN_READINESS` whether it answers: 200, or 503 if one does not.

    Anybody may ask, so the answer names the part and nothing more; the log has the reason.
    """
    parts = {
        name: "ok" if _answers(name, check) else "down" for name, check in settings.HDEADMIN_READINESS.items()
    }
    status = 200 if all(word == "ok" for word in parts.values()) else 503
    return JsonResponse(parts, status=status)


def database_answers() -> None:
    """Ask Django's database for the shortest answer it has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _answers(name: str, check: str) -> bool:
    try:
        import_string(check)()
    except Exception:  # whatever a driver raises, the part does not answer
        logger.warning("does not answer", part=name, exc_info=True)
        return False
    return True
