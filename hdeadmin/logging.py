"""What the process logs: one line for each thing that happened, as JSON on a server.

Never in it: what was typed or asked for after `?`, cookies, passwords, tokens, states and payloads. Of an error only those
messages that cannot quote a value.
"""

import logging.config
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from structlog.processors import ExceptionRenderer, JSONRenderer, TimeStamper
from structlog.typing import EventDict, ExcInfo, WrappedLogger

# The line of each request; the demo turns it off.
REQUESTS = "hdeadmin.request"

_ROOT = Path(__file__).resolve().parent.parent
_MOST_FRAMES = 20
# Their messages are about code, files and connections. Any other may quote what is masked.
_TELLING = (
    AttributeError,
    ImportError,
    ImproperlyConfigured,
    InterfaceError,
    NameError,
    OSError,
    OperationalError,
    ProgrammingError,
    TypeError,
)
# What a proxy of ours may have named the request; anything else could be made to look like a line of the log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

logger = structlog.get_logger(REQUESTS)


def configuration(*, readable: bool) -> dict[str, Any]:
    """Django's `LOGGING`: everybody's lines in one form, to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _pre_chain(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(_readable() if readable else _json()),
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Said by the page and by the line of the request already.
            "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
            "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
            # Set up before Django is, each with a form of its own.
            "gunicorn.error": {"handlers": ["console"], "propagate": False},
            # Below this they tell what they send and receive.
            "boto3": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's `LOGGING_CONFIG`: send structlog's lines the way of all others."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_pre_chain(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.config.dictConfig(config)


class RequestLog:
    """Give each request an id, and a line when it has been answered: `request_id`, and `X-Request-ID` in the answer.

    The line has the route and not the address, in which search terms and personal data may stand.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        id = _request_id(request)
        request.request_id = id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=id):
            begun = time.perf_counter()
            response = self.get_response(request)
            taken = time.perf_counter() - begun
            response.headers["X-Request-ID"] = id
            logger.log(
                logging.WARNING if response.status_code >= 500 else logging.INFO,
                "request",
                method=request.method,
                route=_route(request),
                status=response.status_code,
                ms=round(taken * 1000, 1),
                user=_user(request),
            )
        return response


def request_id(request: HttpRequest) -> dict[str, str]:
    """The request's id for templates, so that a page of an error can name it."""
    return {"request_id": getattr(request, "request_id", "")}


def _request_id(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "")
    if settings.HDEADMIN_PROXY_COUNT and _REQUEST_ID.fullmatch(given):
        return given
    return uuid4().hex


def _route(request: HttpRequest) -> str:
    """The pattern that matched; an entity's id is not in it."""
    if request.resolver_match is not None:
        return f"/{request.resolver_match.route}"
    return settings.STATIC_URL if request.path.startswith(settings.STATIC_URL) else ""


def _user(request: HttpRequest) -> Any:
    """The key of who is signed in, if that has been asked for; the log must not ask a database that may be down."""
    user = getattr(request, "user", None)
    if user is None or isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)


def _pre_chain() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        TimeStamper(fmt="iso", utc=True, key="time"),
    ]


def _json() -> list[Any]:
    # Escapes all that is not ASCII, so that no text ends a line or looks like another.
    return [ExceptionRenderer(_told), JSONRenderer()]


def _readable() -> list[Any]:
    return [
        _printable,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]


def _printable(logger: WrappedLogger, name: str, line: EventDict) -> EventDict:
    """Escape what would end the line, move the cursor or turn the direction of writing."""
    for key, value in line.items():
        if isinstance(value, str) and not value.isprintable():
            line[key] = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in value)
    return line


def _told(exc_info: ExcInfo) -> dict[str, Any]:
    """An error for the log: its type, where it was raised, and its message if that cannot quote a value."""
    _, error, _ = exc_info
    return _one(error)


def _one(error: BaseException, depth: int = 0) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    told: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, _TELLING):
        told["message"] = str(error)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < 5:
        told["after"] = _one(cause, depth + 1)
    return told


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else "/".join(path.parts[-3:])
