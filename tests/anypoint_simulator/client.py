"""What the simulator's tests talk to it with: HTTP, and a clock they move."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import urllib3

from anypoint_simulator import Anypoint, Behaviour, Scenario, World, quiet, running
from anypoint_simulator.entry import Entry, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_759_500_000.0  # 2025-10-03T14:00:00Z, a Friday
NOW_MS = int(NOW * 1000)
TOKEN_PATH = "/accounts/api/v2/oauth2/token"


class Clock:
    """Epoch seconds that pass only when told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Client:
    """An HTTP client of one simulator."""

    def __init__(self, anypoint: Anypoint, clock: Clock) -> None:
        self.anypoint = anypoint
        self.clock = clock
        self.http = urllib3.PoolManager(retries=False, timeout=10, headers={})
        self.token = ""

    def send(self, method: str, path: str, **request: Any) -> urllib3.BaseHTTPResponse:
        """Send any request, as the holder of the token if there is one."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= request.pop("headers", {})
        return self.http.request(method, self.anypoint.url + path, headers=headers, **request)

    def log_in(self) -> str:
        """Get a token and keep it."""
        answer = self.ask_token()
        assert answer.status == 200, answer.data
        self.token = answer.json()["access_token"]
        return self.token

    def ask_token(self, **changes: str) -> urllib3.BaseHTTPResponse:
        """Ask for a token with JSON."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.anypoint.client_id,
            "client_secret": self.anypoint.client_secret,
        }
        return self.http.request("POST", self.anypoint.url + TOKEN_PATH, json=form | changes)

    def post(self, organization: str, body: Any = None, parameters: str = "") -> urllib3.BaseHTTPResponse:
        """Send one query; without a body, one for everything."""
        path = f"/audit/v2/organizations/{organization}/query{parameters}"
        return self.send("POST", path, json={"startDate": 0} if body is None else body)

    def query(self, organization: str, parameters: str = "", **body: Any) -> dict[str, Any]:
        """Return the answer to a query that must succeed."""
        answer = self.post(organization, {"startDate": 0, **body}, parameters)
        assert answer.status == 200, (answer.status, answer.data)
        return read(answer.data)

    def everything(self, organization: str, parameters: str = "", **body: Any) -> list[dict[str, Any]]:
        """Return all entries of a query, by cursor, until the empty page."""
        entries: list[dict[str, Any]] = []
        page = self.query(organization, f"?cursorPagination=true{parameters}", **body)
        while page["data"]:
            entries += page["data"]
            body["cursor"] = page["cursor"]
            page = self.query(organization, f"?cursorPagination=true{parameters}", **body)
        assert "cursor" not in page
        return entries

    def truth(self, organization: str, *bounds: int, visible: bool = False) -> list[dict[str, Any]]:
        """Return what exists, decoded."""
        return [read(body) for body in self.anypoint.truth(organization, *bounds, visible=visible)]

    def world_entry(self, body: bytes) -> Entry:
        """Return the entry that has these bytes."""
        timestamp, facets = read_entry(body)
        return Entry(timestamp, 1, body, facets)


def read(body: bytes) -> Any:
    """Decode JSON, whatever its spelling."""
    return json.loads(body)


@contextmanager
def simulated(scenario: Scenario | None = None, behaviour: Behaviour | None = None) -> Iterator[Client]:
    """Run a simulator at a fixed time and log in to it without leaving a trace."""
    clock = Clock()
    world = World(scenario or quiet(now=NOW, entries_per_day=60))
    behaviour = behaviour or Behaviour(token_entries=False)
    with running(world, behaviour, clock=clock) as anypoint:
        client = Client(anypoint, clock)
        try:
            yield client
        finally:
            client.http.clear()


def entry(timestamp: int, **fields: Any) -> dict[str, Any]:
    """Return a plain entry."""
    about = {"objectType": "User", "objectId": "u-1", "objectName": "someone"}
    plain = {"timestamp": timestamp, "platform": "CoreServices", "action": "Edit", "objects": [about], "payload": {}}
    return plain | fields
