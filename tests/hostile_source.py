"""A third Anypoint, of a bad temper: one function decides what a query gives, and every test may replace it.

It speaks offset mode as documented. Cursors are positions, given only to whoever asks for them. What it holds is a
plain list of entries an organization; how it misbehaves is a function from a query to a response, in `behaviours.py`.
"""

from __future__ import annotations

import json
import random
import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT_ID, CLIENT_SECRET = "hostile-client", "hostile-secret-value"
ROOT = "10000000-0000-4000-8000-000000000000"
GROUP = "20000000-0000-4000-8000-000000000000"
OTHER = "30000000-0000-4000-8000-000000000000"
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def now() -> int:
    """Return the time in Unix milliseconds."""
    return int(time.time() * 1000)


class Entry(NamedTuple):
    """One entry of a log: its time (Unix ms) and its bytes."""

    stamp: int
    body: bytes


class Query(NamedTuple):
    """What was asked. `number` counts the queries to this source from 1; `path` has the query string."""

    organization: str
    start: int
    end: int
    ascending: bool
    limit: int
    offset: int
    number: int


class Response(NamedTuple):
    """What is given. `total` is put into the page as it is spelled; None leaves it out. `raw` replaces the page."""

    entries: list[bytes]
    total: object = None
    status: int = 200
    raw: bytes | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


@dataclass
class HostileSource:
    """What the source holds, how it responds, and what it was asked."""

    logs: dict[str, list[Entry]] = field(default_factory=lambda: {ROOT: []})
    respond: Callable[[HostileSource, Query], Response] = field(default_factory=lambda: honest)
    root: str = ROOT
    names: dict[str, str] = field(default_factory=dict)
    me: Any = None  #: instead of who the app is; bytes are sent as they are
    tree: Any = None  #: instead of the true hierarchy; bytes are sent as they are
    tree_status: int = 200
    retention: Any = 365  #: days, or the whole response
    retention_status: int = 200
    token: Any = None  #: instead of a true token response
    skew: float = 0.0  #: seconds that the Date header is ahead
    drip: Callable[[Query], bool] | None = None  #: which queries get header bytes one by one, for ever
    stall: Callable[[Query], bool] | None = None  #: which queries are never responded to
    url: str = ""
    queries: list[Query] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)  #: requests that were no queries, by path
    cursors: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    closing: threading.Event = field(default_factory=threading.Event)

    def add(self, organization: str, *stamps: int, seed: object = 0, **more: object) -> list[bytes]:
        """Add an entry at each of `stamps`; return their bytes."""
        rng = random.Random(f"{organization}/{stamps[:1]}/{seed}")
        made = [Entry(stamp, body(stamp, rng, **more)) for stamp in stamps]
        self.put(organization, made)
        return [entry.body for entry in made]

    def put(self, organization: str, entries: list[Entry]) -> None:
        """Add entries as they are."""
        with self.lock:
            log = self.logs.setdefault(organization, [])
            log += entries
            log.sort(key=lambda entry: entry.stamp)

    def spread(self, organization: str, count: int, start: int, end: int, seed: object = 0) -> None:
        """Add `count` entries, evenly from `start` up to `end`, one millisecond in twenty shared by two."""
        step = (end - start) / count
        stamps = [start + int((i - (i % 20 == 1)) * step) for i in range(count)]
        self.add(organization, *stamps, seed=seed)

    def remove(self, organization: str, index: int) -> bytes:
        """Delete an entry at the source; return its bytes."""
        with self.lock:
            return self.logs[organization].pop(index).body

    def truth(self, organization: str) -> Counter[bytes]:
        """Return every entry as a line of the archive must have it."""
        return Counter(entry.body.replace(b"\n", b"") for entry in self.logs[organization])

    def forget(self) -> None:
        """Forget what was asked so far."""
        with self.lock:
            self.queries.clear()
            self.others.clear()
            self.cursors = 0

    def asked(self, organization: str) -> int:
        """Return how many queries there were to one organization."""
        return sum(query.organization == organization for query in self.queries)


def body(stamp: object, rng: random.Random, **more: object) -> bytes:
    """Return one entry's bytes; no entry has an id."""
    value = {
        "timestamp": stamp,
        "platform": "Runtime Manager",
        "action": rng.choice(["Deploy", "Modify", "Login"]),
        "userId": f"u{rng.randrange(9)}",
        "objects": [{"objectType": "Application", "objectId": f"{rng.getrandbits(40):x}", "objectName": "n"}],
        "payload": {"properties": {"v": rng.getrandbits(90)}},
        **more,
    }
    return json.dumps(value).encode()


