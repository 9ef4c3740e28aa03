"""`mulesoft-audit deploy` as a process, with what it runs watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cloud.deploy.harness import ORGANIZATION

if TYPE_CHECKING:
    from tests.storage_server import StorageServer

PLACE = ("--project", "acme-logs", "--region", "europe-west3")
APP = ("--org-id", ORGANIZATION, "--client-id", "cid")
WATCHED = """#!/bin/sh
echo "$@" >> "{log}"
exec "{program}" "$@"
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process that knows nobody's settings."""
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    return {"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", "LANG": "C.UTF-8", **kept, **own, **more}


def command(*arguments: str) -> list[str]:
    """Return the command line."""
    return [sys.executable, "-m", "mulesoft_audit", "deploy", *arguments]


class Deploy:
    """The command in a home of its own.

    Attributes:
        folder: where it has terraform run, if nothing else is said.
        log: what terraform was called with, a line each.
        storage: where the state is kept.
    """

    def __init__(self, program: str, home: Path, endpoint: str, settings: str, storage: StorageServer) -> None:
        self.folder = home / "state" / "mulesoft-audit" / "acme-logs" / "mulesoft"
        self.log = home / "called"
        self.storage = storage
        self._home = home
        watched = home / "bin" / "terraform"
        watched.parent.mkdir()
        watched.write_text(WATCHED.format(log=self.log, program=program))
        watched.chmod(0o755)
        self.environment = environment(
            home,
            PATH=f"{watched.parent}:{os.environ['PATH']}",
            TF_CLI_CONFIG_FILE=settings,
            TF_CLI_ARGS="-no-color",
            MULESOFT_AUDIT_GOOGLE_ENDPOINT=endpoint,
            GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT=f"{storage.url}/storage/v1/",
            GOOGLE_OAUTH_ACCESS_TOKEN="of-nobody",
        )

    def __call__(self, *arguments: str, fails: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command, which is to end with a status."""
        ended = subprocess.run(
            command(*arguments),
            cwd=self._home,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == fails, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended

    def state(self) -> dict[str, Any]:
        """Return the state as it is kept."""
        (held,) = [one for name, one in self.storage.objects("mulesoft/").items() if name.endswith("default.tfstate")]
        return dict(json.loads(held.data))

    def addresses(self) -> set[str]:
        """Return what terraform knows to exist."""
        return {f"{one['type']}.{one['name']}" for one in self.state()["resources"]}

    def everything(self) -> str:
        """Return every byte that was written here or kept there, the function's source aside, and every call."""
        files = [path for path in Path(self._home).rglob("*") if path.is_file() and path.suffix != ".zip"]
        kept = [one.data for one in self.storage.objects("").values()]
        return b"\n".join([*(path.read_bytes() for path in files), *kept]).decode("utf-8", "replace")
