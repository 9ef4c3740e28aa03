"""`mulesoft-audit completion`: what a shell needs to complete commands, options and their values."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from mulesoft_audit.cli.headings import Command
from mulesoft_audit.errors import UsageError
from mulesoft_audit.paths import expanded

PROGRAM = "mulesoft-audit"
VARIABLE = "_MULESOFT_AUDIT_COMPLETE"  # the name that click looks for, made of the program's
SHELLS = ("bash", "zsh", "fish")

EPILOG = """\b
Examples:
  mulesoft-audit completion --install
  mulesoft-audit completion zsh --install
  eval "$(mulesoft-audit completion bash)"

\b
Exit status:
  0  the script is printed, or written
  2  the shell is not known, or the file cannot be written
"""


@click.command("completion", cls=Command, epilog=EPILOG)
@click.argument("shell", required=False, type=click.Choice(SHELLS))
@click.option("--install", is_flag=True, help="Write it where the shell looks for it, for you alone.")
def command(shell: str | None, install: bool) -> None:
    """Print the script that lets a shell complete commands and options.

    Without a name it is for the shell that $SHELL names. With --install it is written into your own folder of
    completions, and you are told what is left to do. No start-up file of a shell is changed.
    """
    shell = shell or _own_shell()
    script = script_for(shell)
    if not install:
        click.echo(script, nl=False)
        return
    place = place_for(shell)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(script, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{place} cannot be written: {error.strerror or type(error).__name__}.",
            f"Print the script with `mulesoft-audit completion {shell}`, and keep it where your shell reads it.",
        ) from None
    click.echo(f"Written: {place}\n{_next(shell, place)}")


def script_for(shell: str) -> str:
    """Return the script for a shell of `SHELLS`, as click makes it."""
    from click.shell_completion import ShellComplete, get_completion_class

    from mulesoft_audit.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows each of SHELLS
    # The method of the base: that of bash starts a bash to ask for its version, and prints what it thinks of it.
    script = ShellComplete.source(kind(cli, {}, PROGRAM, VARIABLE))
    # zsh makes a function of the file, and runs its body at each Tab. Click's condition is true at the first only.
    return script.replace("$zsh_eval_context[-1] == loadautofunc", f"$funcstack[1] == _{PROGRAM}")


def place_for(shell: str) -> Path:
    """Return the file in the user's own folder of completions.

    bash: "Where should I put it to be sure that interactive bash shells will find it?" of bash-completion's README.
    fish: "Where to put completions" of its manual. zsh has no such folder; site-functions is what packages use.
    """
    data = _folder("XDG_DATA_HOME", "~/.local/share")
    if shell == "bash":
        own = os.environ.get("BASH_COMPLETION_USER_DIR", "").split(":")[0]
        return (expanded(own) if own else data / "bash-completion") / "completions" / PROGRAM
    if shell == "zsh":
        return data / "zsh" / "site-functions" / f"_{PROGRAM}"
    return _folder("XDG_CONFIG_HOME", "~/.config") / "fish" / "completions" / f"{PROGRAM}.fish"


def _folder(variable: str, default: str) -> Path:
    """Return a folder of the XDG base directory specification, which has a path that is not absolute ignored."""
    named = os.environ.get(variable, "")
    return Path(named) if Path(named).is_absolute() else expanded(default)


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(
            f"Which shell this is for is not known: SHELL is {os.environ.get('SHELL', '')!r}.",
            f"Name it: mulesoft-audit completion {'|'.join(SHELLS)}.",
        )
    return name


def _next(shell: str, place: Path) -> str:
    if shell == "bash":
        return (
            "A new shell reads it, if the package bash-completion is set up.\n"
            f"If it is not, add to ~/.bashrc:  source {shlex.quote(str(place))}"
        )
    if shell == "zsh":
        return (
            "Add to ~/.zshrc, before compinit is called, unless it is there:\n"
            f"  fpath=({shlex.quote(str(place.parent))} $fpath)\n"
            "  autoload -Uz compinit && compinit"
        )
    return "A new shell reads it."
