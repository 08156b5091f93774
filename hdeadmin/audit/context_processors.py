"""What every page knows of the trail: whether the person may see it."""

from django.http import HttpRequest

from hdeadmin.permissions.permissions import scope


def audit(request: HttpRequest) -> dict[str, bool]:
    user = getattr(request, "user", None)
    return {"may_audit": user is not None and bool(scope(user, "audit"))}
