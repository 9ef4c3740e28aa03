"""The sdist and the wheel, built from the files that git knows and from nothing else: what `make dist` runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]


def git(*arguments: str) -> str:
    """Return what git says of this checkout."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def known_files() -> set[str]:
    """Return the files of the checkout that git knows, or would if they were added."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


def build(folder: Path) -> None:
    """Build the sdist into `folder`, and of that the wheel. The same commit gives the same bytes."""
    env = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct").strip()}
    hatchling = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder.resolve()), "--target"]
    with TemporaryDirectory() as place:
        checkout = Path(place, "checkout")
        for name in known_files():
            target = checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        subprocess.run([*hatchling, "sdist"], cwd=checkout, env=env, check=True, capture_output=True)
        (sdist,) = folder.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(place, filter="data")
        source = Path(place, sdist.name.removesuffix(".tar.gz"))
        subprocess.run([*hatchling, "wheel"], cwd=source, env=env, check=True, capture_output=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    build(target)
    print(*sorted(map(str, target.iterdir())), sep="\n")
