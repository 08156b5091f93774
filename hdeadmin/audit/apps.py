"""Who did what, when and why: a trail that is only ever added to."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "hdeadmin.audit"
    label = "audit"
