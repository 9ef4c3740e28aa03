"""`mulesoft-audit simulate`: the simulator as a process of its own, every switch an option."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from anypoint_simulator import CLIENT_ID, CLIENT_SECRET, World
from anypoint_simulator.options import from_options, switch_options
from anypoint_simulator.running import LOCALHOST
from anypoint_simulator.serving import serve
from anypoint_simulator.state import State
from mulesoft_audit.cli.headings import OTHER, Command, under
from mulesoft_audit.errors import UsageError


@click.command("simulate", cls=Command)
@click.option("--host", default=LOCALHOST, show_default=True, help="Address to listen on; it asks nobody who they are.")
@click.option("--port", default=0, show_default="a free one", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--client-id", default=CLIENT_ID, show_default=True, help="The connected app that may read.")
@click.option("--client-secret", default=CLIENT_SECRET, show_default=True, help="Its secret, known to everybody.")
@under(OTHER)("--json", "as_json", is_flag=True, help="Say where it is as one line of JSON.")
@click.option(
    "--switches",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .toml or .json file of switches, named as below with _ for -; options given here override it.",
)
@switch_options
def command(
    host: str,
    port: int,
    client_id: str,
    client_secret: str,
    as_json: bool,
    switches: Path | None,
    **given: Any,  # noqa: ANN401 - one for each switch, checked by their models
) -> None:
    """Run a local Anypoint with the documented behaviour and its faults.

    It prints one line with its URL, a client id and secret, and the organizations' ids, and serves until it is
    stopped. What exists can be asked under /simulator/truth, and switches changed under /simulator/behaviour.

    \b
    Examples:
      mulesoft-audit simulate
      mulesoft-audit simulate --port 8080 --days 30 --entries-per-day 2000
      mulesoft-audit simulate --late-share 0.05 --late-seconds 3600
      mulesoft-audit simulate --requests-per-minute 40 --retry-after seconds
      mulesoft-audit simulate --fault-status 0.05 --fault-reset-body 0.02
      mulesoft-audit simulate --fault-script 500 --fault-script reset
      mulesoft-audit simulate --bulk 1000000 --no-gzip --latency-ms 120 --json
    """  # noqa: D301 - click's mark for text that is not to be wrapped
    try:
        scenario, behaviour = from_options(given, switches)
        state = State(World(scenario), behaviour, time.time, client_id, client_secret)
    except (ValueError, TypeError) as problem:
        raise UsageError(
            f"These switches cannot be used: {problem}.", "See `mulesoft-audit simulate --help`."
        ) from None
    try:
        serve(state, host, port, _say_json if as_json else _say)
    except OSError as problem:
        raise UsageError(f"Cannot listen on {host}:{port}: {problem}.", "Choose another --port.") from None


def _say_json(about: dict[str, Any]) -> None:
    click.echo(json.dumps(about))


def _say(about: dict[str, Any]) -> None:
    organizations = ",".join(item["id"] for item in about["organizations"])
    click.echo(
        f"Anypoint simulator at {about['url']} client_id={about['client_id']} "
        f"client_secret={about['client_secret']} organizations={organizations}"
    )
