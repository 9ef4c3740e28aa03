"""`mulesoft-audit demo`: the main job end to end on this machine, with a kill in the middle and a proof at the end."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mulesoft_audit.cli.headings import Command

if TYPE_CHECKING:
    from rich.console import Console

EPILOG = """\b
Examples:
  mulesoft-audit demo
  mulesoft-audit demo --archive ./demo-archive
"""
WORLD = ["--groups", "3", "--days", "7", "--entries-per-day", "500", "--burst", "500", "--latency-ms", "25"]
FAULTS = ["--fault-status", "0.03", "--fault-reset-body", "0.01", "--fault-html", "0.01"]
LATE = 40
KILL_AFTER_PAGES = 25
MOST = 3  #: findings that are shown


@click.command("demo", cls=Command, epilog=EPILOG)
@click.option(
    "--archive",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-archive"),
    show_default=True,
    help="Where to put the archive; it must not exist, or be an earlier demo's.",
)
def command(archive: Path) -> None:
    """Collect a week from a bundled Anypoint, kill the collector midway, and prove the archive complete.

    Starts a local Anypoint with three business groups and a few faults, collects, kills the collector with
    SIGKILL, lets entries arrive late, collects again, and compares archive and source entry by entry.
    """
    from rich.console import Console

    console = Console(highlight=False, width=min(80, Console().width))
    _clear(archive)
    began = time.monotonic()
    with _simulator() as process:
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        world = json.loads(process.stdout.readline())
        try:
            _tell(console, world, archive)
        finally:
            process.terminate()
    console.print(f"\nDone in {time.monotonic() - began:.0f} s.", style="dim")


def _clear(archive: Path) -> None:
    """Remove an earlier demo's archive, and nothing else."""
    from mulesoft_audit.errors import UsageError

    marker = archive / "state" / "demo"
    if archive.exists() and any(archive.iterdir()) and not marker.exists():
        raise UsageError(f"{archive} exists and is not an earlier demo's archive.", "Name another with --archive.")
    shutil.rmtree(archive, ignore_errors=True)
    marker.parent.mkdir(parents=True)
    marker.touch()


def _simulator() -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "mulesoft_audit", "simulate", "--json", *WORLD, *FAULTS]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command


def _tell(console: Console, world: dict[str, Any], archive: Path) -> None:
    groups = len(world["organizations"]) - 1
    console.print(f"[bold]1.[/] A local Anypoint runs at {world['url']}: {groups} business groups, a week.")
    killed = _collect_and_kill(world, archive)
    held = sum(_archived(archive, organization["id"]).total() for organization in world["organizations"])
    console.print(f"[bold]2.[/] Collecting; killed it (SIGKILL) after {killed} pages, {held:,} entries in the archive.")
    late = _add_late_entries(world)
    console.print(f"[bold]3.[/] {late} entries arrive late, up to 20 hours after their time.")
    summary = _collect(world, archive)
    new = summary["new_entries"]
    console.print(f"[bold]4.[/] Collecting again: {new:,} new entries, {summary['requests']} requests.")
    summary = _collect(world, archive)
    console.print(f"[bold]5.[/] And once more: {summary['new_entries']} new (its own log-in before), nothing twice.\n")
    equal = _compare(console, world, archive, summary["until"])
    _sample(console, archive)
    _findings(console, archive)
    _next_steps(console, archive)
    if not equal:
        sys.exit(1)


