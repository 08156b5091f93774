"""The deployment itself as an app, for what belongs to no other: the table of the shared cache."""

from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    name = "hdeadmin"
