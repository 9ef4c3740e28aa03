"""Shell completion: what is offered, by which shell, and where it is installed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner
from tests.cli.shells import BASH_COMPLETION, Terminal, environment, shell_or_skip

from mulesoft_audit.cli import COMMANDS, cli
from mulesoft_audit.cli.completion import PROGRAM, VARIABLE, command, place_for, script_for
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT, PAYMENTS, SPACED = (f"{number}0000000-0000-4000-8000-000000000000" for number in (1, 2, 3))


def offered(*words: str) -> list[str]:
    """Return what is offered for the last of these words."""
    *before, incomplete = words
    items = BashComplete(cli, {}, PROGRAM, VARIABLE).get_completions(before, incomplete)
    return [item.value if item.type == "plain" else item.type for item in items]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "BASH_COMPLETION_USER_DIR", "ARCHIVE", "GCS_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def archive(home: Path) -> Path:
    """An archive that knows three organizations, one of them with a name that a shell would have to quote."""
    place = home / "archive"
    (place / "state").mkdir(parents=True)
    names = {ROOT: "Acme", PAYMENTS: "Payments", SPACED: "x; rm -rf ~"}
    known = {one: {"name": name} for one, name in names.items()}
    document = json.dumps({"root": ROOT, "organizations": known, "format": 2})
    (place / "state" / "organizations.json").write_text(document)
    return place


# What is offered.


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("",), list(COMMANDS)),
        (("ver",), ["verify"]),
        (("nonsense", "--"), ["--version", "--help"]),
        (("deploy", "p"), ["plan"]),
        (("deploy", "plan", "--secops-i"), ["--secops-instance"]),
        (("collect", "--sin"), ["--since"]),
        (("collect", "--plane", "e"), ["eu"]),
        (("collect", "--archive", "./ar"), ["dir"]),
        (("collect", "--config", ""), ["file"]),
        (("detect", "--fail-on", "hi"), ["high"]),
        (("detect", "--rule", "login-f"), ["login-failures"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
    ],
)
def test_what_is_offered(words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected


def test_every_option_of_every_command_is_offered() -> None:
    for name in COMMANDS:
        assert {"--help", "--quiet"} <= set(offered(name, "--")), name


def test_organizations_of_an_archive_here_are_offered_and_none_needs_quotes(archive: Path) -> None:
    assert offered("show", "--archive", str(archive), "--org", "") == [SPACED, "Acme", "Payments"]
    assert offered("show", "--archive", str(archive), "--org", "pay") == ["Payments"]


@pytest.mark.parametrize("place", ["gs://some-bucket", "./nowhere", "ftp://x", ""])
def test_no_organization_is_offered_where_there_is_no_archive_on_this_machine(home: Path, place: str) -> None:
    assert offered("show", "--archive", place, "--org", "") == []


def test_a_damaged_archive_offers_nothing_and_says_nothing(archive: Path) -> None:
    (archive / "state" / "organizations.json").write_text("{nonsense")
    assert offered("show", "--archive", str(archive), "--org", "") == []


# Installed by one command.


@pytest.mark.parametrize(
    ("shell", "variables", "expected"),
    [
        ("bash", {}, ".local/share/bash-completion/completions/mulesoft-audit"),
        ("bash", {"XDG_DATA_HOME": "/data"}, "/data/bash-completion/completions/mulesoft-audit"),
        ("bash", {"BASH_COMPLETION_USER_DIR": "/mine:/theirs"}, "/mine/completions/mulesoft-audit"),
        ("zsh", {}, ".local/share/zsh/site-functions/_mulesoft-audit"),
        ("fish", {}, ".config/fish/completions/mulesoft-audit.fish"),
        ("fish", {"XDG_CONFIG_HOME": "/config"}, "/config/fish/completions/mulesoft-audit.fish"),
        ("fish", {"XDG_CONFIG_HOME": "not/absolute"}, ".config/fish/completions/mulesoft-audit.fish"),
    ],
)
def test_where_each_shell_looks(
    home: Path, monkeypatch: pytest.MonkeyPatch, shell: str, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert place_for(shell) == home / expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_install_writes_the_script_and_nothing_else(home: Path, shell: str) -> None:
    for _ in range(2):  # again, as after an upgrade
        result = CliRunner().invoke(command, ["--install"], env={"SHELL": f"/usr/bin/{shell}"})
        assert result.exit_code == 0
        written = [file for file in home.rglob("*") if file.is_file()]
        assert written == [place_for(shell)]
        assert written[0].read_text() == script_for(shell)
        assert str(written[0]) in result.output


def test_zsh_is_told_what_to_add(home: Path) -> None:
    said = CliRunner().invoke(command, ["zsh", "--install"]).output
    assert f"fpath=({home}/.local/share/zsh/site-functions $fpath)" in said
    assert "~/.zshrc" in said


def test_a_shell_that_is_not_known_is_named(home: Path) -> None:
    result = CliRunner().invoke(command, [], env={"SHELL": "/bin/tcsh"})
    assert isinstance(result.exception, UsageError)
    assert "'/bin/tcsh'" in str(result.exception)


def test_a_place_that_cannot_be_written_is_named(home: Path) -> None:
    (home / ".local").write_text("a file where a folder should be")
    result = CliRunner().invoke(command, ["bash", "--install"])
    assert isinstance(result.exception, UsageError)
    assert "bash-completion" in str(result.exception)


# Real shells.


def installed(home: Path, shell: str) -> dict[str, str]:
    """Install the completions of a shell as a user does; return that user's environment."""
    variables = environment(home)
    subprocess.run([PROGRAM, "completion", shell, "--install"], env=variables, check=True, capture_output=True)
    return variables


