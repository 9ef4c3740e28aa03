"""An archive that two runs filled: made once, and copied for each test."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.evidence.archive import filled
from tests.plain_source import PlainSource, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def served() -> Iterator[PlainSource]:
    """The source that everything is from; a test leaves it as it was."""
    with serving(PlainSource()) as source:
        yield source


@pytest.fixture(scope="session")
def pristine(served: PlainSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that equals the source."""
    return filled(served, tmp_path_factory.mktemp("evidence") / "archive")


@pytest.fixture
def root(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it to tamper with."""
    shutil.copytree(pristine, tmp_path / "archive")
    return tmp_path / "archive"
