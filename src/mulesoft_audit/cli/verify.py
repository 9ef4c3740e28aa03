"""`mulesoft-audit verify`."""

from __future__ import annotations

import sys

import click

from mulesoft_audit.cli.options import archive_option, config_option, json_option, load_settings, shared

EPILOG = """\b
Examples:
  mulesoft-audit verify --archive ./archive --offline
  mulesoft-audit verify --archive gs://my-logs --offline --json

\b
Exit status:
  0  nothing is wrong
  2  a flag or setting is missing or malformed
  6  the archive cannot be read
  8  there are findings
"""


@click.command("verify", epilog=EPILOG)
@shared(archive_option)
@click.option("--offline", is_flag=True, help="Compare the archive with itself only; Anypoint is not asked.")
@click.option("--deep", is_flag=True, help="Make the keys of every line again.")
@click.option("--require-parts", is_flag=True, help="A part that is gone is a finding, though its keys are there.")
@shared(config_option, json_option)
def command(
    offline: bool, deep: bool, require_parts: bool, config: str | None, as_json: bool, **flags: str | int | None
) -> int:
    """Prove an archive whole and unaltered, or say what is wrong with it.

    Every part is compared with its SHA-256, size, entries and keys; every manifest with its parts and with what
    the head saw of it; and every object with what knows of it. Nothing is written.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.cli.collect import stop_on_signals
    from mulesoft_audit.cli.verify_view import as_table, progress_shown
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.errors import UsageError
    from mulesoft_audit.evidence.offline import Offline
    from mulesoft_audit.evidence.report import as_fields, exit_code
    from mulesoft_audit.logs import configure
    from mulesoft_audit.printable import json_line
    from mulesoft_audit.secret import without_secrets

    configure()
    settings = load_settings(config, **flags)
    if not settings.archive_url:
        raise UsageError("ARCHIVE is not set; expected a directory or gs://BUCKET.", "Give it with --archive DIR.")
    stop = Stop()
    stop_on_signals(stop)
    store = open_archive(settings.archive_url)
    try:
        with progress_shown() as started:
            result = Offline(store, deep=deep, require_parts=require_parts, started=started).run()
    finally:
        store.close()
    if as_json or not sys.stdout.isatty():
        click.echo(without_secrets(json_line(as_fields(result, store.url, int(stop.clock.time() * 1000)))))
    else:
        as_table(result, store.url)
    return exit_code(result)
