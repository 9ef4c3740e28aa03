"""SQL over an archive sees every entry as `show` does, and can do nothing but read it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.reading.archives import DAY, START, add, name
from tests.reading.commands import run
from tests.storage_server import StorageServer

from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.archive.layout import day_of, manifest_name, part_name
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.ledger.batch import LINE_LIMIT
from mulesoft_audit.ledger.names import names_of
from mulesoft_audit.reading.rows import COLUMNS, columns
from mulesoft_audit.reading.stream import entries
from mulesoft_audit.reading.view import view

ENTRY = {
    "platform": "CoreServices",
    "action": "Login",
    "objects": [{"objectType": "User", "objectId": "u-2", "objectName": "bob", "environmentName": "Design"}],
    "payload": {"subaction": "Failure", "properties": {"clientIP": "192.0.2.1"}},
    "failed": False,
    "userId": "u-1",
    "userName": "alice",
}


def line(time: int, **fields: object) -> bytes:
    return json.dumps({"timestamp": time, **ENTRY, **fields}).encode()


def text(time: int, more: bytes) -> bytes:
    return line(time)[:-1] + b"," + more + b"}"


ODD = [
    line(START),
    text(START + 1, rb'"x":"half a \ud83d pair"'),
    text(START + 2, rb'"x":"\\ud83d is no escape, \ud83d\ude00 is a pair, \\\ud83d is half of one"'),
    text(START + 3, rb'"userName":"first","x":1,"userName":"last"'),
    text(START + 13, rb'"userName":"first","a\nb,action,":1,"\u0075serName":"last"'),
    text(START + 4, rb'"payload":{"subaction":"first","subaction":"Failure","properties":{"clientIP":"::1"}}'),
    text(START + 5, rb'"objects":[{"objectName":"first","objectName":"last","objectType":"User"}]'),
    text(START + 6, b'"x":%s%s' % (b"[" * 400, b"]" * 400)),
    text(START + 7, b'"x":[340282366920938463463374607431768211457,1.0E+2,-0,1e999]'),
    line(START + 8, objects=[None, 3, {"objectName": "x"}], payload="text", userId=7, failed="true"),
    line(START + 9, objects={"objectName": "alone", "environmentId": "e"}, payload=[1], action=None),
    line(START + 10, objects=[], environmentName="top", payload={"subaction": ""}, subaction="Top"),
    line(START + 11, objects=None, payload=None, failed=None, environmentName=""),
    json.dumps({"timestamp": "2024-10-04T05:00:00Z", "action": "a"}).encode(),
    json.dumps({"timestamp": START + 12.0, "userName": "ünï 東京 \x1b[2J"}, ensure_ascii=False).encode(),
    line(START + DAY - 1, userName=" spaces \\ \" ' kept "),
]


@pytest.fixture
def archive(tmp_path):
    store = LocalStore(tmp_path / "archive")
    name(store, org1="Payments", org2="It's")
    add(store, "org1", ODD)
    add(store, "org2", [line(START), line(START + 3 * DAY, userName="carol", failed=True)])
    return tmp_path / "archive"


def query(archive, *arguments: object):
    return run("query", "--archive", archive, *arguments)


def test_every_entry_is_seen_as_show_sees_it(archive):
    store = LocalStore(archive)
    names = names_of(store)
    expected = [dict(zip(COLUMNS, columns(one, view(one), names), strict=True)) for one in entries(store)]
    done = query(archive, "--json", "select * exclude (entry) from entries order by time, organization")
    assert done.code == 0, done.err
    found = [json.loads(one) for one in done.out.splitlines()]
    for one in found:
        one["time"] = datetime.fromisoformat(one["time"]).isoformat(timespec="milliseconds") + "Z"
    for one in expected:
        one.pop("entry")

    def order(one: dict[str, Any]) -> tuple[Any, ...]:
        return one["time"], one["organization"], str(one)

    assert sorted(found, key=order) == sorted(expected, key=order)


def test_the_whole_entry_is_there_but_for_halves_of_characters(archive):
    done = query(archive, "--json", "select entry from entries where organization = 'org1'")
    found = [json.loads(one)["entry"] for one in done.out.splitlines()]
    readable = [json.loads(one.replace(rb"\\\ud83d", rb"\\").replace(rb"a \ud83d p", b"a  p")) for one in ODD]
    assert _in_order(found) == _in_order(readable)


def _in_order(found: list[object]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in found)


def test_a_number_of_any_size_is_one(archive):
    done = query(archive, "--json", "select 2::hugeint ** 100 as n, 1.50::decimal(9,2) as d, [1, null] as l")
    assert b'"d":1.50,"l":[1,null]' in done.out


def test_objects_are_rows_too(archive):
    done = query(
        archive, "--csv", "select organization_name, object_name from objects where object_name = 'carol' or failed"
    )
    rows = list(csv.reader(io.StringIO(done.text)))
    assert rows[0] == ["organization_name", "object_name"]
    assert ["It's", "bob"] in rows


def test_days_outside_the_time_asked_for_are_not_opened(archive):
    (archive / part_name("org1", day_of(START), 1)).unlink()
    done = query(
        archive, "--since", "2024-10-06T00:00Z", "--json", "select count(*) as n, min(user_name) as u from entries"
    )
    assert (done.code, done.json) == (0, {"n": 1, "u": "carol"})
    done = query(archive, "--json", "select count(*) as n from entries")
    assert (done.code, done.json) == (6, {"n": 2})
    assert "is gone" in done.err


def test_time_and_organizations_are_cut_to_the_entry(archive):
    sql = "select count(*) as n from entries"
    assert query(
        archive, "--json", "--since", "2024-10-04T00:00:00.002Z", "--until", "2024-10-04T00:00:00.004Z", sql
    ).json == {"n": 2}
    assert query(archive, "--json", "--org", "it's", sql).json == {"n": 2}
    assert query(archive, "--json", "--since", "2030-01-01", "--until", "2031-01-01", sql).json == {"n": 0}


def test_an_entry_too_long_for_a_part_is_seen(archive):
    add(LocalStore(archive), "org1", [line(START + 5, x="y" * (LINE_LIMIT + 9))])
    done = query(archive, "--json", "select max(length(entry::varchar)) > 4000000 as long from entries")
    assert done.json == {"long": True}, done.err


def test_a_folder_with_signs_of_a_pattern_in_its_name(tmp_path):
    store = LocalStore(tmp_path / "it's [a*] ?")
    name(store, org1="Payments")
    add(store, "org1", [line(START)])
    assert query(store.root, "--json", "select count(*) as n from entries").json == {"n": 1}


def test_a_table_is_for_people_and_no_text_steers_the_terminal(archive):
    done = query(
        archive, "select user_name, failed, time from entries where time::date = '2024-10-07' or user_name like 'ü%'"
    )
    assert "carol" in done.text
    assert "2024-10-07 00:00:00.000" in done.text
    assert all(one.isprintable() or one == "\n" for one in done.text)


def test_rows_of_many_columns_stand_one_below_the_other(archive, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = query(archive, "select * from entries order by time limit 2").text.splitlines()
    assert [line.strip() for line in lines if line.startswith("Row")] == ["Row 1", "Row 2"]
    assert max(map(len, lines)) <= 80
    assert ["action", "Login"] in [line.split() for line in lines]
    assert query(archive, "select * from entries limit 0").text == "No rows.\n"


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{part}' (use_tmp_file false)",
        "with a as (copy (select 1) to '{part}' (use_tmp_file false)) select * from a",
        "select * from query('copy (select 1) to ''{part}'' (use_tmp_file false)')",
        "explain analyze copy (select 1) to '{part}' (use_tmp_file false)",
        "from (with a as (copy (select 1) to '{part}' (use_tmp_file false)) select 1)",
        "with a as (insert into organizations values ('x', 'y', null, null) returning *) select * from a",
        "select 1; drop view entries",
        "attach '{part}.db'",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '99GB'",
        "set enable_external_access = true",
        "pragma database_size",
        "create table x as select 1",
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('/proc/self/environ')",
        "select * from glob('/*')",
        "select * from 'https://127.0.0.1:1/x.csv'",
        "export database '{part}'",
        "call pragma_version()",
        "",
        " ",
        "-- nothing",
        "select",
        "\x00",
        "select \ud83d",
    ],
)
def test_sql_can_only_read_the_archive(archive, sql):
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    part = archive / part_name("org2", day_of(START), 1)
    done = query(archive, sql.format(part=part))
    assert done.code == (0 if sql == "" else 2), done
    assert "Traceback" not in done.err
    assert before == {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive t as (select 1 a union all select a + 1 from t) select max(a) from t",
        "with recursive t as (select 1 a union all select a + 1 from t) select a from t",
        "select count(*) from range(1000000000000) where range % 7 = 3",
    ],
)
def test_ctrl_c_ends_what_would_last_for_ever(archive, sql):
    assert stopped(archive, sql, signal.SIGINT) == "mulesoft-audit: Stopped.\n  The archive was only read."


def test_sigterm_ends_it_too_and_leaves_no_temporary_files(archive, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told = stopped(archive, "select count(*) from range(1000000000000) where range % 7 = 3", signal.SIGTERM)
    assert "Stopped." in told
    assert not list(tmp_path.glob("mulesoft-audit-*"))


#: Makes the first statement that has a text in it last for ever, and presses Ctrl-C meanwhile.
INTERRUPTED = """
import os, signal, sys, threading
import duckdb

