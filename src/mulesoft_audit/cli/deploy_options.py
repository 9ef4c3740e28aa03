"""The options of `deploy` and `feed`: each a flag and an environment variable, and what is made of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.options import config_option, load_settings, shared
from mulesoft_audit.errors import UsageError
from mulesoft_audit.settings import Settings

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.feed.settings import FeedSettings

Values = dict[str, Any]


def _option(flag: str, variable: str, text: str, *more: str, **settings: Any) -> Any:  # noqa: ANN401 - click's own
    shown = f"{text}  [{variable}]"
    return click.option(flag, *more, envvar=variable, help=shown, **settings)


def _pairs(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(one.partition("=")[::2] for one in given)
    if wrong := [one for one in given if "=" not in one or not one.partition("=")[0]]:
        raise click.BadParameter(f"{wrong[0]!r}: expected NAME=VALUE.")
    return pairs


_PROJECT = [
    _option("--project", "PROJECT", "The Google Cloud project.", metavar="ID"),
    _option("--bucket", "GCS_BUCKET", "The bucket. Default: PROJECT-mulesoft-audit-logs.", metavar="NAME"),
    _option("--prefix", "GCS_PREFIX", "A folder in the bucket for everything.", metavar="FOLDER"),
    click.option("--label", "labels", multiple=True, callback=_pairs, metavar="K=V", help="A label (repeatable)."),
    click.option("--adopt", is_flag=True, help="Take over what exists and was not made by this tool."),
    click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object."),
]
_COLLECTOR = [
    _option("--region", "REGION", "Region of the function, the trigger and the schedule.", metavar="NAME"),
    _option("--org-id", "MULE_ORG_ID", "The root Anypoint organization.", "organization", metavar="ID"),
    _option("--client-id", "CLIENT_ID", "The connected app's id.", metavar="ID"),
    click.option(
        "--client-secret-file",
        metavar="FILE",
        help="A file whose first line is its secret.  [CLIENT_SECRET_FILE, or CLIENT_SECRET itself]",
    ),
    _option("--plane", "ANYPOINT_PLANE", "us, eu, gov, ca, jp, in, au.", metavar="NAME"),
    _option("--schedule", "RUN_SCHEDULE", "When to collect, as cron.", metavar="CRON"),
    _option("--time-zone", "RUN_TIME_ZONE", "Of the schedule.", metavar="NAME"),
    _option("--bucket-location", "BUCKET_LOCATION", "Default: the region.", metavar="PLACE"),
    _option("--storage-class", "BUCKET_STORAGE_CLASS", "Of new objects.", metavar="CLASS"),
    _option("--delete-after-days", "DELETE_AFTER_DAYS", "Age at which log objects go; 0: never.", type=int),
    _option("--versioning/--no-versioning", "BUCKET_VERSIONING", "Keep what is overwritten or deleted.", default=None),
    _option("--noncurrent-days", "NONCURRENT_DAYS", "How long versioning keeps it.", type=int),
    _option("--soft-delete-days", "SOFT_DELETE_DAYS", "How long a deletion can be undone; 0, 7 to 90.", type=int),
    _option(
        "--confine-overwrites/--no-confine-overwrites",
        "CONFINE_OVERWRITES",
        "Let the collector overwrite and delete under state/ only.",
        default=None,
    ),
    _option("--account", "COLLECTOR_ACCOUNT", "The collector's service account.", metavar="NAME"),
    _option("--secret", "CLIENT_SECRET_NAME", "The secret in Secret Manager.", metavar="NAME"),
    _option("--secret-location", "CLIENT_SECRET_LOCATIONS", "Keep it there only.", "secret_locations", multiple=True),
    _option("--secret-version", "CLIENT_SECRET_VERSION", "The version the function reads.", metavar="N|latest"),
    _option("--topic", "PUBSUB_TOPIC", "The Pub/Sub topic that starts a run.", metavar="NAME"),
    _option("--dead-letter-topic", "DEAD_LETTER_TOPIC", "Keeps what cannot be delivered.", metavar="NAME"),
    _option("--delivery-attempts", "DELIVERY_ATTEMPTS", "Before that.", type=int),
    _option("--function", "FUNCTION_NAME", "The function.", metavar="NAME"),
    _option("--runtime", "FUNCTION_RUNTIME", "python312 or later.", metavar="NAME"),
    _option("--memory", "FUNCTION_MEMORY", "Of an instance.", metavar="SIZE"),
    _option("--cpu", "FUNCTION_CPU", "Of an instance.", metavar="N"),
    _option("--timeout", "FUNCTION_TIMEOUT", "Of a run, in seconds.", type=int),
    _option("--min-instances", "FUNCTION_MIN_INSTANCES", "Instances kept warm.", type=int),
    _option("--max-instances", "FUNCTION_MAX_INSTANCES", "Instances at most.", type=int),
    _option("--build-account", "BUILD_ACCOUNT", "E-mail of the account that builds it.", metavar="EMAIL"),
    click.option("--env", "environment", multiple=True, callback=_pairs, metavar="K=V", help="For the function."),
    _option("--job", "SCHEDULER_JOB", "The Cloud Scheduler job.", metavar="NAME"),
    _option("--alerts/--no-alerts", "DEPLOY_ALERTS", "Alert when it falls silent.", default=None),
    _option("--alert-email", "ALERT_EMAIL", "An address that alerts go to.", metavar="ADDRESS"),
    _option("--channel", "NOTIFICATION_CHANNELS", "Full name of a channel to notify.", "channels", multiple=True),
    _option("--run-alert-hours", "RUN_ALERT_HOURS", "Without a successful run.", type=int),
    _option("--feed-alert-hours", "FEED_ALERT_HOURS", "Without anything ingested.", type=int),
]
_SECOPS = [
    _option("--secops-instance", "SECOPS_INSTANCE", "The SecOps customer ID; without it, no feed.", metavar="ID"),
    _option("--secops-location", "SECOPS_LOCATION", "Of the instance: us, eu, europe-west3, …", metavar="NAME"),
    _option("--secops-project", "SECOPS_PROJECT", "Linked to the instance. Default: the project.", metavar="ID"),
    _option("--secops-host", "SECOPS_HOST", "Of the Chronicle API, if not derived.", metavar="HOST"),
    _option("--feed-name", "FEED_NAME", "The feed's display name.", metavar="NAME"),
    _option(
        "--feed-deletion",
        "FEED_DELETION",
        "Whether the feed deletes what it has read.",
        type=click.Choice(["never", "on-success"]),
    ),
    _option("--feed-max-age-days", "FEED_MAX_AGE_DAYS", "Older objects are not read.", type=int),
    _option("--feed-namespace", "FEED_NAMESPACE", "Asset namespace of every event.", metavar="NAME"),
    click.option("--feed-label", "feed_labels", multiple=True, callback=_pairs, metavar="K=V", help="Of every event."),
    _option(
        "--feed-per-group",
        "FEED_PER_GROUP",
        "A feed for this business group only (repeatable).",
        "feed_groups",
        multiple=True,
        metavar="ID",
    ),
]

project_options = shared(*_PROJECT)
collector_options = shared(*_COLLECTOR, config_option)
secops_options = shared(*_SECOPS)
_NOT_DEPLOYMENT = {"adopt", "yes", "as_json", "client_secret_file"}


def merged(context: click.Context, values: Values) -> Values:
    """Return a subcommand's options, those not given there taken from the command it belongs to."""
    before: Values = context.obj or {}
    silent = (click.core.ParameterSource.DEFAULT, None)
    return {
        name: before.get(name, value) if context.get_parameter_source(name) in silent else value
        for name, value in values.items()
    }


