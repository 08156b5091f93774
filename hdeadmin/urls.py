"""The root URLconf."""

from django.urls import include, path

from hdeadmin import health, theme

handler400 = "hdeadmin.errors.bad_request"
handler403 = "hdeadmin.errors.permission_denied"
handler404 = "hdeadmin.errors.page_not_found"
# Asked for by allauth, for its own limits.
handler429 = "hdeadmin.limits.too_many"
handler500 = "hdeadmin.errors.server_error"

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("theme/", theme.choose, name="theme"),
    path("", include("hdeadmin.access.urls")),
    path("", include("hdeadmin.audit.urls")),
    path("", include("facets.urls")),
]
