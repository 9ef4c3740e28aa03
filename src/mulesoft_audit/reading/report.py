"""A report as one HTML file: no script, nothing from a network, every text escaped, a table behind each chart."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter, deque
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from mulesoft_audit import __version__
from mulesoft_audit.archive.layout import DAY_MS, day_of, day_start
from mulesoft_audit.printable import printable
from mulesoft_audit.reading import charts
from mulesoft_audit.reading.lines import things
from mulesoft_audit.reading.rows import reference
from mulesoft_audit.reading.view import glance, view
from mulesoft_audit.times import LocalTimes, ago

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mulesoft_audit.detect.finding import Finding
    from mulesoft_audit.ledger.names import Names
    from mulesoft_audit.reading.charts import Row
    from mulesoft_audit.reading.search import Stretch
    from mulesoft_audit.reading.status import Standing, Status
    from mulesoft_audit.reading.tally import Tally

YEAR = 365
TOP = 15
CALENDARS = 24  #: organizations that get one; the table has all
OF_A_RULE = 3  #: findings that are shown; all are counted
SEVERITIES = ("info", "low", "medium", "high", "critical")
OTHERS = "others"


class Findings:
    """What the rules of `detect` found.

    Attributes:
        counts: how many findings, by rule.
    """

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._newest: dict[str, deque[Finding]] = {}
        for one in found:
            self.counts[one.rule] += 1
            self._newest.setdefault(one.rule, deque(maxlen=OF_A_RULE)).append(one)

    def newest(self) -> list[Finding]:
        """Return the newest findings of each rule, the gravest first."""
        kept = [one for of_rule in self._newest.values() for one in reversed(of_rule)]
        return sorted(kept, key=lambda one: (-SEVERITIES.index(one.severity), one.rule))


def render(tally: Tally, findings: Findings, status: Status, stretch: Stretch, archive: str, now: int) -> str:
    """Return the report.

    Args:
        tally: of the entries between the times of `stretch`.
        findings: in them.
        status: of the archive.
        stretch: when; Unix ms.
        archive: its URL.
        now: Unix ms.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mulesoft_audit.reading"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    style = environment.get_template("report.css").render()
    times = LocalTimes()
    by_day = _by_day(tally, status, stretch, now)
    logins = _logins(tally, stretch, now)
    return environment.get_template(
        "report.html"
    ).render(
        style=Markup(style),  # noqa: S704 - a file of this package
        policy=f"default-src 'none'; style-src 'sha256-{_hash(style)}'; base-uri 'none'; form-action 'none'",
        archive=archive,
        version=__version__,
        now=times.minute(now),
        since=times.minute(stretch.since),
        until=times.minute(min(stretch.until, now)),
        run=status.run,
        ago=lambda then: f"{ago(now - then)} ago" if then else "never",
        minute=lambda then: times.minute(then) if then else "never",
        second=times.second,
        status=status,
        standings=status.standings,
        names=status.names,
        tally=tally,
        counts=findings.counts,
        findings=findings.newest(),
        calendars=[(one, _svg(charts.calendar(list(_year(one, now))))) for one in status.standings[:CALENDARS]],
        days=by_day,
        days_chart=_chart(charts.stacked, by_day, _order(by_day)),
        logins=logins,
        logins_chart=_chart(charts.stacked, logins, ["logins", "failures"]),
        actors=(actors := _top(tally.actors)),
        actors_chart=_chart(charts.ranked, actors),
        actions=(actions := _top(_joined(tally))),
        actions_chart=_chart(charts.ranked, actions),
        changes=list(_changes(tally, status.names)),
    )


def _shown(value: object) -> object:
    """Return what a place in the page shows: text without what turns its direction or is not seen."""
    return printable(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _chart(draw: Any, rows: list[Row], *more: object) -> Markup:  # noqa: ANN401 - one of `charts`
    return _svg(draw(rows, *more)) if rows else Markup()


def _svg(text: str) -> Markup:
    """Return an SVG that scales; Vega has escaped the texts in it."""
    return Markup(re.sub(r'(<svg [^>]*?) width="\d+" height="\d+"', r"\1", text, count=1))  # noqa: S704 - see above


def _date(day: int) -> str:
    return day_of(day * DAY_MS).isoformat()


def _days(stretch: Stretch, now: int, counted: Iterable[int]) -> range:
    """Return the days to show: those asked for, but none before the first or after the last that has anything."""
    there = list(counted)
    if not there:
        return range(0)
    last = min(min(now, stretch.until - 1) // DAY_MS, max(there))
    return range(max(stretch.since // DAY_MS, min(there)), last + 1)


def _by_day(tally: Tally, status: Status, stretch: Stretch, now: int) -> list[Row]:
    """Return entries by day and organization; those of many small organizations are counted as others."""
    of = dict.fromkeys((one.organization for one in status.standings), 0)
    for (organization, _), count in tally.by_day.items():
        of[organization] = of.get(organization, 0) + count
    largest = sorted(of, key=lambda one: -of[one])
    named = set(largest if len(largest) <= charts.SERIES else largest[: charts.SERIES - 1])
    rows: dict[tuple[int, str], int] = {}
    for (organization, day), count in tally.by_day.items():
        name = _label(status.names.of(organization)) if organization in named else OTHERS
        rows[day, name] = rows.get((day, name), 0) + count
    days = _days(stretch, now, (day for _, day in tally.by_day))
    return [{"day": _date(day), "series": name, "count": n} for (day, name), n in sorted(rows.items()) if day in days]


def _order(rows: list[Row]) -> list[str]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[str(row["series"])] = totals.get(str(row["series"]), 0) + int(row["count"])
    return sorted(totals, key=lambda name: (name == OTHERS, -totals[name], name))


def _logins(tally: Tally, stretch: Stretch, now: int) -> list[Row]:
    days = _days(stretch, now, [*tally.logins, *tally.failures])
    both = {"logins": tally.logins, "failures": tally.failures}
    return [{"day": _date(day), "series": name, "count": of[day]} for day in days for name, of in both.items()]


def _joined(tally: Tally) -> dict[str, int]:
    return {f"{platform}: {done}": count for (platform, done), count in tally.actions.items()}


def _top(counts: Counter[str] | dict[str, int]) -> list[Row]:
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:TOP]
    return [{"name": _label(name) or "(nobody named)", "count": count} for name, count in most]


def _label(name: str) -> str:
    return printable(name, 60)


def _year(one: Standing, now: int) -> Iterator[Row]:
    """Yield each day of the last year of an organization, as the calendar shows it."""
    today = day_of(now)
    most = max((counted.held for counted in one.counted.values()), default=0)
    for back in reversed(range(YEAR)):
        day = today - timedelta(days=back)
        counted = one.counted.get(day.isoformat())
        if counted and (counted.source > counted.held or counted.unreadable):
            state, share = "differs", 1.0
        elif counted and counted.held:
            state, share = "held", (counted.held / most) ** 0.5
        else:
            state, share = ("before" if day_start(day) < one.since or not one.since else "empty"), 1.0
        week = (day - timedelta(days=day.weekday())).isoformat()
        yield {"week": week, "weekday": day.weekday(), "state": state, "share": round(share, 2)}  # type: ignore[dict-item]


def _changes(tally: Tally, names: Names) -> Iterator[dict[str, str | int]]:
    for entry in reversed(tally.changes):
        said = view(entry)
        yield {
            "time": entry.time,
            "organization": names.of(entry.organization),
            "who": said.who or "-",
            "action": said.what_was_done,
            "what": things(glance(entry.line).objects),
            "outcome": "failed" if said.has_failed else "",
            "reference": reference(entry.line),
        }
