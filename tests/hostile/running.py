"""Running the collector as a user would, and what must hold after every run."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hostile_source import CLIENT_ID, CLIENT_SECRET, ROOT

if TYPE_CHECKING:
    from tests.hostile_source import HostileSource

RUNNER = str(Path(__file__).with_name("runner.py"))
#: For sources that fail for good: waits between tries are not what is tested.
QUICK: dict[str, Any] = {"HOSTILE_HASTE": "100"}


@dataclass(frozen=True)
class Run:
    """What a run gave: exit status, summary, what it printed."""

    code: int
    summary: dict[str, Any]
    out: str
    err: str

    @property
    def complete(self) -> bool:
        return bool(self.summary.get("complete"))

    @property
    def new(self) -> int:
        return int(self.summary["new_entries"])

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.err.splitlines()) if line.get("severity") == "ERROR"]

    @property
    def said(self) -> str:
        """Everything that a person may read about what went wrong."""
        return " ".join(f"{line['message']} {line.get('hint', '')}" for line in self.errors) + json.dumps(
            [one.get("not_proved") for one in self.summary.get("organizations", [])]
        )

    def of(self, organization: str) -> dict[str, Any]:
        return next(one for one in self.summary["organizations"] if one["id"] == organization)


def command(source: HostileSource, archive: object, *arguments: str, **environment: str) -> tuple[list[str], dict]:
    """Return command line and environment; through the runner only where a HOSTILE_ variable is given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME", "LANG") if name in os.environ}
    settings = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "ANYPOINT_BASE_URL": source.url}
    inside = any(name.startswith("HOSTILE_") for name in environment)
    start = [sys.executable, RUNNER] if inside else [sys.executable, "-m", "mulesoft_audit"]
    line = [*start, "collect", "--archive", str(archive), "--json", *arguments]
    return line, kept | settings | {"REQUESTS_PER_MINUTE": "100000", "PYTHONFAULTHANDLER": "1"} | environment


def finish(process: subprocess.Popen[str], timeout: float = 120) -> Run:
    """Wait for a run that was started and return it."""
    out, err = process.communicate(timeout=timeout)
    return checked(process.returncode, out, err)


def start(source: HostileSource, archive: object, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a run."""
    line, env = command(source, archive, *arguments, **environment)
    pipe = subprocess.PIPE
    return subprocess.Popen(line, env=env, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL, text=True)


def collect(source: HostileSource, archive: object, *arguments: str, **environment: str) -> Run:
    """Run the collector to its end; whatever the source does, what `checked` says must hold."""
    process = start(source, archive, *arguments, **environment)
    try:
        return finish(process)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


def checked(code: int, out: str, err: str) -> Run:
    """Return the run, once nothing in it contradicts itself."""
    assert "Traceback" not in err, err
    assert CLIENT_SECRET not in out + err
    assert code in {0, 2, 3, 4, 5, 6, 130}, f"{code} {err}"
    lines = out.splitlines()
    assert len(lines) <= 1, out
    summary = json.loads(lines[0]) if lines else {}
    run = Run(code, summary, out, err)
    if not summary:
        assert code, err
        return run
    organizations = summary["organizations"]
    whole = all(one["complete"] for one in organizations)
    assert summary["exit_code"] == code
    assert summary["new_entries"] == sum(one["new_entries"] for one in organizations)
    if run.complete:
        assert code == 0, summary
        assert whole, "the run says it is complete, an organization says it is not"
        assert not any(one["left_to_the_next_run"] or one.get("not_proved") for one in organizations), summary
    elif code == 0:
        assert not whole, "the run says it is not complete, every organization says it is"
    if code not in {0, 130}:
        assert run.errors, "it failed without a word"
    return run


def lines(archive: Path, organization: str) -> Counter[bytes]:
    """Return every entry that the archive has of an organization, those too long for the feed included."""
    held: Counter[bytes] = Counter()
    for path in sorted(archive.glob(f"audit/{organization}/*/*/*/*")):
        assert path.name.startswith("mulesoft-audit-"), path
        held.update(gzip.decompress(path.read_bytes()).splitlines())
    for path in sorted(archive.glob(f"state/oversize/{organization}/*/*/*/*")):
        held.update(gzip.decompress(path.read_bytes()).splitlines())
    return held


def difference(source: HostileSource, archive: Path, organization: str, gone: list[bytes]) -> tuple[int, int]:
    """Return how many entries are missing, and how many are there too often."""
    truth = source.truth(organization) + Counter(one.replace(b"\n", b"") for one in gone if organization == ROOT)
    held = lines(archive, organization)
    return (truth - held).total(), (held - truth).total()


def assert_exact(source: HostileSource, archive: Path, *, gone: list[bytes] | None = None, of: str = "") -> None:
    """Compare every organization's entries as multisets. `gone`: bytes that the source deleted after they were held."""
    for organization in [of] if of else source.logs:
        missing, more = difference(source, archive, organization, gone or [])
        assert (missing, more) == (0, 0), f"{organization}: {missing} are missing, {more} are there too often"


def assert_nothing_missing(source: HostileSource, archive: Path) -> None:
    """Check that every entry is there, at least once."""
    for organization in source.logs:
        assert difference(source, archive, organization, [])[0] == 0, organization


def assert_done(run: Run, new: int | None = None) -> None:
    """Check that a run ended well and proved everything."""
    assert run.code == 0, run.err
    assert run.complete, run.summary
    if new is not None:
        assert run.new == new, run.summary


def settle(source: HostileSource, archive: Path, *arguments: str, runs: int = 3, **environment: str) -> Run:
    """Run until a run says that it is complete, `runs` times at most; the first that says so must be exact."""
    for _ in range(runs):
        run = collect(source, archive, *arguments, **environment)
        if run.complete:
            assert_exact(source, archive)
            break
    return run
