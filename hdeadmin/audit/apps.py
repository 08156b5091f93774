"""Who did what, when and why: a trail that is only ever added to."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "hdeadmin.audit"
    label = "audit"

    def ready(self) -> None:
        from hdeadmin.audit import checks

        register(checks.triggers_are_there, Tags.database)
        post_migrate.connect(checks.restore_after_migrations, sender=self, dispatch_uid="audit triggers")
