"""Who holds a lease, in words that tell whether they still can."""

import os
import random
import socket
import threading

_PROCESS = ", process "


def new_owner() -> str:
    """A name for this process and thread that no other one has."""
    place = f"{os.getpid()} ({threading.get_ident():x}-{random.getrandbits(32):x})"
    return f"{socket.gethostname()}{_PROCESS}{place}"


def is_gone(owner: str) -> bool:
    """Whether the owner was a process of this machine that is no more: it was killed before it gave back its lease."""
    host, _, place = owner.rpartition(_PROCESS)
    number = place.partition(" ")[0]
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def in_words(owner: str) -> str:
    return owner.partition(" (")[0]
