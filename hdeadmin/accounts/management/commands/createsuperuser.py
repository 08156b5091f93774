"""manage.py createsuperuser: Django's, on record."""

from django.contrib.auth.management.commands import createsuperuser

from hdeadmin.accounts.management.on_record import OnRecord


class Command(OnRecord, createsuperuser.Command):
    action = "superuser-made"