def with_settings(values: Values) -> Values:
    """Return the options; the settings file says what no flag and no variable says of the connected app.

    That is the root organization, the client id, its secret, and where Anypoint is. The rest of a settings file is
    about one machine's archive, not about Google Cloud.

    Raises:
        UsageError: a setting is malformed, or a file cannot be read.
    """
    settings = load_settings(values.get("config"), client_secret_file=values.get("client_secret_file"))
    found: Values = {"organization": settings.mule_org_id, "client_id": settings.client_id}
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
    from dataclasses import fields

    from mulesoft_audit.cloud.deploy.config import Deployment

    known = {one.name for one in fields(Deployment)} - _NOT_DEPLOYMENT
    given = {name: value for name, value in values.items() if name in known and value not in (None, "", (), {})}
    given.setdefault("region", region)
    for name, flag in (("project", "PROJECT, or --project"), ("region", "REGION, or --region")):
        if not given.get(name):
            raise UsageError(f"The {name} is not set.", f"Set {flag}.")
    given["prefix"] = f"{prefix}/" if (prefix := str(values.get("prefix") or "").strip("/")) else ""
    given["bucket"] = str(values.get("bucket") or "").removeprefix("gs://").strip("/")
    given["feed_alert"] = bool(values.get("secops_instance"))
    given["alert_project"] = values.get("secops_project") or ""
    given["client_secret"] = values.get("client_secret") or None
    return Deployment(**given)


def feed_settings(values: Values, config: Deployment) -> FeedSettings | None:
    """Return the feed that the options describe; None if no SecOps instance is given.

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
        project=values.get("secops_project") or config.project,
        location=values["secops_location"],
        instance=values["secops_instance"],
        bucket=config.bucket,
        log_prefix=config.log_prefix,
        deletion=ON_SUCCESS if values.get("feed_deletion") == "on-success" else NEVER,
        **{name: value for name, value in optional.items() if value},
    )


def person_there() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
