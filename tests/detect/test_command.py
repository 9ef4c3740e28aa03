"""`mulesoft-audit detect` as a user runs it: over an archive, to its output and its exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.detect.cases import ORGANIZATION, cases, entry
from tests.reading.archives import add, name

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.detect.rule import load_rules

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "20000000-0000-4000-8000-000000000000"
KEYS = ["rule", "severity", "title", "organization", "actor", "object", "first", "last", "count", "values", "entries"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the entries of every case, in parts whose lines are in no order."""
    folder = tmp_path_factory.mktemp("archive")
    store = LocalStore(folder)
    lines = [line for case in cases() if not case.lists for line in case.entries]
    add(store, ORGANIZATION, lines[::-1])
    staff = {"action": "Polish", "type": "Teapot", "object": "\x1b[31mred\u202e", "by_name": "Anypoint Staff"}
    add(store, OTHER, [entry(staff, 1_763_700_000_000, 0)])
    name(store, **{ORGANIZATION: "Aurora", OTHER: "Payments"})
    return folder


def detect(*arguments: object, config: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "COVERAGE_PROCESS_CONFIG"}}
    return subprocess.run(
        [sys.executable, "-m", "mulesoft_audit", "detect", *map(str, arguments)],
        env=kept | {"COLUMNS": "80", "TZ": "UTC", "XDG_CONFIG_HOME": "/nowhere"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def findings(*arguments: object, **environment: str) -> list[dict]:
    done = detect(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_rule_finds_something_in_an_archive_of_its_cases(archive: Path):
    found = findings("--archive", archive)
    assert {one["rule"] for one in found} == {rule.id for rule in load_rules()}
    assert all(list(one) == KEYS for one in found)
    assert all(len(one["entries"]) == min(100, one["count"]) for one in found)
    assert {one["organization"] for one in found} == {"Aurora", "Payments"}


def test_the_table_fits_80_columns_and_cannot_steer_the_terminal(archive: Path):
    done = detect("--archive", archive, "--org", "payments")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert r"\x1b[31mred\u202e" in done.stdout
    assert "1 finding of 1 rule in 1 entry." in done.stdout
    everything = detect("--archive", archive)
    assert max(len(line) for line in everything.stdout.splitlines() if not line.startswith("Archive: ")) <= 80
    assert everything.stdout.startswith("critical")


def test_quiet_tells_findings_alone_and_verbose_what_is_read(archive: Path):
    nothing = ["--archive", archive, "--rule", "queue-purged", "--until", "2025-01-01"]
    assert detect(*nothing).stdout.startswith("Nothing found")
    done = detect(*nothing, "-q")
    assert (done.stdout, done.stderr) == ("", "")
    assert "of 1 rule" in detect("--archive", archive, "--rule", "queue-purged", "-q").stdout
    done = detect("--archive", archive, "--rule", "queue-purged", "-v")
    assert "Read audit/" in done.stderr


def test_a_rule_and_a_time_can_be_asked_for(archive: Path):
    found = findings("--archive", archive, "--rule", "queue-purged", "--since", "2026-11-20T08:01:00Z")
    assert {one["rule"] for one in found} == {"queue-purged"}
    assert {one["first"] for one in found} == {"2026-11-20T08:01:00.000Z"}
    assert findings("--archive", archive, "--until", "2025-01-01") == []


@pytest.mark.parametrize(
    ("rule", "grave", "status"),
    [
        ("queue-purged", "high", 8),
        ("queue-purged", "info", 8),
        ("queue-purged", "critical", 0),
        ("login-failures", "high", 0),
    ],
)
def test_the_exit_status_tells_of_findings_only_where_it_is_asked_to(archive: Path, rule: str, grave: str, status: int):
    assert detect("--archive", archive, "--rule", rule, "--fail-on", grave).returncode == status
    assert detect("--archive", archive, "--rule", rule).returncode == 0


def test_a_damaged_part_hides_no_finding_in_the_others(archive: Path, tmp_path: Path):
    shutil.copytree(archive, tmp_path / "archive")
    damaged = next((tmp_path / "archive/audit" / OTHER).rglob("*.gz"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    done = detect("--archive", tmp_path / "archive", "--fail-on", "critical")
    assert done.returncode == 6
    assert damaged.name in done.stderr
    assert "login-failures" in done.stdout


def test_allow_lists_come_from_the_settings_file(archive: Path, tmp_path: Path):
    file = tmp_path / "settings.toml"
    file.write_text(f'archive = "{archive}"\n[detect]\ndeployers = ["Ana", "ci"]\n')
    found = findings("--config", file, "--rule", "queue-purged")
    assert found == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('friends = ["ana"]', "unknown list 'friends'"),
        ("deployers = 5", "deployers is no list of texts"),
        ('deployers = ["ci", ""]', "has '': nothing"),
        ('deployers = ["ci "]', "has 'ci ': nothing, or blanks"),
        ('deployers = ["a", 5]', "deployers is no list of texts"),
        ('known_addresses = ["10.0.0.0/99"]', "'10.0.0.0/99'"),
    ],
)
def test_a_malformed_list_is_refused_before_anything_is_read(tmp_path: Path, table: str, told: str):
    file = tmp_path / "settings.toml"
    file.write_text(f"[detect]\n{table}\n")
    done = detect("--config", file, "--archive", tmp_path / "none")
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--archive", "x", "--rule", "no-such"], "no rule 'no-such'"),
        (["--archive", "x", "--since", "soon"], "--since"),
        (["--archive", "x", "--since", "1d", "--until", "2d"], "--until"),
        (["--archive", "x", "--fail-on", "awful"], "awful"),
        (["--archive", "x", "--org", "Nobody"], "holds no archive"),
        ([], "ARCHIVE"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(tmp_path: Path, arguments: list[str], told: str):
    done = detect(*(str(tmp_path) if one == "x" else one for one in arguments))
    assert done.returncode == 2
    assert told in done.stderr


def test_the_rules_are_listed():
    done = detect("rules")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [rule.id for rule in load_rules()]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_rules_are_written_as_yaral_with_the_data_tables_they_need(tmp_path: Path):
    settings = tmp_path / "settings.toml"
    settings.write_text('[detect]\ndeployers = ["CI"]\n')
    done = detect("rules", "--yaral", tmp_path / "rules", "--config", settings)
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_text() for path in (tmp_path / "rules").iterdir()}
    rules = {f"{rule.id}.yaral" for rule in load_rules()}
    assert set(written) == rules | {"mulesoft_known_addresses.csv", "mulesoft_deployers.csv"}
    assert written["mulesoft_deployers.csv"] == "name\nci\n"
    assert written["queue-purged.yaral"].startswith("rule mulesoft_queue_purged {")
    again = detect("rules", "--rule", "queue-purged", "--yaral", settings)
    assert again.returncode == 2


@pytest.mark.parametrize("option", [["--config", "s.toml"], ["--rule", "queue-purged"], ["--since", "1d"]])
def test_what_stands_before_rules_is_not_silently_ignored(option: list[str]):
    done = detect(*option, "rules")
    assert done.returncode == 2
    assert f"{option[0]} belongs to detect, not to detect rules" in done.stderr


def test_a_date_is_local_as_it_is_for_show(archive: Path):
    asked = ("--archive", archive, "--rule", "queue-purged", "--since", "2026-11-20T03:01")
    found = findings(*asked, TZ="America/New_York")
    assert {one["first"] for one in found} == {"2026-11-20T08:01:00.000Z"}
    assert found != findings(*asked)
