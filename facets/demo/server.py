"""The demo's web server: this machine only, Django's own threads, no reloader."""

import errno
import logging
import signal
from types import FrameType

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application

from hdeadmin.logging import REQUESTS

HOST = "127.0.0.1"


class PortInUse(Exception):
    """Another program listens there."""


def bind(port: int) -> ThreadedWSGIServer:
    """Take the port, 0 for any that is free; who asks before `serve` waits.

    Raises:
        PortInUse, OSError
    """
    try:
        server = ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse from error
        raise
    server.daemon_threads = True
    return server


def serve(server: ThreadedWSGIServer) -> None:
    """Answer until Ctrl-C or SIGTERM, then give the port back."""
    server.set_app(get_internal_wsgi_application())
    # The sign-in that was printed should not scroll away; what went wrong is still told.
    logging.getLogger(REQUESTS).setLevel(logging.WARNING)
    # A shell that starts a program in the background has it ignore Ctrl-C's signal.
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
