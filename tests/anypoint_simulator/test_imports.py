"""The simulator knows nothing of the product, and the product runs without the simulator."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIMULATOR, PRODUCT = "anypoint_simulator", "mulesoft_audit"
MAY_USE_THE_SIMULATOR = {"cli/simulate.py", "cli/demo.py"}


def folder_of(package: str) -> Path:
    spec = find_spec(package)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def imported(source: str) -> Iterator[str]:
    """Yield the top-level package of each import, wherever in the file it stands; "" for a relative one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else (node.module or "").partition(".")[0]


def importers(package: str, of: str) -> set[str]:
    """Return the files of `package` that import `of`."""
    folder = folder_of(package)
    files = sorted(folder.rglob("*.py"))
    assert files
    return {
        file.relative_to(folder).as_posix() for file in files if of in set(imported(file.read_text(encoding="utf-8")))
    }


def test_the_simulator_imports_nothing_of_the_product() -> None:
    assert importers(SIMULATOR, PRODUCT) == set()


def test_the_product_imports_the_simulator_only_to_run_it() -> None:
    assert importers(PRODUCT, SIMULATOR) <= MAY_USE_THE_SIMULATOR


def test_imports_inside_functions_are_seen_too() -> None:
    source = "def f():\n    from a.b import c\n    import d.e\nfrom . import g\n"
    assert set(imported(source)) == {"a", "d", ""}


def test_both_packages_say_that_they_are_typed() -> None:
    assert all((folder_of(package) / "py.typed").is_file() for package in (SIMULATOR, PRODUCT))
