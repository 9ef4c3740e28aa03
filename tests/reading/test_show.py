"""Entries as a person, a script and a spreadsheet get them."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reading.archives import DAY, add, line, name
from tests.reading.commands import run

from mulesoft_audit.archive.layout import day_of, part_name
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.reading.rows import reference
from mulesoft_audit.reading.whole import whole

NOW = int(time.time() * 1000)
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202egnp.\x9b31m"


def entry(time_: int, **fields: object) -> bytes:
    found = {"timestamp": time_, "platform": "CoreServices", "action": "Login", "userName": "alice", **fields}
    return json.dumps(found, ensure_ascii=False).encode()


@pytest.fixture
def archive(tmp_path):
    store = LocalStore(tmp_path / "archive")
    name(store, org1="Payments", org2="Größe")
    add(store, "org1", [entry(NOW - 40 * DAY), entry(NOW - 3_600_000), entry(NOW - 1000, userName="bob", failed=True)])
    add(store, "org2", [entry(NOW - 2000, userName=HOSTILE, objects=[{"objectType": "User", "objectName": "=1+1"}])])
    return tmp_path / "archive"


def show(archive, *arguments: object):
    return run("show", "--archive", archive, *arguments)


def test_the_last_day_is_shown_the_newest_last(archive, monkeypatch):
    done = show(archive)
    assert done.code == 0, done.err
    lines = done.text.splitlines()
    assert len(lines) == 3
    assert "Payments  alice" in lines[0]
    assert "Größe     \\x1b[2J" in lines[1]
    assert "bob" in lines[2]
    assert "failed" in lines[2]


def test_no_text_of_an_entry_steers_the_terminal(archive):
    for form in ([], ["--csv"], ["--entry", reference(_line(archive, HOSTILE))]):
        shown = show(archive, "--org", "größe", *form).text
        assert shown
        assert all(one.isprintable() or one == "\n" for one in shown)


def _line(archive, text: str) -> bytes:
    (found,) = (
        one for one in show(archive, "--json").out.splitlines() if json.dumps(text, ensure_ascii=False).encode() in one
    )
    return found


def test_json_gives_the_bytes_of_the_entries(archive):
    assert show(archive, "--json", "--since", "41d", "--org", "org1").out == b"".join(
        one + b"\n"
        for one in (entry(NOW - 40 * DAY), entry(NOW - 3_600_000), entry(NOW - 1000, userName="bob", failed=True))
    )


def test_json_on_a_terminal_is_escaped(archive):
    main, other = pty.openpty()
    line = [sys.executable, "-m", "mulesoft_audit", "show", "--archive", str(archive), "--json"]
    with subprocess.Popen(line, stdout=other, stderr=subprocess.DEVNULL) as process:
        os.close(other)
        data = b""
        while True:
            try:
                read = os.read(main, 65536)
            except OSError:
                break
            if not read:
                break
            data += read
        assert process.wait(30) == 0
    os.close(main)
    assert data.count(b"\n") == 3
    assert b"\\x9b31m" in data or b"\\\\x9b31m" in data
    assert "\x9b" not in data.decode()


def test_csv_is_a_table_in_which_nothing_is_a_formula(archive):
    rows = list(csv.DictReader(io.StringIO(show(archive, "--csv", "--org", "Größe").text)))
    assert len(rows) == 1
    assert rows[0]["organization_name"] == "Größe"
    assert rows[0]["object_name"] == "'=1+1"
    assert rows[0]["failed"] == "false"
    assert rows[0]["time"].endswith("Z")


def test_filters_are_applied(archive):
    assert len(show(archive, "--since", "41d", "--user", "ALI*").text.splitlines()) == 2
    assert len(show(archive, "--since", "41d", "--failed").text.splitlines()) == 1
    assert len(show(archive, "--since", "41d", "--until", "30d").text.splitlines()) == 1


def test_the_newest_are_found_however_far_back_they_are(archive):
    lines = show(archive, "--limit", "3").text.splitlines()
    assert len(lines) == 3
    assert show(archive, "--limit", "1").text == lines[-1] + "\n"
    assert len(show(archive, "--limit", "100").text.splitlines()) == 4
    assert len(show(archive, "--limit", "100", "--since", "2h").text.splitlines()) == 3


def test_without_a_beginning_it_is_the_day_before_the_end(archive):
    assert len(show(archive, "--until", "39d12h").text.splitlines()) == 1
    assert show(archive, "--until", "30d").out == b""
    assert len(show(archive, "--until", "30d", "--limit", "9").text.splitlines()) == 1
    done = run("report", "--archive", archive, "--until", "39d", "--output", archive.parent / "report.html")
    assert (done.code, done.text.split(": ")[-1]) == (0, "1 entry.\n"), done.err


def test_one_entry_is_written_in_any_form(archive):
    reference_ = reference(entry(NOW - 1000, userName="bob", failed=True))
    assert show(archive, "--entry", reference_, "--json").out == entry(NOW - 1000, userName="bob", failed=True) + b"\n"
    assert len(show(archive, "--entry", reference_, "--csv").text.splitlines()) == 2


def test_one_entry_is_shown_whole(archive):
    shown = show(archive, "--since", "2h", "--user", "bob").text
    done = show(archive, "--entry", shown.split()[-1])
    assert json.loads(done.text) == json.loads(entry(NOW - 1000, userName="bob", failed=True))
    assert "Payments" in done.err


def test_an_entry_that_is_not_there_is_said(archive):
    done = show(archive, "--entry", "00000000")
    assert (done.code, done.out) == (2, b"")


def test_no_entries_is_no_failure(archive):
    done = show(archive, "--user", "nobody")
    assert (done.code, done.out) == (0, b"")
    assert "--since" in done.err


def test_a_part_that_is_gone_is_said_and_the_rest_shown(archive):
    (archive / part_name("org2", day_of(NOW - 2000), 1)).unlink()
    done = show(archive)
    assert done.code == 6
    assert len(done.text.splitlines()) >= 1
    assert "is gone" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["--since", "soon"], ["--org", "Paiments"], ["--since", "1d", "--until", "2d"], ["--archive", "/nowhere/at/all"]],
)
def test_what_is_wrong_is_said_with_2(archive, arguments):
    done = show(archive, *arguments)
    assert (done.code, done.out) == (2, b"")
    assert arguments[1] in done.err or "--until" in done.err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
)


@given(JSON)
def test_an_entry_shown_whole_means_what_it_meant(value):
    shown = whole(json.dumps(value).encode())
    assert json.loads(shown) == value
    assert all(one.isprintable() or one == "\n" for one in shown)


def test_an_entry_shown_whole_keeps_every_spelling():
    assert whole(
        rb'{"a":[1.0E+2,-0,340282366920938463463374607431768211457],"a":{},"b":[],"\ud83d":"x, {\"y\": 1}"}'
    ) == (
        '{\n  "a": [\n    1.0E+2,\n    -0,\n    340282366920938463463374607431768211457\n  ],\n  "a": {},\n  "b": [],\n'
        '  "\\ud83d": "x, {\\"y\\": 1}"\n}'
    )
    assert len(whole(b"[" * 100_000 + b"]" * 100_000)) < 20_000_000


def test_where_a_part_is_damaged_it_is_not_said_that_there_is_no_such_entry(tmp_path):
    name(store := LocalStore(tmp_path), org1="Payments")
    add(store, "org1", [line(int(time.time() * 1000) - 1000)])
    (part,) = tmp_path.rglob("*.gz")
    part.write_bytes(b"damaged")
    for asked in (["--since", "2d"], ["--entry", "3f9a2b1c"]):
        done = run("show", "--archive", tmp_path, *asked)
        assert done.code == 6
        assert "is not what was written there" in done.err
        assert "o such entries" not in done.err
