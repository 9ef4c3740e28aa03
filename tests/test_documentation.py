"""The documentation says what the program does: commands, settings, exit statuses, tests and links are compared."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from mulesoft_audit import errors
from mulesoft_audit.cli.reference import commands, reference
from mulesoft_audit.settings import CONFIG, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SETTINGS = ROOT / "docs" / "settings.md"
EXIT_STATUS = ROOT / "docs" / "exit-status.md"
GUARANTEES = ROOT / "docs" / "guarantees.md"

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@cache
def contexts() -> dict[str, click.Context]:
    return {context.command_path: context for context in commands()}


every_command = pytest.mark.parametrize("path", contexts())


def text_of(page: Path) -> str:
    """Return a page's text without its comments."""
    return re.sub(r"<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def prose_of(page: Path) -> str:
    """Return a page's text without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def section(page: Path, heading: str) -> str:
    """Return what stands below a heading, up to the next of its level."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text_of(page), re.DOTALL | re.MULTILINE)
    assert found, f"{page.name} has no section {heading!r}"
    return found.group(1)


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row of the tables in `text`, without heads and rules."""
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


# Commands.


def test_the_command_reference_is_up_to_date() -> None:
    """`make docs` writes it."""
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference()


@every_command
def test_every_command_and_every_option_has_help(path: str) -> None:
    context = contexts()[path]
    assert context.command.help
    for parameter in context.command.params:
        assert not isinstance(parameter, click.Option) or parameter.hidden or parameter.help, parameter.name


@every_command
def test_every_command_has_an_example(path: str) -> None:
    """In its own help, or by its full name in that of the group it belongs to."""
    context = contexts()[path]
    if context.parent is None:
        return
    above = context.parent.command.epilog or ""
    assert re.search(r"Examples?:", context.get_help()) or re.search(rf"{path}\b", above)


def examples() -> Iterator[tuple[str, str]]:
    """Yield each command line that help or a page shows, with where."""
    texts = {path: context.get_help() for path, context in contexts().items()}
    texts |= {page.name: text_of(page) for page in PAGES if page.name != "commands.md"}
    for where, text in texts.items():
        joined = re.sub(r"\\\n\s*", " ", text)
        joined = re.sub(r'^(mulesoft-audit [^\n"]*)"\n[^"]*"', r"\1SQL", joined, flags=re.MULTILINE)
        lines = re.findall(r"^(?:\s*[$]?\s*)((?:[A-Z_]+=\S+ )*mulesoft-audit .*)$", joined, re.MULTILINE)
        for line in [*lines, *re.findall(r"`(mulesoft-audit [^`\n]+)`", joined)]:
            yield where, line.strip()


@pytest.mark.parametrize(("where", "line"), sorted(set(examples())))
def test_every_example_names_commands_and_options_that_exist(where: str, line: str) -> None:
    words = shlex.split(re.split(r" [|&>#] ?| … ", line)[0])
    words = words[words.index("mulesoft-audit") + 1 :]
    path = "mulesoft-audit"
    while words and f"{path} {words[0]}" in contexts():
        path = f"{path} {words.pop(0)}"
    command = contexts()[path].command
    known = {name for one in command.get_params(contexts()[path]) for name in [*one.opts, *one.secondary_opts]}
    for word in words:
        if word.startswith("-"):
            assert word.partition("=")[0] in known, f"{where}: {path} has no {word}"
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        pytest.fail(f"{where}: {path} has no command {words[0]}")


# Settings and exit statuses.


def flags_of_settings() -> dict[str, str]:
    """Return the flag of each setting that has one."""
    found: dict[str, str] = {}
    for path in ("mulesoft-audit collect", "mulesoft-audit doctor", "mulesoft-audit init"):
        for parameter in contexts()[path].command.params if path in contexts() else ():
            if parameter.name in Settings.__struct_fields__:
                found.setdefault(parameter.name, parameter.opts[0])
    return found


HOUR_MS = 3_600_000


def shown(default: Any) -> str:
    return "" if default in ("", None) else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_every_setting_is_described_and_no_other() -> None:
    default = Settings()
    flags = flags_of_settings()
    wanted = {
        name: [
            *(f"`{name.upper()}`", f"`{name}`", f"`{flags[name]}`" if name in flags else ""),
            f"`{value // HOUR_MS}h`" if name == "look_back" else shown(value),
        ]
        for name in Settings.__struct_fields__
        for value in [getattr(default, name)]
    }
    described = {row[1].strip("`"): row for row in rows(text_of(SETTINGS))}
    assert list(described) == list(wanted)
    for name, row in described.items():
        assert row[:4] == wanted[name]
        assert row[4], f"{name} has no meaning"
    assert CONFIG in text_of(SETTINGS)


def test_every_exit_status_is_listed_and_no_other() -> None:
    kinds: list[type[errors.AuditError]] = [errors.AuditError, *errors.AuditError.__subclasses__()]
    listed = [int(row[0].strip("`")) for row in rows(text_of(EXIT_STATUS))]
    assert listed == sorted({0, errors.FINDINGS, *(kind.exit_code for kind in kinds)})


# Promises, links, targets.


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)\)", text_of(ROOT / "docs" / "README.md")))
    assert named == {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_every_promise_names_tests_that_exist() -> None:
    promises = [row for row in rows(section(GUARANTEES, "What is promised")) if row]
    assert promises
    for row in promises:
        assert re.search(r"\[\d+\]", row[-1]), f"{row[0]}: no test is named"


def test_every_test_that_is_named_exists() -> None:
    named = [one for page in PAGES for one in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of(page))]
    assert named
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), f"{file}::{test}"


def test_every_number_of_a_test_stands_for_one() -> None:
    text = text_of(GUARANTEES)
    numbered = re.findall(r"^(\d+)\. `tests/", text, re.MULTILINE)
    assert numbered == [str(number) for number in range(1, len(numbered) + 1)]
    used = set(re.findall(r"\[(\d+)\](?!\()", text))
    assert used == set(numbered)


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT.resolve()), target
        if anchor:
            assert anchor in anchors(there), target


#: Where the recipes for a server put things, as the File System Hierarchy Standard has it.
INSTALLED = re.compile(r"/(opt|var/lib)/mulesoft-audit\b")


@every_page
def test_no_page_names_a_path_of_a_machine(page: Path) -> None:
    places = "|".join(["home", "root", "work", "mnt", "opt", "srv", "tmp", "var", "usr", "Users"])
    assert not re.search(rf"(?<![\w.:/}}*>-])/({places})/", INSTALLED.sub("", text_of(page)))


@every_page
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"`make ([a-z-]+)\b[^`]*`|^make ([a-z-]+)", text_of(page), re.MULTILINE)
    assert {first or second for first, second in named} <= targets
