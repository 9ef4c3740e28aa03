"""A run: every organization brought up to date, under one pace, one deadline and one way to stop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mulesoft_audit.anypoint.query import iso
from mulesoft_audit.anypoint.tree import Organization, ancestors
from mulesoft_audit.archive.layout import DAY_MS
from mulesoft_audit.collect import last_run
from mulesoft_audit.collect.between import Between
from mulesoft_audit.collect.context import Context
from mulesoft_audit.collect.pool import workers_for
from mulesoft_audit.collect.report import organization_fields
from mulesoft_audit.collect.schedule import Schedule
from mulesoft_audit.collect.summary import Summary
from mulesoft_audit.errors import AuditError, Interrupted
from mulesoft_audit.ledger import registry as registries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulesoft_audit.anypoint.pacer import Pacer
    from mulesoft_audit.anypoint.query import AuditQuery
    from mulesoft_audit.archive.store import Store
    from mulesoft_audit.clock import Stop
    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.period import Period, Whose

log = logging.getLogger(__name__)

SAVED_EVERY_MS = 60_000  #: how often at least rounds without news write down that they were


def collect(
    whose: Whose,
    period: Period,
    *,
    store: Store,
    query: AuditQuery,
    pacer: Pacer,
    stop: Stop,
    ahead: Callable[[], float | None] = lambda: None,
    started: Callable[[Summary], None] = lambda _: None,
    between: Between | None = None,
) -> Summary:
    """Bring the archive's entries up to the source's.

    Args:
        whose: whose logs.
        period: from when to when.
        store: the archive.
        query: the source.
        pacer: the pace that every request keeps.
        stop: tells that it is time to stop; what was read by then is committed.
        ahead: returns by how many seconds this machine's clock is ahead of the source's; None if that is not known.
        started: called with the summary as it fills, for whoever shows progress.
        between: what the round before left, if this is one of several.

    Returns:
        What was done and what failed. Nothing is raised for a failure that the summary can hold.

    Raises:
        UsageError: the archive belongs to another root organization.
        ArchiveError: the archive cannot be read at all.
    """
    began = stop.clock.monotonic()
    store.stopping = lambda: stop.asked  # from then on nothing waits for a lock or a bucket
    registry, generation = registries.load(store)
    registries.check(registry, whose.root, store)
    gone = {} if whose.named else registries.left_the_tree(registry, {one.id for one in whose.organizations})
    organizations = [registries.recalled(registry, one) for one in (*whose.organizations, *map(Organization, gone))]
    between = between or Between()
    for one in organizations[len(whose.organizations) :]:
        if one.id not in between.runs:
            log.warning("The organization tree names %s no more; its log is still read", one)
    left_alone = between.left_alone(organizations)
    before, last_generation = last_run.load(store)
    context = Context(period, store, query, stop.clock, ahead, whose)
    held = (registries.recalled(registry, Organization(name)) for name in registry.organizations)
    schedule = Schedule(context, stop, workers_for(pacer.per_minute), ancestors([*held, *organizations]))
    first_of_day = before.ended // DAY_MS != context.until // DAY_MS
    summary = Summary([], list(whose.problems), until=context.until)
    summary.left_alone = [one for one in organizations if one.id in left_alone]
    stop.heeded = True
    try:
        said = {name: known.since for name, known in registry.organizations.items()}
        schedule.load([one for one in organizations if one.id not in left_alone], said, between.runs)
        summary.organizations = schedule.runs
        since = {one.organization.id: one.head.since for one in schedule.runs}
        named = organizations[: len(whose.organizations)]
        found = {one.id: registries.known(one, since[one.id]) for one in named if one.id in since}
        registries.save(store, registry, generation, whose.root, found)
        schedule.begin()
        started(summary)
        if schedule.pool.run():
            schedule.rescue(summary)
            summary.interrupted = stop.reason
    except Interrupted as error:
        summary.interrupted = stop.reason or error.message
    except AuditError as error:
        schedule.rescue(summary)
        summary.problems.append(error)
    stop.heeded = False
    _say_floor_jumped(context, schedule.runs, before)
    _say_part(period, schedule.runs)
    summary.count(pacer, stop.clock.monotonic() - began, context.now())
    newest = [one for one in schedule.runs if one.organization.id not in summary.later]
    told = newest if period.until is None else []  # of a part of the time nothing is told that people go by
    fields = {one.organization.id: organization_fields(one, summary.ended) for one in told}
    floor = context.kept.floor or before.floor
    after = last_run.LastRun(summary.ended, floor, summary.complete, summary.exit_code, fields)
    same = not summary.written and (summary.complete, summary.exit_code) == (before.complete, before.exit_code)
    if not (same and between.runs and not first_of_day and summary.ended - before.ended < SAVED_EVERY_MS):
        last_run.save(store, after, before, last_generation)
    return summary


def _say_part(period: Period, runs: Sequence[OrganizationRun]) -> None:
    """A run up to some moment proves that part of the time, and nothing of the rest."""
    if period.until is not None:
        for one in runs:
            if one.result.verified_at:
                part = f"{iso(one.result.floor)} to {iso(period.until)}"
                one.result.not_proved.append(f"only from {part} was compared (--until)")


def _say_floor_jumped(context: Context, runs: Sequence[OrganizationRun], before: last_run.LastRun) -> None:
    """Where the source keeps much less than it did a moment ago, what it dropped unread cannot be proved."""
    passed = context.until - before.ended
    if before.floor and context.kept.floor - before.floor > passed + 2 * DAY_MS:
        text = f"Anypoint keeps entries from {iso(context.kept.floor)[:10]} on only, and kept them from "
        text += f"{iso(before.floor)[:10]} on before: what it dropped in between was not compared"
        log.warning("%s", text)
        for one in runs:
            one.result.not_proved.append(text)
