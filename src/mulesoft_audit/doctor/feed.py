"""The SecOps feed: whether there is one, what it reads besides, as whom, and whether anything parses it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mulesoft_audit import refusal
from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.cloud.feed.resource import OFF as SWITCHED_OFF
from mulesoft_audit.cloud.feed.resource import Feed, uri_of
from mulesoft_audit.cloud.feed.secops import SecOps
from mulesoft_audit.cloud.feed.settings import ON_SUCCESS
from mulesoft_audit.cloud.feed.verify import BAD, OFF, PARSERS, report
from mulesoft_audit.cloud.google.policy import Binding, bucket_policy
from mulesoft_audit.doctor.finding import Check, Finding, failed, ok, skipped, warn
from mulesoft_audit.doctor.google import GOOGLE, broken, disabled
from mulesoft_audit.doctor.logged_run import epoch
from mulesoft_audit.doctor.roles import judged
from mulesoft_audit.errors import AuditError, PermissionMissing
from mulesoft_audit.printable import printable
from mulesoft_audit.times import ago

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.feed.settings import FeedSettings
    from mulesoft_audit.cloud.feed.verify import FeedReport
    from mulesoft_audit.cloud.google.client import Google, Json

MAKE = "Run `mulesoft-audit feed`: it makes the feed once, or corrects the one that is there."
WHOLE = 3  #: slashes in gs://BUCKET/
CHRONICLE = "chronicle.googleapis.com"
SECOPS_API, SECOPS, FEED, ALONE, READERS = "SecOps API", "SecOps", "feed", "feed folder", "roles: feed"
PARSER, END_TO_END = "parser", "end to end"


@dataclass(slots=True)
class Feeds:
    """One look at the feeds of a SecOps instance.

    Attributes:
        google: returns the client.
        config: the deployment that the archive belongs to.
        settings: which feeds there should be.
        last_transfers: by feed, when it last took something, in epoch seconds; once that is known.
    """

    google: Callable[[], Google]
    config: Deployment
    settings: FeedSettings
    last_transfers: dict[str, float] = field(default_factory=dict)
    _secops: SecOps | None = None
    _all: list[Json] = field(default_factory=list)

    def checks(self) -> list[Check]:
        """Return the checks, in the order in which they build on each other."""
        return [
            Check(SECOPS_API, self.check_api, (GOOGLE,)),
            Check(SECOPS, self.check_secops, (GOOGLE,)),
            Check(FEED, self.check_feeds, (SECOPS,)),
            Check(ALONE, self.check_alone, (SECOPS,)),
            Check(READERS, self.check_readers, (GOOGLE,)),
            Check(PARSER, self.check_parser, (SECOPS,)),
        ]

    @property
    def secops(self) -> SecOps:
        """The instance."""
        if self._secops is None:
            self._secops = SecOps(self.google(), self.settings)
        return self._secops

    def check_api(self) -> Finding:
        """Look whether the API is on in the project that SecOps is linked to, which its calls are billed to."""
        project = self.settings.project
        try:
            off = disabled(self.google(), project, [CHRONICLE])
        except PermissionMissing:
            hint = f"Ask for roles/serviceusage.serviceUsageViewer on {project}."
            return skipped(f"which APIs are on in {project} may not be seen", hint)
        if off:
            return broken(f"{CHRONICLE} is not enabled in {project}", refusal.enable(CHRONICLE, project))
        return ok(f"{CHRONICLE} is on in {project}")

    def check_secops(self) -> Finding:
        """List the feeds."""
        self._all = self.secops.feeds()
        self.secops.settings = self.settings = replace(self.settings, deletion=self._deletion())
        if self.secops.knows_log_type() is False:
            return broken("this instance offers no feed of log type MULESOFT", "Ask Google support for the log type.")
        return ok(f"{len(self._all)} feeds in {self.settings.location}")

    def _deletion(self) -> str:
        """Return what becomes of objects that our feed has read; the role it needs depends on that."""
        ours = {target.uri for target in self.settings.targets}
        details = [str(one.get("details", {})) for one in self._all if uri_of(one) in ours]
        return ON_SUCCESS if any(ON_SUCCESS in one for one in details) else self.settings.deletion

    def check_feeds(self) -> Iterator[Finding]:
        """Look at each feed that there should be."""
        for target in self.settings.targets:
            name = FEED if len(self.settings.targets) == 1 else f"feed {printable(target.display_name)}"
            try:
                found = report(self.secops, Feed(self.secops, target))
            except AuditError as error:
                yield failed(error, name)
                continue
            if found.last_transfer:
                self.last_transfers[name] = epoch(found.last_transfer)
            yield _judged(found, target.uri, name)

    def check_alone(self) -> Iterator[Finding]:
        """Look whether any other feed reads the collector's state, or reads an entry a second time."""
        state = f"gs://{self.settings.bucket}/{self.config.state_prefix}"
        logs = [target.uri for target in self.settings.targets]
        working = [one for one in self._all if one.get("state") not in SWITCHED_OFF]
        problems = list(_over_state(working, state)) + list(_twice(working, logs))
        yield from problems or [ok("no feed reads the collector's state, none reads an entry twice")]

    def check_readers(self) -> Finding:
        """Look whether the feeds' account may read the bucket; it needs both roles."""
        account = self.secops.account
        wanted = [Binding(role, f"serviceAccount:{account}") for role in self.settings.bucket_roles]
        return judged(bucket_policy(self.google(), self.settings.bucket), wanted, READERS, printable(account))

    def check_parser(self) -> Finding:
        """Look whether what the feed takes becomes UDM, or stays raw."""
        parser = self.secops.parser()
        if parser == "none":
            hint = "Entries are kept and can be searched as raw logs. For UDM make a parser in SecOps (docs/feed.md)."
            return warn(PARSERS[parser], hint)
        return skipped(PARSERS[parser]) if parser == "unknown" else ok(PARSERS[parser])


