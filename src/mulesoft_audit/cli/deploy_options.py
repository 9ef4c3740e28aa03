"""The options of `deploy` and `feed`: each a flag and an environment variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.complete import directories, files
from mulesoft_audit.cli.headings import ANYPOINT, OTHER, Option
from mulesoft_audit.cli.options import F, shared

if TYPE_CHECKING:
    from collections.abc import Callable


def _under(heading: str) -> Callable[..., Callable[[F], F]]:
    def option(flag: str, variable: str, text: str, *more: str, **settings: Any) -> Callable[[F], F]:  # noqa: ANN401
        shown = f"{text}  [{variable}]" if variable else text
        return click.option(
            flag, *more, cls=Option, heading=heading, envvar=variable or None, help=shown, show_envvar=False, **settings
        )

    return option


def _pairs(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(one.partition("=")[::2] for one in given)
    if wrong := [one for one in given if "=" not in one or not one.partition("=")[0]]:
        raise click.BadParameter(f"{wrong[0]!r}: expected NAME=VALUE.")
    return pairs


first, app, secret, when = _under(""), _under(ANYPOINT), _under("Client secret"), _under("Schedule and alerts")
storage, function, names, logs = _under("Bucket"), _under("Function"), _under("Names"), _under("Logs")
secops, terraform, running = _under("Google SecOps feed"), _under("Terraform"), _under(OTHER)
_several: dict[str, Any] = {"multiple": True}

project_option = shared(first("--project", "PROJECT", "The Google Cloud project.", metavar="ID"))
place_options = shared(
    storage("--bucket", "GCS_BUCKET", "Its name. Default: PROJECT-mulesoft-audit-logs.", metavar="NAME"),
    storage("--prefix", "GCS_PREFIX", "A folder in the bucket for everything.", metavar="FOLDER"),
    names("--name", "DEPLOYMENT_NAME", "What all names are made of. Default: mulesoft.", metavar="NAME"),
)
first_options = shared(
    first("--region", "REGION", "Region of the function, the schedule and the secret.", metavar="NAME"),
    first("--org-id", "MULE_ORG_ID", "The root Anypoint organization.", "organization", metavar="ID"),
    first("--client-id", "CLIENT_ID", "The connected app's id.", metavar="ID"),
    first(
        "--client-secret-file",
        "",
        "A file whose first line is its secret.  [CLIENT_SECRET_FILE, or CLIENT_SECRET itself]",
        metavar="FILE",
        shell_complete=files,
    ),
)
collector_options = shared(
    app("--plane", "ANYPOINT_PLANE", "us, eu, gov, ca, jp, in, au.", metavar="NAME"),
    secret("--secret-location", "CLIENT_SECRET_LOCATIONS", "Keep the secret there only; auto: Google's choice.",
           "secret_locations", metavar="REGION", **_several),
    secret("--existing-secret", "EXISTING_SECRET", "projects/P/secrets/S that somebody else keeps.", metavar="NAME"),
    when("--schedule", "RUN_SCHEDULE", "When to collect, as cron. Default: 0 2 * * *.", metavar="CRON"),
    when("--time-zone", "RUN_TIME_ZONE", "Time zone of the schedule.", metavar="NAME"),
    when("--schedule-interval-minutes", "SCHEDULE_INTERVAL_MINUTES", "Minutes between runs, if not a day.", type=int),
    when("--paused/--not-paused", "SCHEDULE_PAUSED", "Pause the schedule.", "schedule_paused", default=None),
    when("--alerts/--no-alerts", "DEPLOY_ALERTS", "Alert when it falls silent.", default=None),
    when("--alert-email", "ALERT_EMAIL", "An address that alerts go to.", metavar="ADDRESS"),
    when("--channel", "NOTIFICATION_CHANNELS", "Full name of a channel to notify.", "notification_channels",
         metavar="NAME", **_several),
    when("--dashboard/--no-dashboard", "DEPLOY_DASHBOARD", "Make a dashboard.", default=None),
    storage("--existing-bucket", "EXISTING_BUCKET", "A bucket that somebody else keeps, instead.", metavar="NAME"),
    storage("--bucket-location", "BUCKET_LOCATION", "Where it lies. Default: the region.", metavar="PLACE"),
    storage("--storage-class", "BUCKET_STORAGE_CLASS", "Storage class of new objects.",
            "bucket_storage_class", metavar="CLASS"),
    storage("--keep-logs-days", "KEEP_LOGS_DAYS", "Age at which logs are deleted; 0: never.", type=int),
    storage("--versioning/--no-versioning", "BUCKET_VERSIONING", "Keep what is overwritten or deleted.",
            "bucket_versioning", default=None),
    storage("--noncurrent-days", "NONCURRENT_DAYS", "How long versioning keeps it.", type=int),
    storage("--soft-delete-days", "SOFT_DELETE_DAYS", "How long a deletion can be undone; 0, 7 to 90.", type=int),
    function("--runtime", "FUNCTION_RUNTIME", "python312 or later.", metavar="NAME"),
    function("--memory", "FUNCTION_MEMORY", "Memory of an instance, such as 512Mi.", metavar="SIZE"),
    function("--cpu", "FUNCTION_CPU", "CPUs of an instance.", metavar="N"),
    function("--timeout", "FUNCTION_TIMEOUT", "Seconds that a run may take.", "timeout_seconds", type=int),
    function("--min-instances", "FUNCTION_MIN_INSTANCES", "Instances kept warm.", type=int),
    function("--max-instances", "FUNCTION_MAX_INSTANCES", "Instances at most.", type=int),
    function("--delivery-attempts", "DELIVERY_ATTEMPTS", "Tries before a message is set aside.", type=int),
    function("--build-account", "BUILD_ACCOUNT", "E-mail of an account that builds it, instead of one of its own.",
             "build_service_account", metavar="EMAIL"),
    function("--static-ip/--no-static-ip", "STATIC_IP", "Send requests from an address of its own.",
             "static_egress_ip", default=None),
    function("--env", "", "A further setting of the collector (repeatable).", "environment",
             callback=_pairs, metavar="K=V", **_several),
    names("--account", "COLLECTOR_ACCOUNT", "The collector's service account.", metavar="NAME"),
    names("--secret", "CLIENT_SECRET_NAME", "The secret in Secret Manager.", metavar="NAME"),
    names("--topic", "PUBSUB_TOPIC", "The Pub/Sub topic that starts a run.", metavar="NAME"),
    names("--dead-letter-topic", "DEAD_LETTER_TOPIC", "Keeps what cannot be delivered.", metavar="NAME"),
    names("--function", "FUNCTION_NAME", "The function.", metavar="NAME"),
    names("--job", "SCHEDULER_JOB", "The Cloud Scheduler job.", metavar="NAME"),
    names("--label", "", "A label on everything (repeatable).", "labels", callback=_pairs, metavar="K=V", **_several),
)  # fmt: skip


def _instance(option: Callable[..., Callable[[F], F]], text: str = "The SecOps customer ID.") -> Callable[[F], F]:
    """Return the options that name a SecOps instance; those that are always needed, `option` declares."""
    return shared(
        option("--secops-instance", "SECOPS_INSTANCE", text, metavar="ID"),
        option("--secops-location", "SECOPS_LOCATION", "Where it is: us, eu, europe-west3, …", metavar="NAME"),
        secops("--secops-project", "SECOPS_PROJECT", "Project of the instance. Default: the project.", metavar="ID"),
        secops("--secops-host", "SECOPS_HOST", "Host of the Chronicle API, if it is another.", metavar="HOST"),
    )


_feed_options = shared(
    secops("--feed-name", "FEED_NAME", "The feed's display name.", metavar="NAME"),
    secops("--feed-deletion", "FEED_DELETION", "Whether the feed deletes what it has read.",
           type=click.Choice(["never", "on-success"])),
    secops("--feed-max-age-days", "FEED_MAX_AGE_DAYS", "Older objects are not read.", type=int),
    secops("--feed-namespace", "FEED_NAMESPACE", "Asset namespace of every event.", metavar="NAME"),
    secops("--feed-label", "", "A label on every event (repeatable).", "feed_labels",
           callback=_pairs, metavar="K=V", **_several),
    secops("--feed-per-group", "FEED_PER_GROUP", "A feed for this business group only (repeatable).", "feed_groups",
           metavar="ID", **_several),
)  # fmt: skip
instance_options = _instance(first)
feed_options = shared(instance_options, _feed_options)
secops_options = shared(_instance(secops, "The SecOps customer ID; without it, no feed."), _feed_options)
state_options = shared(
    terraform("--state", "TERRAFORM_STATE", "Where its state is kept: a bucket, or local. Default: a bucket of the "
              "project, made first.", metavar="BUCKET"),
)  # fmt: skip
terraform_options = shared(
    terraform("--dir", "DEPLOY_DIR", "The folder to run in. Default: one of your user's state.", "folder",
              metavar="DIR", shell_complete=directories),
)  # fmt: skip
change_options = shared(
    terraform("--adopt", "", "Take over what exists and is not in its state.", is_flag=True),
    terraform("--new-secret", "", "Store the client secret that is given now.", is_flag=True),
)
config_option = running(
    "--config",
    "MULESOFT_AUDIT_CONFIG",
    "The settings file. Default: mulesoft-audit.toml here, or of your user.",
    metavar="FILE",
    shell_complete=files,
)
run_options = shared(
    running("--run/--no-run", "", "Force a run afterwards, and say how it ended.", default=True),
    running("--wait/--no-wait", "", "Wait until the feed has run.", default=True),
)
yes_option = running("--yes", "", "Do not ask.", "-y", is_flag=True)
json_option = running("--json", "", "Print the result as one JSON object.", "as_json", is_flag=True)
