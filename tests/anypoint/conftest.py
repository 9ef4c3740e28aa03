"""A raw server for the tests of HTTP, and waits between tries that are over at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.anypoint.raw_server import RawServer, raw_server

from mulesoft_audit.anypoint import retries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    monkeypatch.setattr(retries, "backoff", lambda *_: 0.001)
    with raw_server() as server:
        yield server
