"""A run that is told to stop ends within five seconds, whatever it waits for, and no source holds it for ever."""

from __future__ import annotations

import fcntl
import signal
import time
from typing import TYPE_CHECKING

import pytest
from tests.hostile.running import Run, assert_done, assert_exact, checked, collect, start
from tests.hostile_source import GROUP, HOUR, ROOT, HostileSource, Query, Response, honest, now
from tests.storage_server import StorageServer

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def end(process: subprocess.Popen[str]) -> None:
    """Leave nothing running that did not stop by itself."""
    if process.returncode is None:
        process.kill()
        process.communicate()


def told_to_stop(source: HostileSource, archive: Path | str, after: float, **environment: str) -> tuple[Run, float]:
    """Start a run, send SIGTERM seconds after its first request; return the run and how long it took to end."""
    process = start(source, archive, "--since", "5d", **environment)
    try:
        while not source.others and process.poll() is None:
            time.sleep(0.02)
        time.sleep(after)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        out, err = process.communicate(timeout=15)
    finally:
        end(process)
    return checked(process.returncode, out, err), time.monotonic() - began


def test_sigterm_ends_a_run_though_the_archives_lock_is_held_elsewhere(source: HostileSource, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with (tmp_path / "state/.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run, seconds = told_to_stop(source, tmp_path, 0.7)
    assert run.code == 130
    assert seconds < 5
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)


def test_sigterm_ends_a_run_though_the_archives_lock_is_taken_while_it_reads(
    large: HostileSource, tmp_path: Path
) -> None:
    def slow(source: HostileSource, query: Query) -> Response:
        time.sleep(0.02)
        return honest(source, query)

    large.spread(ROOT, 15_000, now() - 40 * HOUR, now() - HOUR, seed="more")
    large.respond = slow
    process = start(large, tmp_path, "--since", "3d")
    while len(large.queries) < 20:
        time.sleep(0.01)
    with (tmp_path / "state/.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=15)
        finally:
            end(process)
        assert time.monotonic() - began < 6
    assert checked(process.returncode, out, err).code in {6, 130}
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


@pytest.mark.parametrize("which", ["stall", "drip"])
@pytest.mark.parametrize("number", [1, 3])
def test_sigterm_ends_a_run_though_the_source_never_responds(
    source: HostileSource, tmp_path: Path, which: str, number: int
) -> None:
    setattr(source, which, lambda query: query.number >= number)
    run, seconds = told_to_stop(source, tmp_path, 0.7)
    assert run.code == 130
    assert not run.complete
    assert seconds < 5
    setattr(source, which, None)
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("kind", ["insert", "media", "list"])
def test_sigterm_ends_a_run_though_the_bucket_never_responds(source: HostileSource, kind: str) -> None:
    with StorageServer(buckets=["audit"]) as server:
        bucket = {"STORAGE_EMULATOR_HOST": server.url}
        server.fail("stall:60", method=kind, times=None)
        run, seconds = told_to_stop(source, "gs://audit", 0.7, **bucket)
        assert run.code in {6, 130}
        assert not run.complete
        assert seconds < 5
        server.heal()
        assert_done(collect(source, "gs://audit", "--since", "5d", **bucket))


def test_sigterm_keeps_what_was_read(large: HostileSource, tmp_path: Path) -> None:
    def slow(source: HostileSource, query: Query) -> Response:
        time.sleep(0.03)
        return honest(source, query)

    large.spread(ROOT, 15_000, now() - 40 * HOUR, now() - HOUR, seed="more")
    large.respond = slow
    run, seconds = told_to_stop(large, tmp_path, 1.0)
    assert run.code == 130
    assert seconds < 5
    assert run.new > 0
    large.respond = honest
    assert_done(collect(large, tmp_path))
    assert_exact(large, tmp_path)


def test_headers_that_drip_do_not_hang_a_run(source: HostileSource, tmp_path: Path) -> None:
    """Runs inside the runner: what is minutes for one response is seconds."""
    source.drip = lambda query: query.number == 2
    began = time.monotonic()
    run = collect(source, tmp_path, "--since", "5d", HOSTILE_LONGEST="2", HOSTILE_HASTE="100", HTTP_TIMEOUT="0.4")
    assert time.monotonic() - began < 15
    assert_done(run)
    assert_exact(source, tmp_path)


def test_headers_that_always_drip_for_one_log_keep_no_other_away(source: HostileSource, tmp_path: Path) -> None:
    """Runs inside the runner, as above."""
    source.drip = lambda query: query.organization == ROOT
    quick = {"HOSTILE_LONGEST": "0.5", "HOSTILE_HASTE": "100", "HTTP_TIMEOUT": "0.4"}
    run = collect(source, tmp_path, "--since", "5d", **quick)
    assert run.code == 5
    assert ROOT in run.said
    assert_exact(source, tmp_path, of=GROUP)


def test_endless_headers_do_not_fill_the_memory(source: HostileSource, tmp_path: Path) -> None:
    source.respond = lambda of, query: honest(of, query)._replace(
        headers={f"X-{number}": "y" * 60_000 for number in range(90)} if query.number == 1 else {}
    )
    run = collect(source, tmp_path, "--since", "5d", HOSTILE_HASTE="100")
    assert_done(run)
    assert_exact(source, tmp_path)


def test_two_sigterms_end_a_run_at_once(source: HostileSource, tmp_path: Path) -> None:
    source.stall = lambda query: True
    process = start(source, tmp_path, "--since", "5d")
    while not source.queries:
        time.sleep(0.02)
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    began = time.monotonic()
    out, err = process.communicate(timeout=15)
    assert time.monotonic() - began < 5
    assert checked(process.returncode, out, err).code == 130


def test_sigint_in_a_pause_between_tries_ends_a_run(source: HostileSource, tmp_path: Path) -> None:
    source.respond = lambda of, query: Response([], status=500, raw=b"")
    process = start(source, tmp_path, "--since", "5d")
    while not source.queries:
        time.sleep(0.02)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=15)
    assert time.monotonic() - began < 2
    assert checked(process.returncode, out, err).code == 130
