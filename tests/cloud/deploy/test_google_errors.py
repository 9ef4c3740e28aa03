"""What a person reads when Google refuses: what failed, what is safe, what next."""

from __future__ import annotations

from typing import Any

import pytest

from mulesoft_audit import refusal
from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.google import NotEnabled, connect
from mulesoft_audit.cloud.google.endpoint import local_endpoint
from mulesoft_audit.cloud.google.errors import understood
from mulesoft_audit.errors import CredentialsError, PermissionMissing, UsageError


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
    assert refusal.permissions({"message": message}) == permissions


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


def test_a_persons_credentials_get_the_projects_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    import google.auth
    import google.oauth2.credentials

    person = google.oauth2.credentials.Credentials("token")
    monkeypatch.setattr(google.auth, "default", lambda **_: (person, None))
    session: Any = connect(Stop(), project="acme-logs")._session
    assert session.credentials.quota_project_id == "acme-logs"
    session.close()
