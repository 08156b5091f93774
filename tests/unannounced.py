"""Writes that go on no record, for tests of what is written."""

from contextlib import AbstractContextManager, nullcontext

from facets.undertakings import Plan


def unannounced(plan: Plan) -> AbstractContextManager[None]:
    return nullcontext()
