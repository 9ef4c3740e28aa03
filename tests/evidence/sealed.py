"""Sealing archives in tests, and checking them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.evidence.archive import DAY, NOON

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.evidence.sealing import Sealer
from mulesoft_audit.evidence.signature import read_private_key, read_public_key
from mulesoft_audit.evidence.verification import Scope, Verification, verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.evidence.keys import Pair


def seal(
    root: Path, keys: Pair, store: LocalStore | None = None, next_key: Pair | None = None, *, anyway: bool = False
) -> str:
    """Seal an archive and return the digest."""
    store = store or LocalStore(root)
    found = verify(store, Scope(offline=True))
    assert not found.problems
    assert found.news or next_key or anyway
    following = read_public_key(str(next_key.public)) if next_key else None
    sealer = Sealer(store, read_private_key(str(keys.private)), now=NOON + DAY, next_key=following)
    return sealer.seal(found.news, found.result).digest


def checked(root: Path, keys: Pair | None, newest: str = "") -> Verification:
    """Verify an archive against itself and its seals."""
    key = read_public_key(str(keys.public)) if keys else None
    return verify(LocalStore(root), Scope(offline=True, newest=newest), key=key)


def wrong(root: Path, keys: Pair | None, newest: str = "") -> list[tuple[str, str]]:
    """Return the kind and path of each problem."""
    return [(one.kind.value, one.path) for one in checked(root, keys, newest).problems]
