"""What the balance rests on, as functions of numbers: what a page tells, what a total tells, what a difference means.

None of them asks anybody anything.
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from math import ceil, log2
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.anypoint.query import PAGE_LIMIT
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.ledger.keys import unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mulesoft_audit.ledger.keys import Key

ROUND = 1_000  #: a total that is a multiple of this may be where a search engine stops counting


class Judged(NamedTuple):
    """What the newest page tells.

    Attributes:
        above: Unix ms; the page has all that is newer, and it is known which of that is held.
        new: indices of the page's entries that are newer than that and not held.
        missing: how many entries that are newer than that and held are not in the page.
    """

    above: int
    new: list[int]
    missing: int


def judge(page: Sequence[Key], *, whole: bool, floor: int, known_from: int, known: Sequence[Key]) -> Judged | None:
    """Tell which entries of the newest page are new.

    An entry is judged only if it is newer than the page's oldest millisecond, of which there may be more, or if the
    page is the whole log; and if all that is held of its time is known.

    Args:
        page: the page's entries, newest first, times in Unix ms.
        whole: the page is all that the source has.
        floor: from when on the source was asked.
        known_from: from when on `known` is complete.
        known: what the source gave before, from `known_from` on.

    Returns:
        None if the page is not in order: then it tells nothing.
    """
    times = [key[0] for key in page]
    if any(after > before for before, after in pairwise(times)):
        return None
    above = max(floor - 1 if whole or not page else times[-1], known_from - 1)
    newer = [index for index, time in enumerate(times) if time > above]
    found = unseen([page[index] for index in newer], [key for key in known if key[0] > above])
    return Judged(above, [newer[index] for index in found.new], found.missing)


class Decision(Enum):
    """What to do about a stretch of time."""

    VERIFIED = "the counts are equal"
    READ = "read it"
    SPLIT = "ask for the total of its later half"


def decide(start: int, end: int, expected: int | None, total: int | None) -> Decision:
    """Return what to do about the time from `start` (00:00 UTC) to `end`, Unix ms.

    Halving finds the days that differ by one request a level; it pays where reading everything takes more.

    Args:
        start: 00:00 UTC.
        end: exclusive.
        expected: what the source is expected to count; None if that cannot be told.
        total: what it counts; None if it does not say.
    """
    if expected is None or total is None:
        return Decision.READ
    if expected == total:
        return Decision.VERIFIED
    days = ceil((end - start) / DAY_MS)
    if days <= 1 or expected == 0 or ceil(total / PAGE_LIMIT) <= 2 * ceil(log2(days)):
        return Decision.READ
    return Decision.SPLIT


def middle(start: int, end: int) -> int:
    """Return 00:00 UTC of the day in the middle of `start` and `end`, which are more than a day apart."""
    days = ceil((end - start) / DAY_MS)
    return day_start(day_of(start)) + ceil(days / 2) * DAY_MS


class Totals(NamedTuple):
    """What a source's totals are worth: they stop at `cap` (0: they do not), or prove nothing at all."""

    cap: int = 0
    useless: bool = False

    @property
    def code(self) -> int:
        """The same as a head keeps it, as a number: 0, the cap, or -1."""
        return -1 if self.useless else self.cap


def worth(total: int | None, given: int, earlier: int | None, later: int | None) -> Totals | None:
    """Tell what totals are worth that differ from what reading everything gave.

    Args:
        total: of everything.
        given: entries that reading everything gave.
        earlier: the total of an earlier half of the time.
        later: the total of the rest.

    Returns:
        A cap, if the halves have more than the whole; useless, if totals are none, constant, or zero beside entries;
        None if they add up, or move: then it is the entries that differ.
    """
    if total is None or earlier is None or later is None or (total == 0 and given):
        return Totals(useless=True)
    if total > given:
        return Totals(useless=True) if total == earlier == later else None
    return Totals(cap=total) if earlier + later > total else None


def may_be_a_cap(total: int) -> bool:
    """Return whether a total that is as expected may all the same be where the source stops counting."""
    return total > 0 and total % ROUND == 0
