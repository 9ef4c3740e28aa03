"""The page of shell of the documentation checks seals with openssl and sha256sum alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.evidence.archive import part
from tests.evidence.keys import Pair, pair
from tests.evidence.sealed import seal

from mulesoft_audit.archive.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = re.search(r"```sh\n(#!/bin/sh\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    path = tmp_path_factory.mktemp("page") / "check.sh"
    path.write_text(found.group(1))
    return path


def check(script: Path, root: Path, keys: Pair, *newest: str) -> subprocess.CompletedProcess[str]:
    line = ["sh", str(script), str(root), str(keys.public), *newest]
    return subprocess.run(line, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})


@pytest.fixture
def keys(tmp_path: Path) -> Pair:
    return pair(tmp_path)


def test_it_accepts_an_archive_as_it_was_sealed(script: Path, chain: tuple[Path, Pair, list[str]]) -> None:
    root, keys, digests = chain
    done = check(script, root, keys, digests[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{len(digests)} seals hold. Newest: {digests[-1]}\n"


def test_it_follows_a_change_of_keys(script: Path, chain: tuple[Path, Pair, list[str]], tmp_path: Path) -> None:
    root, keys, _ = chain
    following = pair(tmp_path, "next")
    seal(root, keys, next_key=following)
    digest = seal(root, following, anyway=True)
    assert check(script, root, keys, digest).returncode == 0
    assert check(script, root, following, digest).returncode == 1


def test_it_accepts_a_seal_that_is_void_and_none_that_nobody_signed(
    script: Path, chain: tuple[Path, Pair, list[str]]
) -> None:
    root, keys, _ = chain
    begun = root / "evidence/seals/000004"
    begun.mkdir()
    (begun / "SEAL.json").write_bytes(b"{}")
    store = LocalStore(root)
    store.alone = lambda: True
    digest = seal(root, keys, store, anyway=True)
    assert (begun / "VOID.json").exists()
    assert check(script, root, keys, digest).returncode == 0
    (root / "evidence/seals/000005/SHA256SUMS.sig").unlink()
    assert "NOT VALID: the signature" in check(script, root, keys).stderr


def change(root: Path, name: str) -> None:
    data = (root / name).read_bytes()
    (root / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


FIRST, SECOND, LAST = (f"evidence/seals/00000{number}" for number in (1, 2, 3))


def swap(root: Path) -> None:
    (root / FIRST).rename(root / "evidence/x")
    (root / SECOND).rename(root / FIRST)
    (root / "evidence/x").rename(root / SECOND)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda root: change(root, part()),
        lambda root: (root / part()).unlink(),
        lambda root: change(root, f"{FIRST}/SHA256SUMS"),
        lambda root: change(root, f"{FIRST}/SHA256SUMS.sig"),
        lambda root: change(root, f"{SECOND}/SEAL.json"),
        lambda root: change(root, str(next((root / FIRST).rglob("*.manifest.json")).relative_to(root))),
        lambda root: shutil.rmtree(root / FIRST),
        lambda root: shutil.rmtree(root / SECOND),
        lambda root: shutil.rmtree(root / LAST),
        swap,
        lambda root: shutil.rmtree(root / "evidence"),
    ],
    ids=["part", "no part", "list", "signature", "document", "manifest", "first", "second", "last", "swapped", "all"],
)
def test_it_refuses_what_was_tampered_with(
    script: Path, chain: tuple[Path, Pair, list[str]], tamper: Callable[[Path], object]
) -> None:
    root, keys, digests = chain
    tamper(root)
    done = check(script, root, keys, digests[-1])
    assert done.returncode != 0
    assert "NOT VALID" in done.stderr


def test_it_refuses_another_key(script: Path, chain: tuple[Path, Pair, list[str]], keys: Pair) -> None:
    root, _, digests = chain
    assert check(script, root, keys, digests[-1]).returncode != 0
