"""Google's refusals, replayed over HTTP to the doctor: each finding names what refuses, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.cloud.google.test_refusals import ALL, ROWS, named
from tests.doctor.harness import run_once
from tests.doctor.test_google import FUNCTION, JOB, failing, looked

from mulesoft_audit import refusal
from mulesoft_audit.doctor.finding import State

if TYPE_CHECKING:
    from tests.cloud.deploy.harness import Bench

#: Each look at Google Cloud by a part of its URL, and the finding that tells of it.
LOOKS = {
    ":batchGet": "Google Cloud",
    "secretmanager.googleapis.com": "stored secret",
    "cloudfunctions.googleapis.com": "function",
    "cloudscheduler.googleapis.com": "schedule",
    "/iam": "roles: bucket",
    "/feeds": "SecOps",
}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A deployment that has run, with its feed."""
    return run_once(bench)


@pytest.mark.parametrize("row", ROWS, ids=named)
@pytest.mark.parametrize("part", LOOKS)
def test_a_look_that_is_refused_names_what_refuses_and_what_helps(bench: Bench, part: str, row: dict[str, Any]) -> None:
    bench.plane.refusals[":batchGet"] = (403, {"message": "denied"})  # so that nothing is known of the APIs
    bench.plane.refusals[part] = (row["status"], row["error"])
    before = bench.world.clock.now
    found = looked(bench)[LOOKS[part]]
    assert found.state is (State.WARN if part == ":batchGet" and row["kind"] == "PermissionMissing" else State.FAIL)
    for name in row["names"]:
        assert name in f"{found.detail} {found.hint}"
    assert bench.world.clock.now - before < 5, "nothing is waited for"


@pytest.mark.parametrize("row", ALL, ids=named)
def test_a_function_that_could_not_be_deployed_says_why_and_what_helps(bench: Bench, row: dict[str, Any]) -> None:
    said = row["error"]["message"]
    bench.world.things[FUNCTION].update(state="FAILED", stateMessages=[{"message": said}])
    found = looked(bench)["function"]
    assert (found.state, found.exit_code) == (State.FAIL, 7)
    told = f"{found.detail} {found.hint}"
    assert said[:200] in told
    for name in row["names"]:
        assert name in told or name not in f"{said} {refusal.remedy({'message': said})}"
    if row["kind"] in ("PolicyRefused", "PermissionMissing", ""):
        assert all(name in told for name in row["names"])


def test_an_attempt_of_the_schedule_that_was_refused_says_why(bench: Bench) -> None:
    said = "Permission 'pubsub.topics.publish' denied on resource"
    bench.world.things[JOB]["status"] = {"code": 7, "message": said}
    found = looked(bench)
    assert failing(found) == {"schedule"}
    assert said in found["schedule"].detail
    assert "Missing: pubsub.topics.publish" in found["schedule"].hint
