"""What a server does beside answering requests, each in a thread of its own."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Taken by whoever begins, once in each process.
_turn = threading.Lock()


class BackgroundStart:
    """A WSGI application that begins the background work at its first request.

    Not when it is loaded: `gunicorn --preload` loads it in one process and answers in others, forked from it. A thread
    does not live on in a fork, but the locks that it held do, for ever.
    """

    def __init__(self, application: WsgiApplication) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begin()
        return self.application(environ, start_response)


def begin() -> None:
    """Start what `HDEADMIN_AT_START` names, once in a process; no request waits, and the process ends without it."""
    if not _turn.acquire(blocking=False):
        return
    for name in settings.HDEADMIN_AT_START:
        threading.Thread(target=import_string(name), name=name, daemon=True).start()


def _give_a_turn() -> None:
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_give_a_turn)
