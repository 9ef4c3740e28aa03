"""Reading a source that does not keep to the order of time: by halves, until a page holds one whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import PAGE_LIMIT, Window
from mulesoft_audit.collect.entries import NOTHING, Entries, joined, placed
from mulesoft_audit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.anypoint.entry import Page


MORE_REQUESTS = 512  #: what it may take besides eight for each page
MOST_AT_ONCE = 50_000  #: entries of one millisecond


class NoProgress(SourceError):
    """The source's pages lead nowhere."""


def by_halves(
    ask: Callable[[Window, int, int], Page], fullest: Callable[[], int], window: Window, what: str
) -> Iterator[tuple[int, Entries]]:
    """Yield a window's entries in order, a part at a time, each with the time (Unix ms) up to which all came.

    Args:
        ask: returns the page of a window at an offset, of so many entries at most.
        fullest: returns how many entries the largest page had so far.
        window: from when to when.
        what: is read, for messages.

    Raises:
        NoProgress: a page shows less than there is, however short its time.
        AuditError: as `ask`.
    """
    requests = came = 0
    windows = [window]
    while windows:
        part = windows.pop()
        page = ask(part, 0, PAGE_LIMIT)
        requests += 1
        inside = placed(page, part.start).between(*part)
        if requests > 8 * came // fullest() + MORE_REQUESTS:
            raise _no_progress(what)
        if len(page.entries) < fullest() and page.total in (None, len(page.entries), len(inside.times)):
            found = inside
        elif part.end - part.start > 1:
            middle = (part.start + part.end) // 2
            windows += [Window(middle, part.end), Window(part.start, middle)]
            continue
        else:
            found = _by_offset(ask, part, page, what)
        came += len(found.times)
        yield part.end, found.chosen(sorted(range(len(found.times)), key=found.times.__getitem__))


def _by_offset(ask: Callable[[Window, int, int], Page], part: Window, page: Page, what: str) -> Entries:
    """Return all entries of a window, of which `page` is the first page."""
    found: list[Entries] = [NOTHING]
    offset = 0
    while page.entries:
        found.append(placed(page, part.start).between(*part))
        offset += len(page.entries)
        if page.total is not None and page.total <= offset:
            break
        if offset > MOST_AT_ONCE:
            raise _no_progress(what)
        page = ask(part, offset, PAGE_LIMIT)
    return joined(found)


def _no_progress(what: str) -> NoProgress:
    return NoProgress(
        f"Anypoint gives the entries of {what} in no order, and its totals do not fit.",
        "What was collected is kept. The next run asks again; if this stays, report it to MuleSoft.",
    )
