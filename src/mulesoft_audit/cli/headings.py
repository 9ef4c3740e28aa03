"""Options under headings in `--help`: the few that people need first, then the rest, then what every command has."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

ANYPOINT = "Anypoint"  #: where the log comes from, and who asks for it
OTHER = "Other options"  #: how a command behaves and what it prints; always last


class Option(click.Option):
    """An option below a heading; without one it stands among the first."""

    def __init__(self, *arguments: Any, heading: str = "", **settings: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **settings)
        self.heading = heading


def under(heading: str) -> Callable[..., Callable[[F], F]]:
    """Return what declares an option below this heading, as `click.option` declares one."""
    return partial(click.option, cls=Option, heading=heading)


class Command(click.Command):
    """A command that shows its options under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options: those without a heading first, those that every command has last."""
        sections: dict[str, list[tuple[str, str]]] = {"": []}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                sections.setdefault(self._heading(parameter, ctx), []).append(record)
        sections[OTHER] = sections.pop(OTHER, [])
        for heading, records in sections.items():
            if records:
                with formatter.section(heading or "Options"):
                    formatter.write_dl(records)

    def _heading(self, parameter: click.Option, ctx: click.Context) -> str:
        """Return the heading of an option; any class of options may have one, as the simulator's switches do."""
        if set(parameter.opts) & set(self.get_help_option_names(ctx)):
            return OTHER
        return str(getattr(parameter, "heading", ""))


class Group(Command, click.Group):
    """A group that shows its options under their headings, then its commands."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the commands."""
        Command.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)
