"""Seals: what they hold fast, who finds what, and sealers that race or die."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from itertools import count
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.collect.in_process import run_at
from tests.evidence.archive import (
    DAY,
    LAST_DAY,
    NOON,
    ROOT,
    SECOND_DAY,
    edit,
    entry,
    forget,
    keys,
    manifest,
    part,
    rewrite_lines,
)
from tests.evidence.keys import Pair, openssl, pair
from tests.evidence.sealed import checked, seal, wrong
from tests.evidence.test_repair import TAMPERING, Dying, Killed, repaired

from mulesoft_audit.archive import layout
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.cli.verify_view import summed
from mulesoft_audit.errors import ArchiveError, UsageError
from mulesoft_audit.evidence.finding import Kind
from mulesoft_audit.evidence.seal import SealedDay, read_sums, sha256, sums_of
from mulesoft_audit.evidence.signature import read_private_key, read_public_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.plain_source import PlainSource

Chain = tuple["Path", Pair, list[str]]
FIRST, SECOND, LAST = (f"evidence/seals/00000{number}/" for number in (1, 2, 3))


def test_an_archive_as_it_was_sealed_holds_and_every_digest_is_known(chain: Chain) -> None:
    root, keys_, digests = chain
    for digest in digests:
        assert checked(root, keys_, digest).findings == []
    assert checked(root, keys_).news.seals.digests == digests
    assert not checked(root, keys_).news


def test_a_seal_lists_what_is_new_and_the_list_before(chain: Chain) -> None:
    root, _, digests = chain
    lists = [read_sums((root / folder / "SHA256SUMS").read_bytes()) or {} for folder in (FIRST, SECOND, LAST)]
    parts = [{name for name in found if name.startswith("audit/")} for found in lists]
    assert parts[1:] == [{part(3)}, {part(4)}]
    assert set().union(*parts) == {str(path.relative_to(root)) for path in (root / "audit").rglob("*.gz")}
    assert lists[1][f"{FIRST}SHA256SUMS"] == digests[0]
    assert [sum("/manifests/" in name for name in found) for found in lists] == [8, 1, 1]
    document = json.loads((root / SECOND / "SEAL.json").read_bytes())
    assert document["organizations"][ROOT]["days"][LAST_DAY.isoformat()]["entries"] == 16
    assert document["previous"] == digests[0]


def test_without_a_key_all_but_signatures_is_checked(chain: Chain) -> None:
    root, _, _ = chain
    shutil.rmtree(root / SECOND)
    assert [kind for kind, _ in wrong(root, None)] == ["seal"] * 2


def test_an_archive_without_seals_is_a_finding_where_a_key_or_a_digest_is_given(root: Path, tmp_path: Path) -> None:
    assert wrong(root, None) == []
    assert wrong(root, pair(tmp_path)) == [("seal", "evidence/seals/")]
    assert wrong(root, None, "0" * 64) == [("seal", "evidence/seals/")]


def test_a_seal_that_nobody_signed_is_none_where_a_key_is_given(root: Path, tmp_path: Path) -> None:
    """An attacker can write a list; only its signature makes it a seal."""
    keys_ = pair(tmp_path)
    seal(root, keys_)
    (root / FIRST / "SHA256SUMS.sig").unlink()
    assert wrong(root, None) == []
    assert wrong(root, keys_) == [("seal", "evidence/seals/")]


def test_seals_of_which_the_last_is_not_signed_are_not_said_to_be(chain: Chain) -> None:
    root, keys_, _ = chain
    (root / LAST / "SHA256SUMS.sig").unlink()
    found = checked(root, keys_)
    assert [one.kind.value for one in found.findings] == ["unfinished"]
    assert "3 seals were checked, of which 2 with a signature that holds" in summed(found)


@pytest.mark.parametrize("folder", [FIRST, SECOND, LAST])
@pytest.mark.parametrize("file", ["SHA256SUMS", "SHA256SUMS.sig", "SEAL.json"])
def test_a_file_of_a_seal_that_is_changed_is_found(chain: Chain, folder: str, file: str) -> None:
    root, keys_, _ = chain
    data = (root / folder / file).read_bytes()
    (root / folder / file).write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    assert wrong(root, keys_)


def test_seals_reordered_are_found(chain: Chain) -> None:
    root, keys_, _ = chain
    (root / FIRST).rename(root / "x")
    (root / SECOND).rename(root / FIRST)
    (root / "x").rename(root / SECOND)
    assert ("seal", f"{FIRST}SHA256SUMS") in wrong(root, keys_)


@pytest.mark.parametrize("folder", [FIRST, SECOND])
def test_a_seal_cut_out_is_found(chain: Chain, folder: str) -> None:
    root, keys_, _ = chain
    shutil.rmtree(root / folder)
    assert ("seal", f"{folder}SHA256SUMS") in wrong(root, keys_)


def test_a_seal_signed_by_another_key_is_found(chain: Chain, tmp_path: Path) -> None:
    root, keys_, _ = chain
    other = pair(tmp_path, "other")
    openssl_signed(root / LAST / "SHA256SUMS", other)
    assert wrong(root, keys_) == [("seal", f"{LAST}SHA256SUMS.sig")]
    assert [path for _, path in wrong(root, other)] == [f"{FIRST}SHA256SUMS.sig", f"{SECOND}SHA256SUMS.sig"]


def openssl_signed(path: Path, keys_: Pair) -> None:
    """Sign a list, whatever was signed before."""
    openssl("dgst", "-sha256", "-sign", str(keys_.private), "-out", f"{path}.sig", str(path))


def test_seals_removed_at_the_end_are_found_by_the_digest_that_was_kept(chain: Chain) -> None:
    root, keys_, digests = chain
    shutil.rmtree(root / LAST)
    assert wrong(root, keys_) == []
    assert wrong(root, keys_, digests[1]) == []
    assert wrong(root, keys_, digests[2]) == [("seal", "evidence/seals/")]


def test_an_archive_rolled_back_is_found_by_the_digest_that_was_kept(chain: Chain, tmp_path: Path) -> None:
    root, keys_, _ = chain
    shutil.copytree(root, tmp_path / "older")
    newest = seal(root, keys_, anyway=True)
    assert wrong(tmp_path / "older", keys_) == []
    assert wrong(tmp_path / "older", keys_, newest) == [("seal", "evidence/seals/")]


def test_what_is_consistent_in_itself_and_not_what_was_sealed_is_found(chain: Chain) -> None:
    """A day removed with everything that knew of it; a part replaced with everything that describes it."""
    root, keys_, _ = chain
    forget(root, ROOT, SECOND_DAY)
    found = wrong(root, keys_)
    assert set(found) == {
        ("seal", layout.part_name(ROOT, SECOND_DAY, 1)),
        ("seal", layout.manifest_name(ROOT, SECOND_DAY)),
    }


def test_a_manifest_made_anew_under_the_sealed_revision_is_found(chain: Chain) -> None:
    root, keys_, _ = chain
    document = json.loads((root / manifest()).read_bytes())
    (root / head_of()).unlink()
    edit(root / manifest(), written_by="somebody else")
    assert ("seal", manifest()) in wrong(root, keys_)
    edit(root / manifest(), revision=document["revision"] + 1, previous="0" * 64)
    assert ("seal", manifest()) in wrong(root, keys_)
    edit(root / manifest(), revision=document["revision"] - 1)
    assert ("rolled back", manifest()) in wrong(root, keys_)


def head_of() -> str:
    return layout.head_name(ROOT)


def test_a_sealed_part_that_a_feed_removed_is_no_finding_and_one_altered_is(chain: Chain) -> None:
    root, keys_, _ = chain
    (root / part(1)).unlink()
    assert wrong(root, keys_) == []
    rewrite_lines(root / part(2), lambda lines: lines[1:])
    assert wrong(root, keys_) == [("altered", part(2)), ("seal", part(2))]


def test_what_repair_set_aside_is_proved_to_be_held_elsewhere(served: PlainSource, root: Path, tmp_path: Path) -> None:
    keys_ = pair(tmp_path)
    seal(root, keys_)
    (root / part()).write_bytes(b"damaged")
    assert repaired(served, root).problems == []
    assert wrong(root, keys_) == []
    seal(root, keys_)
    assert wrong(root, keys_) == []


@pytest.mark.parametrize("what", TAMPERING)
def test_after_a_repair_seals_hold_or_what_cannot_be_proved_is_said(
    served: PlainSource, root: Path, tmp_path: Path, what: str
) -> None:
    keys_ = pair(tmp_path)
    seal(root, keys_)
    TAMPERING[what](root)
    assert wrong(root, keys_)
    repaired(served, root)
    left = wrong(root, keys_)
    lost = {"a part and its keys removed", "a part compressed anew without keys"}
    if what == "an organization forgotten":
        assert left
    else:
        assert {kind for kind, _ in left} <= {"seal"}
        assert bool(left) == (what in lost), left


def test_a_sealed_part_that_is_only_said_to_be_set_aside_is_found(
    served: PlainSource, root: Path, tmp_path: Path
) -> None:
    keys_ = pair(tmp_path)
    seal(root, keys_)
    document = json.loads((root / manifest()).read_bytes())
    from mulesoft_audit.evidence.measure import EMPTY

    document["parts"][1] |= {"entries": 0, "keys_sha256": EMPTY}
    (root / keys(2)).write_bytes(b"")
    (root / part(2)).unlink()
    hours = [1] * 12 + [0] * 12
    edit(root / manifest(), parts=document["parts"], hours=hours, source=12, revision=document["revision"] + 5)
    assert wrong(root, keys_) == [("seal", part(2))]


def test_another_key_takes_over_by_a_seal_that_the_old_one_signs(chain: Chain, tmp_path: Path) -> None:
    root, keys_, _ = chain
    following = pair(tmp_path, "next")
    seal(root, keys_, next_key=following)
    assert checked(root, keys_).news.seals.key_id == read_public_key(str(following.public)).id
    newest = seal(root, following, anyway=True)
    assert wrong(root, keys_, newest) == []
    with pytest.raises(ArchiveError, match="signature of seal 5"):
        seal(root, keys_, anyway=True)
    openssl_signed(root / "evidence/seals/000005/SHA256SUMS", keys_)
    assert wrong(root, keys_) == [("seal", "evidence/seals/000005/SHA256SUMS.sig")]


@pytest.mark.parametrize("pkcs8", [False, True])
def test_keys_of_either_form_sign(root: Path, tmp_path: Path, pkcs8: bool) -> None:
    keys_ = pair(tmp_path, pkcs8=pkcs8)
    seal(root, keys_)
    assert wrong(root, keys_) == []


def test_what_is_no_such_key_is_said(tmp_path: Path) -> None:
    other = tmp_path / "rsa.pem"
    openssl("genrsa", "-out", str(other), "2048")
    locked = tmp_path / "locked.pem"
    openssl("ec", "-in", str(pair(tmp_path).private), "-aes128", "-passout", "pass:x", "-out", str(locked))
    curve = tmp_path / "p384.pem"
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", str(curve))
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_bytes(b"-----BEGIN")
    for path in (other, locked, curve, nonsense, tmp_path / "nothing.pem", tmp_path):
        with pytest.raises(UsageError, match="--key"):
            read_private_key(str(path))
        with pytest.raises(UsageError, match="--public-key"):
            read_public_key(str(path))


# Sealers that race, or die.


def test_two_sealers_at_once_make_one_seal_each(root: Path, tmp_path: Path) -> None:
    keys_ = pair(tmp_path)
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(seal(root, keys_, anyway=True))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(digests)) == 4
    found = checked(root, keys_)
    assert found.findings == []
    assert sorted(found.news.seals.digests) == sorted(digests)


def test_a_sealer_that_is_killed_leaves_something_unfinished_that_the_next_one_finishes(
    root: Path, tmp_path: Path
) -> None:
    """Killed before each of its writes in turn; every time the archive holds, and the next seal closes it."""
    keys_ = pair(tmp_path)
    for writes in count():
        copy = tmp_path / f"copy-{writes}"
        shutil.copytree(root, copy)
        store = Dying(copy, writes)
        try:
            seal(copy, keys_, store)
        except Killed:
            store.close()
        else:
            break
        assert [one.kind for one in checked(copy, None).findings if one.is_problem] == []
        kinds = {one.kind for one in checked(copy, None).findings}
        assert kinds <= {Kind.UNFINISHED}
        own = LocalStore(copy)
        own.alone = lambda: True
        newest = seal(copy, keys_, own, anyway=True)
        assert checked(copy, keys_, newest).findings == []
        assert not checked(copy, keys_).news
        shutil.rmtree(copy)


def test_a_slow_sealer_that_was_taken_for_dead_seals_under_another_number(root: Path, tmp_path: Path) -> None:
    keys_ = pair(tmp_path)

    class Slow(LocalStore):
        slow = True

        def alone(self) -> bool:
            return True

        def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
            if name.endswith("/SHA256SUMS") and self.slow:
                self.slow = False
                other = LocalStore(root)
                other.alone = lambda: True
                seal(root, keys_, other)
            return super().create(name, data, metadata)

    newest = seal(root, keys_, Slow(root))
    found = checked(root, keys_, newest)
    assert found.findings == []
    assert len(found.news.seals.digests) == 3


# Somebody who can write to the bucket, and has no key.


def begin(root: Path, keys_: Pair, *, number: int = 2, **more: bytes) -> dict[str, bytes]:
    """Begin a seal that looks as a sealer's would that died; return its files, more of them than it should have."""
    folder = f"evidence/seals/{number:06d}/"
    before = json.loads((root / FIRST / "SEAL.json").read_bytes())
    previous = sha256((root / FIRST / "SHA256SUMS").read_bytes())
    document = before | {"number": number, "previous": previous, "organizations": {}}
    files = {f"{folder}SEAL.json": json.dumps(document).encode()}
    files |= {folder + name.replace("_", "-") + ".pem": data for name, data in more.items()}
    (root / folder).mkdir()
    for name, data in files.items():
        (root / name).write_bytes(data)
    return files


