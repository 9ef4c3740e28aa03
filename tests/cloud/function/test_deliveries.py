"""Deliveries as they come in production: in every form, repeated, at once, malformed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.cloud.function.conftest import VERSION
from tests.cloud.function.harness import TRACE, assert_exact, lines, request, truth
from tests.cloud.function.harness import message as published

if TYPE_CHECKING:
    from tests.cloud.function.conftest import Serve
    from tests.cloud.function.harness import Style
    from tests.storage_server import StorageServer

    from mulesoft_audit.simulator import Anypoint

BACKFILL = {"since": "10d"}


@pytest.mark.parametrize("style", ["binary", "structured", "push"])
def test_a_delivery_in_any_form_brings_the_archive_up_to_date(
    serve: Serve, anypoint: Anypoint, storage: StorageServer, style: Style
) -> None:
    with serve() as function:
        assert function.deliver(BACKFILL, style) == 200
        assert function.deliver({}, style) == 200
        assert function.deliver(None, style) == 200
        assert function.terminate() < 5
    assert_exact(anypoint, storage)
    first, *others = function.runs
    total = sum(len(anypoint.truth(organization)) for organization in anypoint.organizations)
    assert (first["new_entries"], first["severity"], first["complete"]) == (total, "INFO", True)
    assert [run["new_entries"] for run in others] == [0, 0]
    assert all(run["lag_seconds"] == pytest.approx(first["lag_seconds"], abs=60) for run in others)
    assert {run["requests"] for run in others} != {0}
    manifest = next(stored for name, stored in storage.objects("state/").items() if name.endswith(".manifest.json"))
    assert json.loads(manifest.data)["written_by"].endswith(VERSION), "not the built package was run"
    assert anypoint.counters.tokens_issued == 1, "a token survives between invocations"
    assert anypoint.counters.active_tokens == 0, "and is given back at the end"
