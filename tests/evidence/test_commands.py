"""`verify`, `repair` and `seal` as a user runs them: exit status, what is printed, what is said of nonsense."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.archives import command, lines
from tests.evidence.archive import ROOT, SECOND_DAY, edit, forget, head, keys, manifest, part
from tests.evidence.keys import pair
from tests.plain_source import CLIENT_SECRET
from tests.storage_server import StorageServer

from mulesoft_audit.archive import layout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plain_source import PlainSource

NOBODY = "http://127.0.0.1:9"  #: an Anypoint that is not to be asked


def run(url: str, archive: object, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on an archive to its end."""
    _, env = command(url, archive, **environment)  # type: ignore[arg-type]  # or a URL
    line = [sys.executable, "-m", "mulesoft_audit", arguments[0], "--archive", str(archive), *arguments[1:], "--json"]
    done = subprocess.run(
        line, env=env, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert CLIENT_SECRET not in done.stdout + done.stderr
    return done


def fields(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(done.stdout)


def test_an_intact_archive_ends_with_0_and_says_what_was_looked_at(served: PlainSource, root: Path) -> None:
    found = fields(run(NOBODY, root, "verify", "--offline"))
    assert (found["verified"], found["exit_code"], found["offline"]) == (True, 0, True)
    assert found["checked"]["entries"] == 150
    found = fields(run(served.url, root, "verify", "--by-day"))
    assert (found["verified"], found["offline"]) == (True, False)
    assert [one["source"]["total"] for one in found["organizations"]] == [75, 75]


def test_what_is_printed_is_for_people_unless_json_is_asked_for(root: Path) -> None:
    line = [sys.executable, "-m", "mulesoft_audit", "verify", "--offline", "--archive", str(root)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert "Nothing is wrong" in done.stdout or "150" in done.stdout
    assert not done.stdout.startswith("{")


def test_findings_end_with_8_and_name_object_organization_and_day(served: PlainSource, root: Path) -> None:
    forget(root, ROOT, SECOND_DAY)
    done = run(served.url, root, "verify", "--json")
    assert done.returncode == 8
    [finding] = fields(done)["findings"]
    assert finding["path"] == layout.manifest_name(ROOT, SECOND_DAY)
    assert finding["organization"] == {"id": ROOT, "name": "Root"}
    assert finding["day"] == SECOND_DAY.isoformat()
    assert finding["expected"]
    assert finding["found"]
    assert "repair" in finding["repair"]


def test_repair_shows_first_and_changes_nothing_without_yes(served: PlainSource, root: Path) -> None:
    (root / part()).write_bytes(b"damaged")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = run(served.url, root, "repair")
    assert done.returncode == 8
    assert part() in done.stderr
    assert "--yes" in done.stderr
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = run(served.url, root, "repair", "--yes")
    assert done.returncode == 0, done.stdout
    assert any("fetched" in text for text in fields(done)["done"])
    assert lines(root, ROOT) == served.truth(ROOT)


def test_a_seal_is_made_checked_and_its_digest_asked_for(root: Path, tmp_path: Path) -> None:
    files = pair(tmp_path)
    done = run(NOBODY, root, "seal", "--key", str(files.private))
    assert done.returncode == 0, done.stderr
    newest = fields(done)["newest"]
    for arguments in (["seal", "--check"], ["verify", "--offline"]):
        done = run(NOBODY, root, *arguments, "--public-key", str(files.public), "--newest", newest)
        assert done.returncode == 0, done.stdout
        assert fields(done)["seals"] == {"number": 1, "newest": newest}
    assert fields(run(NOBODY, root, "seal", "--key", str(files.private)))["number"] == 0
    assert run(NOBODY, root, "seal", "--check", "--newest", "0" * 64).returncode == 8
    other = pair(tmp_path, "other")
    assert run(NOBODY, root, "seal", "--check", "--public-key", str(other.public)).returncode == 8
    done = run(NOBODY, root, "seal", "--key", str(other.private), "--next-key", str(other.public))
    assert done.returncode == 2
    assert "--next-key" in done.stderr


def test_a_seal_that_was_not_signed_is_finished_though_nothing_is_new(root: Path, tmp_path: Path) -> None:
    files = pair(tmp_path)
    assert run(NOBODY, root, "seal", "--key", str(files.private)).returncode == 0
    (root / "evidence/seals/000001/SHA256SUMS.sig").unlink()
    assert run(NOBODY, root, "seal", "--check", "--public-key", str(files.public)).returncode == 8
    assert run(NOBODY, root, "seal", "--key", str(files.private)).returncode == 0
    assert run(NOBODY, root, "seal", "--check", "--public-key", str(files.public)).returncode == 0


def test_sealing_goes_on_after_a_change_to_what_was_sealed_and_says_it_each_time(root: Path, tmp_path: Path) -> None:
    files = pair(tmp_path)
    assert run(NOBODY, root, "seal", "--key", str(files.private)).returncode == 0
    edit(root / manifest(), written_by="somebody else")
    edit(root / head(), days={})
    for _ in range(2):
        done = run(NOBODY, root, "seal", "--key", str(files.private))
        assert done.returncode == 8, done.stdout
        assert manifest() in done.stderr


def test_an_archive_with_findings_is_not_sealed(root: Path, tmp_path: Path) -> None:
    (root / part()).write_bytes(b"damaged")
    done = run(NOBODY, root, "seal", "--key", str(pair(tmp_path).private))
    assert done.returncode == 8
    assert not (root / "evidence").exists()


def test_an_archive_without_seals_fails_where_they_are_asked_for(root: Path, tmp_path: Path) -> None:
    assert run(NOBODY, root, "verify", "--offline", "--public-key", str(pair(tmp_path).public)).returncode == 8
    assert run(NOBODY, root, "seal", "--check").returncode == 8


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["verify"], 2),
        (["verify", "--offline", "--public-key", "nothing.pem"], 2),
        (["seal"], 2),
        (["seal", "--key", "nothing.pem"], 2),
        (["seal", "--check", "--key", "x"], 2),
        (["seal", "--key", "x", "--newest", "0"], 2),
        (["verify", "--offline", "--newest", "0"], 2),
        (["verify", "--offline", "--org", "Root"], 2),
        (["repair", "--offline", "--org", "Root"], 2),
    ],
)
def test_nonsense_is_said_in_a_sentence(root: Path, arguments: list[str], status: int) -> None:
    done = run(NOBODY, root, *arguments, CLIENT_ID="")
    assert done.returncode == status
    assert json.loads(done.stderr.splitlines()[-1])["message"]


