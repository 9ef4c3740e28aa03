"""The optional packages: whether they are installed, and how to get those that are not."""

from __future__ import annotations

from importlib.util import find_spec

from mulesoft_audit.errors import UsageError

#: What is imported of each extra's packages.
MODULES = {
    "explore": ("duckdb", "jinja2", "markupsafe", "vl_convert"),
    "gcp": ("google.api_core", "google.auth", "google.cloud.storage", "google_crc32c", "requests"),
    "seal": ("cryptography", "rfc3161_client"),
}


def require(extra: str, what: str) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Args:
        extra: a name from `[project.optional-dependencies]`.
        what: what needs them, as the message begins.

    Raises:
        UsageError: one is not; the hint has the command that installs it.
    """
    if not all(_installed(name) for name in MODULES[extra]):
        raise UsageError(
            f"{what} needs packages that are not installed.",
            f"Run `pip install 'mulesoft-audit-collector[{extra}]'`.",
        )


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False
