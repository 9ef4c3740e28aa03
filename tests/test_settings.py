"""Flags outweigh the environment, the environment outweighs the file, and everything is checked once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.archives import command

from mulesoft_audit.cli.configured import config_file
from mulesoft_audit.errors import UsageError
from mulesoft_audit.settings import find_file, load

if TYPE_CHECKING:
    from pathlib import Path

FILE = "file"


@pytest.mark.parametrize(
    ("file", "environment", "flags", "name", "value"),
    [
        ({"client_id": "f"}, {}, {}, "client_id", "f"),
        ({"client_id": "f"}, {"CLIENT_ID": "e"}, {}, "client_id", "e"),
        ({"client_id": "f"}, {"CLIENT_ID": "e"}, {"client_id": "g"}, "client_id", "g"),
        ({"client_id": "f"}, {"CLIENT_ID": " "}, {"client_id": ""}, "client_id", "f"),
        ({"archive": "f"}, {"GCS_BUCKET": "bucket"}, {}, "archive_url", "gs://bucket"),
        ({"gcs_bucket": "bucket"}, {"ARCHIVE": "e"}, {}, "archive_url", "e"),
        ({}, {"ARCHIVE": "e", "GCS_BUCKET": "bucket"}, {}, "archive_url", "e"),
        ({}, {"GCS_BUCKET": "bucket"}, {"archive": "g"}, "archive_url", "g"),
        ({"client_secret": "f"}, {"CLIENT_SECRET_FILE": "x"}, {}, "client_secret", ""),
        ({"client_secret_file": "x"}, {"CLIENT_SECRET": "e"}, {}, "client_secret", "e"),
        ({}, {"CLIENT_SECRET": "e"}, {"client_secret_file": "x"}, "client_secret", ""),
        ({"anypoint_base_url": "https://x"}, {"ANYPOINT_PLANE": "eu"}, {}, "anypoint_base_url", ""),
        ({"anypoint_plane": "eu"}, {"ANYPOINT_BASE_URL": "https://x"}, {}, "anypoint_base_url", "https://x"),
        ({}, {}, {}, "look_back", 86_400_000),
        ({"look_back": "90m"}, {}, {}, "look_back", 5_400_000),
        ({}, {"CONTINUE_TOPIC": "projects/p/topics/t"}, {}, "continue_topic", "projects/p/topics/t"),
    ],
)
def test_who_outweighs_whom(
    tmp_path: Path,
    file: dict[str, str],
    environment: dict[str, str],
    flags: dict[str, str],
    name: str,
    value: object,
) -> None:
    path = tmp_path / FILE
    path.write_text("".join(f'{key} = "{text}"\n' for key, text in file.items()))
    assert getattr(load(flags, environment, path), name) == value


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"LOOK_BACK": "soon"}, "LOOK_BACK"),
        ({"CONTINUE_TOPIC": "trigger"}, "CONTINUE_TOPIC"),
        ({"ANYPOINT_BASE_URL": "x://[y"}, "ANYPOINT_BASE_URL"),
        ({"ANYPOINT_BASE_URL": "https://host:x"}, "ANYPOINT_BASE_URL"),
    ],
)
def test_what_is_malformed_is_said_when_it_is_read(environment: dict[str, str], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        load({}, environment)


def test_a_file_is_found_here_then_in_the_users_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home, xdg = tmp_path / "here", tmp_path / "home", tmp_path / "xdg"
    for folder in (here, home / ".config/mulesoft-audit", xdg / "mulesoft-audit"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    assert find_file({"HOME": str(home)}) is None
    assert find_file({}) is None
    of_home = home / ".config/mulesoft-audit/mulesoft-audit.toml"
    of_home.touch()
    assert find_file({"HOME": str(home)}) == of_home
    assert find_file({"HOME": str(home), "XDG_CONFIG_HOME": "relative"}) == of_home
    of_xdg = xdg / "mulesoft-audit/mulesoft-audit.toml"
    of_xdg.touch()
    assert find_file({"HOME": str(home), "XDG_CONFIG_HOME": str(xdg)}) == of_xdg
    (here / "mulesoft-audit.toml").touch()
    found = find_file({"HOME": str(home), "XDG_CONFIG_HOME": str(xdg)})
    assert found is not None
    assert found.absolute() == here / "mulesoft-audit.toml"


def test_the_settings_file_of_who_runs_the_tests_is_found_by_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / ".config/mulesoft-audit/mulesoft-audit.toml"
    mine.parent.mkdir(parents=True)
    mine.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_file() is None
    assert find_file(command("http://localhost", tmp_path)[1]) is None


def test_a_file_that_is_named_outweighs_one_that_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mulesoft-audit.toml").touch()
    monkeypatch.setenv("MULESOFT_AUDIT_CONFIG", "named-in-the-environment")
    assert str(config_file(None)) == "named-in-the-environment"
    assert str(config_file("named")) == "named"
    monkeypatch.delenv("MULESOFT_AUDIT_CONFIG")
    assert str(config_file(None)) == "mulesoft-audit.toml"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_used_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mulesoft-audit.toml"
    file.write_text('anypoint_base_url = "https://elsewhere.example"\n')
    assert find_file({}) is not None
    os.chown(file, 12_345, 12_345)
    with pytest.raises(UsageError, match="another user"):
        find_file({})
