"""The terraform or tofu on this machine, which deploying needs and nothing else does."""

from __future__ import annotations

from mulesoft_audit.cloud.deploy.terraform import OLDEST, find, version_of
from mulesoft_audit.doctor.finding import Finding, ok, warn
from mulesoft_audit.errors import UsageError

TERRAFORM = "terraform"


def check_terraform() -> Finding:
    """Look for one that is new enough for the module."""
    try:
        path = find()
    except UsageError as error:
        return warn(f"{error.message} Only `deploy` needs it", error.hint)
    return ok(f"{path} is {version_of(path)}; {'.'.join(map(str, OLDEST))} or later is needed")
