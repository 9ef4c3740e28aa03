"""The folder that terraform runs in: the root configuration, the module, the function's source."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import mulesoft_audit
from mulesoft_audit.cloud.deploy.root import MARK
from mulesoft_audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mulesoft_audit.cloud.deploy.deployment import Deployment

MAIN, IMPORTS, SOURCE, MODULE = "main.tf", "imports.tf", "source.zip", "module"
IGNORE = ".gitignore"
_IGNORED = b".terraform/\n*.tfstate*\n"


def module_files() -> dict[str, bytes]:
    """Return the module's files by name: those in the installed package, or those of the checkout.

    Raises:
        UsageError: neither is there.
    """
    installed = resources.files(mulesoft_audit) / "terraform"
    place = installed if installed.is_dir() else Path(mulesoft_audit.__file__).parents[2] / "terraform"
    if not place.is_dir():
        raise UsageError("The Terraform module is not part of this installation.", "Install the package again.")
    names = sorted(one.name for one in place.iterdir() if one.name.endswith((".tf", ".md")))
    return {name: (place / name).read_bytes() for name in names}


def state_home(deployment: Deployment) -> Path:
    """Return the folder of a deployment among the user's own state (XDG Base Directory Specification)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return base / "mulesoft-audit" / deployment.project.replace(":", "_") / deployment.name


def write(directory: Path, main: str, imports: str = "", source: bytes = b"") -> list[Path]:
    """Write everything into a folder, over an earlier writing; return the paths, in order.

    Args:
        directory: made if it is not there; only its owner may look into it.
        main: the text of main.tf.
        imports: the text of imports.tf; empty for none.
        source: the function's zip file.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    texts = {MAIN: main.encode(), SOURCE: source, IGNORE: _IGNORED, **({IMPORTS: imports.encode()} if imports else {})}
    try:
        _check(directory)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / MODULE).mkdir(exist_ok=True)
        module = module_files()
        for old in (directory / MODULE).glob("*.tf"):
            if old.name not in module:
                old.unlink()
        if not imports:
            (directory / IMPORTS).unlink(missing_ok=True)
        return _written(directory, {**texts, **{f"{MODULE}/{name}": data for name, data in module.items()}})
    except OSError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror or type(error).__name__}.") from None


def _check(directory: Path) -> None:
    if not directory.exists() or not any(directory.iterdir()):
        return
    main = directory / MAIN
    if not main.is_file() or not main.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise UsageError(
            f"{directory} holds something else than what was written by `mulesoft-audit deploy`. Nothing was changed.",
            "Give an empty folder.",
        )


def _written(directory: Path, files: Mapping[str, bytes]) -> list[Path]:
    paths = []
    for name, data in sorted(files.items()):
        path = directory / name
        path.write_bytes(data)
        paths.append(path)
    return paths
