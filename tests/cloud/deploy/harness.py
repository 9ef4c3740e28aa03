"""What the tests of the deployment share: a bench with a client that can be killed at any call."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import requests

from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.deploy import engine
from mulesoft_audit.cloud.deploy.config import Deployment
from mulesoft_audit.cloud.deploy.stack import stack
from mulesoft_audit.cloud.feed import feed_stack
from mulesoft_audit.cloud.feed.secops import SecOps
from mulesoft_audit.cloud.feed.settings import FeedSettings
from mulesoft_audit.cloud.google.client import Google
from mulesoft_audit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.control_plane import ControlPlane

    from mulesoft_audit.cloud.deploy.engine import Step
    from mulesoft_audit.cloud.deploy.resource import Resource

INSTANCE = "01234567-89ab-cdef-0123-456789abcdef"
VALUE = "s3cr3t-of-the-connected-app"


class Killed(BaseException):
    """The process that deploys died."""


class Mortal(requests.Session):
    """A session of a process that dies before a given call."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.trust_env = False
        self._left = last

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        if self._left == 0:
            raise Killed
        self._left -= 1
        return super().request(*args, **kwargs)


class Bench:
    """A control plane, and the way to deploy on it."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.world = plane.world
        self.told: list[str] = []
        self.config = deployment()
        self.feed: FeedSettings | None = feed()
        self.source = source()
        self._sessions: list[requests.Session] = []

    def google(self, lives: int = -1) -> Google:
        session = Mortal(lives)
        self._sessions.append(session)
        return Google(session, Stop(self.world.clock), endpoint=self.plane.endpoint, tell=self.told.append)

    def resources(self, google: Google, *, delete_logs: bool = False) -> list[Resource]:
        found = stack(google, self.config, lambda: self.source, delete_logs=delete_logs)
        return found + (feed_stack(SecOps(google, self.feed), self.config) if self.feed else [])

    def apply(self, *, lives: int = -1, adopt: bool = False) -> list[Step]:
        google = self.google(lives)
        try:
            return engine.apply(google, self.resources(google), adopt=adopt)
        finally:
            self.close()

    def plan(self, *, adopt: bool = False) -> list[Step]:
        return engine.plan(self.resources(self.google()), adopt=adopt)

    def destroy(self, *, delete_logs: bool = False) -> list[Step]:
        return engine.destroy(self.resources(self.google(), delete_logs=delete_logs))

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    def mutations(self) -> list[tuple[str, str]]:
        """Return every request so far that could change something."""
        reading = ("entries:list",)
        return [(verb, path) for verb, path, _, _ in self.world.log if verb != "GET" and not path.endswith(reading)]


def deployment(**changes: Any) -> Deployment:
    settings = {
        "project": "acme-logs",
        "region": "europe-west3",
        "organization": "0a000000-0000-4000-8000-000000000000",
        "client_id": "cid",
        "client_secret": Secret(VALUE),
        "feed_alert": True,
        "alert_email": "soc@example.com",
    }
    return Deployment(**{**settings, **changes})


def feed(**changes: Any) -> FeedSettings:
    settings = {"project": "acme-logs", "location": "eu", "instance": INSTANCE, "bucket": deployment().bucket}
    return FeedSettings(**{**settings, **changes})


def source(text: str = "def main(event): ...\n") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), text)
    return held.getvalue()


def acting(steps: Sequence[Step]) -> list[str]:
    """Return what a plan would change."""
    return [f"{step.action} {step.resource}" for step in steps if step.action != engine.NONE]