def test_a_place_without_an_archive_ends_with_6(tmp_path: Path) -> None:
    assert run(NOBODY, tmp_path / "nothing", "verify", "--offline").returncode == 6


def test_an_archive_of_a_newer_version_is_refused(root: Path) -> None:
    edit(root / manifest(), format=99)
    done = run(NOBODY, root, "verify", "--offline")
    assert done.returncode == 6
    assert "newer version" in done.stderr


def test_names_that_could_steer_a_terminal_are_escaped(root: Path) -> None:
    registry = json.loads((root / layout.ORGANIZATIONS).read_bytes())
    registry["organizations"][ROOT]["name"] = "\x1b[31mred\u202e"
    edit(root / layout.ORGANIZATIONS, **registry)
    (root / keys()).unlink()
    shown = terminal(root)
    assert "\x1b[31mred" not in shown
    assert "\\x1b[31mred\\u202e" in shown
    assert keys() in shown.replace("\r\n", "")


def terminal(root: Path) -> str:
    """Return what verify prints on a terminal of 80 columns."""
    line = f"{sys.executable} -m mulesoft_audit verify --offline --archive {root}"
    done = subprocess.run(
        ["script", "-qec", f"stty cols 80; {line}", "/dev/null"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 8
    return done.stdout


def test_a_table_fits_80_columns(root: Path) -> None:
    import re

    (root / head()).write_bytes(b"")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal(root))
    wide = [line for line in plain.replace("\r", "\n").splitlines() if len(line) > 80 and "/" not in line]
    assert not wide
    assert "Organization" in plain


def test_quiet_tells_what_went_wrong_alone_and_verbose_what_is_read(
    served: PlainSource, root: Path, tmp_path: Path
) -> None:
    def told(*arguments: str) -> tuple[int, str, str]:
        _, env = command(served.url, root)
        line = [sys.executable, "-m", "mulesoft_audit", *arguments, "--archive", str(root)]
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    for line in (["verify"], ["repair", "--yes"], ["seal", "--key", str(pair(tmp_path).private)]):
        code, out, err = told(*line, "-v")
        assert (code, bool(out)) == (0, True)
        assert "Read state/" in err
        assert ("GET /accounts/api/me: 200" in err) == (line[0] != "seal")
        assert told(*line, "-q") == (0, "", "")
    (root / part()).write_bytes(b"damaged")
    for line in (["verify", "-q"], ["repair", "-q"], ["seal", "--check", "-q"]):
        code, out, err = told(*line)
        assert code == 8
        assert part() in out + err
    assert told("repair", "--yes", "-q") == (0, "", "")


def test_a_bucket_is_verified_repaired_and_sealed_alike(
    served: PlainSource, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StorageServer() as server:
        for path in root.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                server.put(f"team/{path.relative_to(root).as_posix()}", path.read_bytes())
        place = {"STORAGE_EMULATOR_HOST": server.url}
        bucket = "gs://audit-archive/team"
        assert run(NOBODY, bucket, "verify", "--offline", **place).returncode == 0
        server.put(f"team/{part()}", b"damaged")
        assert run(NOBODY, bucket, "verify", "--offline", **place).returncode == 8
        done = run(served.url, bucket, "repair", "--yes", **place)
        assert done.returncode == 0, done.stdout + done.stderr
        files = pair(tmp_path)
        assert run(NOBODY, bucket, "seal", "--key", str(files.private), **place).returncode == 0
        done = run(served.url, bucket, "verify", "--deep", "--public-key", str(files.public), **place)
        assert done.returncode == 0, done.stdout
