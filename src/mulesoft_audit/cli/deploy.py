"""`mulesoft-audit deploy`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli import deploy_options as options
from mulesoft_audit.cli.options import shared
from mulesoft_audit.errors import DeploymentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.deploy.engine import Step
    from mulesoft_audit.cloud.deploy.resource import Resource
    from mulesoft_audit.cloud.deploy.run import Outcome
    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.cloud.google.client import Google

EPILOG = """\b
Examples:
  mulesoft-audit deploy plan --project P --region R
  mulesoft-audit deploy --project P --region R
  mulesoft-audit deploy --project P --region R --yes --json
  mulesoft-audit deploy --project P --region R --emit terraform ./infra
  mulesoft-audit deploy destroy --project P --region R

\b
Exit status:
  0  everything is as it should be
  2  a flag or setting is missing or malformed; nothing was sent
  3  Google refuses the credentials
  4  a permission is missing; the message names it
  7  Google refused a step, or did not converge; run it again, it goes on there
"""


class Session:
    """What one command works with: the client, the wanted state, and its resources in order."""

    def __init__(self, values: options.Values, *, delete_logs: bool = False) -> None:
        from mulesoft_audit.cli.deploy_view import tell
        from mulesoft_audit.clock import Stop
        from mulesoft_audit.cloud.google import connect

        values = options.with_settings(values)
        self.values = values
        self.config: Deployment = options.deployment(values)
        self.feed = options.feed_settings(values, self.config)
        self.google: Google = connect(Stop(), tell, project=self.config.project)
        self.secops: SecOps | None = None
        self._delete_logs = delete_logs

    def resources(self) -> list[Resource]:
        """Return everything, each after what it refers to."""
        from mulesoft_audit.cloud.deploy.source import built_source
        from mulesoft_audit.cloud.deploy.stack import stack
        from mulesoft_audit.cloud.feed import feed_stack
        from mulesoft_audit.cloud.feed.secops import SecOps

        found = stack(self.google, self.config, _source(built_source), delete_logs=self._delete_logs)
        if self.feed is not None:
            self.secops = SecOps(self.google, self.feed)
            found += feed_stack(self.secops, self.config)
        return found

    def ask_for_secret(self) -> None:
        """Ask for the client secret if it is stored nowhere and somebody is there."""
        from mulesoft_audit.cloud.deploy.secret import StoredSecret
        from mulesoft_audit.secret import Secret

        if self.config.client_secret or not options.person_there():
            return
        observed = StoredSecret(self.google, self.config).observe()
        if not (observed and observed["stored"]):
            given = click.prompt("Client secret of the connected app", hide_input=True, err=True)
            self.config = replace(self.config, client_secret=Secret(given))


def _source(build: Callable[[], bytes]) -> Callable[[], bytes]:
    held: list[bytes] = []

    def once() -> bytes:
        if not held:
            held.append(build())
        return held[0]

    return once


_shared = shared(options.project_options, options.collector_options, options.secops_options)
_run_option = click.option("--run/--no-run", default=None, help="Force a run now. Default: if anything changed.")
_wait_option = click.option("--wait/--no-wait", default=True, help="Wait until the feed has run.")


@click.group("deploy", invoke_without_command=True, epilog=EPILOG)
@_shared
@_run_option
@_wait_option
@click.option(
    "--emit",
    nargs=2,
    type=(click.Choice(["terraform"]), click.Path(file_okay=False, path_type=Path)),
    metavar="terraform DIR",
    help="Write the same resources as a Terraform module, and change nothing.",
)
@click.pass_context
def command(context: click.Context, /, emit: tuple[str, Path] | None, **values: Any) -> int:  # noqa: ANN401 - click's
    """Bring the collector, its schedule and its feed to where they should be in Google Cloud.

    Safe to run again at any time: what is in order is left alone, and a run that failed goes on where it
    stopped. Without a subcommand it applies: it shows what it would do and asks.
    """
    context.obj = values
    if context.invoked_subcommand:
        return 0
    return _emit(values, emit[1]) if emit else _apply(values)


@command.command("plan")
@_shared
@click.pass_context
def plan_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Show what applying would create and change. Changes nothing."""
    from mulesoft_audit.cli.deploy_view import show_json, show_plan
    from mulesoft_audit.cloud.deploy import engine

    values = options.merged(context, values)
    steps = engine.plan(Session(values).resources(), adopt=values["adopt"])
    show_json(steps=[step.summary() for step in steps]) if values["as_json"] else show_plan(steps)
    return 0


