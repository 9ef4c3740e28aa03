"""The whole deployment as an ordered list: each resource after what it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulesoft_audit.cloud.deploy.account import Account
from mulesoft_audit.cloud.deploy.alerts import alerting
from mulesoft_audit.cloud.deploy.bucket import Bucket, collector_access
from mulesoft_audit.cloud.deploy.delivery import Delivery, Deployed, forwarder, invoker
from mulesoft_audit.cloud.deploy.function import Function
from mulesoft_audit.cloud.deploy.pubsub import DeadLetters, Topic, continuation_access, dead_letter_access
from mulesoft_audit.cloud.deploy.scheduler import Job
from mulesoft_audit.cloud.deploy.secret import StoredSecret, secret_access
from mulesoft_audit.cloud.deploy.services import Project, Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from mulesoft_audit.cloud.deploy.config import Deployment
    from mulesoft_audit.cloud.deploy.resource import Resource
    from mulesoft_audit.cloud.google.client import Google


def stack(
    google: Google, config: Deployment, source: Callable[[], bytes], *, delete_logs: bool = False
) -> list[Resource]:
    """Return everything on the collector's side, in the order in which it can be made.

    Args:
        google: the client.
        config: what is wanted.
        source: returns the function's source as a zip file.
        delete_logs: whether destroying may empty the bucket.
    """
    project = Project(google, config.project)
    function = Function(google, config, source)
    deployed = Deployed(google, function)
    return [
        Services(google, config),
        Bucket(google, config, delete_logs=delete_logs),
        Account(google, config),
        collector_access(google, config),
        StoredSecret(google, config),
        secret_access(google, config),
        Topic(google, config, config.topic),
        continuation_access(google, config),
        Topic(google, config, config.dead_letter_topic),
        DeadLetters(google, config),
        dead_letter_access(google, config, project),
        function,
        invoker(google, config, deployed),
        Delivery(google, config, deployed),
        forwarder(google, config, deployed, project),
        Job(google, config),
        *alerting(google, config),
    ]
