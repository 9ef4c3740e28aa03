"""Every setting: from flags, else the environment, else a TOML file; read and checked once, before anything else."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from mulesoft_audit.anypoint.planes import Plane, plane_at, plane_named
from mulesoft_audit.errors import UsageError
from mulesoft_audit.monitoring.address import address
from mulesoft_audit.paths import expanded
from mulesoft_audit.secret import Secret
from mulesoft_audit.times import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG = "MULESOFT_AUDIT_CONFIG"
FILE = "mulesoft-audit.toml"  #: found in the working directory, or in a folder of the user's configuration
TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")  #: the full name of a Pub/Sub topic
SECRETS = frozenset({"client_secret", "ping_url"})
#: Tables of the file that are no settings, with what reads them.
TABLES = {"detect": "the allow lists of `mulesoft-audit detect`"}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings, each named as in the TOML file; in the environment the same in capitals.

    Attributes:
        mule_org_id: id of the root organization; found by the API if it is not set.
        client_id: of the connected app.
        client_secret: of the connected app. Better: client_secret_file, or a prompt.
        client_secret_file: a file whose first line is the secret.
        anypoint_plane: us, eu, gov, ca, jp, in or au.
        anypoint_base_url: https://HOST instead of a plane.
        requests_per_minute: what to keep to, if not the plane's limit.
        rate_share: this process's share of the limit, up to 1.
        http_timeout: seconds without a byte after which a request is given up.
        archive: a directory, or gs://BUCKET[/PREFIX].
        gcs_bucket: the bucket, if archive is not set.
        gcs_prefix: the prefix in it.
        look_back: milliseconds within which entries may arrive after their time; written as a duration, such as 24h.
        continue_topic: projects/P/topics/T where a function asks to be continued.
        ping_url: a check that `collect` and `backfill` ping; a secret.
        metrics_file: where they keep metrics for Prometheus.
    """

    mule_org_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_secret_file: str = ""
    anypoint_plane: str = "us"
    anypoint_base_url: str = ""
    requests_per_minute: int | None = None
    rate_share: float = 1.0
    http_timeout: float = 60.0
    archive: str = ""
    gcs_bucket: str = ""
    gcs_prefix: str = ""
    look_back: int = 86_400_000
    continue_topic: str = ""
    ping_url: str = ""
    metrics_file: str = ""

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in self.__struct_fields__ if name not in SECRETS}
        return f"Settings({shown})"

    @property
    def plane(self) -> Plane:
        """The control plane.

        Raises:
            UsageError: neither a plane's name nor a URL.
        """
        if not self.anypoint_base_url:
            return plane_named(self.anypoint_plane)
        try:
            plane = plane_at(self.anypoint_base_url)
            _ = urlsplit(plane.base_url).port  # a port that is none is told when it is looked at
        except ValueError:
            raise UsageError(f"ANYPOINT_BASE_URL is {self.anypoint_base_url!r}; expected https://HOST.") from None
        return plane

    @property
    def pace(self) -> int:
        """Requests a minute for this process: the limit times its share, at least 1."""
        limit = self.requests_per_minute or self.plane.requests_per_minute
        return max(1, int(limit * self.rate_share))

    @property
    def secret(self) -> Secret:
        """The connected app's secret; empty if it is set nowhere.

        Raises:
            UsageError: the file that should hold it cannot be read.
        """
        if self.client_secret or not self.client_secret_file:
            return Secret(self.client_secret)
        try:
            with expanded(self.client_secret_file).open(encoding="utf-8") as file:
                return Secret(file.readline(4096).strip())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"CLIENT_SECRET_FILE is {self.client_secret_file!r}, which cannot be read ({type(error).__name__})."
            ) from None

    @property
    def archive_url(self) -> str:
        """Where the archive is; empty if it is set nowhere."""
        if self.archive or not self.gcs_bucket:
            return self.archive
        bucket = self.gcs_bucket.removeprefix("gs://").strip("/")
        return f"gs://{bucket}/{self.gcs_prefix.strip('/')}".rstrip("/")

    def checked(self) -> Settings:
        """Return the settings once everything in them is known to be sound.

        Raises:
            UsageError: naming the setting, what it is, and what was expected.
        """
        _ = self.plane
        if self.requests_per_minute is not None and not 1 <= self.requests_per_minute <= 100_000:
            raise UsageError(f"REQUESTS_PER_MINUTE is {self.requests_per_minute}; expected 1 or more.")
        if not 0 < self.rate_share <= 1:
            raise UsageError(f"RATE_SHARE is {self.rate_share}; expected more than 0 and at most 1.")
        if not 0 < self.http_timeout <= 3600:
            raise UsageError(f"HTTP_TIMEOUT is {self.http_timeout}; expected seconds, more than 0 and at most 3600.")
        if self.continue_topic and not TOPIC.fullmatch(self.continue_topic):
            raise UsageError(f"CONTINUE_TOPIC is {self.continue_topic!r}; expected projects/PROJECT/topics/TOPIC.")
        if self.ping_url:
            _ = address(self.ping_url)
        return self


