"""A built function, a simulated Anypoint and a storage server to run it against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest
from tests.cloud.function.harness import BUCKET, Function, environment, served
from tests.storage_server import StorageServer

from anypoint_simulator import Anypoint, Behaviour, World, quiet, running
from mulesoft_audit.cloud.build import build_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

VERSION = "0.0.0+built"


class Serve(Protocol):
    """Serves the function, with these settings instead of or beside the usual ones; empty ones are not set."""

    def __call__(self, **settings: str) -> AbstractContextManager[Function]: ...


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the function; its version tells it from the package that is installed here."""
    directory = tmp_path_factory.mktemp("built")
    build_source(directory)
    module = directory / "mulesoft_audit" / "__init__.py"
    module.write_text(f'"""Built."""\n\n__version__ = "{VERSION}"\n')
    return directory


@pytest.fixture
def anypoint() -> Iterator[Anypoint]:
    """Two business groups and a root, two days of a few hundred entries each."""
    world = World(quiet(groups=2, days=2, entries_per_day=400))
    with running(world, Behaviour(token_entries=False)) as simulated:
        yield simulated


@pytest.fixture
def storage() -> Iterator[StorageServer]:
    with StorageServer(buckets=[BUCKET]) as server:
        yield server


@pytest.fixture
def serve(built: Path, tmp_path: Path, anypoint: Anypoint, storage: StorageServer) -> Serve:
    """Return what serves the function."""
    return lambda **settings: served(built, tmp_path, environment(anypoint, storage, **settings))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one loud line what could not be tried here."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("Pub/Sub emulator" in str(report.longrepr) for report in skipped):
        line = "NOT TRIED: Google's Pub/Sub emulator is not installed here, so the whole chain was not run through it."
        terminalreporter.write_sep("!", line, red=True, bold=True)