def _environment(world: dict[str, Any]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
    return kept | {
        "ANYPOINT_BASE_URL": world["url"],
        "CLIENT_ID": world["client_id"],
        "CLIENT_SECRET": world["client_secret"],
        "REQUESTS_PER_MINUTE": "100000",
    }


def _line(archive: Path) -> list[str]:
    return [sys.executable, "-m", "mulesoft_audit", "collect", "--archive", str(archive), "--since", "7d", "--json"]


def _collect_and_kill(world: dict[str, Any], archive: Path) -> int:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(_line(archive), env=_environment(world), stdout=quiet, stderr=quiet) as process:  # noqa: S603
        while process.poll() is None:
            pages = int(_ask(world, "GET", "/simulator/counters")["pages"])
            if pages >= KILL_AFTER_PAGES:
                process.kill()
                return pages
            time.sleep(0.01)
    return pages


def _collect(world: dict[str, Any], archive: Path) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own command
        _line(archive), env=_environment(world), capture_output=True, text=True, check=False
    )
    if done.returncode:
        click.echo(done.stderr, err=True)
        sys.exit(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ask(world: dict[str, Any], method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    import urllib3

    answer = urllib3.request(method, world["url"] + path, json=body, timeout=30)
    return answer.json() if answer.data.startswith((b"{", b"[")) and "truth" not in path else answer.data


def _add_late_entries(world: dict[str, Any]) -> int:
    """Let entries of the last hours appear only now."""
    now = int(time.time() * 1000)
    for organization in world["organizations"][1:]:
        entries = [
            {
                "timestamp": now - (index + 1) * 1_800_000,
                "platform": "Runtime Manager",
                "action": "Modify",
                "userName": None,
                "objects": [{"objectType": "Application", "objectId": f"app-{index}", "objectName": "orders-api"}],
                "payload": {"subaction": "Scaling", "properties": {"late": index}},
            }
            for index in range(LATE)
        ]
        _ask(world, "POST", "/simulator/entries", {"organizationId": organization["id"], "entries": entries})
    return LATE * (len(world["organizations"]) - 1)


def _archived(archive: Path, organization: str) -> Counter[bytes]:
    """Return the lines of an organization's parts, read with nothing but gzip."""
    import gzip

    lines: Counter[bytes] = Counter()
    for part in archive.glob(f"audit/{organization}/*/*/*/*.json.gz"):
        lines.update(gzip.decompress(part.read_bytes()).splitlines())
    return lines


def _compare(console: Console, world: dict[str, Any], archive: Path, until: str) -> bool:
    """Print, for each organization, whether archive and source hold the same entries up to `until`, byte for byte."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("Organization")
    for name in ("In the source", "In the archive", "Missing", "Twice"):
        table.add_column(name, justify="right")
    last = datetime.fromisoformat(until) - timedelta(milliseconds=1)  # the source's bounds are inclusive
    bound = last.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    equal = True
    for organization in world["organizations"]:
        path = f"/simulator/truth?organizationId={organization['id']}&compact=true&endDate={bound}"
        source = Counter(_ask(world, "GET", path).splitlines())
        held = _archived(archive, organization["id"])
        missing, surplus = source - held, held - source
        equal &= not missing and not surplus
        row = (source.total(), held.total(), missing.total(), surplus.total())
        table.add_row(Text(organization["name"]), *(f"{number:,}" for number in row))
    console.print(table)
    console.print(
        "[green]The archive equals the source, entry by entry.[/]" if equal else "[red]They differ.[/]", end="\n\n"
    )
    return equal


def _sample(console: Console, archive: Path) -> None:
    """Print one entry, for people."""
    from rich.panel import Panel
    from rich.text import Text

    for part in sorted(archive.glob("audit/*/*/*/*/*.json.gz")):
        for line in _lines(part):
            if b'"Connected Application"' in line and b'"Create"' in line:
                shown = json.dumps(json.loads(line), indent=1, ensure_ascii=False)
                console.print(Panel(Text(shown[:1200]), title=part.name, subtitle=part.parent.as_posix()[-10:]))
                return


def _lines(part: Path) -> list[bytes]:
    import gzip

    return gzip.decompress(part.read_bytes()).splitlines()


def _findings(console: Console, archive: Path) -> None:
    """Print the findings that matter most: the gravest, of those who set off most rules; one a rule."""
    from rich.text import Text

    from mulesoft_audit.detect.rule import SEVERITIES
    from mulesoft_audit.printable import printable

    line = [sys.executable, "-m", "mulesoft_audit", "detect", "--archive", str(archive), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    findings = [json.loads(one) for one in done.stdout.splitlines()]
    rules = {
        actor: {one["rule"] for one in findings if one["actor"] == actor} for actor in {f["actor"] for f in findings}
    }

    def matters(finding: dict[str, Any]) -> tuple[int, int, int]:
        return SEVERITIES.index(finding["severity"]), len(rules[finding["actor"]]), finding["count"]

    gravest = {one["rule"]: one for one in sorted(findings, key=matters)}
    console.print(
        f"\n[bold]An incident is hidden in this week.[/] {len(findings)} findings; the {MOST} that matter most:"
    )
    for one in sorted(gravest.values(), key=matters, reverse=True)[:MOST]:
        what = ", ".join(one["values"][:3]) + "…" if one["values"] else one["object"]
        count = f"{one['count']} entries; " if one["count"] > 1 else ""
        told = f"{count}{printable(one['actor'], 20)}: {printable(what, 40)}"
        shown = Text(f"  {one['severity']:<8}  {one['title']}\n            {one['last'][:16]}Z  {told}")
        console.print(shown, no_wrap=True, overflow="ellipsis")


def _next_steps(console: Console, archive: Path) -> None:
    """Print what to do next, as it can be copied to a shell."""
    from rich.text import Text

    program, place = _program(), shlex.quote(str(archive))
    lines = {
        "How it stands": f"{program} status --archive {place}",
        "Who did what": f"{program} show --archive {place} --since 7d --limit 20",
        "All findings": f"{program} detect --archive {place}",
        "A report": f"{program} report --archive {place} --open",
        "The real thing": "export CLIENT_ID=… CLIENT_SECRET=… ANYPOINT_PLANE=us",
        "": f"{program} collect --archive ./archive",
    }
    console.print()
    for what, line in lines.items():
        console.print(Text(f"{what:<16}{line}"), soft_wrap=True)


def _program() -> str:
    """Return how this program is started from here: by its name where that is found, else as it was started."""
    if shutil.which("mulesoft-audit"):
        return "mulesoft-audit"
    started = Path(sys.argv[0])
    return f"{sys.executable} -m mulesoft_audit" if started.name == "__main__.py" else shlex.quote(str(started))
