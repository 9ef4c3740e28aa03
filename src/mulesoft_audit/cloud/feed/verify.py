"""Whether a feed works: what it says of itself, who it reads as, and whether anything parses what it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.feed.resource import Feed
from mulesoft_audit.errors import DeploymentError
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.cloud.feed.managed import Resource
    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.cloud.google.client import Json

POLL = 30.0  #: seconds between looks; feed methods were limited to one request a second
WAIT = 2700.0  #: seconds a first run is given: a feed looks every quarter of an hour
GOOD = ("SUCCEEDED", "COMPLETED")
BAD = ("FAILED",)
OFF = ("INACTIVE", "ARCHIVED")
PARSERS = {
    "google": "Google's parser for MULESOFT is active",
    "custom": "a custom parser for MULESOFT is active",
    "none": "no parser for MULESOFT: raw logs only, nothing in UDM",
    "unknown": "whether there is a parser for MULESOFT may not be asked with these credentials",
}


@dataclass(frozen=True, slots=True)
class FeedReport:
    """What is known of one feed.

    Attributes:
        name: its display name.
        feed_id: the last part of its full name; empty if there is no such feed.
        state: as the API calls it; empty if there is no such feed.
        failure: what went wrong, with Google's advice; empty if nothing did.
        account: what it reads as.
        account_granted: whether that is the account that was granted access.
        last_transfer: when it last took something, as the API writes it; empty for never.
        parser: `google`, `custom`, `none` or `unknown`.
    """

    name: str
    feed_id: str
    state: str
    failure: str
    account: str
    account_granted: bool
    last_transfer: str
    parser: str

    @property
    def ran(self) -> bool:
        """Whether it has run to an end, well or badly."""
        return self.state in (*GOOD, *BAD, *OFF)

    @property
    def healthy(self) -> bool:
        """Whether it is there, has not failed, and reads as the account with access."""
        return bool(self.state) and self.state not in (*BAD, *OFF) and self.account_granted

    def summary(self) -> dict[str, object]:
        """Return the report for a script."""
        return {
            "name": self.name,
            "feed_id": self.feed_id,
            "state": self.state,
            "failure": self.failure,
            "account": self.account,
            "account_granted": self.account_granted,
            "last_transfer": self.last_transfer,
            "parser": self.parser,
        }


def report(secops: SecOps, feed: Feed) -> FeedReport:
    """Return what is known of a feed now."""
    observed = feed.observe()
    if observed is None:
        return FeedReport(feed.name, "", "", "", "", account_granted=False, last_transfer="", parser=secops.parser())
    found = {**observed, **secops.feed(str(observed["name"]))}
    account = str(found.get("details", {}).get("gcsV2Settings", {}).get("chronicleServiceAccount", ""))
    return FeedReport(
        name=printable(found.get("displayName", ""), 120),
        feed_id=str(found["name"]).rsplit("/", 1)[-1],
        state=printable(found.get("state", "ACTIVE"), 40),
        failure=_failure(found),
        account=printable(account, 120),
        account_granted=not account or account == secops.account,
        last_transfer=printable(found.get("lastFeedInitiationTime", ""), 40),
        parser=secops.parser(),
    )


def verify(secops: SecOps, resources: Sequence[Resource], wait: float = WAIT) -> list[FeedReport]:
    """Return what is known of each feed, once each has run or `wait` seconds are over."""
    reports = []
    for feed in [one for one in resources if isinstance(one, Feed)]:
        pauses = secops.google.waiting(f"see the feed {feed.name} run", wait, every=POLL)
        found = report(secops, feed)
        while found.state and not found.ran:
            try:
                next(pauses)
            except DeploymentError:
                break
            found = report(secops, feed)
        reports.append(found)
    return reports


def _failure(found: Json) -> str:
    detail = found.get("failureDetails", {})
    parts = [found.get("failureMsg"), detail.get("errorCode"), detail.get("errorCause"), detail.get("errorAction")]
    return printable(" ".join(str(part) for part in parts if part), 600)
