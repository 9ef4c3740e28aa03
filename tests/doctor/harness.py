"""What the doctor's tests share: the command run as a script would, and its findings by name."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple

from click.testing import CliRunner
from tests.control_plane.compute import invoke
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, _Server

from mulesoft_audit.cli import output
from mulesoft_audit.cli.doctor import command
from mulesoft_audit.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud.deploy.harness import Bench

TOPIC = "projects/acme-logs/topics/mulesoft-audit-trigger"
GROUP, OTHER = "0b000000-0000-4000-8000-000000000001", "0c000000-0000-4000-8000-000000000002"
FOREIGN = (
    *("MULESOFT_AUDIT_CONFIG", "MULE_ORG_ID", "CLIENT_SECRET_FILE", "ANYPOINT_PLANE", "ARCHIVE", "GCS_BUCKET"),
    *("PROJECT", "REGION", "SECOPS_INSTANCE", "HTTPS_PROXY", "HTTP_PROXY"),
)


class Report(NamedTuple):
    """What the doctor said."""

    code: int
    findings: dict[str, dict[str, Any]]
    text: str

    def state(self, name: str) -> str:
        """Return how a link is."""
        return str(self.findings[name]["state"])

    def said(self, name: str) -> str:
        """Return everything that was said of a link."""
        return f"{self.findings[name]['detail']} {self.findings[name]['hint']}"

    @property
    def kinds(self) -> set[int]:
        """What a run would end with that met what was found, one for each kind of failure."""
        return {one["exit_code"] for one in self.findings.values() if one["state"] == "fail"}

    @property
    def states(self) -> dict[str, str]:
        """How each link is."""
        return {name: one["state"] for name, one in self.findings.items()}


def doctor(url: str, *arguments: str, **environment: str | None) -> Report:
    """Run `mulesoft-audit doctor` in this process."""
    settings: dict[str, str | None] = dict.fromkeys(FOREIGN)
    settings |= {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "ANYPOINT_BASE_URL": url}
    settings |= {"REQUESTS_PER_MINUTE": "100000"}
    line = [*arguments, "--json"]
    output.prepare(line)
    result = CliRunner().invoke(command, line, env=settings | environment, standalone_mode=False)
    if result.exception:
        raise result.exception
    report = json.loads(result.stdout)
    assert report["exit_code"] == result.return_value == (8 if report["counts"]["fail"] else 0)
    assert sum(report["counts"].values()) == len(report["findings"])
    assert CLIENT_SECRET not in result.output
    return Report(result.return_value, {one["name"]: one for one in report["findings"]}, result.stdout)


def run_once(bench: Bench) -> Bench:
    """Let what is deployed have run, with a feed that has read; return the bench, as if nobody had touched it."""
    bench.apply()
    invoke(bench.world, TOPIC)
    feed_ran(bench)
    bench.world.log.clear()
    return bench


def feed_ran(bench: Bench) -> dict[str, Any]:
    """Let the feed have run just now; return it."""
    feed = next(thing for name, thing in bench.world.things.items() if "/feeds/" in name)
    feed.update(state="SUCCEEDED", lastFeedInitiationTime=bench.world.stamp())
    return feed


class Offset(SystemClock):
    """A clock that is wrong."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def time(self) -> float:
        """Return the wrong time."""
        return super().time() + self.seconds


@contextmanager
def answering(status: int, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Serve one answer to everything; yields the URL."""
    import threading

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": "0", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
