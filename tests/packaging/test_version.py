"""One version: that of the package, the newest of the changelog, and the tag that a release has."""

from __future__ import annotations

import os
import re

import pytest
from packaging.version import Version
from tests.packaging.building import ROOT

from mulesoft_audit import __version__

pytestmark = pytest.mark.unit

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = re.findall(r"^## \[(.+?)\] - (.+)$", CHANGELOG, re.MULTILINE)


def unreleased() -> str:
    """Return what stands under Unreleased."""
    found = re.search(r"^## Unreleased\n(.*?)(?=^## )", CHANGELOG, re.DOTALL | re.MULTILINE)
    assert found, "the changelog has a section for what comes next"
    return found.group(1).strip()


def test_every_release_has_its_day_and_the_newest_comes_first() -> None:
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", day) for _, day in RELEASES)
    versions = [Version(version) for version, _ in RELEASES]
    assert versions == sorted(versions, reverse=True)
    assert not any(version.is_prerelease for version in versions)


def test_the_version_is_the_newest_of_the_changelog_or_the_next_one_in_development() -> None:
    version, newest = Version(__version__), Version(RELEASES[0][0])
    if version.is_devrelease:
        assert Version(version.base_version) > newest
    else:
        assert version == newest
        assert not unreleased(), "what is unreleased belongs to the release"


def test_the_version_stands_in_one_place() -> None:
    assert not re.search(r"^version\b", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.skipif(not os.environ.get("TAG"), reason="TAG is set by `make release-check`, if the commit has a tag")
def test_the_tag_is_the_version() -> None:
    assert os.environ["TAG"] == f"v{__version__}"
