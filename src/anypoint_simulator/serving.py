"""A simulator as a process of its own: it says where it is, and serves until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from anypoint_simulator.running import stop, url_of
from anypoint_simulator.server import listen

if TYPE_CHECKING:
    from collections.abc import Callable

    from anypoint_simulator.state import State


def serve(state: State, host: str, port: int, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        state: what to serve.
        host: the address to listen on.
        port: 0 for a free one.
        announce: called once it listens, with where it is and who may read it.

    Raises:
        OSError: it cannot listen there.
    """
    asyncio.run(_serve(state, host, port, announce))


async def _serve(state: State, host: str, port: int, announce: Callable[[dict[str, Any]], None]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server, connections = await listen(state, host, port)
    announce(description(state, url_of(server)))
    await ended.wait()
    await stop(server, connections)


def description(state: State, url: str) -> dict[str, Any]:
    """Return what a client has to know."""
    return {
        "url": url,
        "client_id": state.client_id,
        "client_secret": state.client_secret,
        "organizations": [{"id": item.id, "name": item.name} for item in state.world.organizations],
    }