class Connection:
    def __init__(self, real):
        self.real = real
    def __getattr__(self, name):
        return getattr(self.real, name)
    def execute(self, sql, *values):
        if sys.argv[1] in sql:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            sql, values = "select count(*) from range(1000000000000) where range % 7 = 3", ()
        return self.real.execute(sql, *values)

connect = duckdb.connect
duckdb.connect = lambda: Connection(connect())
from mulesoft_audit.cli import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("statement", ["create macro", "create view", "json_serialize_sql"])
def test_ctrl_c_before_the_query_runs_is_no_mistake_of_the_program(archive, statement):
    line = [sys.executable, "-c", INTERRUPTED, statement, "query", "--archive", str(archive), "select 1"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() == "mulesoft-audit: Stopped.\n  The archive was only read."


def stopped(archive, sql: str, number: signal.Signals) -> str:
    """Start a query, send it a signal, and return what it says at its end."""
    line = [sys.executable, "-m", "mulesoft_audit", "query", "--archive", str(archive), "--csv", sql]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        process.send_signal(number)
        try:
            _, told = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 130
    return told.decode().strip()


def test_two_columns_of_one_name_are_told_apart(archive):
    found = query(archive, "--json", "select 1 as a, 2 as a, 3 as a_1, 4 as a").json
    assert found == {"a": 1, "a_1": 2, "a_1_1": 3, "a_2": 4}


def test_without_sql_the_columns_and_examples_are_printed():
    done = run("query")
    assert done.code == 0
    for column in COLUMNS[:-1]:
        assert column in done.text
    assert max(map(len, done.text.splitlines())) <= 90


def test_a_wrong_column_gets_a_suggestion(archive):
    done = query(archive, "select usr_name from entries")
    assert (done.code, done.out) == (2, b"")
    assert "user_name" in done.err


def test_a_bucket_is_read_once_and_what_is_kept_of_it_is_checked(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sql = "select count(*) as n from entries"
    with StorageServer(buckets=["audit-archive"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        store = GcsStore("audit-archive", "a prefix")
        name(store, org1="Payments")
        add(store, "org1", ODD)
        part = store.read(part_name("org1", day_of(START), 1))
        assert query("gs://audit-archive/a prefix", "--json", sql).json == {"n": len(ODD)}
        (kept,) = (path for path in tmp_path.rglob("*.gz"))
        assert part is not None
        assert kept.read_bytes() == part.data
        (folder,) = (tmp_path / "mulesoft-audit").iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        kept.write_bytes(b"tampered")
        assert query("gs://audit-archive/a prefix", "--json", sql).json == {"n": len(ODD)}
        assert kept.read_bytes() == part.data
        assert kept.parent.stat().st_mode & 0o777 == 0o700
        store.close()


def test_a_bucket_is_kept_in_the_cache_folder_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    long = line(START, x="y" * LINE_LIMIT)
    with StorageServer(buckets=["audit-archive"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        store = GcsStore("audit-archive")
        add(store, "org1", [line(START + 1)])
        add(store, "org1", [line(START + 1), long])
        manifest = store.read(manifest_name("org1", day_of(START)))
        assert manifest is not None
        there = json.loads(manifest.data)["oversize"][0]["name"]
        elsewhere = f"../../../{there.rpartition('/')[2]}"
        store.replace(
            manifest_name("org1", day_of(START)),
            manifest.data.replace(there.encode(), elsewhere.encode()),
            manifest.generation,
        )
        entry = store.read(there)
        assert entry is not None
        store.create(elsewhere, entry.data)
        done = run("query", "--archive", "gs://audit-archive", "--json", "select count(*) as n from entries")
        assert (done.code, done.json) == (6, {"n": 1})
        assert "is not what was written there" in done.err
        assert not list(tmp_path.glob("*.gz"))
        shutil.rmtree(tmp_path / "cache")
        (tmp_path / "cache").write_text("no folder")
        done = run("query", "--archive", "gs://audit-archive", "select 1")
        assert (done.code, done.out) == (6, b"")
        assert "XDG_CACHE_HOME" in done.err
        store.close()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_everything_is_asked_whatever_the_zone(archive, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert query(archive, "--json", "select count(*) as n from entries").json == {"n": len(ODD) + 2}
        assert len(run("show", "--archive", archive, "--limit", 100).text.splitlines()) == len(ODD) + 2
    finally:
        monkeypatch.undo()
        time.tzset()


def test_times_are_utc(archive):
    found = query(archive, "--json", "select min(time) as t from entries").json["t"]
    assert datetime.fromisoformat(found).replace(tzinfo=UTC).timestamp() * 1000 == START
