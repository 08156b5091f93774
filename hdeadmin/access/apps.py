"""Who may come in, and what they may do."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "hdeadmin.access"
    label = "access"

    def ready(self) -> None:
        from hdeadmin.access import recording

        recording.listen()
