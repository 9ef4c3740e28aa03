"""Google's refusals, replayed over HTTP: what each error names, and whether it is raised at once."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google.auth.transport.requests
import google.oauth2.credentials
import pytest
import requests
from tests.fake_clock import FakeClock

from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.google.client import SPREAD, Google
from mulesoft_audit.errors import ArchiveError, AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL: list[dict[str, Any]] = json.loads(Path(__file__).with_name("refusals.json").read_text("utf-8"))
ROWS = [row for row in ALL if row["status"]]  # the others are what an operation ended with, or a function's state says
POLICIES = [row for row in ROWS if row["kind"] == "PolicyRefused"]


def named(row: dict[str, Any]) -> str:
    return str(row["what"])


@contextmanager
def refusing(row: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Refuse every request as a row says; yields the URL and the headers of each request."""
    seen: list[dict[str, str]] = []
    body = json.dumps({"error": {"code": row["status"], **row["error"]}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(row["status"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = refuse  # noqa: N815 - the base class's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_refusal_names_what_stands_in_the_way_and_only_an_api_is_waited_for(row: dict[str, Any]) -> None:
    with refusing(row) as (url, seen):
        google = Google(requests.Session(), Stop(FakeClock()), endpoint=url)
        start = google.stop.clock.monotonic()
        with pytest.raises(AuditError) as raised:
            google.patch("storage.googleapis.com/storage/v1/b/logs", "change the bucket", {})
        waited = google.stop.clock.monotonic() - start
    if row["kind"] == "NotEnabled":  # writing waits for an API that is being enabled to spread
        assert waited >= SPREAD
    else:
        assert (type(raised.value).__name__, len(seen), waited) == (row["kind"], 1, 0)
    for name in row["names"]:
        assert name in str(raised.value)


@pytest.mark.parametrize("row", POLICIES, ids=named)
def test_a_policy_is_no_lost_race_for_the_archive(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing(row) as (url, seen):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        with pytest.raises(ArchiveError) as raised:
            GcsStore("logs").create("state/x", b"1")
    assert type(raised.value) is ArchiveError
    assert len(seen) == (2 if row["status"] == 403 else 1), "403 looks whether the object is there"
    for name in row["names"]:
        assert name in str(raised.value)


def test_calls_to_secops_are_billed_to_its_project_whatever_the_credentials_say() -> None:
    credentials = google.oauth2.credentials.Credentials("token", quota_project_id="acme-logs")
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    with refusing(ROWS[-1]) as (url, seen):
        client = Google(session, Stop(FakeClock()), endpoint=url)
        client.billed["chronicle"] = "acme-secops"
        for host in ("chronicle.eu.rep.googleapis.com", "storage.googleapis.com"):
            with pytest.raises(AuditError):
                client.get(f"{host}/v1/x", "look")
    assert [one["x-goog-user-project"] for one in seen] == ["acme-secops", "acme-logs"]
