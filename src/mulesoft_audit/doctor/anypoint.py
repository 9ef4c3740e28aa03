"""The links to Anypoint: settings, plane, clock, credentials, organizations, and each one's log."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import Window
from mulesoft_audit.anypoint.retention import retention_days
from mulesoft_audit.anypoint.tree import HierarchyRefused, Organization, hierarchy, organization_id, root_id
from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.doctor.finding import Check, Finding, failed, ok, skipped, warn
from mulesoft_audit.doctor.reach import Knock, reach, skew
from mulesoft_audit.errors import AuditError, CredentialsError, Interrupted, SourceError, UsageError
from mulesoft_audit.paths import expanded
from mulesoft_audit.printable import printable
from mulesoft_audit.wiring import Source, by_ids, named_in, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.secret import Secret
    from mulesoft_audit.settings import Settings

PATIENCE = 180.0  #: seconds given to a plane that keeps putting us off
PRIVATE = 0o077

SETTINGS, REACH, CLOCK = "settings", "Anypoint", "clock"
CREDENTIALS, IDENTITY, GROUPS = "credentials", "organization", "business groups"
LOGS, RETENTION = "audit logs", "retention"


@dataclass(slots=True)
class Anypoint:
    """One look at Anypoint with one connected app.

    Attributes:
        settings: what a collector would go by.
        secret: the connected app's.
        stop: the wish to stop; its deadline is moved as the work to do becomes known.
        config: the settings file, if there is one.
        named: organizations by id or by name, instead of all that are found.
        root: the root organization, once it is known.
        organizations: whose logs are looked at, once they are known.
        readable: by organization, whether its log may be read, once that is known.
    """

    settings: Settings
    secret: Secret
    stop: Stop
    config: str = ""
    named: tuple[str, ...] = ()
    root: str = ""
    organizations: list[Organization] = field(default_factory=list)
    readable: dict[str, bool] = field(default_factory=dict)
    _source: Source | None = None
    _knock: Knock | None = None

    def checks(self) -> list[Check]:
        """Return the checks, in the order in which they build on each other."""
        return [
            Check(SETTINGS, self.check_settings),
            Check(REACH, self.check_reach),
            Check(CLOCK, self.check_clock, (REACH,)),
            Check(CREDENTIALS, self.check_credentials, (SETTINGS, REACH)),
            Check(IDENTITY, self.check_identity, (CREDENTIALS,)),
            Check(GROUPS, self.check_groups, (IDENTITY,)),
            Check(LOGS, self.check_logs, (IDENTITY,)),
            Check(RETENTION, self.check_retention, (IDENTITY,)),
        ]

    def close(self) -> None:
        """Give the token back."""
        if self._source is not None:
            self._source.close()

    @property
    def source(self) -> Source:
        """Anypoint, ready to be asked.

        Raises:
            UsageError: the client id or the secret is missing.
        """
        if self._source is None:
            self.stop.deadline = self.stop.clock.monotonic() + PATIENCE
            self._source = open_source(self.settings, self.secret, self.stop)
        return self._source

    def check_settings(self) -> Finding:
        """Look whether what a run needs is set, and whether the secret is kept private."""
        if self.settings.mule_org_id:
            organization_id(self.settings.mule_org_id)
        _ = self.source
        path = self.config if self.settings.client_secret else self.settings.client_secret_file
        if path and _open_to_others(path, named=path == self.config):
            return warn(
                f"the client secret lies in {printable(path)}, which others on this machine can read",
                f"chmod 600 {printable(path)}",
            )
        return ok(f"complete; {self.settings.pace} requests a minute")

    def check_reach(self) -> Finding:
        """Ask the plane for anything, without credentials."""
        finding, self._knock = reach(self.settings.plane, self.stop.clock)
        return finding

    def check_clock(self) -> Finding:
        """Compare clocks."""
        return skew(self._knock) if self._knock else skipped("the plane gave no response that says what time it is")

    def check_credentials(self) -> Finding:
        """Get a token from the one plane that is set; the secret is never tried on another."""
        self.source.tokens.current()
        return ok("the connected app was given a token")

    def check_identity(self) -> Finding:
        """Ask which organization the connected app belongs to."""
        wanted = self.root = self.settings.mule_org_id
        try:
            found = root_id(self.source.transport, self.source.tokens)
        except UsageError:
            if not wanted:
                raise
            return ok(f"{wanted}, as MULE_ORG_ID says; Anypoint does not say itself")
        self.root = wanted or found
        if wanted and wanted != found:
            return warn(
                f"MULE_ORG_ID is {wanted}, but the connected app belongs to {found}",
                "Unset MULE_ORG_ID to collect the whole organization, unless only that business group is wanted.",
            )
        return ok(f"{found} is the root")

    def check_groups(self) -> Finding:
        """Find the business groups, or take the organizations that were named."""
        try:
            tree = hierarchy(self.source.transport, self.source.tokens, self.root)
        except HierarchyRefused as error:
            self.organizations = by_ids(self.named, error) if self.named else [Organization(self.root)]
            return warn(error.message, error.hint) if self.named else failed(error)
        found = tree.organizations
        self.organizations = named_in(tree, self.named) if self.named else found
        if tree.problems and not self.named:
            return failed(tree.problems[0])
        count, pace = len(self.organizations), self.settings.pace
        wait = f"; asking each takes about {count / pace:.0f} min at {pace} a minute" if count > pace else ""
        return ok(f"{count} of {len(found)} organizations{wait}" if self.named else f"{count} organizations{wait}")

    def check_logs(self) -> Iterator[Finding]:
        """Ask each organization's log, in one request, how many entries it has of the last 24 hours."""
        end = int(self.stop.clock.time() * 1000)
        seconds = 60.0 * len(self.organizations) / self.settings.pace
        self.stop.deadline = self.stop.clock.monotonic() + PATIENCE + 2 * seconds
        given_up = False
        for organization in self.organizations:
            name = f"log of {printable(organization.name) or organization.id}"
            if given_up:
                yield skipped(f"not asked after the failure before it ({organization.id})", name=name)
                continue
            try:
                yield replace(self._check_log(organization, Window(end - DAY_MS, end)), name=name)
            except AuditError as error:
                given_up = isinstance(error, SourceError | CredentialsError | Interrupted)
                self.readable[organization.id] = False
                yield failed(error, name)

    def _check_log(self, organization: Organization, window: Window) -> Finding:
        total = self.source.query.total(organization, window)
        self.readable[organization.id] = True
        if total is None:
            return warn(
                f"may be read, but the response has no total ({organization.id})",
                "Nothing to do: runs read more than they would need to. Please report it, it is not documented.",
            )
        return ok(f"{total:,} entries in 24 hours ({organization.id})")

    def check_retention(self) -> Finding:
        """Ask how long Anypoint keeps entries; that may need a scope that a collector does without."""
        try:
            days = retention_days(self.source.transport, self.source.tokens, self.root)
        except (CredentialsError, SourceError):
            days = None
        if days is None:
            return skipped("may not be asked with these scopes; a collector does not need it")
        return ok(f"Anypoint keeps entries for {days} days; older ones cannot be collected any more")


def _open_to_others(path: str, *, named: bool) -> bool:
    """Whether others may read a file; of the settings file, which is `named`, only if it holds the secret."""
    file = expanded(path)
    try:
        held = not named or any(name.lower() == "client_secret" for name in tomllib.loads(file.read_text("utf-8")))
        return held and bool(file.stat().st_mode & PRIVATE)
    except (OSError, ValueError):
        return False
