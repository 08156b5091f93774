"""Django's own commands that change who may come in, each change on record before it is made."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db.models.signals import pre_save

from hdeadmin.audit.log import AuditUnavailable, command_user, record


class OnRecord(BaseCommand):
    """Put before one of Django's commands: it saves a person once, and `action` is recorded first, with their name."""

    action: str

    def handle(self, *args: Any, **options: Any) -> Any:
        """Raises CommandError where it cannot be recorded; then nothing is changed."""
        pre_save.connect(self._saving, sender=User)
        try:
            return super().handle(*args, **options)
        except AuditUnavailable as error:
            raise CommandError(
                f"The audit trail cannot be written, so nothing was changed: {error}"
            ) from error
        finally:
            pre_save.disconnect(self._saving, sender=User)

    def _saving(self, instance: User, **rest: Any) -> None:
        record(self.action, user=command_user(), details={"person": instance.get_username()})
