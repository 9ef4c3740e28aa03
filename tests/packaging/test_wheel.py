"""The wheel has what runs, and nothing else."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.packaging.installing import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_the_wheel_of_the_sdist_has_every_file_of_the_source_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {path.relative_to(ROOT / "src").as_posix(): path.read_bytes() for path in files}
    module = [path for path in (ROOT / "terraform").iterdir() if path.is_file() and not path.name.startswith(".")]
    expected |= {f"mulesoft_audit/terraform/{path.name}": path.read_bytes() for path in module}
    assert packed == expected
