"""Each package imports only what lies below it, no module imports itself, and the core needs no Django."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import facets.core
from hdeadmin.env import BASE_DIR

ROOT = Path(BASE_DIR)

# From a package to what it may import directly; what those may import, it may too.
BELOW: dict[str, tuple[str, ...]] = {
    "facets.core": (),
    "facets.definitions": ("facets.core",),
    "facets.conf": ("facets.definitions",),
    "facets.registry": ("facets.definitions",),  # until it is part of conf
    "facets.converters": (),
    "facets.forms": ("facets.definitions",),
    "facets.directory": ("facets.conf", "facets.registry"),
    "facets.entities": ("facets.directory",),
    "facets.lists": ("facets.directory", "facets.forms"),
    "facets.changes": ("facets.entities", "facets.forms"),
    "facets.jobs": ("facets.changes", "facets.lists"),
    "facets.importing": ("facets.changes",),
    "facets.templatetags": ("facets.lists", "facets.converters"),
    "facets.views": ("facets.jobs", "facets.converters"),
    "facets.demo": ("facets.jobs",),
    "facets.management": ("facets.jobs", "facets.importing", "facets.demo"),
    "facets.middleware": ("facets.views",),
    "facets.view_records": (),  # until it is part of middleware
    "facets.context_processors": ("facets.views",),
    "hdeadmin.permissions": (),
    "hdeadmin.audit": ("hdeadmin.permissions",),
    "hdeadmin.accounts": ("hdeadmin.audit",),
    "hdeadmin.access": ("hdeadmin.accounts",),  # for one version
}
# Django reads these; those of the app import what they like, and nothing imports them.
ROOTS = {
    f"{app}.{module}"
    for app in ("facets", "hdeadmin")
    for module in ("apps", "models", "urls", "checks", "migrations", "settings", "wsgi")
}
# Prints the packages that are loaded once a module is.
_LOADED = "import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


def package_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


def allowed(package: str) -> set[str]:
    return {package} | {name for below in BELOW.get(package, ()) for name in allowed(below)}


def name_of(source: Path) -> str:
    """A module's name, as it is imported."""
    return ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{source}: import by the whole name, which this test can follow"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = {name_of(source): source for app in ("facets", "hdeadmin") for source in (ROOT / app).rglob("*.py")}
# The modules of each package, and each loose module, of the two apps.
PACKAGES: dict[str, list[str]] = {}
for module in MODULES:
    if "." in module:
        PACKAGES.setdefault(package_of(module), []).append(module)


@pytest.mark.parametrize("package", sorted(PACKAGES.keys() - ROOTS))
def test_a_package_imports_only_what_is_below_it(package: str):
    needed = {package_of(name) for module in PACKAGES[package] for name in imports(MODULES[module])}
    needed &= PACKAGES.keys()
    if package.startswith("facets."):
        # All of the site is below the app.
        needed = {name for name in needed if name.startswith("facets.")}
    else:
        # Of the site, the three apps have an order; what else there is, such as logging, is below them.
        needed = {name for name in needed if name in BELOW or name.startswith("facets.")}

    assert needed <= allowed(package)


def test_every_package_of_the_app_has_its_place():
    assert {name for name in PACKAGES.keys() - ROOTS if name.startswith("facets.")} <= BELOW.keys()


def test_no_module_of_the_site_imports_the_app():
    site = [module for module in MODULES if module.startswith("hdeadmin")]
    importers = {
        module
        for module in site
        if any(name.partition(".")[0] == "facets" for name in imports(MODULES[module]))
    }

    assert len(site) > 50
    assert importers == set()


def test_no_module_imports_itself_by_way_of_others():
    needs = {
        module: {name if name in MODULES else name.rpartition(".")[0] for name in imports(source)}
        for module, source in MODULES.items()
    }

    assert len(needs) > 200
    # Raises CycleError, which names them.
    TopologicalSorter(needs).prepare()


@pytest.mark.parametrize(
    "module", ["facets.core", "facets.core.sqlite", "facets.core.dynamodb.store", "facets.core.store"]
)
def test_the_core_loads_no_django(module: str):
    packages = packages_loaded_by(module)

    assert "boto3" in packages
    assert packages & {"django", "hdeadmin", "moto"} == set()


@pytest.mark.parametrize("module", ["facets.definitions", "facets.demo.definitions.bank_account"])
def test_a_definition_loads_no_django(module: str):
    assert "django" not in packages_loaded_by(module)


def test_the_public_names_of_the_core_are_there():
    assert sorted(facets.core.__all__) == list(facets.core.__all__)
    assert all(hasattr(facets.core, name) for name in facets.core.__all__)


def packages_loaded_by(module: str) -> set[str]:
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", _LOADED.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(process.stdout.split())
