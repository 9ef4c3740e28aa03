"""The part of the Chronicle API (v1) that feeds, the parser and the rules need."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.feed.settings import LOG_TYPE, SOURCE
from mulesoft_audit.cloud.google.errors import ROLE_MISSING, NotFound, Rejected, Uncertain
from mulesoft_audit.errors import PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.cloud.feed.settings import FeedSettings
    from mulesoft_audit.cloud.google.client import Google, Json

_ACCOUNT = "feedServiceAccounts:fetchServiceAccountForCustomer"


class SecOps:
    """One SecOps instance."""

    def __init__(self, google: Google, settings: FeedSettings) -> None:
        self.google = google
        self.settings = settings
        google.billed["chronicle"] = settings.project
        self._host = ""
        self._account = ""

    @property
    def account(self) -> str:
        """The e-mail of the account that the tenant's feeds read with; never assumed, it has several shapes.

        It is the last part of the name that is answered. The instance is also asked for by the project's number, which
        is the form the live API was seen to insist on here.
        """
        if not self._account:
            self._account = self._fetch_account()
        return self._account

    def feeds(self) -> list[Json]:
        """Return every feed of the instance; there is no filter."""
        return list(self.google.pages(self._url("feeds"), "feeds", "list the SecOps feeds", pageSize=1000))

    def feed(self, name: str) -> Json:
        """Return one feed by the last part of its name; nothing if it does not show yet."""
        return self.google.find(self._url(f"feeds/{_last(name)}"), "look at the SecOps feed") or {}

    def create(self, body: Json) -> Json:
        """Create a feed. One request and no more: every create makes a new feed."""
        return self.google.post(self._url("feeds"), "create the SecOps feed", body, once=True)

    def change(self, name: str, body: Json, mask: str) -> Json:
        """Change a feed: `details` without the name, or `displayName` alone."""
        url = self._url(f"feeds/{_last(name)}")
        return self.google.patch(url, "change the SecOps feed", body, updateMask=mask)

    def enable(self, name: str) -> Json:
        """Switch a feed on."""
        return self.google.post(self._url(f"feeds/{_last(name)}:enable"), "enable the SecOps feed")

    def delete(self, name: str) -> None:
        """Delete a feed; what it has read stays in SecOps, and objects stay in the bucket."""
        self.google.delete(self._url(f"feeds/{_last(name)}"), "delete the SecOps feed")

    def knows_log_type(self) -> bool | None:
        """Whether a feed of our kind can be of type MULESOFT; None if that may not be asked."""
        url = self._url(f"feedSourceTypeSchemas/{SOURCE}/logTypeSchemas")
        try:
            found = self.google.pages(url, "logTypeSchemas", "list the log types of feeds", pageSize=1000)
            return any(_last(str(one.get("logType") or one.get("name"))) == LOG_TYPE for one in found)
        except (PermissionMissing, NotFound):
            return None

    def parser(self) -> str:
        """Return whose parser for MULESOFT is active: `google`, `custom`, `none`, or `unknown` if one may not ask."""
        url = self._url(f"logTypes/{LOG_TYPE}/parsers")
        try:
            found = list(self.google.pages(url, "parsers", "look for a parser", pageSize=100))
        except (PermissionMissing, NotFound):
            return "unknown"
        active = [one for one in found if one.get("state", "ACTIVE") == "ACTIVE"]
        if not active:
            return "none"
        creators = [one.get("creator") for one in active]
        by_customer = any(isinstance(one, dict) and one.get("source") == "CUSTOMER" for one in creators)
        return "custom" if by_customer else "google"

    def run_parser(self, parser: bytes, logs: Iterable[bytes]) -> list[Json]:
        """Return what a parser makes of each log; it is neither stored nor made active ("logTypes.runParser").

        Each is `{"parsedEvents": {"events": [{"event": UDM}]}}`, or `{"error": Status}` where the log was not parsed.
        The reference leaves the events' form open; so they are in the script by which chronicle/content-hub compares
        its own parsers' events. It has the method in v1alpha, the release notes (2026-05-28) in v1: both are tried.

        Raises:
            Rejected: the parser is refused as it is.
            PermissionMissing: the permission chronicle.parsers.runParser is missing.
        """
        doing = "run the parser in SecOps"
        url = self._url(f"logTypes/{LOG_TYPE}:runParser")
        body = {"parser": {"cbn": _encoded(parser)}, "log": [_encoded(log) for log in logs]}
        try:
            found = self.google.ask(url, doing, body)
        except NotFound as missing:
            try:
                found = self.google.ask(url.replace("/v1/", "/v1alpha/", 1), doing, body)
            except NotFound:
                raise _elsewhere(missing) from None
        except PermissionMissing as missing:
            raise _without(missing, "chronicle.parsers.runParser") from None
        results = found.get("runParserResults", [])
        return results if isinstance(results, list) else []

    def verify_rule(self, text: str) -> Json:
        """Return whether a rule compiles: `{"success": bool, "compilationDiagnostics": […]}`; it is not stored.

        A diagnostic has a message, a severity (ERROR, WARNING), and perhaps a position: startLine, startColumn, endLine
        and endColumn, from 1 ("instances.verifyRuleText", "CompilationDiagnostic").

        Raises:
            PermissionMissing: the permission chronicle.rules.verifyRuleText is missing.
        """
        url = self._url("").removesuffix("/") + ":verifyRuleText"
        try:
            return self.google.ask(url, "verify a rule", {"ruleText": text})
        except NotFound as missing:
            raise _elsewhere(missing) from None
        except PermissionMissing as missing:
            raise _without(missing, "chronicle.rules.verifyRuleText") from None

    def log_type(self) -> str:
        """Return the full name of the log type, which is what a feed must be given."""
        return f"{self.settings.parent}/logTypes/{LOG_TYPE}"

    def _url(self, path: str) -> str:
        self._host = self._host or self._find_host()
        return f"{self._host}/v1/{self.settings.parent}/{path}"

    def _find_host(self) -> str:
        """Return the first host that answers at all."""
        hosts = self.settings.hosts
        for host in hosts[:-1]:
            try:
                self.google.get(f"{host}/v1/{self.settings.parent}/feeds", "reach Google SecOps", pageSize=1)
            except Uncertain as error:
                if error.status:
                    return host
            except (PermissionMissing, NotFound, Rejected):
                return host
            else:
                return host
        return hosts[-1]

    def _fetch_account(self) -> str:
        doing = "read which account SecOps feeds read with"
        try:
            found = self.google.get(self._url(_ACCOUNT), doing)
        except (PermissionMissing, NotFound) as refused:
            try:
                found = self.google.get(self._url_by_number(), doing)
            except (PermissionMissing, NotFound):
                raise refused from None
        return _last(str(found["name"]))

    def _url_by_number(self) -> str:
        project = self.settings.project
        found = self.google.get(
            f"cloudresourcemanager.googleapis.com/v3/projects/{project}", "read the project's number"
        )
        number = _last(str(found["name"]))
        return self._url(_ACCOUNT).replace(f"/projects/{project}/", f"/projects/{number}/")


def _elsewhere(missing: NotFound) -> NotFound:
    """Return a 404 of a method with what to do: the instance is asked for by four settings."""
    hint = "Is it the right instance? Look at SECOPS_PROJECT, SECOPS_LOCATION, SECOPS_INSTANCE and SECOPS_HOST."
    return NotFound(missing.message, hint, status=missing.status, reason=missing.reason)


def _without(missing: PermissionMissing, permission: str) -> PermissionMissing:
    """Return a 403 with the permission that is needed, where Google does not name it."""
    if missing.hint != ROLE_MISSING:
        return missing
    return PermissionMissing(missing.message, f"It takes {permission}; docs/parser.md says which roles have it.")


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()
