"""`mulesoft-audit feed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli import deploy_options as options
from mulesoft_audit.cli import deploy_values as given
from mulesoft_audit.cli.confirming import confirm
from mulesoft_audit.cli.headings import OTHER, Group, under
from mulesoft_audit.cli.options import shared
from mulesoft_audit.errors import DeploymentError, UsageError

if TYPE_CHECKING:
    from mulesoft_audit.cli.deploy_values import Values
    from mulesoft_audit.cloud.feed.managed import Resource
    from mulesoft_audit.cloud.feed.secops import SecOps
    from mulesoft_audit.cloud.feed.verify import FeedReport
    from mulesoft_audit.cloud.google.client import Google

EPILOG = """\b
Examples:
  mulesoft-audit feed --project P --secops-instance ID --secops-location eu
  mulesoft-audit feed status
  mulesoft-audit feed plan --json
  mulesoft-audit feed destroy

\b
Exit status:
  0  every feed is there and has not failed
  2  a flag or setting is missing or malformed; nothing was sent
  4  a permission is missing; the message names it
  7  SecOps refused a step, or a feed failed
"""
ANY_REGION = "us-central1"  # a feed has none; the deployment that it belongs to is only asked for names


class Session:
    """What one command works with."""

    def __init__(self, values: Values) -> None:
        from mulesoft_audit.cli.deploy_view import tell
        from mulesoft_audit.clock import Stop
        from mulesoft_audit.cloud.feed import feed_stack
        from mulesoft_audit.cloud.feed.secops import SecOps
        from mulesoft_audit.cloud.google import connect

        values = given.with_settings(values)
        deployment = given.deployment(values, region=ANY_REGION)
        settings = given.feed_settings(values, deployment.bucket, deployment.log_prefix)
        if settings is None:
            raise UsageError("The SecOps instance is not set.", "Set SECOPS_INSTANCE, or --secops-instance.")
        self.google: Google = connect(Stop(), tell, project=deployment.project)
        self.secops: SecOps = SecOps(self.google, settings)
        self.resources: list[Resource] = feed_stack(self.secops)


_shared = shared(
    options.project_option,
    options.config_option,
    options.yes_option,
    options.json_option,
    under(OTHER)("--adopt", is_flag=True, help="Take over a feed that was not made by this tool and differs."),
    options.feed_options,
    options.place_options,
)
_wait_option = under(OTHER)("--wait/--no-wait", default=True, help="Wait until the feed has run.")


@click.group("feed", cls=Group, invoke_without_command=True, epilog=EPILOG)
@_shared
@_wait_option
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401 - click's
    """Bring the Google SecOps feed over the archive to where it should be.

    The feed's account is granted the bucket first; a feed that reads the folder already is changed in place,
    never made twice. Without a subcommand it applies: it shows what it would do and asks.
    """
    context.obj = values
    return 0 if context.invoked_subcommand else _apply(values)


@command.command("apply", epilog=EPILOG)
@_shared
@_wait_option
@click.pass_context
def apply_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Show what is to be done, ask, do it, and wait until the feed has run."""
    return _apply(given.merged(context, values))


@command.command("plan")
@_shared
@click.pass_context
def plan_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Show what applying would do. Changes nothing."""
    from mulesoft_audit.cli.deploy_view import show_json, show_plan
    from mulesoft_audit.cloud.feed import engine

    values = given.merged(context, values)
    steps = engine.plan(Session(values).resources, adopt=values["adopt"])
    show_json(steps=[step.summary() for step in steps]) if values["as_json"] else show_plan(steps)
    return 0


@command.command("status")
@_shared
@click.pass_context
def status_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Say what each feed reports of itself, and whether anything parses what it reads."""
    values = given.merged(context, values)
    return _report(Session(values), {**values, "wait": False})


@command.command("destroy")
@_shared
@click.pass_context
def destroy_command(context: click.Context, /, **values: Any) -> int:  # noqa: ANN401
    """Delete the feeds that this tool made. What was ingested and what is in the bucket stay."""
    from mulesoft_audit.cli.deploy_view import show_json, show_plan, show_step
    from mulesoft_audit.cloud.feed import engine

    values = given.merged(context, values)
    session = Session(values)
    steps = engine.plan_destroy(session.resources)
    if not values["as_json"]:
        show_plan(steps)
    if any(step.action == engine.DELETE for step in steps):
        confirm(values, "Delete these?")
    done = engine.destroy(session.resources, report=show_step)
    if values["as_json"]:
        show_json(steps=[step.summary() for step in done])
    return 0


def _apply(values: Values) -> int:
    session = Session(values)
    bring_about(session.google, session.resources, values)
    return _report(session, values)


def bring_about(google: Google, resources: list[Resource], values: Values) -> bool:
    """Show what is to be done about the feeds, ask, and do it; return whether anything was changed.

    Raises:
        DeploymentError: something is in the way, or SecOps refuses a step.
    """
    from mulesoft_audit.cli.deploy_view import show_plan, show_step
    from mulesoft_audit.cloud.feed import engine

    steps = engine.plan(resources, adopt=values["adopt"])
    if not values["as_json"]:
        show_plan(steps)
    engine.refuse(steps)
    if not any(step.action in (engine.CREATE, engine.CHANGE) for step in steps):
        return False
    confirm(values, "Do this?")
    engine.apply(google, resources, adopt=values["adopt"], planned=True, report=show_step)
    return True


def verified(secops: SecOps, resources: list[Resource], values: Values) -> list[FeedReport]:
    """Return what is known of each feed, waited for if that is wanted; shown unless JSON is."""
    from mulesoft_audit.cli.deploy_view import show_feeds
    from mulesoft_audit.cloud.feed.verify import WAIT, verify

    reports = verify(secops, resources, WAIT if values.get("wait", True) else 0.0)
    if not values["as_json"]:
        show_feeds(reports)
    return reports


def _report(session: Session, values: Values) -> int:
    from mulesoft_audit.cli.deploy_view import show_json

    reports = verified(session.secops, session.resources, values)
    if values["as_json"]:
        show_json(feeds=[one.summary() for one in reports])
    if not all(one.healthy for one in reports):
        raise DeploymentError(
            "Not every feed is in order.", "What it says of itself is above; docs/feed.md explains it."
        )
    return 0