@pytest.fixture
def bash(home: Path) -> Iterator[Terminal]:
    shell = shell_or_skip("bash")
    if not BASH_COMPLETION.exists():
        pytest.skip("bash-completion is not here: install the package bash-completion to run this test")
    variables = installed(home, "bash")
    (home / ".bashrc").write_text(f"PS1='ready$ '\n. {BASH_COMPLETION}\nbind 'set bell-style none'\n")
    with Terminal([shell, "--noprofile", "-i"], variables) as terminal:
        terminal.wait_for("ready$ ")
        yield terminal


def test_bash_loads_it_by_itself_and_completes(bash: Terminal, archive: Path) -> None:
    bash.type("mulesoft-audit verif\t")
    bash.wait_for("verify ")
    bash.type("--offl\t")
    bash.wait_for("--offline ")
    bash.type("--archive ./arch\t")
    bash.wait_for("--archive ./archive/")
    bash.type("\x15mulesoft-audit show --archive ./archive --org Pay\t")
    bash.wait_for("--org Payments ")


def test_bash_without_the_package_reads_the_printed_script(home: Path) -> None:
    shell = shell_or_skip("bash")
    asked = f'eval "$({PROGRAM} completion bash)"; COMP_WORDS=({PROGRAM} collect --sin) COMP_CWORD=2; '
    done = subprocess.run(
        [shell, "--norc", "-c", asked + f'_mulesoft_audit_completion {PROGRAM}; echo "${{COMPREPLY[@]}}"'],
        env=environment(home),
        check=True,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("--since\n", "")


def test_zsh_completes_with_the_lines_that_it_is_told_to_add(home: Path) -> None:
    shell = shell_or_skip("zsh")
    variables = installed(home, "zsh")
    lines = CliRunner().invoke(command, ["zsh", "--install"]).output.splitlines()[2:]
    (home / ".zshrc").write_text("PS1='ready$ '\n" + "\n".join(lines) + "\n")
    with Terminal([shell, "-i"], variables) as terminal:
        terminal.wait_for("ready$ ")
        terminal.type("mulesoft-audit verif\t")
        terminal.wait_for("verify ")
        terminal.type("--offl\t")
        terminal.wait_for("--offline ")


def test_fish_completes(home: Path) -> None:
    shell = shell_or_skip("fish")
    done = subprocess.run(
        [shell, "-c", f"complete -C '{PROGRAM} verify --offl'"],
        env=installed(home, "fish"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("--offline\t")
