"""How commands tell of long work."""

import io

import pytest

from facets.management.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("screen", [io.StringIO, Terminal])
def test_work_of_unknown_size_is_told_without_a_share(screen: type[io.StringIO]):
    """It stood at 100% from the first entity on."""
    now = iter([0.0, 10.0])
    stream = screen()
    progress = Progress(
        stream, "Indexing", 0, unit=("entity", "entities"), left=True, clock=lambda: next(now)
    )

    progress.update(500, 500)

    assert stream.getvalue().strip() == "Indexing 500 entities, 50 a second"


def test_the_time_left_is_told_by_what_this_run_did():
    now = iter([0.0, 10.0])
    stream = io.StringIO()
    progress = Progress(
        stream,
        "Indexing",
        1_000,
        unit=("entity", "entities"),
        resumed=(400, 40),
        left=True,
        clock=lambda: next(now),
    )

    progress.update(500, 50)

    assert stream.getvalue() == "Indexing 50%  50 entities, 1 a second, 50 s left\n"


def test_one_is_told_in_the_singular():
    now = iter([0.0, 10.0])
    stream = io.StringIO()

    Progress(stream, "Verifying", 4, unit=("entity", "entities"), clock=lambda: next(now)).update(1, 1)

    assert stream.getvalue() == "Verifying 25%  1 entity, 0 a second\n"
