"""What the commands that replay many entities share: their arguments, and the failures of their reports."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from facets import registry
from facets.definitions import FacetDefinition
from facets.definitions.display import visible
from facets.jobs.report import NotAReport

# So many in a row that the table did not answer for, and it is not asked for the others.
OUTAGE = 20


def definition_of(facet: str) -> FacetDefinition[Any]:
    """Raises CommandError where nobody defined the facet, naming those that are."""
    definition = registry.get(facet)
    if definition is None:
        known = ", ".join(registry.definitions())
        raise CommandError(f"There is no definition of the facet {visible(facet)!r}. There are: {known}.")
    return definition


@contextmanager
def report_failures(path: Path) -> Iterator[None]:
    """Raise CommandError for whatever is wrong with the report."""
    try:
        yield
    except NotAReport as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"The report {path} cannot be written: {error.strerror or error}") from error


def workers(text: str) -> int:
    """An argument: how many entities at once."""
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError("the number of workers is from 1 to 64")
    return int(text)
