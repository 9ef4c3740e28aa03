"""`mulesoft-audit init`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.complete import files
from mulesoft_audit.cli.headings import Command
from mulesoft_audit.cli.init_view import echo, say_next, show
from mulesoft_audit.cli.options import archive_option, shared, source_options
from mulesoft_audit.errors import AuditError, CredentialsError, UsageError
from mulesoft_audit.paths import expanded
from mulesoft_audit.secret import Secret
from mulesoft_audit.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.anypoint.planes import Plane
    from mulesoft_audit.doctor.anypoint import Anypoint
    from mulesoft_audit.doctor.finding import Finding
    from mulesoft_audit.settings import Settings

Values = dict[str, Any]

SECRET_FILE = "mulesoft-audit.secret"  # noqa: S105 - the file's name
EPILOG = """\b
Examples:
  mulesoft-audit init
  mulesoft-audit init --plane eu --client-id ID --client-secret-file FILE \\
      --archive gs://my-logs
  CLIENT_SECRET=… mulesoft-audit init --client-id ID --archive ./archive

\b
Exit status:
  0  the settings file is written
  2  an answer or flag is missing, or the file exists; nothing was written
  3  Anypoint refuses the credentials; nothing was written
  4  the hierarchy or a log may not be read; the file is written all the same
  5  Anypoint cannot be reached (nothing was written), or is out of order
"""


@click.command("init", cls=Command, epilog=EPILOG)
@source_options
@shared(archive_option)
@click.option("--org-id", "mule_org_id", metavar="ID", help="The root organization. Default: the app's own.")
@click.option(
    "--output",
    default=FILE,
    show_default=True,
    metavar="FILE",
    shell_complete=files,
    help="The settings file to write.",
)
@click.option("--secret-in-file", is_flag=True, help="Write the client secret into the settings file itself.")
@click.option("--force", is_flag=True, help="Replace the settings file if it exists.")
def command(output: str, secret_in_file: bool, force: bool, **flags: str | int | None) -> int:
    """Write the settings file, asking on a terminal for what no flag says.

    It checks the credentials, finds the organization with its business groups, and shows which of their
    logs may be read. The client secret is not written into the settings file unless that is asked for: it
    stays in the environment, or in a file of its own that only you can read.
    """
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.doctor.anypoint import Anypoint

    target = expanded(output)
    if target.exists() and not force:
        raise UsageError(f"{output} exists already.", "Nothing was written. Say --force to replace it, or --output.")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{output} is to be in a directory that does not exist.", "Make it, or say --output.")
    values = _answers({name: value for name, value in flags.items() if value not in (None, "")})
    secret, keep = _secret(values, secret_in_file=secret_in_file)
    settings = _settings(values)
    anypoint = Anypoint(settings, secret, Stop())
    code = _explored(anypoint)
    values["mule_org_id"] = anypoint.root
    _save(target, values, anypoint, secret, keep, force=force)
    say_next(output, keep)
    return code


def _person_there() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answers(given: Values) -> Values:
    """Return what was given by flag or in the environment, and what was answered to the questions for the rest."""
    from mulesoft_audit.anypoint.planes import PLANES
    from mulesoft_audit.archive.opening import open_archive

    values = {**_from_environment(), **given}
    if "anypoint_plane" in given:
        values.pop("anypoint_base_url", None)
    if "anypoint_base_url" not in values and "anypoint_plane" not in values:
        question = f"Control plane ({', '.join(PLANES)}, or https://HOST)"
        values["anypoint_plane"] = _answer("anypoint_plane", question, _plane, "us")
    if "client_id" not in values:
        values["client_id"] = _answer("client_id", "Client id of the connected app", str.strip)
    if "archive" not in values:
        question = "Archive (a directory, or gs://BUCKET[/PREFIX])"
        values["archive"] = _answer("archive", question, open_archive, "./archive")
    if "://" in str(values.get("anypoint_plane", "")):
        values["anypoint_base_url"] = values.pop("anypoint_plane")
    if "://" not in str(values["archive"]):
        values["archive"] = str(expanded(values["archive"]).absolute())
    return values


def _from_environment() -> Values:
    """Return what the environment says, the bucket of Google's page included."""
    from mulesoft_audit.settings import Settings

    def said(name: str) -> str:
        return os.environ.get(name.upper(), "").strip()

    names = ("anypoint_plane", "anypoint_base_url", "client_id", "client_secret_file", "archive", "mule_org_id")
    values = {name: said(name) for name in names}
    values["archive"] = (
        values["archive"] or Settings(gcs_bucket=said("gcs_bucket"), gcs_prefix=said("gcs_prefix")).archive_url
    )
    return {name: value for name, value in values.items() if value}


def _plane(text: str) -> Plane:
    from mulesoft_audit.anypoint.planes import plane_at, plane_named

    return plane_at(text) if "://" in text else plane_named(text)


