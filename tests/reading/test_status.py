"""What an archive holds and how fresh it is, told without reading an entry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from tests.reading.archives import DAY, add, line, name
from tests.reading.commands import run
from tests.storage_server import StorageServer

from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.collect import last_run
from mulesoft_audit.collect.last_run import LastRun
from mulesoft_audit.ledger import registry
from mulesoft_audit.ledger.head import Counted, Head
from mulesoft_audit.ledger.head import load as load_head
from mulesoft_audit.ledger.head import save as save_head
from mulesoft_audit.ledger.registry import Known
from mulesoft_audit.reading.status import DIGITS, bar, standing
from mulesoft_audit.times import iso

if TYPE_CHECKING:
    from mulesoft_audit.archive.store import Store

NOW = 1_795_691_025_854  # 2026-11-26
MIDNIGHT = NOW // DAY * DAY


def fill(store: Store, proved: int | None = None) -> int:
    """Make an archive of two organizations, proved so many ms ago; return what time it is."""
    now = int(time.time() * 1000)
    name(store, org1="Payments", org2="\x1b[31mRed")
    add(store, "org1", [line(now - 2 * DAY), line(now - 1000)])
    add(store, "org2", [line(now - 3 * DAY)])
    if proved is not None:
        told = {"complete": True, "verified_at": iso(now - proved), "newest_entry": iso(now - 1000)}
        last_run.save(store, LastRun(now - proved, 0, True, 0, {"org1": told, "org2": told}), *last_run.load(store))
    return now


def test_what_is_told_of_an_organization():
    days = {"2026-11-26": Counted(1, 1, 5, 5), "2026-11-25": Counted(1, 1, 3, 4), "2026-10-01": Counted(1, 1, 2, 3, 1)}
    head = Head("o", since=MIDNIGHT - 60 * DAY, days=days, unread=[(MIDNIGHT - DAY, MIDNIGHT)])
    head.keep_newest([(NOW - 5000, b"x" * 16, 1), (NOW - 9000, b"x" * 16, 1)], NOW - 9000)
    said = {
        "verified_at": iso(NOW - 60_000),
        "complete": False,
        "not_proved": ["totals prove nothing"],
        "failures": ["no"],
    }
    found = standing(head, Known("Payments"), LastRun(organizations={"o": said}), NOW)
    assert (found.entries, found.newest, found.proved, found.complete) == (10, NOW - 5000, NOW - 60_000, False)
    assert found.days[-3:] == (0, 3, 5)
    assert found.gaps == (
        "no",
        "totals prove nothing",
        "what was being read from 2026-11-25 to 2026-11-26 when a run was stopped is not read to its end",
        "1 entry of 2026-10-01 could not be read",
        "of 2026-11-25, 3 entries are held and Anypoint had 4",
    )
    assert found.stale(NOW, 59_999)
    assert not found.stale(NOW, 60_000)


def test_a_run_that_fails_undoes_no_proof(tmp_path):
    """Status 8 comes when the proof is too old, and not with the first run that fails."""
    store = LocalStore(tmp_path)
    now = fill(store, proved=600_000)
    for minutes in (5, 1):
        failed = {"complete": False, "verified_at": None, "failures": ["Anypoint is unavailable."]}
        run_ = LastRun(now - minutes * 60_000, 0, False, 5, {"org1": failed, "org2": failed})
        last_run.save(store, run_, *last_run.load(store))
    archive = ("status", "--archive", str(tmp_path))
    assert run(*archive, "--max-age", "15m").code == 0
    assert run(*archive, "--max-age", "5m").code == 8


@pytest.mark.parametrize("said", [{}, {"o": None}, {"o": {"verified_at": "soon", "not_proved": 3}}, {"o": []}])
def test_what_a_last_run_does_not_say_is_not_known(said):
    found = standing(Head("o"), Known(since=MIDNIGHT), LastRun(organizations=said), NOW)
    assert (found.proved, found.newest, found.complete, found.gaps, found.since) == (0, 0, False, (), MIDNIGHT)
    assert found.days == (None,) * 29 + (0,)


def test_a_bar_has_a_character_a_day():
    assert bar([None, 0, 1, 50, 100]) == " ·▁▄█"
    assert bar([0, 0]) == "··"
    assert bar([]) == ""


def test_a_person_sees_one_screen_of_80_columns(tmp_path):
    fill(LocalStore(tmp_path), proved=5 * 60_000)
    done = run("status", "--archive", tmp_path)
    assert done.code == 0, done.err
    assert "Holds     3 entries" in done.text
    assert "Payments" in done.text
    assert "5 min ago: complete" in done.text
    assert "\x1b" not in done.text
    assert max(cell_len(one) for one in done.text.splitlines()[1:]) <= 80


def test_before_the_first_run_has_ended_it_is_said_that_nothing_is_counted_yet(tmp_path):
    fill(LocalStore(tmp_path))
    assert "Last run  none has ended yet; what it brings is counted then" in run("status", "--archive", tmp_path).text


def test_a_long_name_is_cut_and_no_number(tmp_path):
    store = LocalStore(tmp_path)
    now = fill(store, proved=5 * 60_000)
    name(store, org1="A business group with a long name, as there are many, and the 2nd")
    save_head(
        store, Head("org1", days={iso(now)[:10]: Counted(1, 1, 1_234_567, 1_234_567)}), load_head(store, "org1")[1]
    )
    done = run("status", "--archive", tmp_path, "--max-age", "1m")
    (row,) = (one for one in done.text.splitlines() if one.startswith("A business"))
    assert "1,234,567" in row
    assert "5 min" in row
    assert cell_len(row) <= 80
    assert "Not proved within --max-age: A business group with a long name, as there are many, and the 2nd" in done.text


def test_a_script_gets_one_object(tmp_path):
    fill(LocalStore(tmp_path), proved=5 * 60_000)
    found = run("status", "--archive", tmp_path, "--json", "--org", "payments", "--size").json
    assert found["entries"] == 2
    assert found["size"] > 0
    assert found["last_run"]["complete"]
    (one,) = found["organizations"]
    assert (one["id"], one["name"], one["complete"], one["gaps"]) == ("org1", "Payments", True, [])
    assert 300 <= one["proved_seconds_ago"] < 400
    assert len(one["days"]) == 30


@pytest.mark.parametrize(
    ("proved", "age", "code"), [(60_000, "5m", 0), (600_000, "5m", 8), (None, "1y", 8), (None, None, 0)]
)
def test_8_says_that_the_last_proof_is_too_old(tmp_path, proved, age, code):
    fill(LocalStore(tmp_path), proved)
    done = run("status", "--archive", tmp_path, "--json", *(["--max-age", age] if age else []))
    assert done.code == code
    assert done.json["stale"] is (code == 8)


def test_a_bucket_is_looked_at_in_a_handful_of_requests(monkeypatch):
    with StorageServer(buckets=["audit-archive"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        store = GcsStore("audit-archive")
        fill(store, proved=1000)
        store.close()
        found = run("status", "--archive", "gs://audit-archive", "--json", "--max-age", "1h")
        assert (found.code, found.json["entries"]) == (0, 3)


@pytest.mark.parametrize("arguments", [["--org", "nobody"], ["--max-age", "soon"], ["--archive", "/nowhere/at/all"]])
def test_what_is_wrong_is_said_with_2(tmp_path, arguments):
    fill(LocalStore(tmp_path))
    done = run("status", "--archive", tmp_path, *arguments)
    assert (done.code, done.out) == (2, b"")
    assert arguments[1] in done.err


def test_the_root_comes_first_and_each_group_below_its_own(tmp_path):
    store = LocalStore(tmp_path)
    held, generation = registry.load(store)
    groups = {"g1": Known("Group", "root"), "root": Known("Root"), "g2": Known("Other", "root"), "s": Known("S", "g1")}
    registry.save(store, held, generation, "root", {**groups, "a": Known("A", "b"), "b": Known("B", "a")})
    found = [one["id"] for one in run("status", "--archive", tmp_path, "--json").json["organizations"]]
    assert found == ["root", "g1", "s", "g2", "a", "b"]


@pytest.mark.parametrize(("columns", "days"), [(40, 0), (50, 0), (72, 23), (80, 30), (200, 30)])
def test_a_narrow_terminal_hides_no_gap_and_no_recent_day(tmp_path, monkeypatch, columns, days):
    fill(LocalStore(tmp_path))
    monkeypatch.setenv("COLUMNS", str(columns))
    head, first = run("status", "--archive", tmp_path).text.splitlines()[4:6]
    assert "Gaps" in head
    assert (f"Last {days} days" in head) is bool(days)
    assert first.endswith("█" if days else "0")


def test_quiet_tells_only_what_is_wrong(tmp_path):
    fill(LocalStore(tmp_path), proved=1000)
    assert run("status", "--archive", tmp_path, "-q") == (0, b"", "")
    assert "Not proved within" in run("status", "--archive", tmp_path, "-q", "--max-age", "1s").text
    assert run("status", "--archive", tmp_path, "-q", "--json").json["entries"] == 3


def test_a_clock_behind_the_archive_makes_no_run_fresh(tmp_path):
    fill(LocalStore(tmp_path), proved=-DAY)
    assert "after the time of this machine's clock" in run("status", "--archive", tmp_path).text


def test_one_entry_is_one(tmp_path):
    name(store := LocalStore(tmp_path), org1="Payments")
    add(store, "org1", [line(MIDNIGHT)])
    assert "Holds     1 entry\n" in run("status", "--archive", tmp_path).text


def test_where_bars_cannot_be_shown_digits_are():
    assert bar([None, 0, 1, 8], DIGITS) == " .18"