def lonely(root: Path) -> LocalStore:
    """A store that knows that nobody else writes, so that nobody is waited for."""
    store = LocalStore(root)
    store.alone = lambda: True
    return store


def test_a_sealer_signs_no_key_that_somebody_else_put_there(root: Path, tmp_path: Path) -> None:
    keys_, thief = pair(tmp_path), pair(tmp_path, "thief")
    seal(root, keys_)
    listed(root, begin(root, keys_, next_key=thief.public.read_bytes()))
    with pytest.raises(ArchiveError, match="names another key"):
        seal(root, keys_, lonely(root), anyway=True)
    assert not (root / SECOND / "SHA256SUMS.sig").exists()
    shutil.move(root / SECOND, tmp_path / "aside")
    newest = seal(root, keys_, lonely(root), anyway=True)
    assert checked(root, keys_, newest).findings == []


def test_a_seal_that_was_begun_without_a_list_is_made_void_and_nothing_in_it_signed(root: Path, tmp_path: Path) -> None:
    keys_, thief = pair(tmp_path), pair(tmp_path, "thief")
    seal(root, keys_)
    begin(root, keys_, next_key=thief.public.read_bytes())
    newest = seal(root, keys_, lonely(root), anyway=True)
    found = checked(root, keys_, newest)
    assert found.findings == []
    assert found.news.seals.signed == 3
    assert found.news.seals.key_id == read_public_key(str(keys_.public)).id
    assert set(read_sums((root / SECOND / "SHA256SUMS").read_bytes()) or {}) == {
        f"{SECOND}VOID.json",
        f"{FIRST}SHA256SUMS",
    }


