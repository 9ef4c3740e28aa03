"""A whole verification: the archive against itself, then against the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mulesoft_audit.errors import FINDINGS, AuditError, worst_status
from mulesoft_audit.evidence.deep import Deep
from mulesoft_audit.evidence.offline import Offline
from mulesoft_audit.evidence.online import Compared, Online
from mulesoft_audit.evidence.seal import SEALS
from mulesoft_audit.evidence.sealing import News, news_of
from mulesoft_audit.ledger import registry as registries

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.collect.period import Whose
    from mulesoft_audit.evidence.finding import Finding
    from mulesoft_audit.evidence.offline import Progress, Result
    from mulesoft_audit.evidence.signature import PublicKey


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be verified, and how thoroughly.

    Attributes:
        offline: whether the source is left alone.
        by_day: whether each day is compared with the source by itself.
        deep: whether every key is compared.
        require_parts: whether a part that is gone is missing, though its keys are there.
        organizations: those to ask the source about; empty for all.
        newest: hex SHA-256 of a seal's list that was the newest once; empty if none was kept.
        must_be_sealed: whether an archive without seals is a finding.
    """

    offline: bool = False
    by_day: bool = False
    deep: bool = False
    require_parts: bool = False
    organizations: tuple[str, ...] = ()
    newest: str = ""
    must_be_sealed: bool = False


@dataclass(slots=True)
class Verification:
    """What was found.

    Attributes:
        result: of the archive against itself.
        news: what its seals say, and what they do not name yet.
        compared: of each organization that was compared with the source; None if none was to be.
        failures: what kept something from being compared.
    """

    result: Result
    news: News
    compared: list[Compared] | None = None
    failures: list[AuditError] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """Problems and notes, in the order in which they were found."""
        return [
            *self.result.findings,
            *self.news.seals.findings,
            *(finding for one in self.compared or [] for finding in one.findings),
        ]

    @property
    def problems(self) -> list[Finding]:
        """What is wrong."""
        return [one for one in self.findings if one.is_problem]

    @property
    def notes(self) -> list[Finding]:
        """What is told, and is nothing wrong."""
        return [one for one in self.findings if not one.is_problem]

    @property
    def exit_code(self) -> int:
        """The exit status: a failure outranks findings."""
        return worst_status([*(one.exit_code for one in self.failures), *([FINDINGS] if self.problems else [])])


def verify(
    store: Store,
    scope: Scope,
    *,
    started: Callable[[Progress], None] = lambda _: None,
    source: tuple[AuditQuery, Pacer, Whose] | None = None,
    now: int = 0,
    key: PublicKey | None = None,
) -> Verification:
    """Verify an archive.

    Args:
        store: the archive.
        scope: what is to be verified.
        started: called with the progress as it fills.
        source: Anypoint, its pace, and whose logs to compare; None to leave it alone.
        now: Unix ms.
        key: the public key of the first seal; None to check all but signatures.

    Raises:
        ArchiveError: there is no archive, it cannot be read, or a newer version wrote it.
        UsageError: it belongs to another root organization.
        CredentialsError, Interrupted: Anypoint refuses who we are; it is time to stop.
    """
    news = news_of(store, key, scope.newest)
    result = Offline(store, deep=scope.deep, require_parts=scope.require_parts, started=started, each=news.see).run()
    news.seals.findings += news.seals.left(store)
    if scope.must_be_sealed and not news.seals.digests and key is None:
        news.seals.wrong(SEALS, "seals", "none")
    if source is None:
        return Verification(result, news)
    query, pacer, whose = source
    if result.standing.registry:
        registries.check(result.standing.registry, whose.root, store)
    deep = Deep(store, query, result)

    def deeper(one: Compared) -> None:
        forged = {finding.path: finding for finding in deep.unfinished(one)}
        if forged:
            result.findings[:] = [forged.get(finding.path, finding) for finding in result.findings]
        if scope.deep:
            deep(one)

    online = Online(store, query, pacer, whose, result, now=now, by_day=scope.by_day, deep=scope.deep)
    compared = online.run(deeper)
    failures = [*whose.problems, *(one.failure for one in compared if one.failure)]
    return Verification(result, news, compared, failures)
