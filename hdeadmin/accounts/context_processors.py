"""What every page knows of coming in: the provider's name, whether passkeys work here, who may administer."""

import ipaddress
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from hdeadmin.accounts import mfa
from hdeadmin.permissions.permissions import can


def access(request: HttpRequest) -> dict[str, Any]:
    """Context for templates: `provider_name` ("" without one), and whether `passkeys_possible`, `may_administer`,
    `i_must_have_factor`.
    """
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    user = getattr(request, "user", None)
    return {
        "provider_name": apps[0]["name"] if apps else "",
        "passkeys_possible": _is_named(request),
        "i_must_have_factor": user is not None and mfa.must_have_factor(user),
        "may_administer": user is not None and can(user, None, "administer"),
    }


def _is_named(request: HttpRequest) -> bool:
    """Whether the console is asked by a name: browsers give a passkey to a name only, never to an IP address."""
    try:
        host = request.get_host().rpartition(":")[0] or request.get_host()
        ipaddress.ip_address(host.strip("[]"))
    except DisallowedHost:
        return False
    except ValueError:
        return True
    return False
