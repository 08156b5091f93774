"""manage.py grant: give a group the right to an action, take it away, or list who has what."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

from facets import registry
from facets.definitions.display import visible
from hdeadmin.accounts import grants
from hdeadmin.accounts.grants import Change, LastAdministrator, NotGrantable
from hdeadmin.audit.log import AuditUnavailable, command_user
from hdeadmin.permissions.models import Grant
from hdeadmin.permissions.permissions import ACTIONS


class Command(BaseCommand):
    help = (
        "Let the people of GROUP do ACTION, in every facet or in those that --facet names. --revoke takes it away. "
        f"Actions: {', '.join(ACTIONS)}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "group", nargs="?", metavar="GROUP", help="A group that is there, or with --create."
        )
        parser.add_argument("action", nargs="?", metavar="ACTION", choices=ACTIONS)
        parser.add_argument(
            "--facet", action="append", default=[], metavar="NAME", dest="facets", help="Once for each facet."
        )
        parser.add_argument("--revoke", action="store_true", help="Take it away.")
        parser.add_argument("--create", action="store_true", help="Make the group if it is not there.")
        parser.add_argument("--list", action="store_true", dest="list_all", help="Say who has what.")

    def handle(
        self,
        *,
        group: str | None,
        action: Any,
        facets: list[str],
        revoke: bool,
        create: bool,
        list_all: bool,
        **options: Any,
    ) -> None:
        if list_all:
            self._list(group)
            return
        if group is None or action is None:
            raise CommandError("Name a GROUP and an ACTION, or say --list.")
        if not Group.objects.filter(name=group).exists() and (revoke or not create):
            names = ", ".join(
                visible(name) for name in Group.objects.order_by("name").values_list("name", flat=True)
            )
            raise CommandError(
                f"There is no group {visible(group)!r}. There are: {names}. --create makes one."
            )
        for facet in facets:
            if registry.get(facet) is None:
                self.stderr.write(f"No definition of {visible(facet)!r} is loaded; it is taken as it is.")
        change = Change(group, action, tuple(dict.fromkeys(facets)))
        try:
            done = (grants.revoke if revoke else grants.grant)(change, by=command_user())
        except (NotGrantable, LastAdministrator, AuditUnavailable) as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        where = ", ".join(visible(facet) or "every facet" for facet in done)
        if not done:
            self.stdout.write("Nothing to take away." if revoke else "It was granted already.")
        elif revoke:
            self.stdout.write(f"{visible(group)} may no longer {action}: {where}.")
        else:
            self.stdout.write(f"{visible(group)} may {action}: {where}.")

    def _list(self, group: str | None) -> None:
        found = Group.objects.order_by("name").prefetch_related("grants")
        for each in found.filter(name=group) if group else found:
            self.stdout.write(visible(each.name))
            facets: dict[str, list[str]] = {}
            for given in each.grants.all():
                assert isinstance(given, Grant)  # noqa: S101 - for the type checker
                facets.setdefault(given.action, []).append(visible(given.facet) or "every facet")
            for action in ACTIONS:
                if action in facets:
                    self.stdout.write(f"  {action}: {', '.join(facets[action])}")
            if not facets:
                self.stdout.write("  nothing")
