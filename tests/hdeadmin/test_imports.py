"""The deployment knows nothing of what it serves, and no module needs itself."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

from hdeadmin.env import BASE_DIR


def imported(source: Path) -> set[str]:
    """The top-level packages that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def test_no_module_of_the_deployment_imports_the_app():
    modules = list((Path(BASE_DIR) / "hdeadmin").rglob("*.py"))

    assert len(modules) > 8
    assert [module.name for module in modules if "facets" in imported(module)] == []


def test_no_module_of_the_app_imports_itself_by_way_of_others():
    sources = {name_of(source): source for source in (Path(BASE_DIR) / "facets").rglob("*.py")}
    needs = {
        name: {
            module if (module := f"{node.module}.{alias.name}") in sources else str(node.module)
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for name, source in sources.items()
    }

    assert len(needs) > 100
    # Raises CycleError, which names them.
    TopologicalSorter(needs).prepare()


def name_of(source: Path) -> str:
    """As it is imported."""
    return ".".join(source.relative_to(BASE_DIR).with_suffix("").parts).removesuffix(".__init__")
