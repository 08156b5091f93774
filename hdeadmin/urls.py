"""The root URLconf."""

from django.urls import include, path

from hdeadmin import health, theme

handler400 = "hdeadmin.error_views.bad_request"
handler403 = "hdeadmin.error_views.permission_denied"
handler404 = "hdeadmin.error_views.page_not_found"
# Asked for by allauth, for its own limits.
handler429 = "hdeadmin.ratelimit.too_many"
handler500 = "hdeadmin.error_views.server_error"

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("theme/", theme.choose, name="theme"),
    path("", include("hdeadmin.accounts.urls")),
    path("", include("hdeadmin.audit.urls")),
    path("", include("facets.urls")),
]
