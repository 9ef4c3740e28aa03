"""Options under headings in `--help`, for commands that have many: the few that everybody needs come first."""

from __future__ import annotations

from typing import Any

import click


class Option(click.Option):
    """An option below a heading; without one it stands among the first."""

    def __init__(self, *arguments: Any, heading: str = "", **settings: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **settings)
        self.heading = heading


class Command(click.Command):
    """A command that shows its options under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those without a heading first."""
        sections: dict[str, list[tuple[str, str]]] = {"": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "heading", ""), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading or "Options"):
                formatter.write_dl(records)


class Group(Command, click.Group):
    """A group that shows its options under their headings, then its commands."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the commands."""
        Command.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)
