"""An extra that is not installed is found without importing anything of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mulesoft_audit import extras
from mulesoft_audit.errors import UsageError

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def test_every_extra_that_is_declared_is_known_and_no_other() -> None:
    assert set(extras.MODULES) == set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("extra", extras.MODULES)
def test_an_extra_that_is_installed_is_found(extra: str) -> None:
    extras.require(extra, "This test")


@pytest.mark.parametrize("missing", ["nowhere", "nowhere.at.all", "msgspec.nowhere"])
def test_one_missing_module_is_enough(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(extras.MODULES, "gcp", ("msgspec", missing))
    with pytest.raises(UsageError, match=r"^This test needs .* `pip install '[a-z-]+\[gcp\]'`\.$"):
        extras.require("gcp", "This test")
