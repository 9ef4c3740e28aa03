"""docs/run.md says what the files and the program do."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import pytest
from tests.archives import collect
from tests.recipes.running import PROGRAM, RECIPES, ROOT, assert_options_exist, run

from mulesoft_audit.monitoring.metrics import ORGANIZATIONS, PREFIX, RUNS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plain_source import PlainSource

PAGE = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"^( *)<!-- ([\w./-]+) -->\n\s*```\w+\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_recipe_is_linked() -> None:
    linked = set(re.findall(r"\]\(\.\./([\w./-]+)\)", PAGE)) | {name for _, name, _ in QUOTES}
    named = {path.relative_to(ROOT).as_posix() for path in RECIPES.rglob("*") if path.is_file()}
    assert {name for name in named if name not in linked and f"{name} " not in PAGE} == set()
    assert "Containerfile" in linked


@pytest.mark.parametrize(("name", "text"), [(name, text) for _, name, text in QUOTES])
def test_what_is_quoted_is_in_the_file(name: str, text: str) -> None:
    lines = [line.strip() for line in textwrap.dedent(text).strip().splitlines()]
    there = [line.strip() for line in (ROOT / name).read_text().splitlines()]
    starts = [number for number, line in enumerate(there) if line == lines[0]]
    assert any(there[start : start + len(lines)] == lines for start in starts), lines


def test_something_is_quoted_of_each_kind() -> None:
    assert len(QUOTES) >= 4


def test_the_settings_file_is_one(tmp_path: Path) -> None:
    from mulesoft_audit.settings import load

    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "settings.toml").write_text(text)
    settings = load({}, {}, tmp_path / "settings.toml")
    assert settings.client_id
    assert settings.client_secret_file == "/etc/mulesoft-audit/client-secret"
    assert settings.ping_url


def test_every_metric_is_in_the_table_and_no_other() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (counter|gauge) \| (.*) \|$", PAGE, re.MULTILINE)
    assert listed == [(name, metric.kind, metric.help) for name, metric in (RUNS | ORGANIZATIONS).items()]
    used = set(re.findall(rf"{PREFIX}(\w+)", PAGE)) - {""}
    assert used <= RUNS.keys() | ORGANIZATIONS.keys()


def test_status_as_a_probe_has_the_listed_statuses(source: PlainSource, tmp_path: Path) -> None:
    (table,) = re.findall(r"^\| Status \| `status --max-age`.*\n\|.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    listed = [int(one) for one in re.findall(r"^\| `(\d+)`", table, re.MULTILINE)]
    archive = tmp_path / "archive"

    def probe(age: str) -> int:
        return run([PROGRAM, "status", "--archive", str(archive), "--max-age", age], {}, tmp_path).returncode

    missing = probe("2h")
    assert collect(source.url, archive, "--since", "2d").returncode == 0
    fresh, stale = probe("2h"), probe("0s")
    (archive / "state" / "organizations.json").write_bytes(b"\xff")
    assert [fresh, missing, probe("2h"), stale] == listed


def test_every_command_of_the_program_on_the_page_exists() -> None:
    joined = PAGE.replace("\\\n", " ")
    for words in re.findall(r"(?:bin/|-- |^)mulesoft-audit ((?:status|collect|init)\b[^\n#`]*)", joined, re.MULTILINE):
        assert_options_exist(words.split())
