"""manage.py changepassword: Django's, on record."""

from django.contrib.auth.management.commands import changepassword

from hdeadmin.accounts.management.on_record import OnRecord


class Command(OnRecord, changepassword.Command):
    action = "password-changed"
