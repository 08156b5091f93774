"""Who may come in, and what they may do."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "hdeadmin.access"
    label = "access"

    def ready(self) -> None:
        from allauth.account import signals
        from django.contrib.auth.signals import user_logged_in

        from hdeadmin.access import recording, sessions, sso

        recording.listen()
        signals.user_logged_in.connect(sso.note_factor, dispatch_uid="hdeadmin.access.sso")
        user_logged_in.connect(sessions.begin, dispatch_uid="hdeadmin.access.sessions")
