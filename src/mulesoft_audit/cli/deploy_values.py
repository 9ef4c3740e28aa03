"""What the options of `deploy` and `feed` make: a deployment, and a feed.

What an option of `ARGUMENTS` may be, the Terraform module says: it goes there under its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.configured import load_settings
from mulesoft_audit.errors import UsageError
from mulesoft_audit.settings import Settings

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.feed.settings import FeedSettings

Values = dict[str, Any]
#: Options that are variables of the module, by their names there.
ARGUMENTS = (
    *("schedule", "time_zone", "schedule_interval_minutes", "schedule_paused", "delivery_attempts"),
    *("alerts", "alert_email", "notification_channels", "dashboard"),
    *("bucket_location", "bucket_storage_class", "keep_logs_days"),
    *("bucket_versioning", "noncurrent_days", "soft_delete_days", "secret_locations"),
    *("runtime", "memory", "cpu", "timeout_seconds", "min_instances", "max_instances"),
    *("build_service_account", "environment", "static_egress_ip", "labels"),
)
#: Options that are names of parts, with their keys in the module's `names`.
NAMES = {
    "bucket": "bucket",
    "account": "service_account",
    "secret": "secret",
    "topic": "topic",
    "dead_letter_topic": "dead_letter_topic",
    "function": "function",
    "job": "job",
}
GOOGLE = "auto"  #: as a location of the secret: Google's choice


def merged(context: click.Context, values: Values) -> Values:
    """Return a subcommand's options, those not given there taken from the command it belongs to."""
    before: Values = context.obj or {}
    silent = (click.core.ParameterSource.DEFAULT, None)
    return {
        name: before.get(name, value) if context.get_parameter_source(name) in silent else value
        for name, value in values.items()
    }


def with_settings(values: Values) -> Values:
    """Return the options; the settings file says what no flag and no variable says.

    That is the root organization, the connected app, where Anypoint is, and the bucket. The rest of a settings file is
    about one machine.

    Raises:
        UsageError: a setting is malformed, or a file cannot be read.
    """
    settings = load_settings(values.get("config"), client_secret_file=values.get("client_secret_file"))
    found: Values = {
        "organization": settings.mule_org_id,
        "client_id": settings.client_id,
        "bucket": settings.gcs_bucket,
        "prefix": settings.gcs_prefix,
    }
    if settings.anypoint_base_url and not values.get("plane"):
        found["environment"] = {"ANYPOINT_BASE_URL": settings.anypoint_base_url, **(values.get("environment") or {})}
    elif settings.anypoint_plane != Settings().anypoint_plane:
        found["plane"] = settings.anypoint_plane
    silent = {name: value for name, value in found.items() if name == "environment" or not values.get(name)}
    return {**values, **silent, "client_secret": settings.secret}


def deployment(values: Values, *, region: str = "") -> Deployment:
    """Return the deployment that the options describe.

    Raises:
        UsageError: something is missing or malformed.
    """
    from mulesoft_audit.cloud.deploy.deployment import Deployment

    place = {"project": values.get("project"), "region": values.get("region") or region}
    for name, flag in (("project", "PROJECT, or --project"), ("region", "REGION, or --region")):
        if not place[name]:
            raise UsageError(f"The {name} is not set.", f"Set {flag}.")
    direct = ("name", "organization", "client_id", "plane", "existing_secret")
    optional = {name: values[name] for name in direct if values.get(name)}
    given = {key: values[name] for name, key in NAMES.items() if values.get(name)}
    if "bucket" in given:
        given["bucket"] = _bucket(given["bucket"])
    return Deployment(
        project=str(place["project"]),
        region=str(place["region"]),
        prefix=str(values.get("prefix") or "").strip("/"),
        existing_bucket=_bucket(values.get("existing_bucket") or ""),
        given=given,
        arguments=_arguments(values),
        **optional,
    )


def _bucket(name: str) -> str:
    return name.removeprefix("gs://").strip("/")


def _arguments(values: Values) -> Values:
    found = {name: values[name] for name in ARGUMENTS if values.get(name) not in (None, "", (), {})}
    if "secret_locations" in found:
        places = [place for place in found["secret_locations"] if place != GOOGLE]
        found["secret_locations"] = places
    if values.get("secops_instance"):
        found["secops_project_id"] = values.get("secops_project") or values["project"]
    return found


def feed_settings(values: Values, bucket: str = "", log_prefix: str = "") -> FeedSettings | None:
    """Return the feed that the options describe; None if no SecOps instance is given.

    Args:
        values: the options.
        bucket: the bucket that it reads; empty where no feed is meant, but the instance alone.
        log_prefix: the folder in it, ending in a slash.

    Raises:
        UsageError: something is missing or malformed.
    """
    if not values.get("secops_instance"):
        return None
    from mulesoft_audit.cloud.feed.settings import NEVER, ON_SUCCESS, FeedSettings

    if not values.get("secops_location"):
        raise UsageError(
            "The location of the SecOps instance is not set.", "Set SECOPS_LOCATION, or --secops-location."
        )
    optional: Values = {
        "display_name": values.get("feed_name"),
        "max_age_days": values.get("feed_max_age_days"),
        "namespace": values.get("feed_namespace"),
        "labels": values.get("feed_labels"),
        "organizations": tuple(values.get("feed_groups") or ()),
        "host": values.get("secops_host"),
    }
    return FeedSettings(
        project=values.get("secops_project") or values["project"],
        location=values["secops_location"],
        instance=values["secops_instance"],
        bucket=bucket,
        log_prefix=log_prefix,
        deletion=ON_SUCCESS if values.get("feed_deletion") == "on-success" else NEVER,
        **{name: value for name, value in optional.items() if value},
    )
