"""The report is one file that loads nothing and runs nothing, whatever the names in it, looked at in a real browser."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import time
import zlib
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.reading.archives import DAY, add, name
from tests.reading.commands import run

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.reading import charts
from mulesoft_audit.reading.entry import Entry
from mulesoft_audit.reading.tally import NEWEST, Tally, is_privileged
from mulesoft_audit.reading.view import view

NOW = int(time.time() * 1000)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}&amp;</svg>\x1b[31m\u202e"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""


def entry(ago: int, **fields: object) -> bytes:
    found = {"timestamp": NOW - ago, "platform": "CoreServices", "action": "Login", "userName": "alice", **fields}
    return json.dumps(found).encode()


def grant(ago: int, who: str) -> bytes:
    objects = [{"objectType": "Role", "objectName": who}, {"objectType": "User", "objectName": who}]
    return entry(ago, action="Permissions Change", userName=who, platform=who, objects=objects)


def report(tmp_path, *arguments: object) -> str:
    done = run("report", "--archive", tmp_path / "archive", "--output", tmp_path / "report.html", *arguments)
    assert done.code == 0, done.err
    return (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def hostile(tmp_path):
    store = LocalStore(tmp_path / "archive")
    name(store, org1=HOSTILE, org2="Payments")
    failed = entry(2 * DAY, failed=True)
    add(store, "org1", [grant(3 * DAY, HOSTILE), failed, *(grant(DAY + one, f"u{one}") for one in range(30))])
    add(store, "org2", [entry(5 * DAY), entry(1000)])
    return report(tmp_path)


@pytest.mark.parametrize("before", [20, 21, 24, 25])
def test_a_label_is_cut_between_characters_and_not_within_one(before):
    name_ = "W" * before + "🚀🎉" * 9
    drawn = charts.ranked([{"name": name_, "count": 1}]) + charts.stacked(
        [{"day": "2026-11-26", "series": name_, "count": 1}], [name_]
    )
    assert "…" in drawn
    assert not any("\ue000" <= one <= "\uf8ff" or "\ud800" <= one <= "\udfff" for one in drawn)
    assert "🚀" in charts.ranked([{"name": "🚀", "count": 1}])


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_it_has_no_script_and_loads_nothing(hostile):
    for tag, attributes in Elements(hostile).found:
        assert tag not in ("script", "img", "iframe", "link", "object", "embed", "base", "form")
        assert not any(key.startswith("on") or key in ("src", "style", "href", "srcset") for key in attributes), (
            attributes
        )
    policy = next(one["content"] for _, one in Elements(hostile).found if "http-equiv" in one) or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_every_name_is_shown_as_text(hostile):
    assert "&lt;script&gt;" in hostile
    assert "49" not in re.findall(r"\{\{.*?\}\}", hostile)
    assert "\u202e" not in hostile
    assert "\x1b" not in hostile
    for drawing in re.findall(r"<svg.*?</svg>", hostile, re.DOTALL):
        ET.fromstring(drawing)


def test_a_table_is_behind_every_chart(hostile):
    figures = re.findall(r"</figure>\s*<details>", hostile)
    assert len(figures) == hostile.count("<figure") == 2 + 4


def test_numbers_are_those_of_the_archive(hostile):
    assert re.search(r"<b>34</b>\s*entries in this time", hostile)
    assert re.search(r"<b>1</b>\s*failed logins", hostile)
    assert re.search(r"<b>31</b>\s*privileged changes", hostile)


def test_what_the_rules_find_is_in_it(hostile):
    assert "granted" in hostile.split("<h2>Findings</h2>")[1].split("</section>")[0].lower()


def test_one_entry_makes_a_report_and_none_too(tmp_path):
    store = LocalStore(tmp_path / "archive")
    name(store, org1="Payments")
    add(store, "org1", [entry(1000)])
    assert "1 entry" in run("report", "--archive", store.root, "--output", tmp_path / "report.html").text
    assert report(tmp_path, "--since", "30d", "--until", "20d").count(" in this time.") == 6


def test_it_is_for_the_user_alone_and_put_there_whole(tmp_path, hostile):
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir() if "report" in one.name] == ["report.html"]


def test_a_pipe_or_a_link_is_written_to_and_not_replaced(tmp_path, hostile):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    (tmp_path / "behind").write_text("old")
    link.symlink_to("behind")
    with (tmp_path / "read").open("wb") as out, subprocess.Popen(["cat", pipe], stdout=out):
        assert run("report", "--archive", tmp_path / "archive", "--output", pipe).code == 0
    assert "<!DOCTYPE html>" in (tmp_path / "read").read_text()
    assert pipe.is_fifo()
    assert run("report", "--archive", tmp_path / "archive", "--output", link).code == 0
    assert link.is_symlink()
    assert "<!DOCTYPE html>" in (tmp_path / "behind").read_text()


def test_a_place_that_cannot_be_written_is_said(tmp_path, hostile):
    done = run("report", "--archive", tmp_path / "archive", "--output", tmp_path / "no" / "report.html")
    assert done.code == 6
    assert "--output" in done.err


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"action": "Login", "objects": [{"objectType": "User"}]}, False),
        ({"action": "Permissions change"}, True),
        ({"action": "PERMISSIONS Change", "objects": []}, True),
        ({"action": "Edit", "objects": [{"objectType": "role"}]}, True),
        ({"action": "Create", "objects": [{"objectType": "Connected Application"}]}, True),
        ({"action": "Deploy", "objects": [{"objectType": "Application"}]}, False),
        ({}, False),
    ],
)
def test_what_counts_as_privileged(fields, expected):
    assert is_privileged(view(Entry(0, "o", json.dumps(fields).encode()))) is expected


def test_only_the_newest_changes_are_kept():
    found = [Entry(number, "o", grant(0, "x")) for number in range(NEWEST + 5)]
    tally = Tally().add(found)
    assert tally.privileged == NEWEST + 5
    assert tally.changes[0].time == 5


# In a browser.


def browser(*arguments: str) -> subprocess.CompletedProcess[str]:
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    return subprocess.run([CHROMIUM, *flags, *arguments], capture_output=True, text=True, timeout=120, check=True)


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Return red, green and blue at the top left: whatever its row's filter is, the first pixel is as it was."""
    data, position = b"", 8
    while position < len(png):
        length, kind = int.from_bytes(png[position : position + 4]), png[position + 4 : position + 8]
        data += png[position + 8 : position + 8 + length] if kind == b"IDAT" else b""
        position += 12 + length
    return tuple(zlib.decompress(data)[1:4])


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: the report was NOT looked at in a browser")
@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "colour"), [(1, (255, 255, 255)), (0, (13, 17, 23))], ids=["light", "dark"])
def test_a_browser_shows_it_in_both_schemes_and_refuses_nothing_of_it(tmp_path, hostile, scheme, colour):
    picture = tmp_path / "picture.png"
    setting = f"--blink-settings=preferredColorScheme={scheme}"
    page = (tmp_path / "report.html").as_uri()
    done = browser(setting, "--window-size=900,2000", f"--screenshot={picture}", page)
    assert "Content Security Policy" not in done.stderr
    assert first_pixel(picture.read_bytes()) == colour
    shown = Elements(browser(setting, "--dump-dom", page).stdout).found
    assert not [tag for tag, _ in shown if tag in ("script", "img")]
    assert sum(tag == "svg" for tag, _ in shown) == 6


def test_every_series_is_in_the_legend_however_long_the_names():
    names = [f"{number} Payments Europe and the Middle East" for number in range(8)]
    drawn = charts.stacked([{"day": "2026-11-26", "series": one, "count": 1} for one in names], names)
    width = float(re.findall(r'viewBox="0 0 ([0-9.]+)', drawn)[0])
    columns = re.findall(r'<g transform="translate\(([0-9.]+),[0-9.]+\)"><path class="background"', drawn)
    assert len(columns) >= len(names)
    assert max(map(float, columns)) < width


def test_a_table_that_is_printed_over_pages_has_its_head_on_each(hostile):
    assert hostile.count("<thead><tr><th>") + hostile.count("<thead><tr><th class") == hostile.count("<table>")


def test_a_full_disk_leaves_the_report_before_it_and_nothing_else(tmp_path, hostile, monkeypatch):
    def full(path, text, encoding):
        path.write_bytes(text[:100].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    done = run("report", "--archive", tmp_path / "archive", "--output", tmp_path / "report.html")
    assert (done.code, "No space left" in done.err) == (6, True)
    assert (tmp_path / "report.html").read_bytes().decode() == hostile
    assert {one.name for one in tmp_path.iterdir()} == {"archive", "report.html"}
