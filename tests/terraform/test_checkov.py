"""Checkov's findings on the module: each that remains is skipped in its file, with the reason."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.terraform.workspace import MODULE

if TYPE_CHECKING:
    from pathlib import Path

CHECKOV = shutil.which("checkov")


@pytest.mark.slow
@pytest.mark.skipif(CHECKOV is None, reason="checkov is not installed here: pip install checkov, in a venv of its own")
def test_nothing_is_found_that_is_not_explained(tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path / "terraform")
    line = [CHECKOV or "", "-d", "terraform", "--framework", "terraform", "--compact", "--quiet", "--skip-download"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "Failed checks: 0" in done.stdout
