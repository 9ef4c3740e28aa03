"""The sdist has what git knows, the wheel has what runs, both say who they are, and neither has anything else."""

from __future__ import annotations

import os
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from packaging.metadata import Metadata
from tests.packaging.building import ROOT, build, known_files

from mulesoft_audit import __version__

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
NAME = f"mulesoft_audit_collector-{__version__}"


def files_of(sdist: Path) -> dict[str, bytes]:
    """Return the files of an sdist by their path in it."""
    with tarfile.open(sdist) as archive:
        opened = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() if file else b"no regular file" for name, file in opened.items()}


def test_the_sdist_has_every_file_that_git_knows_and_nothing_else(sdist: Path) -> None:
    packed = files_of(sdist)
    del packed[f"{NAME}/PKG-INFO"]
    assert packed == {f"{NAME}/{name}": (ROOT / name).read_bytes() for name in known_files()}


def test_the_wheel_of_the_sdist_has_every_file_of_the_source_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {path.relative_to(ROOT / "src").as_posix(): path.read_bytes() for path in files}
    module = [path for path in (ROOT / "terraform").iterdir() if path.is_file() and not path.name.startswith(".")]
    expected |= {f"mulesoft_audit/terraform/{path.name}": path.read_bytes() for path in module}
    assert packed == expected


@pytest.mark.parametrize(
    "needed",
    [
        "anypoint_simulator/py.typed",
        "mulesoft_audit/py.typed",
        "mulesoft_audit/cloud/requirements.txt",
        "mulesoft_audit/detect/rules/login-failures.toml",
        "mulesoft_audit/reading/templates/report.html",
        "mulesoft_audit/secops/parser/mulesoft.conf",
        "mulesoft_audit/terraform/function.tf",
    ],
)
def test_the_wheel_has_the_files_that_are_no_python(wheel: Path, needed: str) -> None:
    """Said twice, so that a folder that moves cannot take its files out of the wheel unseen."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.getinfo(needed).file_size or needed.endswith("py.typed")


def test_wheel_and_sdist_describe_themselves_in_valid_metadata(wheel: Path, sdist: Path) -> None:
    """By the same library, and rules, as the package index."""
    with zipfile.ZipFile(wheel) as archive:
        own = archive.read(f"{NAME}.dist-info/METADATA")
        assert archive.read(f"{NAME}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert own == files_of(sdist)[f"{NAME}/PKG-INFO"]
    told = Metadata.from_email(own, validate=True)
    assert (told.name, str(told.version), told.license_expression) == (
        "mulesoft-audit-collector",
        __version__,
        "Apache-2.0",
    )
    assert told.description_content_type == "text/markdown"
    assert told.description == (ROOT / "README.md").read_text("utf-8")


def test_the_same_commit_gives_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    """In another folder, at another time, by somebody whose new files nobody else may read."""
    umask = os.umask(0o077)
    try:
        build(tmp_path / "again")
    finally:
        os.umask(umask)
    first, again = [
        {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".whl", ".gz")}
        for folder in (dist, tmp_path / "again")
    ]
    assert first == again
