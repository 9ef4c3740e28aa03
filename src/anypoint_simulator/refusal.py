"""A request that is answered with an error: the status, and a body of the chosen kind."""

from __future__ import annotations

import html

from anypoint_simulator.wire import HTML, TEXT, Reply, reason


class RefusedError(Exception):
    """A request is answered with this status.

    Attributes:
        status: 400 to 599.
        error: the OAuth error code, for the token endpoint.
        headers: sent with it.
    """

    def __init__(self, status: int, message: str, error: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error = error
        self.headers = headers or {}


def refusal(problem: RefusedError, kind: str) -> Reply:
    """Return the answer; error bodies of the real service are undocumented, so the kind is a switch."""
    status, message = problem.status, problem.message
    if kind == "empty":
        return Reply(status, headers=problem.headers)
    if kind == "text":
        return Reply(status, message.encode(), TEXT, problem.headers)
    if kind == "html":
        title = f"{status} {reason(status)}"
        page = f"<html><head><title>{title}</title></head><body>{html.escape(message)}</body></html>"
        return Reply(status, page.encode(), HTML, problem.headers)
    if problem.error:
        document = {"error": problem.error, "error_description": message}
    else:
        document = {"name": reason(status).title().replace(" ", "") + "Error", "message": message}
    return Reply.json(document, status, problem.headers)
