"""Writes that go on no record, for tests of what is written."""

from contextlib import AbstractContextManager, nullcontext

from facets.changes.audited_write import Plan


def unannounced(plan: Plan) -> AbstractContextManager[None]:
    return nullcontext()
