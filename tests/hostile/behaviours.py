"""Ways in which a source misbehaves, each a function from a query to a response."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.hostile_source import ROOT, SECOND, HostileSource, Query, Response, found, honest, page

if TYPE_CHECKING:
    from collections.abc import Callable

    Respond = Callable[[HostileSource, Query], Response]


def total(change: Callable[[int, Query], object]) -> Respond:
    """Give the right page with a total of `change(true total, query)`."""

    def respond(source: HostileSource, query: Query) -> Response:
        entries = found(source, query)
        return page(entries, query, change(len(entries), query))

    return respond


def once(number: int, behaviour: Respond) -> Respond:
    """Misbehave at the query of this number alone."""
    return lambda source, query: (behaviour if query.number == number else honest)(source, query)


def after(number: int, behaviour: Respond) -> Respond:
    """Misbehave from the query of this number on."""
    return lambda source, query: (behaviour if query.number >= number else honest)(source, query)


def stale(before: int) -> Respond:
    """Give what a replica has that has seen nothing from `before` (Unix ms) on."""
    return lambda source, query: honest(source, query._replace(end=min(query.end, before - 1)))


def bounds(change: Callable[[Query], Query]) -> Respond:
    """Understand the query's bounds or limit in another way."""
    return lambda source, query: honest(source, change(query))


def cut(milliseconds: int) -> int:
    return milliseconds // SECOND * SECOND


def unordered(source: HostileSource, query: Query) -> Response:
    """Give entries in an order of the source's own, the same each time."""
    entries = found(source, query)
    return page(sorted(entries, key=lambda entry: hash(entry.body) % 9973), query, len(entries))


def ties_change_places(source: HostileSource, query: Query) -> Response:
    """Keep to the order of time, and to none within a millisecond."""
    rng = random.Random(query.number)
    keyed = [(entry.stamp, rng.random(), entry) for entry in found(source, query)]
    return page([entry for _, _, entry in sorted(keyed, reverse=not query.ascending)], query)


def ignores_offset(source: HostileSource, query: Query) -> Response:
    return honest(source, query._replace(offset=0))


def ignores_order(source: HostileSource, query: Query) -> Response:
    return honest(source, query._replace(ascending=True))


def always_descending(source: HostileSource, query: Query) -> Response:
    return honest(source, query._replace(ascending=False))


def refuses_page_with(body: bytes, status: int = 403) -> Respond:
    """Refuse every page that would have `body` in it."""

    def respond(source: HostileSource, query: Query) -> Response:
        given = honest(source, query)
        return Response([], status=status, raw=b"{}") if body in given.entries else given

    return respond


def broken(source: HostileSource, query: Query) -> Response:
    return Response([], status=500, raw=b"<html>oops</html>")


def refused(organization: str, status: int = 403) -> Respond:
    """Refuse one organization's log."""

    def respond(source: HostileSource, query: Query) -> Response:
        return Response([], status=status, raw=b"{}") if query.organization == organization else honest(source, query)

    return respond


def rolls_up(share: float = 1.0) -> Respond:
    """Repeat a share of every group's entries in the root's log."""

    def respond(source: HostileSource, query: Query) -> Response:
        if query.organization != ROOT:
            return honest(source, query)
        logs = [
            [entry for place, entry in enumerate(log) if one == ROOT or place % 100 < share * 100]
            for one, log in source.logs.items()
        ]
        merged = sorted((entry for log in logs for entry in log), key=lambda entry: entry.stamp)
        return honest(HostileSource({ROOT: merged}), query)

    return respond


def moving(change: Callable[[HostileSource, Query], object]) -> Respond:
    """Change the log before each response."""

    def respond(source: HostileSource, query: Query) -> Response:
        change(source, query)
        return honest(source, query)

    return respond


def raw(data: bytes) -> Respond:
    """Give a body that is no page."""
    return lambda source, query: Response([], raw=data)
