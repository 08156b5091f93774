"""Who may come in, and what they may do."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "hdeadmin.access"
    label = "access"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from hdeadmin.access import recording, sessions

        recording.listen()
        user_logged_in.connect(sessions.begin, dispatch_uid="hdeadmin.access.sessions")
