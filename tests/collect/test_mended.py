"""What once went wrong, and must not again."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.archives import collect, command, lines
from tests.collect.in_process import DAY, HOUR, run_at
from tests.plain_source import ROOT, PlainSource, entry, serving

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import UsageError
from mulesoft_audit.settings import load
from mulesoft_audit.times import duration, moment

GROUP = "0b000000-0000-4000-8000-000000000000"
NOON = int(time.time() * 1000) // DAY * DAY - 10 * DAY + 12 * HOUR


def now() -> int:
    return int(time.time() * 1000)


def hourly(source: PlainSource, organization: str, start: int, end: int, seed: int = 1) -> None:
    rng = random.Random(f"{organization}{start}{seed}")
    for stamp in range(start, end, HOUR):
        source.add(organization, stamp, entry(stamp, rng))


def assert_exact(source: PlainSource, archive: Path) -> None:
    for organization in source.logs:
        assert lines(archive, organization) == source.truth(organization)


def test_a_since_does_not_close_days_that_it_did_not_look_at(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY, NOON)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        source.add(ROOT, NOON - HOUR, entry(NOON - HOUR, random.Random(9)))
        hourly(source, ROOT, NOON, NOON + 3 * DAY)
        assert run_at(source, tmp_path, NOON + 3 * DAY, since=NOON + 2 * DAY).exit_code == 0
        assert run_at(source, tmp_path, NOON + 3 * DAY + 1).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_business_group_that_is_new_is_collected_from_where_the_archive_begins(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        hourly(source, ROOT, NOON + HOUR, NOON + 3 * DAY)
        hourly(source, GROUP, NOON + HOUR, NOON + 3 * DAY)
        assert run_at(source, tmp_path, NOON + 3 * DAY).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_look_back_that_is_made_longer_opens_days_again(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - 5 * DAY, NOON)
    with serving(source):
        assert run_at(source, tmp_path, NOON, since=NOON - 6 * DAY).exit_code == 0
        source.add(ROOT, NOON - 3 * DAY, entry(NOON - 3 * DAY, random.Random(9)))
        assert run_at(source, tmp_path, NOON + 1, look_back=7 * DAY).exit_code == 0
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("burst", [100, 500])
def test_a_rolled_up_burst_is_recognized_as_rolled_up(tmp_path: Path, burst: int) -> None:
    source = PlainSource(rolls_up=True)
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    for number in range(burst):
        source.add(GROUP, NOON - HOUR, entry(NOON - HOUR, random.Random(number)))
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_rolled_up_log_that_is_collected_alone_later_repeats_nothing(tmp_path: Path) -> None:
    source = PlainSource(rolls_up=True)
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    hourly(source, GROUP, NOON - DAY // 2, NOON, seed=2)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        assert run_at(source, tmp_path, NOON + 1, orgs=(ROOT,), since=NOON - DAY).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_few_events_logged_alike_in_two_logs_are_not_taken_for_a_roll_up(tmp_path: Path) -> None:
    source = PlainSource()
    for number in range(3):
        stamp = NOON - 1 - number
        both = entry(stamp, random.Random(number))
        source.add(ROOT, stamp, both)
        source.add(GROUP, stamp, both)
    for organization in (ROOT, GROUP):
        hourly(source, organization, NOON - DAY // 2, NOON, seed=3)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("cap", [1_000, 5_000, 10_000])
def test_a_total_that_stops_at_what_is_held_does_not_hide_the_next_entry(tmp_path: Path, cap: int) -> None:
    source = PlainSource(total_cap=cap)
    source.fill(ROOT, cap, NOON - HOUR, NOON - 1000)
    del source.logs[ROOT][cap:]
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        source.add(ROOT, NOON - HOUR // 2, entry(NOON - HOUR // 2, random.Random(3)))
        assert run_at(source, tmp_path, NOON + 1).exit_code == 0
    assert_exact(source, tmp_path)


def test_entries_of_one_millisecond_that_change_places_are_each_read_once(tmp_path: Path) -> None:
    source = PlainSource()
    rng = random.Random(5)
    for _ in range(60):
        stamp = NOON - rng.randrange(1000, DAY // 2)
        for _ in range(rng.randrange(1, 50)):
            source.add(ROOT, stamp, entry(stamp, rng))

    def shuffled_ties(found: list[bytes]) -> list[bytes]:
        return sorted(found, key=lambda body: (json.loads(body)["timestamp"], rng.random()))

    source.order = shuffled_ties
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


def test_an_entry_that_vanishes_while_it_is_read_takes_no_other_with_it(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 2000, NOON - DAY // 2, NOON - 1000)

    def vanish(of: PlainSource) -> None:
        if of.counts["queries"] == 6:
            del of.logs[ROOT][0]

    source.before_query = vanish
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


def test_an_entry_that_is_spelled_otherwise_the_next_time_is_not_written_again(tmp_path: Path) -> None:
    source = PlainSource()
    source.fill(ROOT, 300, NOON - DAY // 2, NOON - 1000)

    def respell(found: list[bytes]) -> list[bytes]:
        def other(body: bytes) -> bytes:
            value: dict[str, Any] = json.loads(body)
            value["payload"] = dict(reversed(value["payload"].items()))
            return json.dumps(value).encode()

        return [other(body) if index % 10 == 0 else body for index, body in enumerate(found)]

    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        source.order = respell
        source.add(ROOT, NOON - HOUR, entry(NOON - HOUR, random.Random(7)))
        assert run_at(source, tmp_path, NOON + 1).exit_code == 0
    assert lines(tmp_path).total() == len(source.logs[ROOT])


def test_a_short_retry_after_is_not_an_outage(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    until = time.time() + 0.7

    def busy(handler: Any, path: str) -> bool:
        if not path.endswith("/query") or time.time() > until:
            return False
        handler.send_response(503)
        handler.send_header("Retry-After", "0")
        handler.send_header("Date", "Mon, 23 Nov 2026 10:00:59 GMT")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    source.answer = busy
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_second_of_401_does_not_end_a_run(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY // 2, NOON)
    until = time.time() + 1

    def refuse(handler: Any, path: str) -> bool:
        if not path.endswith("/query") or time.time() > until:
            return False
        handler.reply(401)
        return True

    source.answer = refuse
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
    assert source.counts["tokens"] < 8
    assert_exact(source, tmp_path)


def test_sigterm_ends_a_run_though_the_token_endpoint_hangs(tmp_path: Path) -> None:
    source = PlainSource(token_seconds=1.0, latency=0.05)
    source.fill(ROOT, 20_000, now() - DAY, now() - 1000)

    def hang(handler: Any, path: str) -> bool:
        if path.endswith("/token") and source.counts["tokens"]:
            source.counts["hanging"] += 1
            time.sleep(20)
        return False

    source.answer = hang
    with serving(source):
        line, env = command(source.url, tmp_path)
        with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not source.counts["hanging"]:
                time.sleep(0.02)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
            assert time.monotonic() - began < 5
        assert process.returncode == 130
    assert lines(tmp_path).total() > 0


def test_what_a_killed_process_of_the_same_number_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """In a container the next process has the same host name and number as the one that was killed."""
    folder = tmp_path / "state" / "tmp"
    folder.mkdir(parents=True)
    store = LocalStore(tmp_path)
    store.create("state/x", b"1")
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    left = folder / f"{socket.gethostname()}-{namespace}.{os.getpid()}.{'0' * 12}-0"
    left.write_bytes(b"half")
    other = folder / f"elsewhere.{os.getpid()}.{'0' * 12}-0"
    other.write_bytes(b"being written")
    LocalStore(tmp_path).create("state/y", b"1")
    assert not left.exists()
    assert other.exists()


def test_a_token_whose_lifetime_is_text_or_null_is_taken(tmp_path: Path) -> None:
    for index, lifetime in enumerate(['"3600"', "null"]):
        source = PlainSource()
        hourly(source, ROOT, NOON - DAY // 2, NOON)

        def grant(handler: Any, path: str, lifetime: str = lifetime, source: PlainSource = source) -> bool:
            if not path.endswith("/token"):
                return False
            source.tokens["t"] = time.time() + 3600
            handler.reply(200, raw=b'{"access_token":"t","expires_in":%s}' % lifetime.encode())
            return True

        source.answer = grant
        with serving(source):
            assert run_at(source, tmp_path / str(index), NOON).exit_code == 0


@pytest.mark.parametrize("text", ["999999w", "0001-01-01", "1970-01-01"])
def test_times_beyond_reason_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, now(), "--since")
    with pytest.raises(UsageError):
        duration("999999w", "LOOK_BACK")


def test_a_setting_hides_its_twin_of_a_lower_rank() -> None:
    environment = {"CLIENT_SECRET": "env", "ANYPOINT_BASE_URL": "https://a.example.com", "ARCHIVE": "a"}
    settings = load({"client_secret_file": "f", "anypoint_plane": "eu", "gcs_bucket": "b"}, environment)
    assert (settings.client_secret, settings.plane.name, settings.archive_url) == ("", "eu", "gs://b")


def test_a_gap_that_a_since_leaves_is_closed_by_the_next_run(tmp_path: Path) -> None:
    source = PlainSource()
    hourly(source, ROOT, NOON - DAY // 2, NOON + 5 * DAY)
    with serving(source):
        assert run_at(source, tmp_path, NOON).exit_code == 0
        assert run_at(source, tmp_path, NOON + 5 * DAY, since=NOON + 4 * DAY).exit_code == 0
        assert run_at(source, tmp_path, NOON + 5 * DAY + 1).exit_code == 0
    assert_exact(source, tmp_path)


def test_a_refused_hierarchy_is_said_by_a_plan_too(tmp_path: Path) -> None:
    source = PlainSource(hierarchy_status=403)
    with serving(source):
        line, env = command(source.url, tmp_path)
        line[line.index("collect")] = "backfill"
        line += ["--since", "3d", "--plan-only"]
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 4
        assert "read:organization" in done.stderr
        assert collect(source.url, tmp_path).returncode == 4


def test_runs_that_are_cut_short_each_get_further_than_the_last(tmp_path: Path) -> None:
    source = PlainSource()
    rng = random.Random(3)
    for index in range(1_800):  # nine pages, of which a run gets to read three
        source.add(ROOT, NOON + index * 1_000, entry(NOON + index * 1_000, rng))
    held = []
    with serving(source):
        while not held or held[-1] < 1_800:
            run_at(source, tmp_path, NOON + DAY, since=NOON, queries=5)
            held.append(lines(tmp_path, ROOT).total())
            assert len(held) < 9, f"held after each run: {held}"
    assert held == sorted(set(held)), "each run got further"
    assert_exact(source, tmp_path)
