"""What newcomers are told about the tree is so: the map, the table of pins, the form of every file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "mulesoft_audit"
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
INVENTED = "my-rule", "my_command"


def in_backticks(text: str) -> set[str]:
    return set(re.findall(r"`([^`\s]+)`", text))


def rows_below(heading: str, text: str) -> str:
    """Return the table that follows a line."""
    found = re.search(rf"^{re.escape(heading)}\n+(?:(?!\|).*\n)*((?:\|.*\n)+)", text, re.MULTILINE)
    assert found, heading
    return found.group(1)


def folders(parent: Path) -> set[str]:
    return {f"{path.name}/" for path in parent.iterdir() if path.is_dir() and path.name != "__pycache__"}


def test_every_file_and_folder_that_contributors_are_sent_to_exists() -> None:
    named = {name for name in in_backticks(CONTRIBUTING) if re.match(r"(src|tests|docs|terraform)/", name)}
    assert len(named) > 20
    gone = {name for name in named if not (ROOT / name).exists()}
    assert not {name for name in gone if not any(one in name for one in INVENTED)}


def test_the_map_for_contributors_has_every_folder_of_the_package() -> None:
    named = in_backticks(rows_below("## The map", CONTRIBUTING))
    assert {f"src/mulesoft_audit/{folder}" for folder in folders(PACKAGE)} <= named


def test_the_design_has_every_folder_of_the_package() -> None:
    named = in_backticks(rows_below("| Folder | Knows | Does not know |", "\n" + DESIGN))
    assert folders(PACKAGE) <= named


@pytest.mark.parametrize("folder", ["ledger", "evidence", "collect", "reading"])
def test_the_design_names_every_module_of_a_folder_and_no_other(folder: str) -> None:
    table = re.search(rf"^\| `{folder}/` \| \|\n((?:\|.*\n)+)", DESIGN, re.MULTILINE)
    assert table
    named = {name for name in in_backticks(table.group(1)) if name.endswith(".py")}
    assert named == {path.name for path in (PACKAGE / folder).glob("*.py")} - {"__init__.py"}


def pins(text: str) -> set[tuple[str, str, str]]:
    return set(re.findall(r"uses: ([\w./-]+)@(\w+)(?: # (v[\d.]+))?$", text, re.MULTILINE))


def test_every_action_is_pinned_to_a_commit_that_the_table_of_pins_has() -> None:
    used = {pin for file in WORKFLOWS for pin in pins(file.read_text(encoding="utf-8"))}
    table = rows_below("### Pins to check before first use", CONTRIBUTING)
    assert used == set(re.findall(r"^\| `([\w./-]+)` \| `([0-9a-f]{40})` \| (v[\d.]+) \|", table, re.MULTILINE))


def test_the_workflows_call_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    runs = "\n".join(re.findall(r"run: (.*)", "\n".join(file.read_text("utf-8") for file in WORKFLOWS)))
    called = set(re.findall(r"\bmake (?:-\S+ )*([a-z-]+)", runs))
    assert called
    assert called <= targets


def test_every_job_has_permissions_of_its_own_and_the_workflow_none() -> None:
    for file in WORKFLOWS:
        head, _, jobs = file.read_text(encoding="utf-8").partition("\njobs:\n")
        assert "\npermissions: {}\n" in head
        for job in re.split(r"^  (?=\w)", jobs, flags=re.MULTILINE)[1:]:
            assert re.search(r"^    permissions:", job, re.MULTILINE), job.splitlines()[0]


def test_every_text_file_is_as_the_editor_is_told() -> None:
    """See .editorconfig."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    wrong = []
    for name in filter(None, listed.split("\0")):
        held = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" in held or name.startswith("tests/fixtures/") or name.endswith(".svg"):
            continue
        lines = held.decode("utf-8").split("\n")
        if (held and lines.pop()) or any(re.search(r"[ \t\r]$", line) for line in lines):
            wrong.append(name)
        if name != "Makefile" and "\t" in held.decode("utf-8"):
            wrong.append(name)
    assert not wrong
