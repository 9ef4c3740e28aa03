"""What a person reads when something is refused: what failed, what is safe, what next."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cloud.deploy.harness import Bench, acting, deployment

from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.deploy import engine
from mulesoft_audit.cloud.deploy.config import Deployment
from mulesoft_audit.cloud.deploy.run import force_run
from mulesoft_audit.cloud.google import NotEnabled, connect
from mulesoft_audit.cloud.google.client import Google
from mulesoft_audit.cloud.google.endpoint import local_endpoint
from mulesoft_audit.cloud.google.errors import understood
from mulesoft_audit.cloud.google.refusal import permissions as named_permissions
from mulesoft_audit.errors import CredentialsError, DeploymentError, PermissionMissing, UsageError
from mulesoft_audit.printable import printable


def test_a_missing_permission_is_named_with_the_step_and_what_is_done(bench: Bench) -> None:
    bench.apply()
    bench.plane.faults[bench.plane.calls + 1] = "deny"
    with pytest.raises(PermissionMissing, match=r"simulated\.get\.denied"):
        bench.plan()


def test_a_denied_write_says_how_many_steps_are_done(bench: Bench) -> None:
    writes: list[int] = []
    bench.apply()
    bench.destroy()
    start = bench.plane.calls
    bench.apply()
    writes = [call - start for call in bench.plane.writes if call > start]
    bench.destroy()
    bench.plane.faults[bench.plane.calls + writes[3]] = "deny"
    with pytest.raises(PermissionMissing, match=r"steps before it were done and stay done") as failed:
        bench.apply()
    assert "docs/deploy.md" in failed.value.hint


@pytest.mark.parametrize(
    ("message", "permissions"),
    [
        ("Permission 'iam.serviceAccounts.create' denied on resource", ["iam.serviceAccounts.create"]),
        ("x@y.iam.gserviceaccount.com does not have storage.buckets.create access", ["storage.buckets.create"]),
        ('The caller lacks "secretmanager.secrets.get" on it', ["secretmanager.secrets.get"]),
        ("Forbidden", []),
    ],
)
def test_permissions_are_found_in_every_wording(message: str, permissions: list[str]) -> None:
    assert named_permissions({"message": message}) == permissions


def test_the_permission_in_the_details_comes_first() -> None:
    detail = {"message": "denied", "details": [{"metadata": {"permission": "run.services.setIamPolicy"}}]}
    error = understood("grant", 403, detail)
    assert isinstance(error, PermissionMissing)
    assert error.hint.startswith("Missing: run.services.setIamPolicy.")


def test_an_api_that_is_off_is_not_a_missing_permission() -> None:
    detail = {"message": "disabled", "details": [{"reason": "SERVICE_DISABLED"}]}
    assert isinstance(understood("read", 403, detail), NotEnabled)


def test_refused_credentials_say_how_to_log_in() -> None:
    error = understood("read", 401, {"message": "Request had invalid authentication credentials."})
    assert isinstance(error, CredentialsError)
    assert "gcloud auth application-default login" in error.hint


def test_no_credentials_say_how_to_log_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(CredentialsError, match="no Application Default Credentials"):
        connect(Stop())


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "mulesoft_audit.cloud.google.client")
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(UsageError, match=r"pip install 'mulesoft-audit-collector\[gcp\]'"):
        connect(Stop())


@pytest.mark.parametrize(
    "url", ["http://example.com", "https://127.0.0.1:1", "http://127.0.0.1.example.com", "x", "http://127.0.0.1:1/x"]
)
def test_another_endpoint_is_for_this_machine_only(url: str) -> None:
    with pytest.raises(UsageError, match="for tests on this machine only"):
        local_endpoint(url)


def test_what_google_says_cannot_drive_the_terminal(bench: Bench) -> None:
    bench.apply()
    bench.world.run_status = 500
    outcome = force_run(bench.google(), bench.config)
    assert not outcome.succeeded
    assert outcome.messages == ("the run failed \\x1b[31mbadly",)
    assert printable("a\nb\x1b]0;x\x07" + "c" * 999, 20) == "a\\nb\\x1b]0;x\\x07ccc…"[:19] + "…"


def test_a_forced_run_is_read_back_from_the_logs_and_the_bucket(bench: Bench) -> None:
    bench.apply()
    outcome = force_run(bench.google(), bench.config)
    assert (outcome.succeeded, outcome.status, outcome.logs, outcome.states) == (True, 200, 1, 1)


def test_the_answer_to_an_earlier_message_is_not_taken_for_the_runs(bench: Bench) -> None:
    bench.apply()
    force_run(bench.google(), bench.config)
    bench.world.run_status = 500
    assert force_run(bench.google(), bench.config).status == 500


def test_a_bucket_name_that_is_somebody_elses_is_explained(bench: Bench) -> None:
    bench.apply()
    bench.plane.faults[bench.plane.calls + 2] = "deny"
    with pytest.raises(PermissionMissing) as failed:
        bench.plan()
    assert "names are shared by the world" in failed.value.hint


def test_a_persons_credentials_get_the_projects_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    import google.auth
    import google.oauth2.credentials

    person = google.oauth2.credentials.Credentials("token")
    monkeypatch.setattr(google.auth, "default", lambda **_: (person, None))
    session: Any = connect(Stop(), project="acme-logs")._session
    assert session.credentials.quota_project_id == "acme-logs"
    session.close()


def test_credentials_go_with_every_call_but_the_upload_to_a_signed_url(bench: Bench) -> None:
    import google.oauth2.credentials
    from google.auth.transport.requests import AuthorizedSession

    session = AuthorizedSession(google.oauth2.credentials.Credentials("token"))
    client = Google(session, Stop(bench.world.clock), endpoint=bench.plane.endpoint)
    engine.apply(client, bench.resources(client))
    session.close()
    assert len(bench.plane.authorized) == bench.plane.calls - 1
    assert not any("/upload/" in call for call in bench.plane.authorized)


def test_a_run_that_never_answers_is_given_up(bench: Bench) -> None:
    bench.apply()
    bench.world.unseen["log entries"] = 10**6
    with pytest.raises(DeploymentError, match="Waited 900 s to see the run's result"):
        force_run(bench.google(), bench.config)


def test_without_a_secret_nothing_is_started(bench: Bench) -> None:
    bench.config = deployment(client_secret=None)
    with pytest.raises(UsageError, match="client secret is not stored yet"):
        bench.apply()
    assert bench.mutations() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"project": "Nope"}, "project is 'Nope'"),
        ({"region": "Frankfurt"}, "region is 'Frankfurt'"),
        ({"bucket": "gs://x"}, "bucket is 'gs://x'"),
        ({"prefix": "no-slash"}, "prefix is 'no-slash'"),
        ({"runtime": "python311"}, "python312 or later"),
        ({"timeout": 900}, "timeout is 900; expected 60 to 600"),
        ({"delivery_attempts": 4}, "delivery attempts is 4"),
        ({"soft_delete_days": 3}, "expected 0, or 7 to 90"),
        ({"run_alert_hours": 24}, "run alert hours is 24"),
        ({"environment": {"CLIENT_SECRET": "x"}}, "may not be given CLIENT_SECRET"),
        ({"labels": {"Team": "x"}}, "label Team=x"),
        ({"labels": {"managed-by": "me"}}, "this tool's own"),
        ({"environment": {"DB_PASSWORD": "x"}}, "may not be given DB_PASSWORD"),
    ],
)
def test_a_malformed_setting_is_named_with_what_was_expected(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        deployment(**wrong)


def test_the_defaults_are_the_names_of_googles_page() -> None:
    config = Deployment("acme-logs", "us-central1")
    assert (config.account, config.topic, config.function, config.job) == (
        "mulesoft-logs-collector-sa",
        "mulesoft-audit-trigger",
        "mulesoft-audit-collector",
        "daily-mulesoft-audit-export",
    )
    assert (config.schedule, config.time_zone, config.memory, config.cpu, config.timeout) == (
        "0 2 * * *", "UTC", "512Mi", "1", 600,
    )  # fmt: skip
    assert (config.runtime, config.min_instances, config.max_instances) == ("python312", 0, 100)


def test_a_function_that_failed_is_deployed_again(bench: Bench) -> None:
    bench.apply()
    function = next(thing for name, thing in bench.world.things.items() if "/functions/" in name)
    function["state"] = "FAILED"
    bench.apply()
    assert function["state"] == "ACTIVE"


def test_a_deployment_before_the_secret_can_be_read_is_tried_again(bench: Bench) -> None:
    """The grant on the secret takes a while to spread: the first deployments fail in Google's own operation."""
    bench.world.unseen["grant projects/acme-logs/secrets/mulesoft-audit-client-secret"] = 2
    bench.apply()
    assert any("Permission denied on secret" in text for text in bench.told)
    assert any("waiting to deploy the function mulesoft-audit-collector again" in text for text in bench.told)


def test_a_failed_build_is_not_built_again_and_again(bench: Bench) -> None:
    bench.world.build_error = "Build failed with status: FAILURE. Could not find a version of secret-thing."
    with pytest.raises(DeploymentError, match="Build failed with status"):
        bench.apply()
    assert len(bench.world.uploads) == 1
    bench.world.build_error = ""
    bench.apply()
    assert acting(bench.plan()) == []


def test_one_that_cannot_be_read_at_all_is_reported_with_googles_words(bench: Bench) -> None:
    bench.world.unseen["grant projects/acme-logs/secrets/mulesoft-audit-client-secret"] = 10**6
    with pytest.raises(DeploymentError, match=r"function mulesoft-audit-collector: .*Permission denied on secret"):
        bench.apply()
