"""manage.py invite: make somebody an account, with roles, and print or send the link that opens it."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from hdeadmin import mail
from hdeadmin.accounts import emails, invitations, users
from hdeadmin.audit.log import command_user
from hdeadmin.permissions.permissions import ROLES


class Command(BaseCommand):
    help = (
        "Make somebody an account and print the link by which they set their password, or send it where "
        "HDEADMIN_EMAIL_URL is set. For somebody who has an account: a new link, and the roles are added."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--role",
            nargs="+",
            default=[],
            metavar="ROLE",
            help=f"Any of {', '.join(ROLES)}, or a group of your own.",
        )
        parser.add_argument(
            "--url",
            default="",
            help="Where the console is, such as https://console.example.com; ALLOWED_HOSTS' first.",
        )

    def handle(self, *, email: str, role: list[str], url: str, **options: Any) -> None:
        groups = set(Group.objects.values_list("name", flat=True))
        if unknown := sorted({*role} - groups):
            raise CommandError(
                f"No group is called {', '.join(unknown)}. There are {', '.join(sorted(groups))}."
            )
        by = users.By(name=command_user())
        first = True
        try:
            user, path = users.invite(email, role, by=by)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except invitations.Taken as taken:
            [user] = taken.args
            first = False
            if not user.is_active:
                raise CommandError(
                    f"{user.get_username()} is disabled. Enable them first, on their page."
                ) from taken
            if role:
                users.set_roles(user, {*user.groups.values_list("name", flat=True), *role}, by=by)
            path = users.invite_again(user, by=by)
        link = (url.rstrip("/") or _own_address()) + path
        if mail.is_configured():
            try:
                emails.send_link(user, link, first=first)
            except mail.MailUnavailable as error:
                self.stderr.write(f"The e-mail was not sent: {error}")
            else:
                self.stdout.write(f"{user.get_username()} was sent a link to {user.email}.")
                return
        self.stdout.write(f"{user.get_username()} sets their password here, once, within three days:\n{link}")


def _own_address() -> str:
    host = next((host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"), "localhost")
    return f"http{'s' if settings.SECURE_SSL_REDIRECT else ''}://{host}"
