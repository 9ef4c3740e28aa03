"""What the newest run in Google Cloud logged, judged."""

from __future__ import annotations

from typing import Any

import pytest

from mulesoft_audit.doctor.finding import State
from mulesoft_audit.doctor.logged_run import epoch, judged_run

NOW = epoch("2026-10-01T03:00:00Z")
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("line", "state", "words"),
    [
        pytest.param(None, State.WARN, "no run has logged anything in 30 days", id="none"),
        pytest.param({}, State.OK, "60 min ago: all well", id="complete"),
        pytest.param({"severity": "ERROR"}, State.FAIL, "60 min ago", id="failed"),
        pytest.param({"exit_code": 4}, State.FAIL, "60 min ago", id="failed with a status"),
        pytest.param({"timestamp": "2026-10-01T00:59:00Z"}, State.FAIL, "too long for its schedule", id="long ago"),
        pytest.param({"timestamp": "nonsense"}, State.FAIL, "too long for its schedule", id="no time"),
        pytest.param({"severity": "WARNING", "interrupted": "x"}, State.WARN, "Its time was over", id="goes on"),
        pytest.param({"complete": False}, State.WARN, "60 min ago", id="not proved"),
        pytest.param({"message": "\x1b[31mred"}, State.OK, "\\x1b[31mred", id="escaped"),
    ],
)
def test_what_a_line_says(line: dict[str, Any] | None, state: State, words: str) -> None:
    whole = {"severity": "INFO", "timestamp": "2026-10-01T02:00:00Z", "message": "all well", **(line or {})}
    top = {name: whole.pop(name) for name in ("severity", "timestamp")}
    newest = None if line is None else {**top, "jsonPayload": whole}
    found = judged_run(newest, NOW, stale_after=lambda: 2 * HOUR_MS, job="the-job")
    assert found.state is state
    assert words in found.detail


def test_how_old_is_too_old_is_asked_only_of_a_run_that_did_not_fail() -> None:
    def asked() -> int:
        raise AssertionError

    newest = {"severity": "ERROR", "timestamp": "2026-10-01T02:00:00Z", "jsonPayload": {}}
    assert judged_run(newest, NOW, stale_after=asked, job="the-job").state is State.FAIL
