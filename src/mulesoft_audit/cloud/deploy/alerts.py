"""Alerts for silence: no successful run for 26 hours, and nothing read by the feed.

A metric-absence condition reaches back 23.5 hours at most ("Create metric-absence alerting policies"), so silence is
asked for in PromQL: nothing in the last 24 hours, and that for as long as remains. It also fires when there never was
a run, which a metric-absence condition does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mulesoft_audit.cloud.deploy.resource import Change, Owner, Resource, additions, compare, owner_by
from mulesoft_audit.cloud.google.errors import NotEnabled, Uncertain

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.google.client import Google, Json

HOST = "monitoring.googleapis.com/v3"
KEY = "mulesoft-audit-alert"  #: user label that tells our alerts apart
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


class Alert(Resource):
    """An alert policy. Google names it, so it is found by its labels, and its creation is never repeated blindly."""

    kind: ClassVar[str] = "alert"

    def __init__(self, google: Google, config: Deployment, silence: Silence) -> None:
        super().__init__(google, config)
        self.name = silence.key
        self._silence = silence
        self._url = f"{HOST}/projects/{silence.project}/alertPolicies"

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
            "notificationChannels": list(self.config.channels),
            "userLabels": {**self.config.labels, KEY: silence.key},
        }

    def observe(self) -> Json | None:
        """Return the policy with our labels, and how many more there are of the same."""
        try:
            found = list(self.google.pages(self._url, "alertPolicies", "look at the alerts"))
        except NotEnabled:
            return None
        ours = [one for one in found if self._is_ours(one)]
        if not ours:
            return None
        ours.sort(key=lambda one: str(one["name"]))
        return {**ours[0], "spare": [one["name"] for one in ours[1:]]}

    def diff(self, observed: Json) -> list[Change]:
        """Compare the policy; a second one of the same is a change too."""
        spare = [Change("duplicates", str(len(observed["spare"])), "0")] if observed.get("spare") else []
        return compare(self.wanted(), _plain(observed)) + spare

    def missing(self) -> list[Change]:
        """Return what it watches."""
        return additions({"displayName": self._silence.title, "notificationChannels": list(self.config.channels)})

    def apply(self, observed: Json | None, *, adopt: bool) -> None:
        """Create or patch it, and delete what there is too much of."""
        body = self.wanted()
        body["userLabels"] = {**body["userLabels"], **self.labels(adopt=adopt)}
        if observed is None:
            self._create(body)
            return
        for name in observed.get("spare", []):
            self.google.delete(f"{HOST}/{name}", "delete a duplicate alert")
        mask = ",".join(body)
        self.google.patch(f"{HOST}/{observed['name']}", f"change the alert {self.name}", body, updateMask=mask)

    def _create(self, body: Json) -> None:
        try:
            self.google.post(self._url, f"create the alert {self.name}", body, once=True)
        except Uncertain:
            self.google.stop.sleep(5.0)
            if self.observe() is None:
                raise

    def destroy(self, observed: Json) -> None:
        """Delete it and its duplicates."""
        for name in [observed["name"], *observed.get("spare", [])]:
            self.google.delete(f"{HOST}/{name}", f"delete the alert {self.name}")

    def owner(self, observed: Json) -> Owner:
        """Go by the label."""
        return owner_by(observed.get("userLabels"))

    def _is_ours(self, policy: Json) -> bool:
        labels = policy.get("userLabels", {})
        return labels.get(KEY) == self._silence.key and owner_by(labels) is not Owner.FOREIGN


def _plain(observed: Json) -> Json:
    """Return the policy with its conditions stripped of the names Google gave them."""
    conditions = [{key: value for key, value in one.items() if key != "name"} for one in observed.get("conditions", [])]
    return {**observed, "conditions": conditions}
