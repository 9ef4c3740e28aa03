"""Following cursors through one window to the documented end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mulesoft_audit.anypoint.entry import Page
    from mulesoft_audit.anypoint.query import AuditQuery, Window
    from mulesoft_audit.anypoint.tree import Organization


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
        self._got = 0

    def pages(self) -> Iterator[Page]:
        """Yield each page up to the end.

        Raises:
            TooMany: the first page says so.
            SourceError: the cursors lead nowhere.
        """
        while True:
            page = self._query.page(self._organization, self._window, offset=self._got)
            if not self._got and self._too_many(page.total or 0):
                raise TooMany(page.total or 0)
            self._got += len(page.entries)
            yield page
            if not page.entries:
                self.total = page.total
                return
