"""`mulesoft-audit deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli import deploy_options as options
from mulesoft_audit.cli import deploy_values as given
from mulesoft_audit.cli.complete import directories
from mulesoft_audit.cli.confirming import person_there, somebody_there
from mulesoft_audit.cli.headings import Group
from mulesoft_audit.cli.options import shared
from mulesoft_audit.errors import DeploymentError, UsageError
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from mulesoft_audit.cli.deploy_values import Values
    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.deploy.run import Outcome
    from mulesoft_audit.cloud.deploy.terraform import State
    from mulesoft_audit.cloud.deploy.work import Work

EPILOG = """\b
Examples:
  mulesoft-audit deploy --project P --region R
  mulesoft-audit deploy plan --project P --region R
  mulesoft-audit deploy --project P --region R --yes --json
  mulesoft-audit deploy write ./infra --project P --region R
  mulesoft-audit deploy output --project P --region R
  mulesoft-audit deploy destroy --project P --region R

\b
Exit status:
  0  everything is as it should be
  2  a flag or setting is missing or malformed, or there is no terraform
  3  Google refuses the credentials
  4  a permission is missing; the message names it
  7  Google or Terraform refused a step; run it again, it goes on there
"""

_deployment = shared(
    options.project_option,
    options.first_options,
    options.config_option,
    options.place_options,
    options.collector_options,
)
_where = shared(options.state_options, options.terraform_options)
_apply_options = shared(
    _deployment,
    options.run_options,
    options.yes_option,
    options.json_option,
    options.secops_options,
    _where,
    options.change_options,
)


@click.group("deploy", cls=Group, invoke_without_command=True, epilog=EPILOG)
@_apply_options
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401 - click's
    """Bring the collector, its schedule and its feed to where they should be in Google Cloud.

    Terraform (or OpenTofu) does it: this writes its configuration into a folder, runs it there, and lets it show
    its plan and ask. Then come the SecOps feed and a first run. Safe to repeat: what is in order is left alone.
    Without a subcommand it applies.
    """
    context.obj = values
    return 0 if context.invoked_subcommand else _apply(values)


@command.command("apply", epilog=EPILOG)
@_apply_options
@click.pass_context
def apply_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Have Terraform show what is to be done, ask, and do it; then the feed, and a run."""
    return _apply(given.merged(context, values))


@command.command("plan", epilog=EPILOG)
@_deployment
@options.secops_options
@_where
@options.change_options
@click.pass_context
def plan_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Have Terraform show what applying would do. Changes nothing."""
    values = given.merged(context, values)
    work = _work(values)
    _check_collector(work.deployment)
    state = work.open(make_bucket=False)
    _ready(work, state, values, placeholder=True)
    work.terraform.show("plan", "-input=false")
    return 0


@command.command("destroy", epilog=EPILOG)
@options.logs("--delete-logs", "", "Delete the bucket even if it holds logs; needs --confirm-bucket.", is_flag=True)
@options.logs("--confirm-bucket", "", "The bucket whose logs may be deleted for good.", metavar="NAME")
@_deployment
@options.yes_option
@_where
@click.pass_context
def destroy_command(context: click.Context, /, delete_logs: bool, confirm_bucket: str, **values: Any) -> int:  # noqa: ANN401
    """Delete what Terraform made or took over. A bucket that holds logs stays, unless told twice."""
    from mulesoft_audit.cli.deploy_view import tell
    from mulesoft_audit.cloud.deploy.root import ARCHIVE
    from mulesoft_audit.cloud.deploy.work import all_but_the_bucket

    values = given.merged(context, values)
    somebody_there(values)
    work = _work(values)
    state = work.open(make_bucket=False)
    if not state.addresses:
        tell("Terraform knows of nothing that it could destroy.")
        return 0
    holds = work.archive(state)
    if holds and delete_logs and confirm_bucket != holds:
        raise UsageError(
            f"--delete-logs deletes the logs in {holds} for good. Nothing was deleted.",
            f"If that is wanted, add --confirm-bucket {holds}.",
        )
    work.ready_to_destroy(state, delete_logs=bool(holds and delete_logs))
    approved = ["-auto-approve"] if values["yes"] else []
    if holds and delete_logs:
        tell(f"{holds} holds logs. First it is allowed to be deleted with them, then everything is destroyed.")
        work.terraform.show("apply", f"-target={ARCHIVE}", *approved)
    elif holds:
        tell(f"{holds} holds logs: it stays, and Terraform goes on knowing it.")
        tell(f"To delete it too: mulesoft-audit deploy destroy --delete-logs --confirm-bucket {holds}")
    work.terraform.show("destroy", *approved, *(all_but_the_bucket(state) if holds and not delete_logs else []))
    tell("APIs stay on, and so does a SecOps feed (`mulesoft-audit feed destroy`)." + _kept(work))
    return 0


@command.command("output", epilog=EPILOG)
@_deployment
@options.json_option
@_where
@click.pass_context
def output_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Print what was made: the bucket, what the feed is to read, the function, the job."""
    values = given.merged(context, values)
    work = _work(values)
    state = work.open(make_bucket=False)
    if not state.outputs:
        raise DeploymentError("Nothing is deployed there, as far as Terraform knows.", "Run `mulesoft-audit deploy`.")
    work.terraform.aside = False
    work.terraform.show("output", *(["-json"] if values["as_json"] else []))
    return 0