def found(source: HostileSource, query: Query) -> list[Entry]:
    """Return what lies within the bounds, both inclusive, in the order asked for."""
    log = source.logs[query.organization]
    low = bisect_left(log, query.start, key=lambda entry: entry.stamp)
    high = bisect_right(log, query.end, key=lambda entry: entry.stamp)
    within = log[low:high]
    return within if query.ascending else within[::-1]


def honest(source: HostileSource, query: Query) -> Response:
    """Respond as documented."""
    return page(found(source, query), query)


def page(entries: list[Entry], query: Query, total: object = ...) -> Response:
    """Return the page of `entries` that is asked for."""
    part = entries[query.offset : query.offset + query.limit]
    return Response([entry.body for entry in part], len(entries) if total is ... else total)


def _ms(value: object) -> int:
    if isinstance(value, int):
        return value
    moment = datetime.fromisoformat(str(value))
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    source: HostileSource

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.source.skew, usegmt=True)

    def send(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def do_GET(self) -> None:
        source, path = self.source, urlsplit(self.path).path
        with source.lock:
            source.others[path] += 1
        if path == "/accounts/api/me":
            self.send(200, {"client": {"org_id": source.root}} if source.me is None else source.me)
        elif path.endswith("/hierarchy"):
            tree = source.tree if source.tree is not None else plain_tree(source)
            self.send(source.tree_status, tree if path.split("/")[-2] == source.root else {})
        elif path.endswith("/retentionSettings"):
            days = source.retention
            value = {"data": [{"retentionPeriod": days, "effectiveFrom": None}]} if isinstance(days, int) else days
            self.send(source.retention_status, value)
        else:
            self.send(404, {})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        source, url = self.source, urlsplit(self.path)
        if url.path.startswith("/audit/v2/organizations/") and url.path.endswith("/query"):
            self.audit(url.path.split("/")[4], parse_qs(url.query), json.loads(data))
            return
        with source.lock:
            source.others[url.path] += 1
        if url.path.endswith("/oauth2/token"):
            token = {"access_token": "hostile-token", "token_type": "bearer", "expires_in": 3600}
            self.send(200, token if source.token is None else source.token)
        else:
            self.send(200, {})

    def audit(self, organization: str, options: dict[str, list[str]], asked: dict[str, Any]) -> None:
        source = self.source
        cursored = options.get("cursorPagination") == ["true"]
        with source.lock:
            query = Query(
                organization,
                _ms(asked["startDate"]),
                _ms(asked.get("endDate", 1 << 42)),
                bool(asked.get("ascending", True)),
                min(200, int(asked.get("limit", 200))),
                int(asked.get("cursor", 0)) if cursored else int(asked.get("offset", 0)),
                len(source.queries) + 1,
            )
            source.queries.append(query)
            source.cursors += cursored
        if source.stall and source.stall(query):
            source.closing.wait(60)
            return
        if source.drip and source.drip(query):
            self.drip()
            return
        with source.lock:
            if organization in source.logs:
                given = source.respond(source, query)
            else:
                given = Response([], status=404, raw=b"{}")
        self.send(given.status, given.raw if given.raw is not None else _encoded(given, query, cursored), given.headers)

    def drip(self) -> None:
        """Send bytes of headers, one every fifth of a second, until the other side has had enough."""
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not self.source.closing.wait(0.2):
            self.wfile.write(b"x")
            self.wfile.flush()


def _encoded(given: Response, query: Query, cursored: bool) -> bytes:
    parts = [b'{"data":[' + b",".join(given.entries) + b"]"]
    if given.total is not None:
        spelled = given.total if isinstance(given.total, str) else json.dumps(given.total)
        parts.append(b',"total":' + spelled.encode())
    if cursored and given.entries:
        parts.append(b',"cursor":"%d"' % (query.offset + len(given.entries)))
    return b"".join(parts) + b"}"


def plain_tree(source: HostileSource) -> dict[str, Any]:
    """Return the hierarchy with every log below the root."""
    below = [one for one in source.logs if one != source.root]
    return {
        "id": source.root,
        "name": source.names.get(source.root, "Root"),
        "subOrganizationIds": below,
        "subOrganizations": [{"id": one, "name": source.names.get(one, ""), "subOrganizations": []} for one in below],
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that the collector broke off."""


@contextmanager
def serving(source: HostileSource) -> Iterator[HostileSource]:
    """Serve `source` on this machine while the context lasts."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"source": source}))
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield source
    finally:
        source.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
