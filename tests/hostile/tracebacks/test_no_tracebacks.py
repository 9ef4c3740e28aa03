"""Whatever is given, said or closed, the program ends with a message, never with a traceback."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest
from tests.hostile.behaviours import once, raw
from tests.hostile.running import QUICK, assert_done, assert_exact, collect, command
from tests.hostile_source import MINUTE, ROOT, HostileSource, Response, honest, now


def run_by_shell(source: HostileSource, archive: Path, shell: str) -> subprocess.CompletedProcess[bytes]:
    """Run the collector as `"$@"` in a line of shell."""
    line, env = command(source, archive, "--since", "5d")
    return subprocess.run(["bash", "-c", shell, "bash", *line], env=env, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "value", ["a\nX-Evil: tok-123", "a\rb tok-123", "tok-123\x00", "tök-123\u2713", "", "x" * 200_000]
)
def test_a_token_that_is_none_is_refused_and_never_printed(source: HostileSource, tmp_path: Path, value: str) -> None:
    source.token = {"access_token": value, "expires_in": 3600}
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {0, 3, 5} if value.startswith("x") else run.code in {3, 5}
    assert "tok-123" not in run.err + run.out
    assert "k-123" not in run.err + run.out


@pytest.mark.parametrize(
    "token",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"access_token":null}',
        b'{"access_token":7}',
        b'{"access_token":"t","expires_in":NaN}',
        b'{"access_token":"t","expires_in":1e999}',
        b'{"access_token":"t","expires_in":"soon"}',
        b'{"access_token":"t","expires_in":-5}',
        b"\xff\xfe",
    ],
)
def test_a_token_response_of_any_kind_is_no_traceback(source: HostileSource, tmp_path: Path, token: bytes) -> None:
    source.token = token
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {0, 3, 5}, run.err


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":"x","total":1}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"<html>login</html>",
        b'{"data":[{}',
    ],
)
def test_a_page_that_is_none_is_said_with_organization_and_time(
    source: HostileSource, tmp_path: Path, body: bytes
) -> None:
    source.respond = raw(body)
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code == 5
    assert ROOT in run.said
    assert not run.complete
    source.respond = honest
    assert_done(collect(source, tmp_path, "--since", "5d"))
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_page_that_is_none_is_asked_for_again(source: HostileSource, tmp_path: Path, number: int) -> None:
    source.respond = once(number, raw(b"<html>login</html>"))
    assert_done(collect(source, tmp_path, "--since", "5d", **QUICK))
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip", "zstd"])
def test_an_encoding_that_is_none_is_no_traceback(source: HostileSource, tmp_path: Path, encoding: str) -> None:
    source.respond = lambda of, query: honest(of, query)._replace(headers={"Content-Encoding": encoding})
    assert collect(source, tmp_path, "--since", "5d", **QUICK).code == 5


def test_a_small_response_that_inflates_without_end_is_given_up(source: HostileSource, tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * (200 << 20), 1)
    source.respond = once(2, lambda of, query: Response([], raw=bomb, headers={"Content-Encoding": "gzip"}))
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {0, 5}
    source.respond = honest
    assert_done(collect(source, tmp_path))
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("status", [204, 206, 301, 302, 304, 400, 402, 404, 409, 410, 418, 422, 451, 501, 599])
def test_a_status_of_any_kind_for_one_log_is_said(source: HostileSource, tmp_path: Path, status: int) -> None:
    headers = {"Location": "http://127.0.0.1:9/"} if 300 <= status < 304 else {}
    source.respond = lambda of, query: (
        Response([], status=status, raw=b"" if status in {204, 304} else b"{}", headers=headers)
        if query.organization == ROOT
        else honest(of, query)
    )
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {4, 5}
    assert ROOT in run.said
    assert_exact(source, tmp_path, of=next(one for one in source.logs if one != ROOT))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANYPOINT_BASE_URL", "x://[y"),
        ("ANYPOINT_BASE_URL", "http://[::1"),
        ("ANYPOINT_BASE_URL", "http://127.0.0.1:99999"),
        ("ANYPOINT_BASE_URL", "http://127.0.0.1:port"),
        ("ANYPOINT_BASE_URL", "http://127.0.0.1:44\u00b2"),
        ("ANYPOINT_BASE_URL", "http://127.0.0.1:-1"),
        ("RATE_SHARE", "nan"),
        ("HTTP_TIMEOUT", "nan"),
        ("HTTP_TIMEOUT", "1e999"),
        ("REQUESTS_PER_MINUTE", "9" * 5000),
        ("MULE_ORG_ID", "../.."),
        ("MULE_ORG_ID", "a\u00b2"),
        ("CLIENT_SECRET_FILE", "~nosuchuser/secret"),
        ("MULESOFT_AUDIT_CONFIG", "~nosuchuser/settings.toml"),
    ],
)
def test_a_setting_that_is_none_is_named_with_status_2(
    source: HostileSource, tmp_path: Path, name: str, value: str
) -> None:
    more = {"CLIENT_SECRET": ""} if name == "CLIENT_SECRET_FILE" else {}
    run = collect(source, tmp_path, "--since", "5d", **{name: value}, **more)
    assert run.code == 2
    assert name in run.said or "settings file" in run.said or "not an organization id" in run.said
    assert not source.queries


@pytest.mark.parametrize("archive", ["~nosuchuser/archive", "x://[y", "gs://[y", "file://[y"])
def test_an_archive_that_is_none_is_said(source: HostileSource, archive: str) -> None:
    run = collect(source, archive, "--since", "5d")
    assert run.code in {2, 6}
    assert len(run.errors) == 1
    assert not Path("~nosuchuser").exists()


@pytest.mark.parametrize(
    "since", ["\u00b2d", "9" * 5001 + "d", "1e999d", "nan", "-1d", "2024-02-30", "0001-01-01", " "]
)
def test_a_since_that_is_none_is_said(source: HostileSource, tmp_path: Path, since: str) -> None:
    run = collect(source, tmp_path, "--since", since)
    assert run.code == 2 or (since == "0001-01-01" and run.code == 0)


def test_a_closed_standard_output_is_no_traceback(source: HostileSource, tmp_path: Path) -> None:
    done = run_by_shell(source, tmp_path, '"$@" >&-')
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert done.returncode == 6
    assert not list(tmp_path.iterdir()), "nobody would have been told what was done"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_is_no_traceback(source: HostileSource, tmp_path: Path) -> None:
    done = run_by_shell(source, tmp_path, '"$@" >/dev/full')
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert done.returncode
    assert_exact(source, tmp_path)


def test_a_reader_of_the_output_that_went_away_is_no_traceback(source: HostileSource, tmp_path: Path) -> None:
    done = run_by_shell(source, tmp_path, '"$@" | true')
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert_exact(source, tmp_path)


def test_a_closed_standard_error_loses_no_entry(source: HostileSource, tmp_path: Path) -> None:
    done = run_by_shell(source, tmp_path, '"$@" 2>&-')
    assert done.returncode == 0
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_a_path_that_is_not_utf_8_is_no_traceback(source: HostileSource, tmp_path: Path, locale: str) -> None:
    archive = os.fsencode(tmp_path) + b"/caf\xe9"
    line, env = command(source, "", "--since", "5d", LC_ALL=locale, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    done = subprocess.run(
        [archive if part == "" else os.fsencode(part) for part in line],
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 2, 6}


def test_an_argument_that_is_not_utf_8_is_no_traceback(source: HostileSource, tmp_path: Path) -> None:
    line, env = command(source, tmp_path, "--org", "x", LC_ALL="C")
    done = subprocess.run([*line[:-1], b"\xe9\xff"], env=env, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 2


def test_a_date_header_that_is_none_is_no_traceback(source: HostileSource, tmp_path: Path) -> None:
    source.skew = 1e11
    source.add(ROOT, now() - MINUTE, seed="new")
    collect(source, tmp_path, "--since", "5d", **QUICK)
    assert_exact(source, tmp_path)


@pytest.mark.parametrize("who", [b"[]", b"null", b"{}", b'{"user":[]}', b'{"client":{"org_id":3}}', b"\xff"])
def test_an_account_that_names_no_organization_is_said(source: HostileSource, tmp_path: Path, who: bytes) -> None:
    source.me = who
    run = collect(source, tmp_path, "--since", "5d", **QUICK)
    assert run.code in {2, 5}
    assert "MULE_ORG_ID" in run.said or run.code == 5
