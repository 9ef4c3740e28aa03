"""Which function answers which method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.control_plane.world import World

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request that Google's descriptions allow."""

    world: World
    path: dict[str, str]
    query: dict[str, list[str]]
    body: Json

    def ask(self, name: str, default: str = "") -> str:
        """Return a query parameter."""
        return self.query.get(name, [default])[0]

    @property
    def name(self) -> str:
        """Return the resource name in the path, whatever it is called there."""
        return next(iter(self.path.values()))


Handler = Callable[[Request], Json]
HANDLERS: dict[str, Handler] = {}


def serves(*methods: str) -> Callable[[Handler], Handler]:
    """Answer these methods."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(methods, handler))
        return handler

    return register


def paged(request: Request, items: list[Json], key: str, default: int, size: str = "pageSize") -> Json:
    """Return one page of a list."""
    start = int(request.ask("pageToken", "0"))
    end = start + int(request.ask(size, str(default)))
    return {key: items[start:end], **({"nextPageToken": str(end)} if end < len(items) else {})}
