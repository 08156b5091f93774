"""Sign-in, second factors and people."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "hdeadmin.accounts"
    # Not "account", which is allauth's.
    label = "accounts"

    def ready(self) -> None:
        from allauth.account import signals
        from django.contrib.auth.signals import user_logged_in

        from hdeadmin.accounts import sessions, sso
        from hdeadmin.accounts.signals import listen

        listen()
        signals.user_logged_in.connect(sso.note_factor, dispatch_uid="hdeadmin.accounts.sso")
        user_logged_in.connect(sessions.begin, dispatch_uid="hdeadmin.accounts.sessions")
