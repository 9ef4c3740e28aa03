"""Whether the push subscription brings messages to the function, as the module makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.doctor.finding import Finding, ok, warn
from mulesoft_audit.printable import printable

if TYPE_CHECKING:
    from mulesoft_audit.cloud.deploy.deployment import Deployment
    from mulesoft_audit.cloud.google.client import Json


def wrong(found: Json, config: Deployment, function: Json) -> str:
    """Return what keeps a subscription from starting runs; "" if nothing does.

    Args:
        found: the subscription, as Pub/Sub shows it.
        config: what should be there.
        function: the function, as Cloud Functions shows it; empty if it is not known.
    """
    push = found.get("pushConfig", {})
    endpoint, addresses = str(push.get("pushEndpoint", "")), _addresses(function)
    if found.get("topic") != config.topic:
        return f"takes from {printable(str(found.get('topic')))}, not from {config.topic}"
    if not endpoint:
        return "calls nothing"
    if addresses and endpoint.rstrip("/") not in addresses:
        return f"calls {printable(endpoint)}, which is not the function"
    if not push.get("oidcToken", {}).get("serviceAccountEmail"):
        return "calls without a token, which the function refuses"
    return ""


def _addresses(function: Json) -> set[str]:
    known = (function.get("serviceConfig", {}).get("uri"), function.get("url"))
    return {str(one).rstrip("/") for one in known if one}


def judged_delivery(found: Json, name: str, function: Json, hint: str) -> Finding:
    """Return how a subscription that starts runs deals with what takes long, and with what fails."""
    waits, takes = (
        int(found.get("ackDeadlineSeconds", 10)),
        int(function.get("serviceConfig", {}).get("timeoutSeconds", 0)),
    )
    if waits < takes:
        return warn(f"{name} waits {waits} s for runs of up to {takes} s, and delivers again meanwhile", hint)
    if not found.get("deadLetterPolicy", {}).get("deadLetterTopic"):
        return warn(f"{name} sets nothing aside: what fails is delivered until it expires", hint)
    return ok(f"{name} calls the function and waits {waits} s")
