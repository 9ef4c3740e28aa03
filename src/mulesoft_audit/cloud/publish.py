"""Publishing to a Pub/Sub topic, over REST ("Method: projects.topics.publish")."""

from __future__ import annotations

import base64
import os
import random
import time
from typing import TYPE_CHECKING, Any

import requests

from mulesoft_audit.backoff import backoff
from mulesoft_audit.cloud.google.errors import LOGIN, ApiError, Uncertain, understood
from mulesoft_audit.cloud.message import TOPIC
from mulesoft_audit.errors import CredentialsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HOST = "https://pubsub.googleapis.com"
EMULATOR = "PUBSUB_EMULATOR_HOST"
SCOPE = "https://www.googleapis.com/auth/pubsub"
MAX_MESSAGES = 1000  #: of one request ("Quotas and limits")
MAX_BYTES = 9_000_000  #: of one request; the limit is 10 MB
TRIES = 5  #: of one request; publishing twice does no harm, so an answer that is lost is tried again
BUDGET = 12.0  #: seconds after which nothing is tried again: at its deadline a run has little more
TIMEOUT = (5.0, 10.0)  #: seconds to connect, seconds without a byte
AGAIN = frozenset({408, 429})


class Publisher:
    """Publishes to one topic: as Application Default Credentials say who we are, or to an emulator as nobody."""

    def __init__(
        self, topic: str, session: requests.Session | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Publish to `topic`, projects/P/topics/T; nothing is sent yet.

        Raises:
            UsageError: that is no topic.
            CredentialsError: there are no credentials.
        """
        if not TOPIC.fullmatch(topic):
            raise UsageError(f"{topic!r} is not a Pub/Sub topic; expected projects/PROJECT/topics/TOPIC.")
        self.topic = topic
        emulator = os.environ.get(EMULATOR, "")
        self._url = f"{f'http://{emulator}' if emulator else HOST}/v1/{topic}:publish"
        self._session = session or (_anonymous() if emulator else _authorized())
        self._sleep = sleep

    def publish(self, messages: Sequence[bytes]) -> list[str]:
        """Publish every message; return their ids.

        Raises:
            CredentialsError, PermissionMissing, DeploymentError: some may have been published.
        """
        identities: list[str] = []
        for batch in batches(messages):
            identities += self._repeat({"messages": batch})
        return identities

    def _repeat(self, body: dict[str, Any]) -> list[str]:
        until = time.monotonic() + BUDGET
        for attempt in range(1, TRIES):
            try:
                return self._once(body)
            except ApiError as error:
                passing = isinstance(error, Uncertain) or error.status in AGAIN
                if not passing or time.monotonic() > until:
                    raise
                self._sleep(backoff(attempt, random.random()))
        return self._once(body)

    def _once(self, body: dict[str, Any]) -> list[str]:
        import google.auth.exceptions

        what = f"publish to {self.topic}"
        try:
            answer = self._session.post(self._url, json=body, timeout=TIMEOUT, allow_redirects=False)
        except google.auth.exceptions.RefreshError as error:
            raise CredentialsError(f"Google does not renew the credentials, needed to {what}.", LOGIN) from error
        except (requests.RequestException, google.auth.exceptions.TransportError) as error:
            raise Uncertain(f"Could not {what}: no answer from Pub/Sub.", "Is the network up?") from error
        if answer.status_code >= 300:
            raise understood(what, answer.status_code, _detail(answer))
        try:
            return [str(identity) for identity in answer.json()["messageIds"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Uncertain(f"Could not {what}: the answer is not Pub/Sub's.") from error


def publisher(topic: str) -> Callable[[Sequence[bytes]], list[str]]:
    """Return what publishes messages to `topic`, projects/P/topics/T, as `Publisher.publish` does.

    Raises:
        UsageError: that is no topic.
        CredentialsError: there are no credentials.
    """
    return Publisher(topic).publish


def batches(messages: Sequence[bytes]) -> Iterator[list[dict[str, str]]]:
    """Yield the messages as requests may carry them, in order."""
    batch: list[dict[str, str]] = []
    size = 0
    for message in messages:
        data = base64.b64encode(message).decode()
        if batch and (len(batch) == MAX_MESSAGES or size + len(data) > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"data": data})
        size += len(data) + 20  # what JSON adds
    if batch:
        yield batch


def _detail(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json().get("error", {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {"message": str(found)}


def _anonymous() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _authorized() -> requests.Session:
    import google.auth
    import google.auth.exceptions
    from google.auth.transport.requests import AuthorizedSession

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except google.auth.exceptions.GoogleAuthError as error:
        raise CredentialsError(
            "There are no Application Default Credentials here, needed to publish.", LOGIN
        ) from error
    session: requests.Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return session
