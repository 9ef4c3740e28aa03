"""A forced run, and where its result is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.cloud.deploy.run import force_run
from mulesoft_audit.errors import DeploymentError
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from tests.cloud.deploy.harness import Bench


def test_it_is_read_back_from_the_logs(bench: Bench) -> None:
    outcome = force_run(bench.google(), bench.config)
    assert (outcome.succeeded, outcome.status, outcome.logs, outcome.told_by) == (True, 200, 1, "logs")


def test_the_answer_to_an_earlier_message_is_not_taken_for_the_runs(bench: Bench) -> None:
    force_run(bench.google(), bench.config)
    bench.world.run_status = 500
    assert force_run(bench.google(), bench.config).status == 500


def test_where_logs_are_excluded_the_bucket_tells(bench: Bench) -> None:
    bench.world.logs_excluded = True
    outcome = force_run(bench.google(), bench.config)
    assert (outcome.succeeded, outcome.logs, outcome.told_by) == (True, 1, "bucket")
    assert outcome.messages[0] == "exit status 0, everything was proved"
    bench.world.run_status = 500
    failed = force_run(bench.google(), bench.config)
    assert (failed.succeeded, failed.messages[0]) == (False, "exit status 5, not everything was proved")


def test_what_google_says_cannot_drive_the_terminal(bench: Bench) -> None:
    bench.world.run_status = 500
    outcome = force_run(bench.google(), bench.config)
    assert not outcome.succeeded
    assert outcome.messages == ("the run failed \\x1b[31mbadly",)
    assert printable("a\nb\x1b]0;x\x07" + "c" * 999, 20) == "a\\nb\\x1b]0;x\\x07ccc…"[:19] + "…"


def test_a_run_that_never_answers_is_given_up(bench: Bench) -> None:
    bench.world.policies.clear()  # nobody may call the function
    bench.world.logs_excluded = True
    name = f"projects/acme-logs/subscriptions/{bench.config.names['subscription']}"
    del bench.world.things[name]["pushConfig"]
    start = bench.world.clock.now
    with pytest.raises(DeploymentError, match="see the run's result in the logs or the bucket"):
        force_run(bench.google(), bench.config)
    assert 900 <= bench.world.clock.now - start < 1000
