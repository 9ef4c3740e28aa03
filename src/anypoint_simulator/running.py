"""A simulator in a thread of this process, for tests and demos."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from anypoint_simulator.behaviour import Behaviour
from anypoint_simulator.control import BEGINNING, END
from anypoint_simulator.server import listen
from anypoint_simulator.state import State
from anypoint_simulator.world import CLIENT_ID, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from anypoint_simulator.counters import Counters

CLIENT_SECRET = "simulated-secret"  # noqa: S105 - everybody may know it
LOCALHOST = "127.0.0.1"
PATIENCE = 60
T = TypeVar("T")
Moment = int | datetime


class Anypoint:
    """A handle on a running simulator; its methods may be called from any thread but the simulator's.

    Attributes:
        url: what to use instead of a control plane's.
        world: its organizations and logs; do not change them but through this handle.
        client_id: of the connected app that may read everything.
        client_secret: its secret.
    """

    def __init__(self, state: State, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.world = state.world
        self.client_id = state.client_id
        self.client_secret = state.client_secret
        self._state = state
        self._loop = loop

    @property
    def root(self) -> str:
        """The root organization's id."""
        return self.world.root.id

    @property
    def organizations(self) -> list[str]:
        """All organizations' ids, parents first."""
        return [item.id for item in self.world.organizations]

    @property
    def counters(self) -> Counters:
        """What it has seen."""
        return self._call(self._state.counted)

    @property
    def behaviour(self) -> Behaviour:
        """Its switches as they are."""
        return self._state.behaviour

    def truth(
        self, organization: str, start: Moment | None = None, end: Moment | None = None, *, visible: bool = False
    ) -> list[bytes]:
        """Return the exact bytes of an organization's entries in order, names as of their time.

        Args:
            organization: its id.
            start: milliseconds or an aware datetime, included.
            end: milliseconds or an aware datetime, included.
            visible: leave out what queries do not show yet.
        """
        log, state = self.world.logs[organization], self._state
        first, last = _milliseconds(start, BEGINNING), _milliseconds(end, END)
        return self._call(lambda: list(log.truth(first, last, state.now(), visible=visible)))

    def add_entries(
        self, organization: str, entries: Iterable[bytes | Mapping[str, Any]], visible_after: float | None = None
    ) -> None:
        """Add entries: bytes are kept as they are, mappings are encoded.

        Args:
            organization: whose they are.
            entries: each with an integer `timestamp`.
            visible_after: seconds from now until queries show them; None: as the lateness switches say.
        """
        bodies = [entry if isinstance(entry, bytes) else msgspec.json.encode(entry) for entry in entries]
        self._call(lambda: self._state.add_entries(organization, bodies, visible_after))

    def rename(self, organization: str, object_id: str, name: str) -> None:
        """Give an object another present name."""
        self._call(lambda: self.world.logs[organization].rename(object_id, name))

    def change(self, **switches: object) -> None:
        """Change switches of its behaviour; faults begin anew if any of theirs is among them."""
        self._call(lambda: self._state.change(switches))

    def spend(self, requests: int) -> None:
        """Let somebody else behind the same address spend that many requests of this minute."""
        state = self._state
        self._call(lambda: state.limiter.spend(requests, state.now(), state.behaviour.minute_seconds))

    def revoke_tokens(self) -> None:
        """Make every token invalid, as if someone had revoked them in the console."""
        self._call(self._state.tokens.revoke_all)

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)


def _milliseconds(moment: Moment | None, default: int) -> int:
    if isinstance(moment, datetime):
        return int(moment.timestamp() * 1000)
    return default if moment is None else moment


@contextmanager
def running(
    world: World | None = None,
    behaviour: Behaviour | None = None,
    *,
    clock: Callable[[], float] = time.time,
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    host: str = LOCALHOST,
    port: int = 0,
) -> Iterator[Anypoint]:
    """Run a simulator in a thread while the context is open.

    Args:
        world: what it tells of; a world takes in entries while it runs, so give each run its own.
        behaviour: its switches.
        clock: epoch seconds; drives expiry, limits and lateness.
        client_id: of the connected app.
        client_secret: its secret.
        host: the address to listen on.
        port: 0 for a free one.
    """
    state = State(world or World(), behaviour or Behaviour(), clock, client_id, client_secret)
    loop = asyncio.new_event_loop()
    try:
        server, connections = loop.run_until_complete(listen(state, host, port))
        thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
        thread.start()
        try:
            yield Anypoint(state, url_of(server), loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(PATIENCE)
            loop.run_until_complete(stop(server, connections))
    finally:
        loop.close()


async def stop(server: asyncio.Server, connections: Iterable[Any]) -> None:
    """Stop listening and hang up on everybody."""
    server.close()
    for connection in list(connections):
        connection.close()
    await asyncio.sleep(0)  # let the transports close their sockets
    await server.wait_closed()


def url_of(server: asyncio.Server) -> str:
    """Return the address a server listens on."""
    host, port = server.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