def _answer(name: str, question: str, check: Callable[[str], object], default: str | None = None) -> str:
    """Ask a person until `check` has nothing against the answer.

    Raises:
        UsageError: nobody is there; a plane has a default, the rest must be said.
    """

    def parsed(text: str) -> str:
        try:
            check(text.strip())
        except UsageError as error:
            raise click.UsageError(str(error)) from None
        return text.strip()

    if _person_there():
        return str(click.prompt(question, default=default, value_proc=parsed))
    if name == "anypoint_plane" and default:
        return default
    flag = f"--{name.replace('_', '-')}"
    raise UsageError(f"{name.upper()} is not set, and nobody is there to be asked.", f"Give it with {flag}.")


def _secret(values: Values, *, secret_in_file: bool) -> tuple[Secret, str]:
    """Return the secret, and where it is to be kept: `settings`, `environment`, or the name of a file of its own."""
    path = str(values.get("client_secret_file", ""))
    file = expanded(path)
    if path and file.exists():
        from mulesoft_audit.settings import Settings

        return Settings(client_secret_file=path).secret, "settings" if secret_in_file else str(file.absolute())
    if given := os.environ.get("CLIENT_SECRET", "").strip():
        kept = str(file.absolute()) if path else "environment"
        return Secret(given), "settings" if secret_in_file else kept
    if not _person_there():
        raise UsageError(
            "CLIENT_SECRET is not set, and nobody is there to be asked.",
            "Set it in the environment, or name a file that holds it with --client-secret-file.",
        )
    return _asked_for(values), "settings" if secret_in_file else _place_to_keep(path)


def _asked_for(values: Values) -> Secret:
    """Ask for the secret until Anypoint takes it, and for the client id too once it did not; all else stays."""
    while True:
        secret = Secret(click.prompt("Client secret (not shown)", hide_input=True).strip())
        refusal = _refusal(values, secret)
        if refusal is None:
            return secret
        echo(f"{refusal.message} Nothing was written; try again, or stop with Ctrl-C.")
        values["client_id"] = click.prompt("Client id of the connected app", default=values["client_id"]).strip()


def _refusal(values: Values, secret: Secret) -> CredentialsError | None:
    """Return why Anypoint refuses these credentials; None if it takes them, or cannot be asked: that is told later."""
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.wiring import open_source

    source = open_source(_settings(values), secret, Stop())
    try:
        source.tokens.current()
    except CredentialsError as error:
        return error
    except AuditError:
        return None
    finally:
        source.close()
    return None


def _place_to_keep(path: str) -> str:
    """Ask where a secret that was typed is to be kept."""
    if not path:
        question = "Keep it in a file that only you can read (or `env`: you set CLIENT_SECRET yourself)"
        path = str(click.prompt(question, default=SECRET_FILE)).strip()
    if path == "env":
        return "environment"
    if (file := expanded(path).absolute()).exists():
        raise UsageError(
            f"{path} exists already.",
            "Nothing was written. If it holds the secret, say --client-secret-file; else name another.",
        )
    return str(file)


def _settings(values: Values) -> Settings:
    """Return the settings that the answers make; the environment was asked already.

    Raises:
        UsageError: an answer is malformed.
    """
    from mulesoft_audit.archive.opening import open_archive
    from mulesoft_audit.settings import load

    settings = load({name: value for name, value in values.items() if name != "client_secret_file"}, environment={})
    open_archive(settings.archive_url)
    return settings


def _explored(anypoint: Anypoint) -> int:
    """Look at Anypoint as the doctor does, show what is there, and return the exit status.

    Raises:
        AuditError: without credentials that work there is nothing to write.
    """
    from mulesoft_audit.doctor.anypoint import CREDENTIALS, IDENTITY, REACH, SETTINGS
    from mulesoft_audit.doctor.finding import State, examine
    from mulesoft_audit.errors import FINDINGS, worst_status

    found: list[Finding] = []
    try:
        for finding in examine(anypoint.checks()):
            if finding.state is State.FAIL and finding.name in (SETTINGS, REACH, CREDENTIALS, IDENTITY):
                raise _fatal(finding)
            found.append(finding)
    finally:
        anypoint.close()
    show(anypoint, found)
    return worst_status({finding.exit_code for finding in found} - {0, FINDINGS})


def _fatal(finding: Finding) -> AuditError:
    kinds = {kind.exit_code: kind for kind in AuditError.__subclasses__()}
    return kinds.get(finding.exit_code, AuditError)(finding.detail, f"{finding.hint} Nothing was written.")


def _save(target: Path, values: Values, anypoint: Anypoint, secret: Secret, keep: str, *, force: bool) -> None:
    """Write what differs from the defaults, and the secret where it is to be kept."""
    from mulesoft_audit.cli.settings_file import settings_file, write_private

    values.pop("client_secret_file", None)
    if keep == "settings":
        values["client_secret"] = secret.reveal()
    elif keep != "environment":
        values["client_secret_file"] = keep
        if not Path(keep).exists():
            write_private(Path(keep), f"{secret.reveal()}\n", force=False)
    name = next((one.name for one in anypoint.organizations if one.id == anypoint.root), "")
    write_private(target, settings_file(values, name), force=force)
