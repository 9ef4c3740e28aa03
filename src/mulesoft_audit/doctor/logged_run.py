"""What the newest run logged in Google Cloud, and what that says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.run import LOGGING, REQUESTS
from mulesoft_audit.doctor.finding import Finding, fail, ok, warn
from mulesoft_audit.errors import DeploymentError
from mulesoft_audit.printable import printable
from mulesoft_audit.times import ago

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

LOGS_DAYS = 30  #: how far back logs are looked through; Cloud Logging keeps them as long by default


def newest_log(google: Google, config: Deployment) -> Json | None:
    """Return the newest line that a run logged with how it ended; None if there is none.

    Raises:
        PermissionMissing: one may not read the logs.
    """
    since = datetime.fromtimestamp(google.stop.clock.time() - LOGS_DAYS * 86400, UTC)
    wanted = (
        f'resource.type="cloud_run_revision" resource.labels.service_name="{config.function}" '
        f'resource.labels.location="{config.region}" timestamp>="{since:%Y-%m-%dT%H:%M:%SZ}" NOT {REQUESTS} '
        'jsonPayload.event=("run" OR "failure")'
    )
    body = {
        "resourceNames": [f"projects/{config.project}"],
        "filter": wanted,
        "orderBy": "timestamp desc",
        "pageSize": 1,
    }
    found = google.post(LOGGING, "read the function's logs", body, once=True).get("entries", [])
    return found[0] if found else None


def judged_run(newest: Json | None, now: float, *, stale_after: Callable[[], int], job: str) -> Finding:
    """Return what the newest log line of a run says.

    Args:
        newest: the line, as Cloud Logging has it; None if there is none.
        now: epoch seconds.
        stale_after: returns the milliseconds after which a run is too long ago; asked only where that matters.
        job: the name of the schedule, for messages.
    """
    if newest is None:
        return warn(f"no run has logged anything in {LOGS_DAYS} days", "Run `mulesoft-audit deploy --run`.")
    payload = newest.get("jsonPayload", {})
    age = (now - epoch(str(newest.get("timestamp", "")))) * 1000
    detail = f"{ago(int(age))} ago: {printable(str(payload.get('message', '')))[:300]}"
    continued = payload.get("interrupted") and newest.get("severity") == "WARNING"
    failed = payload.get("exit_code") or newest.get("severity") in ("ERROR", "CRITICAL")
    if failed and not continued:
        hint = "Its log names what failed; the next run goes on with what is missing."
        return fail(detail, hint, DeploymentError.exit_code)
    if age > (limit := stale_after()):
        return fail(
            f"{detail}; more than {ago(limit)} is too long for its schedule",
            f"See whether {job} runs, and `mulesoft-audit deploy --run`.",
        )
    if continued:
        return warn(f"{detail}. Its time was over", "Another run goes on there; look again when that is through.")
    if payload.get("complete") is False:
        return warn(detail, "Nothing failed. Its log says what is not proved; the next scheduled run compares all.")
    return ok(detail)


def epoch(stamp: str) -> float:
    """Return a time of Google's in epoch seconds; 0 for one that cannot be read."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0
