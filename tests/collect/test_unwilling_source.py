"""A source that refuses for a while, or says things in another way."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

from tests.archives import collect, command
from tests.collect.hourly import NOON, assert_exact, hourly
from tests.collect.in_process import DAY, run_at
from tests.plain_source import ROOT, PlainSource, serving

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_refused_hierarchy_is_said_by_a_plan_too(tmp_path: Path) -> None:
    source = PlainSource(hierarchy_status=403)
    with serving(source):
        line, env = command(source.url, tmp_path)
        line[line.index("collect")] = "backfill"
        line += ["--since", "3d", "--plan-only"]
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 4
        assert "read:organization" in done.stderr
        assert collect(source.url, tmp_path).returncode == 4
