"""Alerts for silence: no successful run for 26 hours, and nothing read by the feed.

A metric-absence condition reaches back 23.5 hours at most ("Create metric-absence alerting policies"), so silence is
asked for in PromQL: nothing in the last 24 hours, and that for as long as remains. It also fires when there never was
a run, which a metric-absence condition does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.monitoring import KEY, Channel, Named

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.deploy.resource import Resource
    from mulesoft_audit.cloud.google.client import Google, Json

RANGE = 24


@dataclass(frozen=True, slots=True)
class Silence:
    """One thing that must not fall silent.

    Attributes:
        project: where the metric is.
        key: value of the label that tells it from our other alerts.
        title: what the alert is called.
        series: PromQL selector of a counter that moves when all is well.
        hours: of silence until the alert.
        advice: what to do, in Markdown.
    """

    project: str
    key: str
    title: str
    series: str
    hours: int
    advice: str

    @property
    def query(self) -> str:
        """The condition: nothing counted in the last day."""
        return f"(sum(increase({self.series}[{RANGE}h])) or vector(0)) < 0.5"


def run_silence(config: Deployment) -> Silence:
    """Return the alert for runs: the service answered no message with success ("Google Cloud metrics: run")."""
    return Silence(
        config.project,
        "run-silent",
        f"MuleSoft audit logs: no successful run in {config.run_alert_hours} h",
        'run_googleapis_com:request_count{monitored_resource="cloud_run_revision",'
        f'service_name="{config.function}",response_code_class="2xx"}}',
        config.run_alert_hours,
        f"The function `{config.function}` has not ended a run with success for {config.run_alert_hours} hours. "
        "Nothing is lost: the next successful run catches up, as long as Anypoint still holds the logs. "
        "`mulesoft-audit doctor` says what is wrong.",
    )


def feed_silence(config: Deployment) -> Silence:
    """Return the alert for the feed: SecOps ingested no MULESOFT record ("Google Cloud metrics: chronicle")."""
    return Silence(
        config.alert_project,
        "feed-silent",
        f"MuleSoft audit logs: SecOps ingested nothing in {config.feed_alert_hours} h",
        'chronicle_googleapis_com:ingestion_log_record_count{monitored_resource="chronicle.googleapis.com/Collector",'
        'log_type="MULESOFT"}',
        config.feed_alert_hours,
        f"Google SecOps has ingested no MULESOFT record for {config.feed_alert_hours} hours. The objects stay in the "
        f"bucket `{config.bucket}`; `mulesoft-audit feed status` says what the feed reports.",
    )


class Alert(Named):
    """An alert policy."""

    kind: ClassVar[str] = "alert"
    collection: ClassVar[str] = "alertPolicies"

    def __init__(self, google: Google, config: Deployment, silence: Silence, channel: Channel | None = None) -> None:
        """Alert about `silence`, to the configured channels and to `channel`."""
        super().__init__(google, config, silence.project, silence.key)
        self._silence = silence
        self._channel = channel

    def wanted(self) -> Json:
        """Return the policy."""
        silence = self._silence
        condition = {
            "displayName": silence.title,
            "conditionPrometheusQueryLanguage": {
                "query": silence.query,
                "duration": f"{(silence.hours - RANGE) * 3600}s",
                "evaluationInterval": "300s",
                "disableMetricValidation": True,
            },
        }
        return {
            "displayName": silence.title,
            "documentation": {"content": silence.advice, "mimeType": "text/markdown"},
            "combiner": "OR",
            "conditions": [condition],
            "notificationChannels": [*self.config.channels, *([self._channel.full_name()] if self._channel else [])],
            "userLabels": {**self.config.labels, KEY: silence.key},
        }


def silences(config: Deployment) -> list[Silence]:
    """Return what there are alerts for."""
    if not config.alerts:
        return []
    return [run_silence(config), *([feed_silence(config)] if config.feed_alert else [])]


def alerting(google: Google, config: Deployment) -> list[Resource]:
    """Return the alerts, each project's e-mail channel before them."""
    wanted = silences(config)
    channels = {one.project: Channel(google, config, one.project) for one in wanted} if config.alert_email else {}
    return [*channels.values(), *(Alert(google, config, one, channels.get(one.project)) for one in wanted)]
