"""`mulesoft-audit seal`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mulesoft_audit.cli.complete import files
from mulesoft_audit.cli.headings import Command, under
from mulesoft_audit.cli.options import archive_option, config_option, json_flag, shared
from mulesoft_audit.cli.output import json_wanted, quiet, start_log
from mulesoft_audit.cli.verify import digest_of, report, settings_of

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.evidence.sealing import Sealed

EPILOG = """\b
Examples:
  openssl ecparam -name prime256v1 -genkey -noout -out seal.pem
  openssl ec -in seal.pem -pubout -out seal.pub.pem
  mulesoft-audit seal --archive ./archive --key seal.pem
  mulesoft-audit seal --archive ./archive --check --public-key seal.pub.pem
  mulesoft-audit seal --archive ./archive --key seal.pem --next-key next.pem

\b
Exit status:
  0  sealed, or nothing is new; with --check, every seal holds
  2  a flag or setting is missing or malformed
  5  the timestamp server gives none; the seal is made without
  6  the archive cannot be read or written
  8  there are findings, and nothing was sealed; or what older seals name was
     changed, and what is new was sealed
"""
checking = under("Checking")


@click.command("seal", cls=Command, epilog=EPILOG)
@shared(archive_option)
@click.option(
    "--key",
    metavar="PEM",
    shell_complete=files,
    help="The private key that signs: P-256, SEC1 or PKCS#8, no passphrase.",
)
@click.option(
    "--next-key",
    metavar="PEM",
    shell_complete=files,
    help="The public key of all later seals; this one is signed by --key.",
)
@click.option("--timestamp-server", metavar="URL", help="Have the seal timestamped by a third party (RFC 3161).")
@checking("--check", is_flag=True, help="Make none; check those that are there, and what they name.")
@checking("--public-key", metavar="PEM", shell_complete=files, help="With --check: the public key of the first seal.")
@checking("--newest", metavar="SHA256", help="With --check: a digest that was the newest once, kept elsewhere.")
@shared(config_option, json_flag)
def command(
    key: str | None,
    next_key: str | None,
    timestamp_server: str | None,
    check: bool,
    public_key: str | None,
    newest: str | None,
    config: str | None,
    **flags: str | int | None,
) -> int:
    """Sign a list of what the archive holds, so that no later change goes unnoticed.

    The archive is verified first; with findings nothing is sealed. A seal has the SHA-256 of every part and
    manifest that is new, and of the list before it. sha256sum and openssl are enough to check it: see
    docs/evidence.md. Keep the digest that is printed elsewhere: it shows that no seal was cut off since.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.cli.collect import stop_on_signals
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.errors import UsageError

    start_log()
    if check and (key or next_key or timestamp_server):
        raise UsageError("--check makes no seal.", "Leave out --key, --next-key and --timestamp-server.")
    if not check and (not key or public_key or newest):
        raise UsageError(
            "--key is missing, or --public-key or --newest is given without --check.",
            "Seal with --key PEM, or check with --check --public-key PEM.",
        )
    settings = settings_of(config, flags)
    stop = Stop()
    stop_on_signals(stop)
    store = open_archive(settings.archive_url)
    try:
        if check:
            return _check(store, stop, public_key, digest_of(newest))
        return _seal(store, stop, key or "", next_key, timestamp_server)
    finally:
        store.close()


def _check(store: Store, stop: Stop, public_key: str | None, newest: str) -> int:
    from mulesoft_audit.cli.verify_view import progress_shown
    from mulesoft_audit.evidence.signature import read_public_key
    from mulesoft_audit.evidence.verification import Scope, verify

    key = read_public_key(public_key) if public_key else None
    with progress_shown() as started:
        found = verify(store, Scope(offline=True, newest=newest, must_be_sealed=True), started=started, key=key)
    report(found, store, stop)
    return found.exit_code


def _seal(store: Store, stop: Stop, key: str, next_key: str | None, server: str | None) -> int:
    from mulesoft_audit.cli.verify_view import progress_shown
    from mulesoft_audit.errors import UsageError
    from mulesoft_audit.evidence.finding import Kind
    from mulesoft_audit.evidence.seal import EVIDENCE
    from mulesoft_audit.evidence.sealing import Sealer
    from mulesoft_audit.evidence.signature import read_private_key, read_public_key
    from mulesoft_audit.evidence.timestamp import timestamp_server
    from mulesoft_audit.evidence.verification import Scope, verify
    from mulesoft_audit.printable import printable

    private = read_private_key(key)
    following = read_public_key(next_key, "--next-key") if next_key else None
    timestamp = timestamp_server(server) if server else None
    with progress_shown() as started:
        found = verify(store, Scope(offline=True), started=started)
    if any(not (one.kind is Kind.SEAL and not one.path.startswith(EVIDENCE)) for one in found.problems):
        report(found, store, stop)
        click.echo("Nothing was sealed: repair the archive first.", err=True)
        return found.exit_code
    for one in found.problems:  # of the past: older seals prove them for ever, and no new one hides them
        click.echo(printable(f"{one.path}: expected {one.expected}, found {one.found}"), err=True)
    if not found.news and not following and not found.news.seals.unfinished:
        _tell(store, None, found.news.seals.newest)
        return found.exit_code
    expected = found.news.seals.key_id
    if expected and expected != private.public.id:
        raise UsageError(
            f"--key {key!r} is not the key {expected[:16]}… that the last seal was made with, or named.",
            "Seal once with that key and --next-key; from then on with the new one.",
        )
    now = int(stop.clock.time() * 1000)
    sealer = Sealer(store, private, now=now, timestamp=timestamp, next_key=following)
    sealed = sealer.seal(found.news, found.result)
    _tell(store, sealed, sealed.digest)
    return found.exit_code


def _tell(store: Store, sealed: Sealed | None, newest: str) -> None:
    """Print what was sealed, and the digest to be kept elsewhere."""
    from mulesoft_audit.printable import json_line, printable

    number, objects, days = (sealed.number, sealed.objects, sealed.days) if sealed else (0, 0, 0)
    if json_wanted():
        fields = {"event": "seal", "archive": store.url, "number": number, "objects": objects, "manifests": days}
        message = f"Seal {number} made" if sealed else "Nothing is new since the last seal"
        click.echo(json_line({"severity": "INFO", "message": message, **fields, "newest": newest}))
        return
    if quiet():
        return
    if sealed is None:
        click.echo(f"Nothing is new since the last seal of {printable(store.url)}.")
    else:
        click.echo(f"Seal {number} of {printable(store.url)}: {objects:,} objects, {days:,} manifests.")
    click.echo(f"Newest: {newest}\nKeep this digest elsewhere: verify --newest shows that no seal was cut off since.")
