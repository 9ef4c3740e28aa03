"""A forced run, and its result as Google's logs tell it, or the bucket where logs are excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from mulesoft_audit.archive.layout import LAST_RUN
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

LOGGING = "logging.googleapis.com/v2/entries:list"
SCHEDULER = "cloudscheduler.googleapis.com/v1"
STORAGE = "storage.googleapis.com/storage/v1"
WAIT = 900.0  #: seconds a first run is given: start, run, and logs to arrive
REQUESTS = 'log_id("run.googleapis.com/requests")'
LAG = 60  #: seconds by which clocks may differ
OVERDUE = 3  #: looks at the logs after the bucket has the result; then they are taken to be excluded
LOGS, BUCKET = "logs", "bucket"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a forced run.

    Attributes:
        succeeded: whether it ended well.
        status: the HTTP status that it answered the message with; 0 if the bucket tells.
        messages: what the run logged, errors first.
        logs: log objects written since the run was forced.
        told_by: `logs` or `bucket`.
    """

    succeeded: bool
    status: int
    messages: tuple[str, ...]
    logs: int
    told_by: str

    def summary(self) -> dict[str, object]:
        """Return the outcome for a script."""
        return {
            "succeeded": self.succeeded,
            "status": self.status,
            "messages": list(self.messages),
            "log_objects": self.logs,
            "told_by": self.told_by,
        }


def force_run(google: Google, deployment: Deployment, wait: float = WAIT) -> Outcome:
    """Start the job now, and wait for the function's answer in the logs, or its result in the bucket.

    Raises:
        DeploymentError: neither came within `wait` seconds.
    """
    since = _stamp(google.stop.clock.time() - LAG)
    before, held_before = _answer(google, deployment, since), _last_run(google, deployment)
    job = f"{deployment.parent}/jobs/{deployment.job}"
    google.post(f"{SCHEDULER}/{job}:run", f"start the job {deployment.job}")  # one too many finds nothing to do
    pauses = google.waiting("see the run's result in the logs or the bucket", wait, every=10.0)
    overdue = 0
    while (answer := _answer(google, deployment, since)) is None or answer == before:
        held = _last_run(google, deployment)
        overdue += held is not None and held.get("generation") != (held_before or {}).get("generation")
        if held is not None and overdue >= OVERDUE:
            return _told_by_bucket(google, deployment, since)
        next(pauses)
    status = int(answer["httpRequest"]["status"])
    entries = _entries(google, deployment, since, f"NOT {REQUESTS}", size=50)
    return Outcome(200 <= status < 300, status, tuple(_messages(entries)), _written(google, deployment, since), LOGS)


def _answer(google: Google, deployment: Deployment, since: str) -> Json | None:
    """Return the newest entry of the request log, which Cloud Run writes for every answer.

    A message that was turned away because the invoker's role has not spread yet is no result: it is delivered again.
    """
    found = _entries(google, deployment, since, REQUESTS, size=1)
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


def _entries(google: Google, deployment: Deployment, since: str, which: str, *, size: int) -> list[Json]:
    service = (
        f'resource.type="cloud_run_revision" resource.labels.service_name="{deployment.function}" '
        f'resource.labels.location="{deployment.region}" timestamp>="{since}" {which}'
    )
    body = {
        "resourceNames": [f"projects/{deployment.project}"],
        "filter": service,
        "orderBy": "timestamp desc",
        "pageSize": size,
    }
    return list(google.post(LOGGING, "read the function's logs", body).get("entries", []))


def _last_run(google: Google, deployment: Deployment, **query: str) -> Json | None:
    """Return the object in which a run leaves its result; its content with `alt="media"`."""
    root = deployment.state_prefix.removesuffix("state/")
    name = quote(f"{root}{LAST_RUN}", safe="")
    return google.find(f"{STORAGE}/b/{deployment.bucket}/o/{name}", "read the run's result in the bucket", **query)


def _told_by_bucket(google: Google, deployment: Deployment, since: str) -> Outcome:
    result = _last_run(google, deployment, alt="media") or {}
    status, complete = int(result.get("exit_code", 0)), bool(result.get("complete"))
    text = f"exit status {status}, {'everything was proved' if complete else 'not everything was proved'}"
    more = "the logs have nothing of it: are they excluded?"
    return Outcome(status == 0, 0, (text, more), _written(google, deployment, since), BUCKET)


def _written(google: Google, deployment: Deployment, since: str) -> int:
    url = f"{STORAGE}/b/{deployment.bucket}/o"
    query = {"prefix": deployment.log_prefix, "fields": "items(name,updated),nextPageToken"}
    found = google.pages(url, "items", "list the bucket", **query)
    return sum(str(item["updated"]) >= since for item in found)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
