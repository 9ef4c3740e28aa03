"""An archive that two runs filled: made once, and copied for each test."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.collect.in_process import run_at
from tests.evidence.archive import NOON, ROOT, entry, filled
from tests.evidence.keys import pair
from tests.evidence.sealed import seal
from tests.plain_source import PlainSource, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.evidence.keys import Pair


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


@pytest.fixture(scope="session")
def sealed_once(served: PlainSource, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pair, list[str]]:
    """An archive with three seals, between which entries came."""
    folder = tmp_path_factory.mktemp("sealed")
    with serving(PlainSource()) as source:
        root, keys = filled(source, folder / "archive"), pair(folder)
        digests = [seal(root, keys)]
        for hour in (2, 3):
            stamp = NOON + hour * 3_600_000
            source.add(ROOT, stamp, entry(stamp, random.Random(hour)))
            assert run_at(source, root, stamp + 1000).complete
            digests.append(seal(root, keys))
    return root, keys, digests


@pytest.fixture
def chain(sealed_once: tuple[Path, Pair, list[str]], tmp_path: Path) -> tuple[Path, Pair, list[str]]:
    """A copy of it to tamper with, its keys, and the digests of its seals."""
    root, keys, digests = sealed_once
    shutil.copytree(root, tmp_path / "sealed")
    return tmp_path / "sealed", keys, digests
