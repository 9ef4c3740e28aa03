"""What is to be released, and environments that have nothing else: made once, for all tests and workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.packaging.building import ROOT, build
from tests.packaging.installing import SETS, VERSIONS, Environment, once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    With = Callable[..., Environment]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all workers of pytest-xdist."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "packaging"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def dist(shared: Path) -> Path:
    """The folder DIST, whose files are to be released; or one with files that are built now."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout: what belongs into a release is not known")
    given = os.environ.get("DIST")
    return ROOT / given if given else once(shared / "dist", build)


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    (found,) = dist.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """A version of Python that is here."""
    return str(request.param)


@pytest.fixture
def with_extras(wheel: Path, version: str, shared: Path) -> With:
    """Return what makes, or has made, an environment with the wheel and these extras."""

    def made(*extras: str) -> Environment:
        place = shared / f"{version.replace('.', '-')}-{'-'.join(extras)}"
        wanted = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
        by_pip = (version, *extras) == (VERSIONS[0], "gcp")  # as the README says
        return Environment(once(place, lambda folder: Environment.made(folder, version, wanted, quickly=not by_pip)))

    return made


@pytest.fixture(params=SETS, ids=lambda extras: "+".join(extras) or "bare")
def installed(with_extras: With, request: pytest.FixtureRequest) -> Environment:
    """Each set of extras."""
    return with_extras(*request.param)


@pytest.fixture
def bare(with_extras: With) -> Environment:
    return with_extras()
