"""Runs of the collector on stores that fail, as a kill or a timeout would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.collect.in_process import Shifted
from tests.plain_source import CLIENT_ID, CLIENT_SECRET

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.collect.period import Period
from mulesoft_audit.collect.run import collect
from mulesoft_audit.errors import ArchiveError
from mulesoft_audit.settings import load
from mulesoft_audit.wiring import find_organizations, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.plain_source import PlainSource

    from mulesoft_audit.collect.summary import Summary


class Failing(LocalStore):
    """A store whose writes fail for good after some; the first that fails may have been done all the same.

    What is left is what a kill at that moment leaves, or a store that times out after having written.
    """

    def __init__(self, root: Path, writes: int, *, after: bool = False) -> None:
        super().__init__(root)
        self.left = writes
        self.after = after

    def alone(self) -> bool:
        return True

    def _do(self, name: str, write: Callable[[], int]) -> int:
        self.left -= 1
        if self.left == -1 and self.after:
            write()
        if self.left < 0:
            raise ArchiveError(f"{name} cannot be written.")
        return write()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        return self._do(name, lambda: LocalStore.create(self, name, data, metadata))

    def replace(self, name: str, data: bytes, generation: int) -> int:
        return self._do(name, lambda: LocalStore.replace(self, name, data, generation))


def run_on(source: PlainSource, store: LocalStore, at: int, since: int | None = None) -> Summary | None:
    """Run the collector as if it were `at` (Unix ms); None if it could not even begin."""
    stop = Stop(Shifted(at))
    flags = {"client_id": CLIENT_ID, "anypoint_base_url": source.url, "requests_per_minute": 100_000}
    settings = load({**flags, "client_secret": CLIENT_SECRET}, {})
    anypoint = open_source(settings, settings.secret, stop)
    try:
        whose = find_organizations(anypoint, settings, ())
        return collect(whose, Period(since), store=store, query=anypoint.query, pacer=anypoint.pacer, stop=stop)
    except ArchiveError:
        return None
    finally:
        anypoint.close()
        store.close()
