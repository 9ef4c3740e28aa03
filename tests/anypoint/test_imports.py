"""No two modules import each other, not even for type hints."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mulesoft_audit

SOURCE = Path(mulesoft_audit.__file__).parent


def imports_of(folder: str) -> dict[str, set[str]]:
    """Return what each module of a folder imports of the same folder."""
    files = {f"mulesoft_audit.{folder.replace('/', '.')}.{file.stem}": file for file in (SOURCE / folder).glob("*.py")}
    found: dict[str, set[str]] = {}
    for name, file in files.items():
        nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        found[name] = {module for module in modules if module in files}
    return found


@pytest.mark.parametrize("folder", ["anypoint", "cloud/google"])
def test_no_import_leads_back(folder: str) -> None:
    left = imports_of(folder)
    assert left
    while free := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in free:
            del left[name]
    assert not left
