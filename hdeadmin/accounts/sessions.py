"""How long a session lasts, and how it is ended."""

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse

from hdeadmin.accounts import signals

# When the person signed in, and when they last did something; seconds since 1970, kept in the session.
BEGAN = "signed_in_at"
SEEN = "seen_at"

# Not at every request: each time is a write to the database.
TOUCH = 60  # seconds

# Borne by requests that a page makes by itself. They keep nobody signed in.
UNATTENDED = "X-Unattended"


class SessionLifetime:
    """End a session after its longest time, and keep it alive while somebody works.

    The store forgets a session `SESSION_COOKIE_AGE` after it was last kept; whoever works has theirs kept once a
    minute, so the idle time is up to a minute shorter than that.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Whoever sends no session has signed in nowhere, and need not be looked up.
        if request.session.session_key and request.user.is_authenticated:
            now = time.time()
            began = request.session.setdefault(BEGAN, now)
            if now - began >= settings.HDEADMIN_SESSION_SECONDS:
                signals.signed_out(request, request.user, "after the longest time")
                request.session.flush()
                request.user = AnonymousUser()
            elif UNATTENDED not in request.headers and now - request.session.get(SEEN, 0) >= TOUCH:
                request.session[SEEN] = now
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


def begin(request: HttpRequest, **rest: Any) -> None:
    """Note when a session began; heard when Django signs somebody in, whichever way."""
    request.session[BEGAN] = request.session[SEEN] = time.time()


def end_all_but(own: str | None) -> int:
    """End every session but the one with that key; how many that were people's."""
    ended: int = UserSession.objects.exclude(session_key=own).delete()[0]
    # Those of whoever is on the way in too.
    import_module(settings.SESSION_ENGINE).SessionStore.get_model_class().objects.exclude(
        session_key=own
    ).delete()
    return ended


def end_sessions(user: User) -> int:
    """Sign somebody out everywhere; how many sessions that ended."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)
