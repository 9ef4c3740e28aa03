"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from mulesoft_audit.cli.complete import directories, files, organizations, planes
from mulesoft_audit.cli.headings import ANYPOINT, OTHER, under

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_anypoint, _other = under(ANYPOINT), under(OTHER)

_SOURCE = [
    _anypoint("--client-id", metavar="ID", help="The connected app's id.  [CLIENT_ID]"),
    _anypoint(
        "--client-secret-file",
        metavar="FILE",
        shell_complete=files,
        help="A file whose first line is its secret.  [CLIENT_SECRET_FILE, or CLIENT_SECRET itself]",
    ),
    _anypoint(
        "--plane",
        "anypoint_plane",
        metavar="NAME",
        shell_complete=planes,
        help="us, eu, gov, ca, jp, in, au.  [ANYPOINT_PLANE]",
    ),
    _anypoint(
        "--base-url", "anypoint_base_url", metavar="URL", help="https://HOST instead of a plane.  [ANYPOINT_BASE_URL]"
    ),
    _anypoint(
        "--requests-per-minute", type=int, metavar="N", help="Instead of the plane's limit.  [REQUESTS_PER_MINUTE]"
    ),
]
_ROOT = _anypoint("--org-id", "mule_org_id", metavar="ID", help="The root organization.  [MULE_ORG_ID]")
_LOOK_BACK = _anypoint(
    "--look-back", metavar="TIME", help="What to read again if totals prove nothing.  [LOOK_BACK: 24h]"
)
_CONFIG = _other(
    "--config",
    metavar="FILE",
    shell_complete=files,
    help="The settings file. Default: mulesoft-audit.toml here, or of your user.  [MULESOFT_AUDIT_CONFIG]",
)
_ARCHIVE = click.option(
    "--archive",
    metavar="DIR|URL",
    shell_complete=directories,
    help="A directory, or gs://BUCKET[/PREFIX].  [ARCHIVE]",
)
_ORGS = click.option(
    "--org",
    "orgs",
    multiple=True,
    metavar="NAME",
    shell_complete=organizations,
    help="Only this organization, by name or id (repeatable).",
)
_YES = _other("--yes", is_flag=True, help="Do not ask before starting.")


def shared(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds `options` in the order given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


source_options = shared(*_SOURCE)
root_option = _ROOT
look_back_option = _LOOK_BACK
config_option = _CONFIG
archive_option = _ARCHIVE
orgs_option = _ORGS
yes_option = _YES
#: What it asks for is told by `output.json_wanted`: in Cloud Run too.
json_flag = _other("--json", is_flag=True, expose_value=False, help="Print the result as one JSON object.")
