"""Runs as metrics: what they are, and their text for Prometheus' textfile collector.

The file is what the last run left, over what runs before it left: counters go on, and what a run that failed could not
find out stays as it was, so that an alert on its age fires. Format: Prometheus, "Exposition formats", text 0.0.4;
without timestamps, which the textfile collector refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mulesoft_audit.monitoring.address import Kind
from mulesoft_audit.monitoring.outcome import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mulesoft_audit.collect.organization import OrganizationRun
    from mulesoft_audit.collect.summary import Summary


class Metric(NamedTuple):
    """What a metric is."""

    kind: str
    help: str


Sample = tuple[dict[str, str], float]  #: labels, and a value

PREFIX = "mulesoft_audit_"
#: Of all runs that write this file; a round of `collect --every` is a run.
RUNS = {
    "runs_total": Metric("counter", "Runs that ended."),
    "failed_runs_total": Metric("counter", "Runs that failed; one that was stopped did not fail."),
    "new_entries_total": Metric("counter", "Entries that were new to the archive."),
    "requests_total": Metric("counter", "Requests sent to Anypoint."),
    "requests_over_limit_total": Metric("counter", "Responses that said that the limit of requests was exceeded."),
    "last_run_timestamp_seconds": Metric("gauge", "When the last run ended."),
    "last_success_timestamp_seconds": Metric("gauge", "When a run last ended with exit status 0."),
    "last_run_exit_status": Metric("gauge", "Exit status of the last run; 0 if nothing failed, 130 if it was stopped."),
    "last_run_complete": Metric("gauge", "Whether the last run proved the archive equal to Anypoint's log."),
    "last_run_failures": Metric("gauge", "What failed in the last run."),
    "last_run_duration_seconds": Metric("gauge", "How long the last run took."),
}
#: Of each organization that a run looked at.
ORGANIZATIONS = {
    "organization_entries": Metric("gauge", "Entries that the archive holds."),
    "organization_complete": Metric("gauge", "Whether the last run proved this organization complete."),
    "organization_failures": Metric("gauge", "What failed for this organization in the last run."),
    "organization_lag_seconds": Metric("gauge", "Age of the newest entry when the last run ended."),
    "organization_newest_entry_timestamp_seconds": Metric("gauge", "Time of the newest entry."),
    "organization_proved_timestamp_seconds": Metric("gauge", "When this organization was last proved complete."),
}


@dataclass(slots=True)
class Metrics:
    """The metrics of one archive.

    Attributes:
        archive: where it is.
        runs: values by name.
        organizations: by id, the name and the values by name.
    """

    archive: str
    runs: dict[str, float] = field(default_factory=dict)
    organizations: dict[str, tuple[str, dict[str, float]]] = field(default_factory=dict)

    def add(self, summary: Summary) -> None:
        """Add a run that ended."""
        kind, ended = kind_of(summary), summary.ended / 1000
        counted = {
            "runs_total": 1,
            "failed_runs_total": int(kind is Kind.FAIL),
            "new_entries_total": summary.written,
            "requests_total": summary.requests,
            "requests_over_limit_total": summary.over_limit,
        }
        for name, more in counted.items():
            self.runs[name] = self.runs.get(name, 0) + more
        self.runs |= {
            "last_run_timestamp_seconds": ended,
            "last_run_exit_status": summary.exit_code,
            "last_run_complete": int(summary.complete),
            "last_run_failures": len(summary.failures),
            "last_run_duration_seconds": round(summary.seconds, 3),
        }
        if kind is Kind.SUCCESS:
            self.runs["last_success_timestamp_seconds"] = ended
        for run in summary.organizations:
            if run.organization.id not in summary.later:
                _, before = self.organizations.get(run.organization.id, ("", {}))
                self.organizations[run.organization.id] = (run.organization.name, before | _values(run, ended))


def _values(run: OrganizationRun, ended: float) -> dict[str, float]:
    values: dict[str, float] = {
        "organization_entries": sum(counted.held for counted in list(run.head.days.values())),  # a later round may add
        "organization_complete": int(run.complete),
        "organization_failures": len(run.failures),
    }
    if newest := run.newest / 1000:
        values["organization_newest_entry_timestamp_seconds"] = newest
        values["organization_lag_seconds"] = round(ended - newest, 3)
    if run.result.verified_at:
        values["organization_proved_timestamp_seconds"] = run.result.verified_at / 1000
    return values


def as_text(metrics: Metrics) -> str:
    """Return metrics as the file has them: each with its help and type, then its values."""
    lines: list[str] = []
    for name, metric in RUNS.items():
        of_all: list[Sample] = [({}, metrics.runs[name])] if name in metrics.runs else []
        lines += _family(name, metric, metrics.archive, of_all)
    for name, metric in ORGANIZATIONS.items():
        of_each: list[Sample] = [
            ({"organization": organization, "name": called}, values[name])
            for organization, (called, values) in metrics.organizations.items()
            if name in values
        ]
        lines += _family(name, metric, metrics.archive, of_each)
    return "".join(f"{line}\n" for line in lines)


def _family(name: str, metric: Metric, archive: str, found: Iterable[Sample]) -> Iterator[str]:
    samples = [f"{PREFIX}{name}{{{_labels({'archive': archive, **labels})}}} {value!r}" for labels, value in found]
    if samples:
        yield f"# HELP {PREFIX}{name} {metric.help}"
        yield f"# TYPE {PREFIX}{name} {metric.kind}"
        yield from samples


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "backslashreplace").decode()
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


_SAMPLE = re.compile(rf'{PREFIX}(\w+)\{{((?:[^"}}]|"(?:[^"\\]|\\.)*")*)\}} (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


def from_text(text: str, archive: str) -> Metrics:
    """Return what a file that `as_text` wrote says of an archive; lines that are nothing of it are left out."""
    metrics = Metrics(archive)
    for line in text.split("\n"):
        if not (sample := _SAMPLE.fullmatch(line)):
            continue
        name, labels = sample[1], {key: _unescaped(value) for key, value in _LABEL.findall(sample[2])}
        try:
            value = float(sample[3])
        except ValueError:
            continue
        if labels.get("archive") != _unescaped(_escaped(archive)):
            continue
        if name in RUNS:
            metrics.runs[name] = value
        elif name in ORGANIZATIONS and "organization" in labels:
            _, values = metrics.organizations.setdefault(labels["organization"], (labels.get("name", ""), {}))
            values[name] = value
    return metrics


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda found: {"n": "\n"}.get(found[1], found[1]), value)
