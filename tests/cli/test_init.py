"""`init`: by flags where nobody is there, by questions on a terminal; what it writes is what `Settings` reads."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tests.archives import collect
from tests.doctor.harness import FOREIGN, GROUP, OTHER
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, serving

from mulesoft_audit.cli.init import command
from mulesoft_audit.cli.settings_file import quoted, settings_file
from mulesoft_audit.errors import AuditError, CredentialsError, SourceError, UsageError
from mulesoft_audit.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path

TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
SILENT = {**dict.fromkeys(FOREIGN), "CLIENT_ID": None, "CLIENT_SECRET": None, "ANYPOINT_BASE_URL": None}


@pytest.fixture
def source() -> Any:
    plain = PlainSource(names={GROUP: "Payments", OTHER: "Lo\x1b[2Jgistics"})
    plain.logs |= {GROUP: [], OTHER: []}
    with serving(plain):
        yield plain


def init(*arguments: str, **environment: str) -> Result:
    """Run it where nobody is there to be asked."""
    environment = {"CLIENT_SECRET": CLIENT_SECRET, **environment}
    return CliRunner().invoke(command, [*arguments], env=SILENT | environment, standalone_mode=False)


def by_flags(source: PlainSource, folder: Path, *more: str, **environment: str) -> Result:
    place = ("--output", str(folder / "s.toml"), "--archive", str(folder / "archive"))
    return init("--base-url", source.url, "--client-id", CLIENT_ID, *place, *more, **environment)


def refused(result: Result) -> AuditError:
    assert isinstance(result.exception, AuditError), result.output
    return result.exception


def test_flags_make_a_file_that_the_other_commands_can_use(source: PlainSource, tmp_path: Path) -> None:
    result = by_flags(source, tmp_path)
    assert result.return_value == 0, result.output
    file = tmp_path / "s.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(file.read_text()) == {
        "mule_org_id": ROOT,
        "client_id": CLIENT_ID,
        "anypoint_base_url": source.url,
        "archive": str(tmp_path / "archive"),
    }
    assert f'mule_org_id = "{ROOT}"  # Root' in file.read_text()
    assert CLIENT_SECRET not in file.read_text() + result.output
    assert "set CLIENT_SECRET" in result.output
    assert f"  mulesoft-audit collect --config {file}\n" in result.output
    run = collect("", tmp_path / "archive", "--config", str(file))
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "s.toml"]


def test_the_next_command_needs_no_name_for_a_file_that_is_found(
    source: PlainSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = init("--base-url", source.url, "--client-id", CLIENT_ID, "--archive", str(tmp_path / "archive"))
    assert result.return_value == 0, result.output
    assert result.output.endswith("Next: mulesoft-audit doctor\n      mulesoft-audit collect\n")


def test_it_shows_the_tree_and_which_logs_may_be_read(source: PlainSource, tmp_path: Path) -> None:
    source.refused.add(GROUP)
    result = by_flags(source, tmp_path)
    assert result.return_value == 4
    assert f"✓ Root  {ROOT}\n✗   Payments  {GROUP}\n✓   Lo\\x1b[2Jgistics  {OTHER}\n" in result.output
    assert "3 organizations; the logs of 1 may not be read." in result.output
    assert "read:audit_logs" in result.output
    assert "\x1b" not in result.output
    assert (tmp_path / "s.toml").exists()
    assert source.counts["revoked"] == 1


def test_without_the_hierarchy_the_root_alone_is_written(source: PlainSource, tmp_path: Path) -> None:
    source.hierarchy_status = 403
    result = by_flags(source, tmp_path)
    assert result.return_value == 4
    assert "read:organization" in result.output
    assert load({}, {}, tmp_path / "s.toml").mule_org_id == ROOT


def test_wrong_credentials_write_nothing(source: PlainSource, tmp_path: Path) -> None:
    error = refused(by_flags(source, tmp_path, CLIENT_SECRET="wrong-secret"))
    assert isinstance(error, CredentialsError)
    assert "Nothing was written" in error.hint
    assert list(tmp_path.iterdir()) == []


def test_nobody_answering_writes_nothing(tmp_path: Path) -> None:
    error = refused(by_flags(PlainSource(url="http://127.0.0.1:9"), tmp_path))
    assert isinstance(error, SourceError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--archive", "a"), "--client-id"),
        (("--client-id", "c"), "--archive"),
        (("--client-id", "c", "--archive", "a"), "--client-secret-file"),
        (("--client-id", "c", "--archive", "ftp://a"), "ARCHIVE"),
        (("--client-id", "c", "--archive", "a", "--plane", "mars"), "ANYPOINT_PLANE"),
    ],
)
def test_what_is_missing_or_malformed_is_named(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    secret = {} if named == "--client-secret-file" else {"CLIENT_SECRET": "given"}
    result = init("--output", str(tmp_path / "s.toml"), *arguments, **{"CLIENT_SECRET": "", **secret})
    error = refused(result)
    assert isinstance(error, UsageError)
    assert named in str(error)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced_only_by_force(source: PlainSource, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("precious")
    assert "--force" in str(refused(by_flags(source, tmp_path)))
    assert (tmp_path / "s.toml").read_text() == "precious"
    assert source.counts["tokens"] == 0
    assert by_flags(source, tmp_path, "--force").return_value == 0
    assert (tmp_path / "s.toml").stat().st_mode & 0o777 == 0o600


def test_a_directory_that_is_missing_is_said_before_anything_is_asked(source: PlainSource, tmp_path: Path) -> None:
    assert "does not exist" in str(refused(by_flags(source, tmp_path / "no")))
    assert source.counts["tokens"] == 0


def test_the_secret_goes_where_it_is_told_to(source: PlainSource, tmp_path: Path) -> None:
    by_flags(source, tmp_path, "--secret-in-file")
    assert load({}, {}, tmp_path / "s.toml").secret.reveal() == CLIENT_SECRET
    held = tmp_path / "secret"
    by_flags(source, tmp_path, "--force", "--client-secret-file", str(held))
    assert (held.read_text(), held.stat().st_mode & 0o777) == (f"{CLIENT_SECRET}\n", 0o600)
    assert load({}, {}, tmp_path / "s.toml") == Settings(
        mule_org_id=ROOT,
        client_id=CLIENT_ID,
        client_secret_file=str(held),
        anypoint_base_url=source.url,
        archive=str(tmp_path / "archive"),
    )
    result = by_flags(source, tmp_path, "--force", "--client-secret-file", str(held), CLIENT_SECRET="")
    assert result.return_value == 0, "an existing file is read"
    assert load({}, {}, tmp_path / "s.toml").secret.reveal() == CLIENT_SECRET


@pytest.mark.parametrize("place", [{"ARCHIVE": "gs://logs/here"}, {"GCS_BUCKET": "logs", "GCS_PREFIX": "here/"}])
def test_the_environment_answers_too_and_a_bucket_is_kept_as_it_is(
    source: PlainSource, tmp_path: Path, place: dict[str, str]
) -> None:
    environment = {"CLIENT_ID": CLIENT_ID, "ANYPOINT_BASE_URL": source.url, **place}
    result = init("--output", str(tmp_path / "s.toml"), **environment)
    assert result.return_value == 0, result.output
    assert load({}, {}, tmp_path / "s.toml").archive == "gs://logs/here"
    assert "Next: mulesoft-audit doctor" in result.output


class Dialogue:
    """`init` on a terminal, with somebody who answers."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        names = {"PATH", "HOME", "XDG_CONFIG_HOME", "PYTHONPATH", "COVERAGE_PROCESS_CONFIG"}
        kept = {name: value for name, value in os.environ.items() if name in names}
        line = [sys.executable, "-c", TERMINAL, sys.executable, "-m", "mulesoft_audit", "init", *arguments]
        self.process = subprocess.Popen(
            line, cwd=folder, env={**kept, "LANG": "C.UTF-8"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.shown = ""

    def until(self, words: str) -> None:
        """Read until something is shown."""
        assert self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            seen = len(self.shown)
            while words not in self.shown[seen:]:
                assert selector.select(20), self.shown
                data = os.read(self.process.stdout.fileno(), 65536)
                assert data, self.shown
                self.shown += data.decode()

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and answer it."""
        assert self.process.stdin
        self.until(question)
        self.process.stdin.write(f"{text}\n".encode())
        self.process.stdin.flush()

    def end(self) -> int:
        """Wait for the end."""
        out, _ = self.process.communicate(timeout=60)
        self.shown += out.decode()
        return self.process.returncode


def test_on_a_terminal_it_asks_and_asks_again(source: PlainSource, tmp_path: Path) -> None:
    dialogue = Dialogue(tmp_path)
    dialogue.answer("Control plane", "mars")
    dialogue.answer("expected one of us, eu", source.url)
    dialogue.answer("Client id", CLIENT_ID)
    dialogue.answer("Archive", "")
    dialogue.answer("Client secret (not shown):", CLIENT_SECRET)
    dialogue.answer("Keep it in a file", "")
    assert dialogue.end() == 0, dialogue.shown
    assert CLIENT_SECRET not in dialogue.shown
    assert "the log of each may be read" in dialogue.shown
    settings = load({}, {}, tmp_path / "mulesoft-audit.toml")
    assert settings.secret.reveal() == CLIENT_SECRET
    assert settings.client_secret_file == str(tmp_path / "mulesoft-audit.secret")
    assert settings.archive == str(tmp_path / "archive")
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_wrong_secret_is_asked_for_again_at_once_and_the_answers_kept(source: PlainSource, tmp_path: Path) -> None:
    dialogue = Dialogue(tmp_path, "--base-url", source.url, "--client-id", "typo", "--archive", "./here")
    dialogue.answer("Client secret (not shown):", "wrong")
    dialogue.answer("Client id", CLIENT_ID)
    dialogue.answer("Client secret (not shown):", CLIENT_SECRET)
    dialogue.answer("Keep it in a file", "env")
    assert dialogue.end() == 0, dialogue.shown
    assert "refuses the connected app 'typo'" in dialogue.shown
    settings = load({}, {}, tmp_path / "mulesoft-audit.toml")
    assert (settings.client_id, settings.archive) == (CLIENT_ID, str(tmp_path / "here"))


def test_on_a_terminal_the_secret_may_stay_in_the_environment(source: PlainSource, tmp_path: Path) -> None:
    dialogue = Dialogue(tmp_path, "--base-url", source.url, "--client-id", CLIENT_ID, "--archive", "gs://logs")
    dialogue.answer("Client secret (not shown):", CLIENT_SECRET)
    dialogue.answer("Keep it in a file", "env")
    assert dialogue.end() == 0, dialogue.shown
    assert [file.name for file in tmp_path.iterdir()] == ["mulesoft-audit.toml"]
    assert not load({}, {}, tmp_path / "mulesoft-audit.toml").secret


TEXT = st.text()


@given(TEXT)
def test_any_text_survives_toml(text: str) -> None:
    line = quoted(text)
    assert line.isprintable()
    assert tomllib.loads(f"key = {line}\n") == {"key": text}


@given(st.dictionaries(st.sampled_from(Settings.__struct_fields__), TEXT), TEXT, st.integers(1, 100_000))
def test_what_is_written_is_what_is_read(values: dict[str, Any], organization: str, pace: int) -> None:
    values = {name: value for name, value in values.items() if name not in ("http_timeout", "rate_share")}
    values["requests_per_minute"] = pace
    text = settings_file(values, organization)
    default = Settings()
    assert tomllib.loads(text) == {name: value for name, value in values.items() if value != getattr(default, name)}
    assert len(text.splitlines()) <= len(values) + 1


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UsageError):
        quoted("a\udc80")
