"""The deployment knows nothing of what it serves."""

import ast
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