def load(
    flags: Mapping[str, Any], environment: Mapping[str, str] | None = None, config: str | Path | None = None
) -> Settings:
    """Return the settings.

    Args:
        flags: what the command line says; None and empty values say nothing.
        environment: where the capitals are looked up; the process's if None.
        config: a TOML file; the one that MULESOFT_AUDIT_CONFIG names if None, or none.

    Raises:
        UsageError: a setting is malformed, or the file cannot be read or names an unknown setting.
    """
    environment = os.environ if environment is None else environment
    named = {name: environment.get(name.upper(), "").strip() for name in Settings.__struct_fields__}
    values: dict[str, Any] = {}
    for layer in (_file(config or environment.get(CONFIG, "")), named, flags):
        _overlay(values, {name: value for name, value in layer.items() if value not in (None, "")})
    if "look_back" in values:
        values["look_back"] = duration(str(values["look_back"]), "LOOK_BACK")
    try:
        return msgspec.convert(values, Settings, strict=False).checked()
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        name = path.strip("`.").upper() or "a setting"
        raise UsageError(f"{name} is malformed: {reason[0].lower()}{reason[1:]}.") from None


def find_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Return the settings file to use where none is named; None if there is none.

    It is looked for in the working directory, then in the user's configuration folder (XDG Base Directory
    Specification: $XDG_CONFIG_HOME, if that is an absolute path, else ~/.config).

    Raises:
        UsageError: it belongs to another user, who could send the client secret to a server of theirs with it.
    """
    environment = os.environ if environment is None else environment
    base = environment.get("XDG_CONFIG_HOME", "")
    home = environment.get("HOME", "")
    folder = Path(base) if base.startswith("/") else Path(home) / ".config" if home else None
    places = [Path(FILE), *([folder / "mulesoft-audit" / FILE] if folder else [])]
    found = next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - Path.is_file() may raise
    if found and found.stat().st_uid not in {0, os.geteuid()}:
        raise UsageError(
            f"The settings file {found.absolute()} belongs to another user.",
            "Nothing was sent. Name it with --config if you trust it, or run in another directory.",
        )
    return found


#: Of two settings that say the same thing in one place, the first counts. One that is set in a place that outweighs
#: another hides the twin there.
_TWINS = (("client_secret", "client_secret_file"), ("anypoint_base_url", "anypoint_plane"), ("archive", "gcs_bucket"))


def _overlay(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for first, second in _TWINS:
        if second in layer and first not in layer:
            values.pop(first, None)
    values.update(layer)


def read_table(name: str, path: str | Path) -> dict[str, Any]:
    """Return a table of the settings file that is no setting; empty if the file has none.

    Raises:
        UsageError: the file cannot be read, or it has something else of that name.
    """
    table = _toml(path).get(name, {}) if path else {}
    if not isinstance(table, dict):
        raise UsageError(f"The settings file {path} is malformed: {name} is no table ({TABLES[name]}).")
    return table


def _file(path: str | Path) -> dict[str, Any]:
    found = _toml(path) if path else {}
    settings = {name: value for name, value in found.items() if name not in TABLES}
    unknown = [name for name in settings if name.lower() not in Settings.__struct_fields__]
    if unknown:
        known = ", ".join(Settings.__struct_fields__)
        raise UsageError(f"The settings file {path} names an unknown setting {unknown[0]!r}. Known are: {known}.")
    return {name.lower(): value for name, value in settings.items()}


def _toml(path: str | Path) -> dict[str, Any]:
    try:
        with expanded(path).open("rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The settings file {path} cannot be read ({type(error).__name__}).") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The settings file {path} is not TOML: {error}.") from None
