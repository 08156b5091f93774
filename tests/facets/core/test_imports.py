"""The core stands alone: a Lambda or a worker imports it and gets no Django."""

import subprocess
import sys
from pathlib import Path

import pytest

import facets.core

ROOT = Path(__file__).parents[3]
_LIST = "import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


@pytest.mark.parametrize(
    "module", ["facets.core", "facets.core.sqlite", "facets.core.dynamodb.store", "facets.core.store"]
)
def test_the_core_imports_no_django(module):
    packages = _packages_after_importing(module)

    assert "boto3" in packages
    assert packages & {"django", "hdeadmin", "moto"} == set()


def test_a_definition_imports_no_django():
    assert "django" not in _packages_after_importing("facets.demo.definitions.bank_account")


def test_the_public_names_are_there():
    assert sorted(facets.core.__all__) == list(facets.core.__all__)
    assert all(hasattr(facets.core, name) for name in facets.core.__all__)


def _packages_after_importing(module: str) -> set[str]:
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", _LIST.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(answer.stdout.split())