def test_what_somebody_else_says_of_a_void_seal_is_not_signed(root: Path, tmp_path: Path) -> None:
    keys_ = pair(tmp_path)
    seal(root, keys_)
    begin(root, keys_)
    (root / SECOND / "VOID.json").write_bytes(b"{}")
    with pytest.raises(ArchiveError, match="begun and not signed"):
        seal(root, keys_, lonely(root), anyway=True)
    assert not (root / SECOND / "SHA256SUMS").exists()


def listed(root: Path, files: dict[str, bytes], **more: str) -> None:
    """Make a list of these files, of the seal before, and of more."""
    digests = {name: sha256(data) for name, data in files.items()} | more
    digests[f"{FIRST}SHA256SUMS"] = sha256((root / FIRST / "SHA256SUMS").read_bytes())
    (root / SECOND / "SHA256SUMS").write_bytes(sums_of(digests))


@pytest.mark.parametrize(
    "said",
    [
        {"organizations": {ROOT: {"days": {LAST_DAY.isoformat(): SealedDay(1, 1, 1, "0" * 64)}}}},
        {"organizations": {ROOT: {"name": "Nobody's"}}},
        {"organizations": {"../x": {"days": {"1-1-1": SealedDay(1, 1, 1, "0" * 64)}}}},
        {"root": "another"},
        {"previous": "0" * 64},
        {"format": "x"},
    ],
)
def test_a_sealer_signs_nothing_that_somebody_else_says_and_is_not_so(
    root: Path, tmp_path: Path, said: dict[str, object]
) -> None:
    keys_ = pair(tmp_path)
    seal(root, keys_)
    begin(root, keys_)
    document = msgspec.json.encode(json.loads((root / SECOND / "SEAL.json").read_bytes()) | said)
    (root / SECOND / "SEAL.json").write_bytes(document)
    listed(root, {f"{SECOND}SEAL.json": document})
    with pytest.raises(ArchiveError, match="begun and not signed"):
        seal(root, keys_, lonely(root), anyway=True)


