"""Running the user's terraform, or OpenTofu: found, new enough, and given the client secret in its environment only."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mulesoft_audit.errors import DeploymentError, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path
    from types import FrameType

    from mulesoft_audit.secret import Secret

OLDEST = (1, 11)  #: the first with write-only arguments, which keep the secret out of the state
GET = (
    "Get it from https://developer.hashicorp.com/terraform/install or https://opentofu.org/docs/intro/install, "
    "or run this in Google Cloud Shell, which has it."
)
AGAIN = "What was made stays and is known to Terraform; run the command again, it goes on there."


def find() -> str:
    """Return the path of a terraform, or else a tofu, that is new enough.

    Raises:
        UsageError: there is none.
    """
    found = [path for name in ("terraform", "tofu") if (path := shutil.which(name))]
    versions = {path: version_of(path) for path in found}
    for path, version in versions.items():
        if version and _numbers(version) >= OLDEST:
            return path
    wanted = ".".join(map(str, OLDEST))
    if not found:
        raise UsageError(f"There is no terraform and no tofu here; version {wanted} or later is needed.", GET)
    said = ", ".join(f"{path} is {version or 'of no known version'}" for path, version in versions.items())
    raise UsageError(f"Terraform {wanted} or later is needed; {said}.", GET)


def version_of(path: str) -> str:
    """Return the version of a terraform or tofu; "" if it does not say."""
    try:
        ended = subprocess.run(  # noqa: S603 - found on PATH
            [path, "version", "-json"], capture_output=True, text=True, timeout=60, check=False
        )
        return str(json.loads(ended.stdout)["terraform_version"])  # OpenTofu's key is the same
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.partition("-")[0].split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


@dataclass(frozen=True, slots=True)
class State:
    """What Terraform knows to exist.

    Attributes:
        attributes: by address, without the keys of several of a kind; of several, those of one.
        outputs: their values by name.
    """

    attributes: dict[str, dict[str, Any]]
    outputs: dict[str, Any]

    @property
    def addresses(self) -> frozenset[str]:
        """Where the resources are in the configuration."""
        return frozenset(self.attributes)


@dataclass(slots=True)
class Terraform:
    """A terraform and the folder that it runs in.

    Attributes:
        program: its path.
        folder: where the configuration lies.
        secret: what it is given as the client secret; in the environment, which no list of processes shows.
        aside: whether what it prints goes to standard error, because standard output is for a script.
    """

    program: str
    folder: Path
    secret: Secret
    aside: bool = False

    def init(self) -> None:
        """Install providers and open the state.

        Raises:
            DeploymentError: it cannot.
        """
        self._quietly("init", "-input=false")

    def state(self) -> State:
        """Return what it knows to exist.

        Raises:
            DeploymentError: the state cannot be read.
        """
        text = self._quietly("state", "pull")
        found = json.loads(text) if text.strip() else {}
        resources = [one for one in found.get("resources", []) if one.get("mode") == "managed" and one.get("instances")]
        attributes = {
            ".".join(filter(None, [one.get("module"), one["type"], one["name"]])): one["instances"][0]["attributes"]
            for one in resources
        }
        outputs = {name: one.get("value") for name, one in found.get("outputs", {}).items()}
        return State(attributes, outputs)

    def show(self, *arguments: str) -> None:
        """Run it on this terminal, with its own words and its own question.

        Raises:
            DeploymentError: it did not end well.
            Interrupted: it was stopped by Ctrl-C, which it was left to deal with.
        """
        sys.stdout.flush()
        out = sys.stderr if self.aside else None
        stopped: list[int] = []

        def noted(number: int, _: FrameType | None) -> None:
            stopped.append(number)  # terraform got it, too: it is of the same terminal

        with (
            _handling(noted),
            subprocess.Popen(  # noqa: S603 - found on PATH
                [self.program, *arguments], cwd=self.folder, env=self._environment(), stdout=out
            ) as process,
        ):
            status = process.wait()
        if status and stopped:
            raise Interrupted("Stopped.", AGAIN)
        if status:
            raise DeploymentError(
                f"terraform {arguments[0]} ended with status {status}; its own words are above.",
                f"{AGAIN} `mulesoft-audit doctor` looks for what is in the way: policies, APIs, accounts, roles.",
            )

    def _quietly(self, *arguments: str) -> str:
        """Run it and return what it prints; shown if it fails."""
        command = [self.program, *arguments, *(["-no-color"] if arguments[0] == "init" else [])]
        ended = subprocess.run(  # noqa: S603 - found on PATH
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if ended.returncode:
            sys.stderr.write(ended.stdout + ended.stderr)
            sys.stderr.flush()
            raise DeploymentError(
                f"terraform {arguments[0]} ended with status {ended.returncode} in {self.folder}; it says above why.",
                "Nothing was changed in Google Cloud by it.",
            )
        return ended.stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TF_IN_AUTOMATION": "1", "TF_VAR_client_secret": self.secret.reveal()}


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Handle Ctrl-C otherwise for a while. A handler, not `SIG_IGN`: that a program inherits, and would never stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
