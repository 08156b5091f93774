"""From facet name to definition: the modules that HDEADMIN_FACETS names, imported once."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from facets.definitions import DefinitionError, FacetDefinition

# Old names of modules that a definition or the setting may still use, and the names that they have now.
_RENAMED = {
    "facets.definition": "facets.definitions",
    "facets.definitions": "facets.demo.definitions",
    "facets.definitions.bank_account": "facets.demo.definitions.bank_account",
    "facets.definitions.order": "facets.demo.definitions.order",
}


@cache
def definitions() -> dict[str, FacetDefinition[Any]]:
    """Every definition, in the order of the setting, then of the modules' names, then of their lines.

    Raises:
        DefinitionError: a module cannot be imported, defines no facet, or defines one that is defined already.
        ImproperlyConfigured: the setting or a module uses a name of an earlier version.
    """
    found: dict[str, FacetDefinition[Any]] = {}
    for name in settings.HDEADMIN_FACETS:
        of_module = [value for module in _modules(name) for value in vars(module).values()]
        facets = list(dict.fromkeys(value for value in of_module if isinstance(value, FacetDefinition)))
        if not facets:
            raise DefinitionError(f"HDEADMIN_FACETS: module {name!r} defines no facet.")
        for facet in facets:
            if found.setdefault(facet.name, facet) is not facet:
                raise DefinitionError(
                    f"HDEADMIN_FACETS: {facet.name} is defined twice, the second time in {name!r}."
                )
    return found


def get(name: str) -> FacetDefinition[Any] | None:
    return definitions().get(name)


def _modules(name: str) -> Iterator[ModuleType]:
    """The module, and those in it if it is a package."""
    if name in _RENAMED:
        raise ImproperlyConfigured(f"HDEADMIN_FACETS: module {name!r} is now {_RENAMED[name]!r}.")
    try:
        module = importlib.import_module(name)
        yield module
        for child in pkgutil.iter_modules(getattr(module, "__path__", ())):
            yield importlib.import_module(f"{name}.{child.name}")
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name in _RENAMED:
            raise ImproperlyConfigured(
                f"HDEADMIN_FACETS: module {name!r} imports {error.name!r}, which is now {_RENAMED[error.name]!r}."
            ) from error
        raise DefinitionError(f"HDEADMIN_FACETS: module {name!r} cannot be imported: {error}") from error
