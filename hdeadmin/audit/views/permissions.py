"""Who may see the trail, and how much of it."""

from contextlib import suppress

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.permissions.permissions import Scope, scope


def require_audit(request: HttpRequest) -> Scope:
    """The facets whose entries the person may see.

    Raises:
        PermissionDenied: none; that is on record then.
    """
    allowed = scope(request.user, "audit")
    if not allowed:
        # A refusal that cannot be recorded is one all the same.
        with suppress(AuditUnavailable):
            log.record("denied", request=request, result="denied", details={"right": "audit"})
        raise PermissionDenied("To see the audit trail, you need the right to audit.")
    return allowed