def test_a_list_that_nobody_signed_vouches_for_nothing(root: Path, tmp_path: Path) -> None:
    """A part and all that describes it altered, and a list made that names it so."""
    keys_ = pair(tmp_path)
    seal(root, keys_)
    data, document = (root / part(2)).read_bytes(), json.loads((root / manifest()).read_bytes())
    other = gzip.compress(gzip.decompress(data), mtime=1)
    (root / part(2)).write_bytes(other)
    document["parts"][1] |= {"sha256": sha256(other), "size": len(other)}
    edit(root / manifest(), parts=document["parts"], revision=document["revision"] + 2)
    assert wrong(root, keys_) == [("seal", part(2))]
    listed(root, begin(root, keys_), **{part(2): sha256(other)})
    assert wrong(root, keys_) == [("seal", part(2))]
    (root / SECOND / "SHA256SUMS.sig").write_bytes((root / FIRST / "SHA256SUMS.sig").read_bytes())
    assert ("seal", f"{SECOND}SHA256SUMS.sig") in wrong(root, keys_)
    assert ("seal", part(2)) in wrong(root, None), "whoever has no key sees that two seals contradict each other"


def test_no_seal_follows_one_that_somebody_else_signed(root: Path, tmp_path: Path) -> None:
    keys_, other = pair(tmp_path), pair(tmp_path, "other")
    seal(root, other)
    with pytest.raises(ArchiveError, match="signature of seal 1"):
        seal(root, keys_, anyway=True)


