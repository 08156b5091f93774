"""What people may do."""

from django.apps import AppConfig


class PermissionsConfig(AppConfig):
    name = "hdeadmin.permissions"
    # Its tables and migrations are those of the app that was hdeadmin.access.
    label = "access"
