"""What a server does beside answering requests, from its start on: each in a thread of its own."""

import threading

from django.conf import settings
from django.utils.module_loading import import_string


def begin() -> None:
    """Start what `HDEADMIN_AT_START` names; no request waits for it, and the process ends without it."""
    for name in settings.HDEADMIN_AT_START:
        threading.Thread(target=import_string(name), name=name, daemon=True).start()