# What comes from outside.


@given(st.binary(max_size=300))
def test_any_list_is_read_or_refused(data: bytes) -> None:
    found = read_sums(data)
    assert found is None or sums_of(found).count(b"\n") == data.count(b"\n")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60), file=st.sampled_from(["SHA256SUMS", "SHA256SUMS.sig", "SEAL.json", "next-key.pem"]))
def test_no_content_of_a_seal_is_taken_for_another(chain: Chain, data: bytes, file: str) -> None:
    root, keys_, _ = chain
    path = root / SECOND / file
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(data)
    try:
        found = wrong(root, keys_)
        assert found or data == before or (before is None and file == "next-key.pem")
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)


def test_a_number_beyond_all_bounds_costs_nothing(chain: Chain) -> None:
    root, keys_, _ = chain
    (root / "evidence/seals/999999999999").mkdir()
    (root / "evidence/seals/999999999999/SEAL.json").write_bytes(b"{}")
    assert ("seal", "evidence/seals/000004/SHA256SUMS") in wrong(root, keys_)


@pytest.mark.parametrize("name", ["evidence/x", "evidence/seals/1/SEAL.json", "evidence/seals/000001/other"])
def test_names_that_do_not_belong_are_found(chain: Chain, name: str) -> None:
    root, keys_, _ = chain
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"x")
    assert wrong(root, keys_) == [("misplaced", name)]


def test_late_entries_are_in_a_later_seal(served: PlainSource, root: Path, tmp_path: Path) -> None:
    import random

    from tests.plain_source import PlainSource, serving

    keys_ = pair(tmp_path)
    with serving(PlainSource(logs={name: list(log) for name, log in served.logs.items()})) as source:
        seal(root, keys_)
        stamp = NOON - 2 * DAY + 7
        source.add(ROOT, stamp, entry(stamp, random.Random(1)))
        assert run_at(source, root, NOON + DAY // 4).written == 1
    assert wrong(root, keys_) == []
    seal(root, keys_)
    listed = read_sums((root / SECOND / "SHA256SUMS").read_bytes()) or {}
    assert [name for name in listed if name.startswith("audit/")] == [layout.part_name(ROOT, SECOND_DAY, 2)]
