"""Following cursors through one window to the documented end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import CursorRefused, Window
from mulesoft_audit.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.anypoint.entry import Page
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.anypoint.tree import Organization

MAX_EMPTY_PAGES = 3  #: pages without entries but with a cursor, in a row
MAX_STUCK = 3  #: refusals of a cursor, in a row, at one place


class TooMany(Exception):
    """The window holds more entries than one reader should read; `total` is what the source said."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.total = total


class Loop:
    """The pages of a window, in order. A cursor that is refused is replaced by a query from where one is sure of.

    Attributes:
        total: of the whole window, as the last page gave it; None if it does not say, or says it of less.
    """

    def __init__(
        self,
        query: AuditQuery,
        organization: Organization,
        window: Window,
        *,
        rewind: Callable[[int], int],
        too_many: Callable[[int], bool],
    ) -> None:
        """Page through `window`.

        Args:
            query: the source.
            organization: whose log.
            window: from when to when.
            rewind: forgets the entries of the last millisecond received; returns that millisecond, or its argument.
            too_many: whether to give up on a first page that speaks of so many entries.
        """
        self.total: int | None = None
        self._query = query
        self._organization = organization
        self._window = window
        self._rewind = rewind
        self._too_many = too_many
        self._start = window.start
        self._got = 0
        self._part_total: int | None = None
        self._stuck = 0

    def pages(self) -> Iterator[Page]:
        """Yield each page up to the end.

        Raises:
            TooMany: the first page says so.
            SourceError: the cursors lead nowhere.
        """
        cursor: str | int | None = None
        empty = 0
        while True:
            try:
                page = self._query.page(self._organization, Window(self._start, self._window.end), cursor)
            except CursorRefused:
                if self._nothing_behind():
                    return
                cursor = None
                continue
            if cursor is None and self._start == self._window.start and self._too_many(page.total or 0):
                raise TooMany(page.total or 0)
            self._got += len(page.entries)
            self._part_total = page.total
            yield page
            if page.cursor is None:
                # An empty page without a cursor is the documented end; a full one must be proved by a count.
                self.total = page.total if not page.entries and self._start == self._window.start else None
                return
            empty = 0 if page.entries else empty + 1
            if page.cursor == cursor or empty > MAX_EMPTY_PAGES:
                raise self._lost("its cursor does not move on")
            cursor = page.cursor

    def _nothing_behind(self) -> bool:
        """Go back to where one is sure of; return whether the part was read to its end, so that there is no need."""
        if self._part_total is not None and self._part_total == self._got:
            return True
        before, self._start = self._start, self._rewind(self._start)
        self._got, self._part_total = 0, None
        self._stuck = self._stuck + 1 if self._start == before else 0
        if self._stuck > MAX_STUCK:
            raise self._lost("its cursors are refused over and over")
        return False

    def _lost(self, why: str) -> SourceError:
        return SourceError(
            f"Anypoint does not give all of {self._organization} from {self._window}: {why}.",
            "What was committed before is kept. Run again; if this stays, report it to MuleSoft with the times.",
        )
