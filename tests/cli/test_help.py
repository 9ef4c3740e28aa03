"""`--help`: the few options that people need come first, what every command has comes last, and it fits a terminal."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.cli.headings import OTHER
from mulesoft_audit.cli.reference import commands

if TYPE_CHECKING:
    import click

FEW = 6  #: options without a heading, at most: five, and one that only some need


@cache
def contexts() -> dict[str, click.Context]:
    return {context.command_path: context for context in commands()}


def sections(text: str) -> dict[str, list[str]]:
    """Return the flags below each heading of a help text, in order."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"([A-Z][^:]*):", line):
            heading = match[1]
        elif re.match(r"  -", line):
            found.setdefault(heading, []).append(line.split()[0].rstrip(","))
    return found


every_command = pytest.mark.parametrize("path", contexts())
every_command_but_the_program = pytest.mark.parametrize("path", [path for path in contexts() if " " in path])


@every_command
def test_every_help_fits_80_columns(path: str) -> None:
    for line in contexts()[path].get_help().splitlines():
        assert len(line) <= 80, line


@every_command_but_the_program
def test_few_options_come_first_and_what_every_command_has_comes_last(path: str) -> None:
    shown = sections(contexts()[path].get_help())
    headings = list(shown)
    assert headings[-1] == OTHER
    assert {"-q", "-v", "-h"} <= set(shown[OTHER])
    assert "Options" not in headings[1:]
    assert len(shown.get("Options", [])) <= FEW


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("collect", ["--archive", "--since", "--until", "--every", "--org"]),
        ("verify", ["--archive", "--offline", "--by-day", "--deep", "--org"]),
        ("show", ["--archive", "--since", "--until", "--org"]),
        ("doctor", ["--archive", "--org", "--max-age", "--project", "--region"]),
        ("feed", ["--project", "--secops-instance", "--secops-location"]),
        *(
            (f"deploy{name}", ["--project", "--region", "--org-id", "--client-id", "--client-secret-file"])
            for name in ("", " plan", " apply", " write", " output")
        ),
    ],
)
def test_the_first_options_are_those_that_everybody_needs(path: str, first: list[str]) -> None:
    assert sections(contexts()[f"mulesoft-audit {path}"].get_help())["Options"] == first


def test_the_rest_of_deploy_is_found_by_its_heading() -> None:
    headings = set(sections(contexts()["mulesoft-audit deploy"].get_help()))
    assert {"Schedule and alerts", "Bucket", "Function", "Names", "Google SecOps feed", "Terraform"} <= headings


def test_no_option_is_lost_under_the_headings() -> None:
    for path, context in contexts().items():
        text = context.get_help()
        for parameter in context.command.get_params(context):
            if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False):
                assert re.search(rf"^  (-\w, )?{parameter.opts[-1]}\b", text, re.MULTILINE), f"{path} {parameter.name}"
