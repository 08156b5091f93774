"""How often somebody may do what is dear or can be guessed at, counted across all workers."""

import time
from math import ceil

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hdeadmin.http import client_address


def allow(request: HttpRequest, name: str, *, times: int, seconds: int) -> bool:
    """Whether whoever sends the request may do `name` once more; counts it if so.

    Each person, or address where nobody is signed in, may do it `times` in each `seconds`, whichever worker answers.
    Where the answer is no, return `too_many(request)`.

    Raises:
        DatabaseError: the cache does not answer; nothing is let through uncounted.
    """
    window, past = divmod(time.time(), seconds)
    # A place is taken by `add`, which only one can do; a key names its window, so no place is ever taken anew.
    places = [f"limit:{name}:{_who(request)}:{seconds}:{window:.0f}:{place}" for place in range(times)]
    taken = cache.get_many(places)
    for place in places:
        if place not in taken and cache.add(place, True, timeout=2 * seconds):
            return True
    request.META["hdeadmin.retry_after"] = max(1, ceil(seconds - past))
    return False


def allow_export(request: HttpRequest) -> bool:
    """Whether the person may take one more file away, whatever kind of file it is; `allow` has the rest."""
    return allow(request, "export", times=20, seconds=10 * 60)


def too_many(request: HttpRequest) -> HttpResponse:
    """The page for who was not allowed, with the seconds after which they will be."""
    seconds = request.META.get("hdeadmin.retry_after", 60)
    return say_when(request, render(request, "429.html", {"seconds": seconds}, status=429))


def say_when(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer to who was not allowed, with the header that says after how many seconds they will be."""
    response.headers["Retry-After"] = str(request.META.get("hdeadmin.retry_after", 60))
    return response


def _who(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"person:{user.pk}"
    return f"address:{client_address(request)}"
