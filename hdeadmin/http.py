"""Which address a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# What stands where no address is known, as behind a Unix socket with no proxy counted.
UNKNOWN = "0.0.0.0"  # noqa: S104 - nothing listens there


def client_address(request: HttpRequest) -> str:
    """The address that sent the request, as the outermost trusted proxy saw it; "0.0.0.0" where none is known.

    `X-Forwarded-For` is what a browser likes to say, but for as many entries, counted from its end, as there are
    proxies of ours in front (`HDEADMIN_PROXY_COUNT`). With none, or where the header is shorter than that, it is
    the address of the connection.
    """
    proxies: int = settings.HDEADMIN_PROXY_COUNT
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    said = hops[-proxies] if 0 < proxies <= len(hops) else ""
    return _address(said) or _address(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def _address(text: str) -> str:
    """The address in a canonical form, without a port; "" if it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        # A zone, as in fe80::1%eth0, names an interface of this machine's and takes any text.
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
