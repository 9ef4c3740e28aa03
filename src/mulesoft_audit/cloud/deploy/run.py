"""A forced run, and its result as Google's logs and the bucket tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.bucket import HOST as STORAGE
from mulesoft_audit.cloud.deploy.scheduler import Job
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

LOGGING = "logging.googleapis.com/v2/entries:list"
WAIT = 900.0  #: seconds a first run is given: start, run, and logs to arrive
REQUESTS = 'log_id("run.googleapis.com/requests")'
LAG = 60  #: seconds by which clocks may differ


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a forced run.

    Attributes:
        succeeded: whether the service answered the message with success.
        status: the HTTP status it answered with.
        messages: what the run logged, errors first.
        logs: log objects written since the run was forced.
        states: state objects written since then.
    """

    succeeded: bool
    status: int
    messages: tuple[str, ...]
    logs: int
    states: int

    def summary(self) -> dict[str, object]:
        """Return the outcome for a script."""
        return {
            "succeeded": self.succeeded,
            "status": self.status,
            "messages": list(self.messages),
            "log_objects": self.logs,
            "state_objects": self.states,
        }


def force_run(google: Google, config: Deployment, wait: float = WAIT) -> Outcome:
    """Start the job now, wait for the function's answer in the logs, and look into the bucket.

    Raises:
        DeploymentError: no answer within `wait` seconds.
    """
    since = _stamp(google.stop.clock.time() - LAG)
    before = _answer(google, config, since)
    Job(google, config).run()
    pauses = google.waiting("see the run's result in the logs", wait, every=10.0)
    while (answer := _answer(google, config, since)) is None or answer == before:
        next(pauses)
    status = int(answer["httpRequest"]["status"])
    entries = _entries(google, config, since, f"NOT {REQUESTS}", size=50)
    return Outcome(
        200 <= status < 300,
        status,
        tuple(_messages(entries)),
        _written(google, config, config.log_prefix, since),
        _written(google, config, config.state_prefix, since),
    )


def _answer(google: Google, config: Deployment, since: str) -> Json | None:
    """Return the newest entry of the request log, which Cloud Run writes for every answer.

    A message that was turned away because the invoker's role has not spread yet is no result: it is delivered again.
    """
    found = _entries(google, config, since, REQUESTS, size=1)
    status = found[0].get("httpRequest", {}).get("status") if found else None
    return found[0] if status and status not in (401, 403) else None


def _messages(entries: list[Json]) -> list[str]:
    """Return what was logged, the run's own summary (`event` is `run`) and errors first."""

    def rank(entry: Json) -> tuple[bool, bool]:
        return entry.get("jsonPayload", {}).get("event") != "run", entry.get("severity") not in ("ERROR", "CRITICAL")

    return [text for entry in sorted(entries, key=rank)[:10] if (text := _text(entry))]


def _text(entry: Json) -> str:
    payload = entry.get("jsonPayload", {})
    return printable(payload.get("message") or entry.get("textPayload") or "", 300)


def _entries(google: Google, config: Deployment, since: str, which: str, *, size: int) -> list[Json]:
    service = (
        f'resource.type="cloud_run_revision" resource.labels.service_name="{config.function}" '
        f'resource.labels.location="{config.region}" timestamp>="{since}" {which}'
    )
    body = {
        "resourceNames": [f"projects/{config.project}"],
        "filter": service,
        "orderBy": "timestamp desc",
        "pageSize": size,
    }
    return list(google.post(LOGGING, "read the function's logs", body).get("entries", []))


def _written(google: Google, config: Deployment, prefix: str, since: str) -> int:
    url = f"{STORAGE}/b/{config.bucket}/o"
    query = {"prefix": prefix, "fields": "items(name,updated),nextPageToken"}
    found = google.pages(url, "items", "list the bucket", **query)
    return sum(str(item["updated"]) >= since for item in found)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