@command.command("apply", epilog=EPILOG)
@_shared
@_run_option
@_wait_option
@click.pass_context
def apply_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Show what is to be done, ask, and do it."""
    return _apply(options.merged(context, values))


@command.command("destroy")
@_shared
@click.option("--delete-logs", is_flag=True, help="Delete the bucket even if it holds logs; needs --confirm-bucket.")
@click.option("--confirm-bucket", metavar="NAME", help="The bucket whose logs may be deleted for good.")
@click.pass_context
def destroy_command(context: click.Context, /, delete_logs: bool, confirm_bucket: str, **values: Any) -> int:  # noqa: ANN401
    """Delete what this tool made, and nothing else. A bucket that holds logs stays, unless told twice."""
    from mulesoft_audit.cli.deploy_view import show_json, show_plan, show_step
    from mulesoft_audit.cloud.deploy import engine

    values = options.merged(context, values)
    session = Session(values, delete_logs=delete_logs)
    session.config = replace(session.config, alerts=True, feed_alert=True)  # whatever was deployed before
    if delete_logs and confirm_bucket != session.config.bucket:
        raise UsageError(
            f"--delete-logs deletes the logs in {session.config.bucket} for good.",
            f"If that is wanted, add --confirm-bucket {session.config.bucket}.",
        )
    resources = session.resources()
    steps = engine.plan_destroy(resources)
    if not values["as_json"]:
        show_plan(steps)
    if any(step.action == engine.DELETE for step in steps):
        confirm(values, "Delete these?")
    done = engine.destroy(resources, report=show_step)
    if values["as_json"]:
        show_json(steps=[step.summary() for step in done])
    return 0


def _apply(values: options.Values) -> int:
    from mulesoft_audit.cli.deploy_view import show_json, show_plan, show_step
    from mulesoft_audit.cloud.deploy import engine

    session = Session(values)
    session.ask_for_secret()
    _check_collector(session.config)
    resources = session.resources()
    steps = engine.plan(resources, adopt=values["adopt"])
    if not values["as_json"]:
        show_plan(steps)
    engine.refuse(steps)
    if changing(steps):
        confirm(values, "Do this?")
        steps = engine.apply(session.google, resources, adopt=values["adopt"], planned=True, report=show_step)
    outcome = _run(session, values, changed=changing(steps))
    reports = verified(session, resources, values) if changing(steps) else []
    if values["as_json"]:
        summary = outcome.summary() if outcome else None
        show_json(steps=[step.summary() for step in steps], run=summary, feeds=[one.summary() for one in reports])
    if outcome and not outcome.succeeded:
        raise DeploymentError(
            "Everything is deployed, but the run failed.", "Its log is above; `mulesoft-audit doctor` says more."
        )
    return 0


def _check_collector(config: Deployment) -> None:
    for name, value, flag in (
        ("The connected app's id", config.client_id, "CLIENT_ID, or --client-id"),
        ("The Anypoint organization", config.organization, "MULE_ORG_ID, or --org-id"),
    ):
        if not value:
            raise UsageError(f"{name} is not set; the function needs it.", f"Set {flag}.")


def _run(session: Session, values: options.Values, *, changed: bool) -> Outcome | None:
    from mulesoft_audit.cli.deploy_view import show_outcome
    from mulesoft_audit.cloud.deploy.run import force_run

    wanted = changed if values.get("run") is None else values["run"]
    if not wanted:
        return None
    outcome = force_run(session.google, session.config)
    if not values["as_json"]:
        show_outcome(outcome)
    return outcome


def verified(session: Session, resources: Sequence[Resource], values: options.Values) -> list[Any]:
    """Return what is known of each feed, waited for if that is wanted; shown unless JSON is."""
    if session.secops is None:
        return []
    from mulesoft_audit.cli.deploy_view import show_feeds
    from mulesoft_audit.cloud.feed.verify import WAIT, verify

    reports = verify(session.secops, resources, WAIT if values.get("wait", True) else 0.0)
    if not values["as_json"]:
        show_feeds(reports)
    return reports


def changing(steps: Sequence[Step]) -> bool:
    """Whether a plan changes anything."""
    return any(step.action in ("create", "change") for step in steps)


def confirm(values: options.Values, question: str) -> None:
    """Ask, unless told not to.

    Raises:
        UsageError: nobody is there to answer.
    """
    if values["yes"]:
        return
    if not options.person_there():
        raise UsageError("Nobody is there to confirm.", "Nothing was changed. Say --yes in a script.")
    click.confirm(question, abort=True, err=True)


def _emit(values: options.Values, directory: Path) -> int:
    from mulesoft_audit.cloud.deploy.source import built_source
    from mulesoft_audit.cloud.deploy.terraform import write_module

    values = options.with_settings(values)
    config = options.deployment(values)
    written = write_module(config, options.feed_settings(values, config), built_source, directory)
    for path in written:
        click.echo(str(path))
    return 0
