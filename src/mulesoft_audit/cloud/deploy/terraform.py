"""The same deployment as a Terraform module for the google provider.

What the provider cannot express is said in the module's README and left to this tool: the SecOps feed, whose account
must be granted the bucket before the feed is created, and the dead-letter settings of the subscription that Eventarc
makes for the function. The client secret is a write-only argument fed by an ephemeral variable: it is in no file, plan
or state ("Use ephemeral values and write-only arguments", Terraform 1.11).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy import terraform_blocks as parts
from mulesoft_audit.cloud.deploy.hcl import Block, Raw, Value, nested, render
from mulesoft_audit.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.feed.settings import FeedSettings

SOURCE = "source.zip"
HEAD = "# Written by `mulesoft-audit deploy --emit terraform`. Writing it again replaces it.\n\n"


def write_module(
    config: Deployment, feed: FeedSettings | None, source: Callable[[], bytes], directory: Path
) -> list[Path]:
    """Write the module and the function's source, and return the files.

    Raises:
        DeploymentError: the directory cannot be written.
    """
    archive = source()
    files = {**module(config, hashlib.sha256(archive).hexdigest()[:16]), "README.md": readme(config, feed)}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        (directory / SOURCE).write_bytes(archive)
    except OSError as error:
        raise DeploymentError(f"The module cannot be written to {directory}: {error.strerror}.") from error
    return [directory / name for name in (*files, SOURCE)]


def module(config: Deployment, digest: str) -> dict[str, str]:
    """Return the module's files by name."""
    files = {
        "versions.tf": _versions(config),
        "variables.tf": _variables(),
        "main.tf": blocks(config, digest),
        "outputs.tf": _outputs(),
    }
    return {name: HEAD + render(found) for name, found in files.items()}


def blocks(config: Deployment, digest: str) -> list[Block]:
    """Return every resource, in the order in which they depend on each other."""
    return [
        *parts.services(),
        parts.bucket(config),
        *parts.account_and_access(config),
        *parts.secret(config),
        *parts.topics(config),
        *parts.function(config, digest),
        parts.job(config),
        *parts.alerts(config),
    ]


def _versions(config: Deployment) -> list[Block]:
    google: dict[str, Value] = {"source": "hashicorp/google", "version": ">= 6.50, < 8.0"}
    required = nested("required_providers", google=google)
    provider = Block("provider", ("google",), {"project": config.project, "region": config.region})
    return [Block("terraform", (), {"required_version": ">= 1.11"}, [required]), provider]


def _variables() -> list[Block]:
    secret: dict[str, Value] = {
        "description": "The connected app's client secret. It is written to Secret Manager and kept nowhere else.",
        "type": Raw("string"),
        "sensitive": True,
        "ephemeral": True,
    }
    version: dict[str, Value] = {
        "description": "Raise it to store another client secret.",
        "type": Raw("number"),
        "default": 1,
    }
    return [
        Block("variable", ("client_secret",), secret),
        Block("variable", ("client_secret_version",), version),
    ]


def _outputs() -> list[Block]:
    return [
        Block("output", ("bucket",), {"value": Raw("google_storage_bucket.archive.name")}),
        Block("output", ("collector_account",), {"value": Raw("google_service_account.collector.email")}),
        Block("output", ("function",), {"value": Raw("google_cloudfunctions2_function.collector.id")}),
    ]


def readme(config: Deployment, feed: FeedSettings | None) -> str:
    """Return what to do with the module, and what it leaves out."""
    location = feed.location if feed else "LOCATION"
    instance = feed.instance if feed else "INSTANCE"
    return f"""# MuleSoft audit logs, as Terraform

Written by `mulesoft-audit deploy --emit terraform`. Needs Terraform 1.11 or later (write-only arguments).

    export TF_VAR_client_secret   # set it without writing it down, for example with `read -rs`
    terraform init
    terraform apply

## What is left to `mulesoft-audit`

The google provider cannot express these; run them after each `terraform apply`. They change only what is named here.

* **The SecOps feed.** The account that the tenant's feeds read with must be granted the bucket before a feed can be
  created; the provider has no data source for that account.

      mulesoft-audit feed --project {config.project} --bucket {config.bucket} \\
        --secops-instance {instance} --secops-location {location}

* **Dead letters.** Eventarc makes the subscription that feeds the function, so Terraform cannot own its dead-letter
  policy. With the subscription's name from `gcloud eventarc triggers list --location {config.region}`:

      gcloud pubsub subscriptions update SUBSCRIPTION --ack-deadline 600 \\
        --dead-letter-topic {config.dead_letter_topic} --max-delivery-attempts {config.delivery_attempts} \\
        --min-retry-delay 60 --max-retry-delay 600

  and Pub/Sub's own account needs `roles/pubsub.subscriber` on that subscription.

Do not also run `mulesoft-audit deploy` on the same names: two owners of one thing undo each other.
"""
