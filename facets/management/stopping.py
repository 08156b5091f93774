"""Stopping long work: the first Ctrl-C lets what is begun come to its end, the second one does not."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError

# What a shell says of a program that Ctrl-C ended.
INTERRUPTED = 130


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the next one does what it always does."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def ask(number: int, frame: Any) -> None:
        stop.set()
        restore()
        sys.stderr.write("\nStopping: what is begun is finished. Once more stops at once.\n")

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in signals:
        signal.signal(number, ask)
    try:
        yield stop
    except KeyboardInterrupt:
        raise CommandError("Stopped at once.", returncode=INTERRUPTED) from None
    finally:
        restore()
