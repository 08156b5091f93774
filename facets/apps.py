"""The app's configuration."""

from django.apps import AppConfig


class FacetsConfig(AppConfig):
    name = "facets"

    def ready(self) -> None:
        from facets import checks, registry  # noqa: F401  # checks register themselves

        # A server starts without running checks; a broken definition must not wait for a customer.
        registry.definitions()
