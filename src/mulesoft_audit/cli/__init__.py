"""The command line: one thin module a command, each imported only when it is called."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import TYPE_CHECKING

import click

from mulesoft_audit import __version__
from mulesoft_audit.cli import output
from mulesoft_audit.cli.failures import tell
from mulesoft_audit.cli.headings import OTHER, Option
from mulesoft_audit.errors import AuditError, Interrupted, OutputError, ReaderGone, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

# command: (module, one line for `--help`). The modules are imported when their command is called, so that
# `--help` starts fast and a laptop does not need the Google extras.
COMMANDS = {
    "demo": ("demo", "The main job end to end on this machine, with a proof at the end."),
    "init": ("init", "Ask a few questions, check the credentials, write the settings file."),
    "collect": ("collect", "Bring an archive up to date with Anypoint's audit log."),
    "backfill": ("backfill", "Collect years of history at the full allowed rate."),
    "status": ("status", "What an archive holds, how fresh it is, what is missing."),
    "show": ("show", "Show entries: who did what, when and where."),
    "query": ("query", "Ask an archive in SQL."),
    "report": ("report", "Write a report that people look at: one HTML file."),
    "detect": ("detect", "Look for attacks and mistakes in what an archive holds."),
    "verify": ("verify", "Prove an archive whole and unaltered, or say what is wrong."),
    "repair": ("repair", "Repair what verify finds, after showing it."),
    "seal": ("seal", "Sign a list of what the archive holds."),
    "deploy": ("deploy", "Set everything up in Google Cloud, from nothing to logs in SecOps."),
    "feed": ("feed", "Set up the SecOps feed alone."),
    "secops": ("secops", "Have SecOps check the parser and the rules."),
    "doctor": ("doctor", "Check every link from Anypoint to SecOps; say how to repair it."),
    "function": ("function", "Write the source of the Cloud Run function."),
    "simulate": ("simulate", "Run a local Anypoint with its documented behaviour and faults."),
    "completion": ("completion", "Let bash, zsh or fish complete commands and options."),
}


_ONLY_READ = frozenset({"status", "show", "query", "report", "detect"})

#: Understood by every command; what they say is read by `output.prepare`.
VERBOSITY = (
    Option(["-q", "--quiet"], heading=OTHER, is_flag=True, expose_value=False, help="Tell only what went wrong."),
    Option(["-v", "--verbose"], heading=OTHER, is_flag=True, expose_value=False, help="Tell more of what is done."),
)


def _with_verbosity(command: click.Command) -> click.Command:
    command.params.extend(VERBOSITY)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _with_verbosity(below)
    return command


class _Commands(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS and ctx.resilient_parsing:
            return None  # a shell completes a line that is not right yet
        if cmd_name not in COMMANDS:
            from difflib import get_close_matches  # here, for the sake of --help

            near = get_close_matches(cmd_name, COMMANDS, 1)
            ctx.fail(f"No such command {cmd_name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        module = importlib.import_module(f"mulesoft_audit.cli.{COMMANDS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 - a wiring mistake, not an input
        return command if any(one in command.params for one in VERBOSITY) else _with_verbosity(command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands without importing them."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mulesoft-audit")
def cli() -> None:
    """Every MuleSoft Anypoint audit log entry, exactly once, in an archive you can prove complete."""


def _in_our_words(error: click.ClickException) -> UsageError:
    """Return a mistake of the command line as it is told, with the command whose help says more."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return UsageError(error.format_message(), f"See `{context.command_path if context else 'mulesoft-audit'} --help`.")


def _kept(arguments: Sequence[str]) -> str:
    """Return what is safe where a command was stopped that says nothing better itself."""
    name = arguments[0] if arguments else ""
    if name in _ONLY_READ:
        return "The archive was only read."
    return "Nothing was written." if name == "init" else "What was committed is kept; run the same command to go on."


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits with the documented status."""
    status = _status(arguments)
    output.drop_untold()
    sys.exit(status)


def _status(arguments: list[str] | None) -> int:
    """Run a command, tell what failed, and return the exit status."""
    try:
        output.prepare(sys.argv[1:] if arguments is None else arguments)
        try:
            status = cli.main(args=arguments, prog_name="mulesoft-audit", standalone_mode=False)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)  # all that is left is to say how it ended: see `stop_on_signals`
        output.flush()
    except ReaderGone as error:
        output.drop()
        return error.exit_code
    except OutputError as error:
        output.drop()
        tell(error)
        return error.exit_code
    except AuditError as error:
        tell(error)
        return error.exit_code
    except click.exceptions.Abort:
        tell(Interrupted("Stopped.", _kept(sys.argv[1:] if arguments is None else arguments)))
        return Interrupted.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return UsageError.exit_code
    except click.ClickException as error:
        tell(_in_our_words(error))
        return UsageError.exit_code
    return status if isinstance(status, int) else 0
