"""The Cloud Run function: each message of the topic is a run, within the time that Cloud Run gives it."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from mulesoft_audit.clock import DEADLINE, Stop
from mulesoft_audit.cloud.instance import Instance, end_with_sigterm
from mulesoft_audit.cloud.message import Malformed, Message, decode, payload, period_of, trace_fields
from mulesoft_audit.collect.report import as_fields, sentence
from mulesoft_audit.collect.run import collect
from mulesoft_audit.errors import AuditError, UsageError, may_pass
from mulesoft_audit.logs import configure, context
from mulesoft_audit.secret import Secret
from mulesoft_audit.settings import Settings, load
from mulesoft_audit.wiring import find_organizations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mulesoft_audit.collect.summary import Summary

log = logging.getLogger(__name__)

TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"
DEFAULT_TIMEOUT = 540.0  #: what an event-driven function may have at most ("Function timeout")

_instance = Instance()


class Event(Protocol):
    """A CloudEvent."""

    data: object

    def get_attributes(self) -> Mapping[str, object]:
        """Return its attributes."""
        ...


def prepare() -> None:
    """Set the process up, when the server imports the function: logs, and what a SIGTERM does. Nothing is opened."""
    configure(json=True)
    Secret(os.environ.get("CLIENT_SECRET", ""))  # from now on it is struck out of every line
    end_with_sigterm(_instance)


def handle(event: Event, headers: Mapping[str, str] | None = None) -> bool:
    """Do what a message asks for.

    Args:
        event: the CloudEvent that carries the message.
        headers: of the HTTP request that brought it.

    Returns:
        Whether to acknowledge the message: it is done, or failed in a way that lasts until somebody does something
        about it, such as a wrong setting. Otherwise it should come again.
    """
    attributes = event.get_attributes()
    project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    token = context.set(trace_fields(attributes, event.data, headers or {}, project))
    stop = Stop()
    stop.deadline = stop.clock.monotonic()
    try:
        stop.deadline += working_seconds(os.environ.get(TIMEOUT, ""))
        with _instance.running(stop):
            return _run(decode(payload(event.data)), stop)
    except Malformed as error:
        log.error("A message was dropped, because it cannot be understood. %s", error)  # noqa: TRY400
        return True
    except AuditError as error:
        fields = {"event": "failure", "exit_code": error.exit_code, "hint": error.hint}
        log.error("%s", error, extra={"fields": fields})  # noqa: TRY400 - it was raised to be read, not to be traced
        return not may_pass(error)
    except Exception:
        log.exception("The run failed in a way that was not foreseen; the message will come again")
        return False
    finally:
        context.reset(token)


def working_seconds(timeout: str) -> float:
    """Return for how long to take work, of a time after which the request is cut off.

    The rest is for committing what is held: 5 %, at least 15 s, at most half.

    Raises:
        UsageError: `timeout` is no number of seconds.
    """
    try:
        seconds = float(timeout or DEFAULT_TIMEOUT)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise UsageError(f"{TIMEOUT} is {timeout!r}; expected seconds, such as 600.")
    return seconds - min(max(15.0, seconds * 0.05), seconds / 2)


def function_settings(message: Message) -> Settings:
    """Return the settings, which have to say everything that `message` does not.

    Raises:
        UsageError: naming every setting that is missing, or the one that is malformed.
    """
    settings = load({})
    needed = {
        "MULE_ORG_ID": settings.mule_org_id or message.organizations,
        "CLIENT_ID": settings.client_id,
        "CLIENT_SECRET": settings.secret,
        "GCS_BUCKET": settings.archive_url,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set; nothing was sent.",
            "Set it with `gcloud run services update --update-env-vars`, a secret with --update-secrets.",
        )
    return settings


def _run(message: Message, stop: Stop) -> bool:
    settings = function_settings(message)
    period = period_of(message, settings.look_back, int(stop.clock.time() * 1000))
    period = replace(period, one_by_one=message.continued > 0)
    shared, store = _instance.opened(settings)
    source = shared.sharing(stop)
    whose = find_organizations(source, settings, message.organizations)
    summary = collect(
        whose,
        period,
        store=store,
        query=source.query,
        pacer=source.pacer,
        stop=stop,
        ahead=source.clock_ahead,
    )
    _report(summary, store.url, message)
    if summary.interrupted and stop.reason == DEADLINE:
        left = [one.organization.id for one in summary.organizations if not one.done]
        return _continue(summary, message.next(period, left), settings.continue_topic)
    return not summary.interrupted and not any(map(may_pass, summary.failures))


def _report(summary: Summary, archive: str, message: Message) -> None:
    """Log the one line that sums the run up."""
    level = logging.INFO if summary.exit_code == 0 else logging.ERROR
    if summary.interrupted and not summary.failures:
        level = logging.WARNING
    fields = {**as_fields(summary, archive), "continued": message.continued}
    if len(summary.organizations) == 1:
        labels = (context.get() or {}).get("logging.googleapis.com/labels")
        common = labels if isinstance(labels, dict) else {}
        organization = summary.organizations[0].organization.id
        fields["logging.googleapis.com/labels"] = {**common, "organization": organization}
    log.log(level, "%s", sentence(summary), extra={"fields": fields})


def _continue(summary: Summary, following: Message, topic: str) -> bool:
    """Have a run that reached its deadline continued by a `following` message; return whether its own is done."""
    if not topic:
        log.warning("The deadline was reached; the message will come again, and go on from here")
        return False
    if not summary.got_on:
        log.error("The deadline was reached without any progress; the message will come again, ever more slowly")
        return False
    from mulesoft_audit.cloud.publish import Publisher

    try:
        Publisher(topic).publish([following.encoded()])
    except AuditError as error:
        log.error("The message will come again, and go on from here. %s", error)  # noqa: TRY400 - raised to be read
        return False
    log.info("The deadline was reached; message %d in a row goes on from here", following.continued)
    return True