def _judged(found: FeedReport, uri: str, name: str) -> Finding:
    if not found.state:
        return broken(f"no feed reads {printable(uri)}", MAKE, name)
    detail = f"{found.name} ({found.feed_id}): {found.state}"
    if found.state in OFF:
        return broken(f"{detail}, which is switched off", MAKE, name)
    if found.state in BAD or found.failure:
        return broken(f"{detail}. {found.failure}", "Do what it says; docs/feed.md explains the codes.", name)
    if not found.account_granted:
        return broken(f"{detail}; it reads as {found.account}, which was not granted the bucket", MAKE, name)
    if not found.last_transfer and found.state == "ACTIVE":
        return warn(f"{detail}, has not run yet", "It looks every quarter of an hour; look again then.", name)
    return ok(f"{detail}, last transfer {found.last_transfer or 'not said'}", name)


def reads(feed: Json) -> list[str]:
    """Return the prefixes of a bucket that a feed reads; what narrows a feed over a whole bucket is heeded."""
    root = uri_of(feed)
    if root.count("/") != WHOLE:  # a folder: whether prefixes are meant from there is not documented
        return [root] if root else []
    settings = [one for one in feed.get("details", {}).values() if isinstance(one, dict) and "bucketUri" in one]
    return [f"{root}{prefix}" for one in settings for prefix in one.get("includePrefixes", [])] or [root]


def _over_state(feeds: list[Json], state: str) -> Iterator[Finding]:
    for feed in feeds:
        if any(state.startswith(uri) for uri in reads(feed)):
            deletes = ON_SUCCESS in str(feed.get("details", {}))
            effect = "takes the collector's state for logs" + (", and deletes it" if deletes else "")
            yield broken(
                f"{_named(feed)} reads {printable(uri_of(feed))}, which covers {state}: it {effect}",
                "Point it at the folder of the logs, or delete it and run `mulesoft-audit feed`.",
            )


def _twice(feeds: list[Json], logs: list[str]) -> Iterator[Finding]:
    """Yield what reads a folder that another feed reads, too."""
    for folder in logs:
        found = [feed for feed in feeds if any(folder.startswith(uri) for uri in reads(feed))]
        if len(found) > 1:
            names = ", ".join(_named(feed) for feed in found)
            yield broken(
                f"{len(found)} feeds read {printable(folder)}: {names}. Each entry is taken once by each",
                "Switch off or delete all but one of them in SecOps.",
            )


def end_to_end(complete: Mapping[str, int], transfers: Mapping[str, float], now: float, limit: int) -> Finding:
    """Say how far everything has come.

    Args:
        complete: by organization, Unix ms up to which the archive has everything.
        transfers: by feed, when it last took something, in epoch seconds.
        now: epoch seconds.
        limit: milliseconds after which a transfer is too long ago.
    """
    if not complete or not transfers:
        return skipped("nothing is in the archive yet" if transfers else "the feed has not taken anything yet")
    until, taken = min(complete.values()), min(transfers.values())
    detail = (
        f"every entry until {iso(until)} is in the archive, and SecOps last took from it at {iso(int(taken * 1000))}"
    )
    if (now - taken) * 1000 > limit:
        return warn(
            f"{detail}, {ago(int((now - taken) * 1000))} ago",
            "See in SecOps, Feeds, whether the feed is on and what it says (or `mulesoft-audit feed status`).",
        )
    return ok(detail)


def _named(feed: Json) -> str:
    return printable(f"{feed.get('displayName', '?')} ({str(feed.get('name', '')).rsplit('/', 1)[-1]})")[:120]