@command.command("write", epilog=EPILOG)
@click.argument("directory", metavar="DIR", shell_complete=directories)
@_deployment
@options.secops_options
@options.state_options
@click.pass_context
def write_command(context: click.Context, /, directory: str, **values: Any) -> int:  # noqa: ANN401
    """Write a Terraform configuration, the module and the function's source into DIR. Needs no credentials."""
    from mulesoft_audit.cli.deploy_view import tell
    from mulesoft_audit.cloud.deploy import folder
    from mulesoft_audit.cloud.deploy.root import Backend, main_file
    from mulesoft_audit.cloud.deploy.source import built_source
    from mulesoft_audit.cloud.deploy.state_bucket import named
    from mulesoft_audit.paths import expanded

    values = given.with_settings(given.merged(context, values))
    deployment = given.deployment(values)
    _check_collector(deployment)
    bucket = named(values["state"], deployment.project)
    backend = Backend(bucket, deployment.name) if bucket else None
    for path in folder.write(expanded(directory), main_file(deployment, backend), source=built_source()):
        click.echo(str(path))
    if bucket:
        tell(f"Its state is kept in the bucket {bucket}. If there is none yet:")
        tell(
            f"gcloud storage buckets create gs://{bucket} --project={deployment.project} "
            f"--location={deployment.region} --uniform-bucket-level-access --public-access-prevention"
        )
        tell(f"gcloud storage buckets update gs://{bucket} --versioning")
    return 0


def _work(values: Values) -> Work:
    """Return what a command works with; nothing is sent yet."""
    from mulesoft_audit.cli.deploy_view import tell
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.cloud.deploy import folder
    from mulesoft_audit.cloud.deploy.state_bucket import named
    from mulesoft_audit.cloud.deploy.terraform import Terraform, find
    from mulesoft_audit.cloud.deploy.work import Work
    from mulesoft_audit.cloud.google import connect
    from mulesoft_audit.paths import expanded

    values.update(given.with_settings(values))
    deployment = given.deployment(values)
    given.feed_settings(values, deployment.bucket, deployment.log_prefix)  # what is malformed is told first
    place = expanded(values["folder"]) if values["folder"] else folder.state_home(deployment)
    terraform = Terraform(find(), place, Secret("unused"), aside=bool(values.get("as_json")))
    google = connect(Stop(), tell, project=deployment.project)
    return Work(deployment, terraform, google, named(values["state"], deployment.project), tell)


def _check_collector(deployment: Deployment) -> None:
    for name, value, flag in (
        ("The connected app's id", deployment.client_id, "CLIENT_ID, or --client-id"),
        ("The Anypoint organization", deployment.organization, "MULE_ORG_ID, or --org-id"),
    ):
        if not value:
            raise UsageError(f"{name} is not set; the function needs it.", f"Set {flag}.")


def _ready(work: Work, state: State, values: Values, *, placeholder: bool = False) -> None:
    """Write what is to be planned or applied, with the client secret if it is to be stored."""
    secret = None
    if work.stores_secret(state, new_secret=values["new_secret"]):
        secret = values["client_secret"] or (Secret("to be given") if placeholder else _asked())
    work.ready(state, secret=secret, adopt=values["adopt"])


def _asked() -> Secret:
    if not person_there():
        raise UsageError(
            "The connected app's client secret is to be stored, and none was given.",
            "Set CLIENT_SECRET in the environment, or say --client-secret-file FILE; it is never taken from a flag.",
        )
    return Secret(click.prompt("Client secret of the connected app", hide_input=True, err=True))


def _apply(values: Values) -> int:
    from mulesoft_audit.cli.deploy_view import show_json

    somebody_there(values)
    work = _work(values)
    _check_collector(work.deployment)
    state = work.open(make_bucket=True)
    _ready(work, state, values)
    work.terraform.show("apply", *(["-auto-approve"] if values["yes"] else []))
    work.google.patient = True  # every API is on now; one that says it is not is only slow to know
    reports = _feed(work, values)
    outcome = _run(work, values)
    if values["as_json"]:
        show_json(
            outputs=work.terraform.state().outputs,
            run=outcome.summary() if outcome else None,
            feeds=[one.summary() for one in reports],
        )
    if outcome and not outcome.succeeded:
        raise DeploymentError(
            "Everything is deployed, but the run failed.", "Its log is above; `mulesoft-audit doctor` says more."
        )
    return 0


def _feed(work: Work, values: Values) -> list[Any]:
    """Make the feed, or change it, and return what is known of it."""
    settings = given.feed_settings(values, work.deployment.bucket, work.deployment.log_prefix)
    if settings is None:
        return []
    from mulesoft_audit.cli.feed import bring_about, verified
    from mulesoft_audit.cloud.feed import feed_stack
    from mulesoft_audit.cloud.feed.secops import SecOps

    secops = SecOps(work.google, settings)
    resources = feed_stack(secops)
    changed = bring_about(work.google, resources, values)
    return verified(secops, resources, {**values, "wait": changed and values["wait"]})


def _run(work: Work, values: Values) -> Outcome | None:
    if not values["run"]:
        return None
    from mulesoft_audit.cli.deploy_view import show_outcome
    from mulesoft_audit.cloud.deploy.run import force_run

    outcome = force_run(work.google, work.deployment)
    if not values["as_json"]:
        show_outcome(outcome)
    return outcome


def _kept(work: Work) -> str:
    if not work.bucket:
        return ""
    return f" The bucket {work.bucket} keeps Terraform's state."
