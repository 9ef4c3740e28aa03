"""Building what is deployed: the entry point, pinned requirements, and the part of the package that is needed.

The same package and the same installed versions give the same bytes, so that a digest tells whether to deploy again.
"""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mulesoft_audit
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

DISTRIBUTION = "mulesoft-audit-collector"
EXTRA = "gcp"
FRAMEWORK = "functions-framework"
INSTALL = f"Install it with `pip install '{DISTRIBUTION}[{EXTRA}]' {FRAMEWORK}` and build again."

#: What the function needs beside the modules at the top of the package.
FOLDERS = ("anypoint", "archive", "cloud/google", "collect", "ledger")
MODULES = tuple(f"cloud/{name}.py" for name in ("__init__", "function", "instance", "message", "publish"))
#: Dependencies of the rest alone.
UNUSED = frozenset({"rich"})
#: Where it will run, in the words of environment markers.
TARGET = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}

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
        UsageError: the directory holds something else, or a dependency is not installed here.
    """
    package = Path(mulesoft_audit.__file__).parent
    lines = requirements()
    _check(directory)
    directory.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(directory / package.name, ignore_errors=True)
    for path in sources(package):
        target = directory / package.name / path.relative_to(package)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    (directory / "requirements.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (directory / "main.py").write_text(MAIN, encoding="utf-8")


def sources(package: Path) -> list[Path]:
    """Return the files of the package that the function needs, in order."""
    top = (path for path in package.glob("*.py") if path.name != "__main__.py")
    folders = (path for name in FOLDERS for path in (package / name).rglob("*.py"))
    return sorted([*top, *folders, *(package / name for name in MODULES)])


def _check(directory: Path) -> None:
    ours = {"main.py", "requirements.txt", mulesoft_audit.__name__, "__pycache__"}
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


def requirements() -> list[str]:
    """Return every package that the function needs, pinned to the version that is installed here.

    Raises:
        UsageError: one is not installed.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(f"{DISTRIBUTION}[{EXTRA}]"), True), (Requirement(FRAMEWORK), True)]
    while waiting:
        wanted, here = waiting.pop()
        name = canonicalize_name(wanted.name)
        extras = {extra for extra in ("", *wanted.extras) if (name, extra) not in seen}
        seen |= {(name, extra) for extra in extras}
        if not extras or name in UNUSED:
            continue
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if here:
                raise UsageError(
                    f"{name} is not installed here, so that its version cannot be pinned.", INSTALL
                ) from None
            found[name] = f"{name}{wanted.specifier}"  # needed there, and not on a machine like this one
            continue
        found[name] = f"{name}=={installed.version}"
        waiting += _needed(installed, extras)
    del found[DISTRIBUTION]  # its source lies beside the list
    return [found[name] for name in sorted(found)]


def _needed(installed: metadata.Distribution, extras: set[str]) -> Iterator[tuple[Requirement, bool]]:
    """Yield what a distribution with these extras needs where the function runs, and whether it needs that here too.

    The version of Python is taken to be this one.
    """
    from packaging.requirements import Requirement

    for text in installed.requires or []:
        requirement = Requirement(text)
        marker: Any = requirement.marker
        if marker is None or any(marker.evaluate({**TARGET, "extra": extra}) for extra in extras):
            yield requirement, marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)
