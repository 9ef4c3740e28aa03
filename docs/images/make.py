"""Make the pictures of the README from real runs: `python docs/images/make.py`.

demo.svg is a recording of `mulesoft-audit demo` in a terminal of 80 columns, report.png the report of the demo's
archive. Needed beside the project with its extra `explore`: termtosvg (`pip install termtosvg 'setuptools<81'`, in
the same environment) and Chromium.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROGRAM = "mulesoft-audit"
#: The demo says how to call the program: by its name, if it is on the path.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
SURROUNDINGS = {"PATH": PATH, "TZ": "UTC", "TERM": "xterm-256color"}
COLUMNS, ROWS = 80, 34
LONGEST_FRAME_MS = 1500
PAUSE_MS = 8000


def main() -> None:
    """Make both."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        record(work)
        photograph(work)


def record(work: Path) -> None:
    """Record the demo; it leaves its archive in `work`."""
    cast = work / "demo.cast"
    with cast.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"version": 2, "width": COLUMNS, "height": ROWS}) + "\n")
        began = time.monotonic()

        def typed(text: str) -> None:
            file.write(json.dumps([round(time.monotonic() - began, 3), "o", text]) + "\n")

        typed("$ mulesoft-audit demo\r\n")
        for text in output_of([PROGRAM, "demo"], work):
            typed(text)
    run(
        *(sys.executable, "-m", "termtosvg", "render", str(cast), str(HERE / "demo.svg")),
        *("-t", "window_frame", "-M", str(LONGEST_FRAME_MS), "-D", str(PAUSE_MS)),
        cwd=work,
    )


def output_of(command: list[str], work: Path) -> Iterator[str]:
    """Run a command in a terminal, in UTC; yield what it shows as it comes."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(work)
        os.execvpe(command[0], command, {**os.environ, **SURROUNDINGS})  # noqa: S606 - our own command
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while data := os.read(terminal, 65536):
            yield decoder.decode(data)
    except OSError:  # Linux says it so when the program has ended
        pass
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        sys.exit("The demo failed.")


def photograph(work: Path) -> None:
    """Take a picture of the top of the report."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium to take the picture of the report with.")
    report = work / "report.html"
    run(PROGRAM, "report", "--archive", "demo-archive", "--output", report.name, cwd=work)
    run(
        *(chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,900"),
        *(f"--screenshot={HERE / 'report.png'}", report.as_uri()),
        cwd=work,
    )


def run(*command: str, cwd: Path) -> None:
    """Run a program, in UTC."""
    subprocess.run(command, cwd=cwd, check=True, env={**os.environ, **SURROUNDINGS})  # noqa: S603 - our own command


if __name__ == "__main__":
    main()
