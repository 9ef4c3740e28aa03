"""Durations as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.errors import UsageError
from mulesoft_audit.times import LocalTimes, duration, earliest, moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90m", 5400), (" 24H ", 86400), ("7 d", 604800), ("1h30m", 5400), ("1d 2h", 93600), ("2w", 1209600)],
)
def test_a_duration(text: str, seconds: int) -> None:
    assert duration(text, "--every") == seconds * 1000
    assert moment(text, 1_800_000_000_000, "--since") == 1_800_000_000_000 - seconds * 1000


@pytest.mark.parametrize("text", ["", "h", "1", "1x", "-1h", "1h30", "1.5h", "²s", "101w1000000d", "999999w"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="--every is "):
        duration(text, "--every")


@pytest.mark.parametrize(("moments", "expected"), [((), 0), ((0, 0), 0), ((0, 7), 7), ((9, 7), 7), ((9, 0, 8), 8)])
def test_the_earliest_of_times_of_which_some_say_nothing(moments: tuple[int, ...], expected: int) -> None:
    assert earliest(*moments) == expected


NOW = 1_795_691_025_854  # 2026-11-26T11:03:45.854Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("now", UTC, "2026-11-26T11:03:45.854+00:00"),
        ("today", UTC, "2026-11-26T00:00:00+00:00"),
        (" Yesterday ", UTC, "2026-11-25T00:00:00+00:00"),
        ("yesterday", BERLIN, "2026-11-25T00:00:00+01:00"),
        ("2026-11-01", UTC, "2026-11-01T00:00:00+00:00"),
        ("2026-10-25", BERLIN, "2026-10-25T00:00:00+02:00"),
        ("2026-11-01T08:00", BERLIN, "2026-11-01T08:00:00+01:00"),
        ("2026-11-01T08:00Z", BERLIN, "2026-11-01T08:00:00+00:00"),
        ("1y", UTC, "2025-11-26T11:03:45.854+00:00"),
        ("2w", BERLIN, "2026-11-12T11:03:45.854+00:00"),
        ("1h30m", UTC, "2026-11-26T09:33:45.854+00:00"),
    ],
)
def test_a_moment(text: str, zone: tzinfo, expected: str) -> None:
    assert moment(text, NOW, "--since", zone) == int(datetime.fromisoformat(expected).timestamp() * 1000)


def test_yesterday_begins_at_midnight_on_the_day_after_the_clocks_went_back() -> None:
    monday = int(datetime(2026, 10, 26, 12, tzinfo=BERLIN).timestamp() * 1000)
    assert moment("yesterday", monday, "--since", BERLIN) == moment("2026-10-24T22:00Z", monday, "--since")


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "9999999999", "0001-01-01", "1999-12-31", "x" * 5000])
def test_what_is_no_moment(text: str) -> None:
    for zone in (UTC, BERLIN, None):
        with pytest.raises(UsageError, match="--since is "):
            moment(text, NOW, "--since", zone)


def test_times_are_shown_in_a_zone_with_its_name() -> None:
    times = LocalTimes(BERLIN)
    assert times.second(NOW) == "2026-11-26 12:03:45 CET"
    assert times.second(NOW + 1000) == "2026-11-26 12:03:46 CET"
    assert times.minute(NOW - 60 * 86_400_000) == "2026-09-27 13:03 CEST"


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        ("America/St_Johns", "2010-03-14T03:30:59Z", "2010-03-14 00:00:59 NST"),  # changed at 00:01
        ("America/St_Johns", "2010-03-14T03:31:00Z", "2010-03-14 01:01:00 NDT"),
        ("America/St_Johns", "2010-03-14T03:45:00Z", "2010-03-14 01:15:00 NDT"),
        ("Africa/Monrovia", "1970-01-01T00:01:00Z", "1969-12-31 23:16:30 MMT"),
        ("Asia/Kathmandu", "2026-11-26T00:01:02Z", "2026-11-26 05:46:02 +0545"),
        ("Europe/Berlin", "1969-12-31T23:59:58Z", "1970-01-01 00:59:58 CET"),
        ("Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25 02:59:59 CEST"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25 02:00:00 CET"),
    ],
)
def test_a_time_is_shown_as_the_clocks_there_had_it(zone: str, moment: str, shown: str) -> None:
    assert LocalTimes(ZoneInfo(zone)).second(int(datetime.fromisoformat(moment).timestamp() * 1000)) == shown


@given(
    st.lists(st.integers(-(10**12), 253_402_214_399_999), max_size=9),
    st.sampled_from([BERLIN, UTC, ZoneInfo("America/St_Johns"), timezone(timedelta(minutes=7)), ZoneInfo("Asia/Gaza")]),
)
def test_many_times_are_shown_as_each_by_itself(moments: list[int], zone: tzinfo) -> None:
    expected = [datetime.fromtimestamp(one // 1000, zone) for one in moments]
    assert list(LocalTimes(zone).seconds(moments)) == [f"{one:%Y-%m-%d %H:%M:%S %Z}" for one in expected]
