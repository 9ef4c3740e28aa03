"""Building what is deployed: the entry point, locked requirements, and the part of the package that is needed.

All of it comes from the files of this package, so nothing else has to be installed here, and the same version gives
the same bytes: a digest tells whether to deploy again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import mulesoft_audit
from mulesoft_audit.errors import UsageError

#: The function's requirements for Python 3.12 and later, with hashes: `make lock` writes them.
REQUIREMENTS = "requirements.txt"
#: What the function needs beside the modules at the top of the package.
FOLDERS = ("anypoint", "archive", "cloud/google", "collect", "ledger")
MODULES = (
    *(f"cloud/{name}.py" for name in ("__init__", "function", "instance", "message", "publish")),
    *(f"monitoring/{name}.py" for name in ("__init__", "address")),  # a setting is checked there
)

MAIN = '''"""What Cloud Run calls with each message of the topic: `main`."""

import flask
import functions_framework

from mulesoft_audit.cloud.function import handle, prepare

prepare()


@functions_framework.cloud_event
def main(event):
    """Acknowledge the message, or have it delivered again."""
    if not handle(event, flask.request.headers):
        flask.abort(500, "The run did not end well; its log says why. The message should be delivered again.")
'''


def build_source(directory: Path) -> None:
    """Write `main.py`, `requirements.txt` and the package into `directory`, over an earlier build.

    Raises:
        UsageError: the directory holds something else.
    """
    package = Path(mulesoft_audit.__file__).parent
    _check(directory)
    directory.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory / package.name, ignore_errors=True)
    for path in sources(package):
        target = directory / package.name / path.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    (directory / REQUIREMENTS).write_bytes((package / "cloud" / REQUIREMENTS).read_bytes())
    (directory / "main.py").write_text(MAIN, encoding="utf-8")


def sources(package: Path) -> list[Path]:
    """Return the files of the package that the function needs, in order."""
    top = (path for path in package.glob("*.py") if path.name != "__main__.py")
    folders = (path for name in FOLDERS for path in (package / name).rglob("*.py"))
    return sorted([*top, *folders, *(package / name for name in MODULES)])


def _check(directory: Path) -> None:
    ours = {"main.py", REQUIREMENTS, mulesoft_audit.__name__, "__pycache__"}
    try:
        found = {path.name for path in directory.iterdir()} if directory.exists() else set()
    except NotADirectoryError:
        raise UsageError(f"{directory} is a file; expected a directory to write to.") from None
    main = directory / "main.py"
    foreign = found - ours
    if not foreign and found and not (main.is_file() and b"mulesoft_audit" in main.read_bytes()):
        foreign = found
    if foreign:
        raise UsageError(
            f"{directory} holds something else than a build ({min(foreign)}), which is not overwritten.",
            "Give an empty directory, or one of an earlier build.",
        )
