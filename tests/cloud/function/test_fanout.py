"""A backfill over Pub/Sub: planned by totals, and exact whoever collects which span, however often."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from tests.cloud.function.harness import BUCKET, assert_exact, environment, message, request, served
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource, entry, serving

from anypoint_simulator import Behaviour, World, quiet, running
from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.archive.gcs import GcsStore
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.fanout import fan_out, plan
from mulesoft_audit.cloud.message import decode
from mulesoft_audit.errors import PermissionMissing
from mulesoft_audit.ledger import head as heads
from mulesoft_audit.secret import Secret
from mulesoft_audit.settings import Settings
from mulesoft_audit.wiring import Source, find_organizations, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.storage_server import StorageServer

    from mulesoft_audit.cloud.fanout import Span

DAY = 86_400_000
START = 20_000 * DAY
GROUP = "0b000000-0000-4000-8000-000000000000"


@pytest.fixture
def source() -> PlainSource:
    """400 days: 300 of silence, then 100 of 30 entries, one of them busy."""
    source = PlainSource()
    rng = random.Random(1)
    for day in range(300, 400):
        for number in range(30 if day != 350 else 1500):
            stamp = START + day * DAY + number * 1000
            source.logs[ROOT].append((stamp, 0.0, entry(stamp, rng)))
    return source


def opened(url: str, root: str, client_id: str, secret: str) -> Source:
    settings = Settings(mule_org_id=root, client_id=client_id, anypoint_base_url=url, requests_per_minute=100_000)
    return open_source(settings, Secret(secret), Stop())


@pytest.fixture
def asked(source: PlainSource) -> Iterator[Source]:
    with serving(source):
        opening = opened(source.url, ROOT, CLIENT_ID, CLIENT_SECRET)
        yield opening
        opening.close()


def check(spans: list[Span], start: int, end: int) -> None:
    """Check that spans are whole days, newest first, and together the period."""
    assert [span.window.end for span in spans[1:]] == [span.window.start for span in spans[:-1]]
    assert (spans[-1].window.start, spans[0].window.end) == (start, end)
    assert all(span.window.start % DAY == 0 for span in spans)


@pytest.mark.parametrize("cap", [0, 10_000])
def test_spans_are_whole_days_of_the_size_asked_for(asked: Source, source: PlainSource, cap: int) -> None:
    source.total_cap = cap
    end = START + 399 * DAY + DAY // 3
    spans = plan([Organization(ROOT)], START + 5, end, asked.query, size=500).spans
    check(spans, START, end)
    assert sum(span.entries for span in spans) == 99 * 30 + 1500
    assert all(span.entries <= 500 or span.window.end - span.window.start == DAY for span in spans)
    assert 6 <= len(spans) <= 14
    assert spans[-1].window.end >= START + 300 * DAY, "silence costs no message of its own"
    assert source.counts["queries"] < 60


def test_what_is_sparse_is_one_message(asked: Source, source: PlainSource) -> None:
    (span,) = plan([Organization(ROOT)], START, START + 400 * DAY, asked.query).spans
    assert span.message.organizations == (ROOT,)
    assert (span.message.since, span.message.until) == (iso(START), iso(START + 400 * DAY))
    assert source.counts["queries"] == 1


def test_totals_that_stop_counting_are_not_believed(asked: Source, source: PlainSource) -> None:
    rng = random.Random(2)
    for number in range(12_000):
        stamp = START + 320 * DAY + number
        source.logs[ROOT].append((stamp, 0.0, entry(stamp, rng)))
    source.total_cap = 10_000
    spans = plan([Organization(ROOT)], START, START + 400 * DAY, asked.query).spans
    check(spans, START, START + 400 * DAY)
    busy = next(span for span in spans if span.window.start <= START + 320 * DAY < span.window.end)
    assert busy.window.end - busy.window.start <= 8 * DAY


def test_a_log_that_may_not_be_read_fails_the_others_are_published(
    asked: Source, source: PlainSource, tmp_path: Path
) -> None:
    source.logs[GROUP] = source.logs[ROOT][:10]
    source.refused.add(GROUP)
    published: list[bytes] = []
    groups = [Organization(ROOT), Organization(GROUP, "Retail", 1, ROOT)]
    with pytest.raises(PermissionMissing, match="Retail"):
        fan_out(groups, START, START + 400 * DAY, asked.query, LocalStore(tmp_path), published.extend)
    assert [decode(item).organizations for item in published] == [(ROOT,)]


@pytest.mark.parametrize("roll_up", [False, True])
def test_instances_that_share_a_backfill_write_every_entry_once(
    built: Path, tmp_path: Path, storage: StorageServer, monkeypatch: pytest.MonkeyPatch, roll_up: bool
) -> None:
    """Four instances, shuffled messages, a third of them delivered twice."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.url)
    world = World(quiet(groups=2, days=6, entries_per_day=150))
    with running(world, Behaviour(token_entries=False, roll_up=roll_up)) as anypoint:
        source = opened(anypoint.url, anypoint.root, anypoint.client_id, anypoint.client_secret)
        organizations = find_organizations(source, Settings(mule_org_id=anypoint.root), ()).organizations
        archive = GcsStore(BUCKET)
        now = int(time.time() * 1000)
        messages: list[bytes] = []
        assert fan_out(organizations, now - 8 * DAY, now, source.query, archive, messages.extend, size=300) == len(
            messages
        )
        source.close()
        together = [decode(item).organizations for item in messages]
        assert (anypoint.root,) in together or roll_up
        assert len(messages) > 3
        deliveries = [*messages, *messages[::3]]
        random.Random(6).shuffle(deliveries)
        with (
            served(built, tmp_path, environment(anypoint, storage)) as one,
            served(built, tmp_path, environment(anypoint, storage)) as other,
            ThreadPoolExecutor(4) as pool,
        ):
            statuses = pool.map(
                lambda server, item: server.post(*request(message(raw=item))), cycle([one, other]), deliveries
            )
            assert set(statuses) == {200}, one.output + other.output
        assert_exact(anypoint, storage)
        promised = {heads.load(archive, organization)[0].since for organization in anypoint.organizations}
        assert promised == {(now - 8 * DAY) // DAY * DAY}, "since when everything is to be held is in the archive"
