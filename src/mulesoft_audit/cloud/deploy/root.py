"""The root configuration: what a person would write around the module, with every name in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.hcl import Expression, attributes, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mulesoft_audit.cloud.deploy.deployment import Deployment

MODULE = "module.collector"
ARCHIVE = f"{MODULE}.google_storage_bucket.archive"
MARK = "# Written by `mulesoft-audit deploy`"
#: The module's outputs that are shown.
OUTPUTS = (
    *("bucket", "archive_url", "feed_uri", "service_account", "secret", "topic", "dead_letter_subscription"),
    *("function", "job", "silence_minutes", "egress_ip", "dashboard"),
)
NOBODY = {"organization": "00000000-0000-0000-0000-000000000000", "client_id": "unknown"}

_HEAD = f"""\
{MARK}, and written again by the next one. Put what is to differ into a file of its own,
# override.tf, which Terraform lays over this one. The client secret is in no file: it is given in the environment, as
# TF_VAR_client_secret, and stored when it is new or client_secret_version is raised.
terraform {{
  required_version = ">= 1.11"

  required_providers {{
    google = {{
      source  = "hashicorp/google"
      version = "~> 7.21"
    }}
    google-beta = {{
      source  = "hashicorp/google-beta"
      version = "~> 7.21"
    }}
    time = {{
      source  = "hashicorp/time"
      version = "~> 0.9"
    }}
  }}
"""
_VARIABLE = """\
variable "client_secret" {
  description = "The connected app's client secret; any value, if nothing is to be stored."
  type        = string
  ephemeral   = true
  sensitive   = true
}
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """Where the state is kept: a folder in a bucket."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Import:
    """Something that exists and is taken over.

    Attributes:
        address: where it is in the configuration.
        id: what the provider calls it.
    """

    address: str
    id: str


def main_file(
    deployment: Deployment, backend: Backend | None, *, secret_version: int = 1, delete_logs: bool = False
) -> str:
    """Return the text of main.tf.

    Args:
        deployment: what is wanted.
        backend: where the state is kept; None keeps it beside the file.
        secret_version: how often a client secret was stored, this time included.
        delete_logs: whether destroying the bucket may delete what is in it.
    """
    arguments = _arguments(deployment, secret_version, delete_logs=delete_logs)
    parts = [
        f"{_HEAD}{_backend(backend)}}}\n",
        _VARIABLE,
        *(_block(f'provider "{name}"', {"project": deployment.project}) for name in ("google", "google-beta")),
        _block(f'module "{MODULE.partition(".")[2]}"', arguments),
        *(_block(f'output "{name}"', {"value": Expression(f"{MODULE}.{name}")}) for name in OUTPUTS),
    ]
    return "\n".join(parts)


def imports_file(imports: Iterable[Import]) -> str:
    """Return the text of imports.tf."""
    blocks = [_block("import", {"to": Expression(one.address), "id": one.id}) for one in imports]
    head = f"{MARK} --adopt: what was made by hand is taken over.\n"
    return "\n".join([head, *blocks])


def _arguments(deployment: Deployment, secret_version: int, *, delete_logs: bool) -> dict[str, object]:
    one_of = {
        "bucket_prefix": deployment.prefix,
        "existing_bucket": deployment.existing_bucket,
        "existing_secret": deployment.existing_secret,
    }
    return {
        "source": "./module",
        "project_id": deployment.project,
        "region": deployment.region,
        "name": deployment.name,
        "mule_org_id": deployment.organization or NOBODY["organization"],
        "client_id": deployment.client_id or NOBODY["client_id"],
        "client_secret": Expression("var.client_secret"),
        "client_secret_version": secret_version,
        "anypoint_plane": deployment.plane,
        "source_zip": Expression('"${path.module}/source.zip"'),
        **{name: value for name, value in one_of.items() if value},
        **({"delete_logs_on_destroy": True} if delete_logs else {}),
        **{name: deployment.arguments[name] for name in sorted(deployment.arguments)},
        "names": deployment.names,
    }


def _block(head: str, values: dict[str, object]) -> str:
    return "\n".join([f"{head} {{", *attributes(values), "}", ""])


def _backend(backend: Backend | None) -> str:
    if backend is None:
        return ""
    return f'\n  backend "gcs" {{\n    bucket = {quoted(backend.bucket)}\n    prefix = {quoted(backend.prefix)}\n  }}\n'
