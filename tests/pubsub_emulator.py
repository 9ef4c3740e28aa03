"""Google's own Pub/Sub emulator, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cloud.function.harness import free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


def emulator_jar() -> Path | None:
    """Return the emulator: where PUBSUB_EMULATOR_JAR says, or in the installed gcloud."""
    if named := os.environ.get("PUBSUB_EMULATOR_JAR"):
        return Path(named)
    gcloud = shutil.which("gcloud")
    if not gcloud or not shutil.which("java"):
        return None
    root = Path(gcloud).resolve().parent.parent
    return next(iter(sorted(root.glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"))), None)


JAR = emulator_jar()


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start the emulator, which takes two seconds; yield its host and port. Its log lies in `folder`."""
    port = free_port()
    log = folder / "log"
    line = ["java", "-Xmx192m", "-XX:+UseSerialGC", "-jar", str(JAR), "--host=127.0.0.1", f"--port={port}"]
    with log.open("wb") as output, subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            wait_for(port, process, log)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
