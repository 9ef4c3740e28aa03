"""What is shown on a terminal: at most 80 columns, a sign for each link, the hint below what is broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.archives import command
from tests.cloud.deploy.harness import deployment
from tests.cloud.deploy.harness import feed as secops
from tests.doctor.harness import GROUP
from tests.plain_source import CLIENT_ID, CLIENT_SECRET

from mulesoft_audit.clock import Stop
from mulesoft_audit.cloud.google import connect
from mulesoft_audit.doctor.anypoint import LOGS, Anypoint
from mulesoft_audit.doctor.archive import HELD, Archive
from mulesoft_audit.doctor.feed import END_TO_END, Feeds
from mulesoft_audit.doctor.finding import fail, ok, skipped
from mulesoft_audit.doctor.google import Cloud
from mulesoft_audit.doctor.policies import POLICIES
from mulesoft_audit.doctor.program import TERRAFORM
from mulesoft_audit.doctor.roles import ROLES, Roles
from mulesoft_audit.doctor.view import as_json, summed
from mulesoft_audit.secret import Secret
from mulesoft_audit.settings import Settings

if TYPE_CHECKING:
    from tests.plain_source import PlainSource

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def on_a_terminal(source: PlainSource, archive: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Run the doctor on a terminal; return its exit status and the lines shown, without colours."""
    names = {"PATH", "HOME", "XDG_CONFIG_HOME", "PYTHONPATH", "COVERAGE_PROCESS_CONFIG"}
    kept = {name: value for name, value in os.environ.items() if name in names}
    given = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "ANYPOINT_BASE_URL": source.url}
    own = {"REQUESTS_PER_MINUTE": "100000", "TERM": "xterm", "LANG": "C.UTF-8", **environment}
    doctor = [sys.executable, "-m", "mulesoft_audit", "doctor", "--archive", str(archive), *arguments]
    line = [sys.executable, "-c", TERMINAL, *doctor]
    result = subprocess.run(
        line, env=kept | given | own, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout.decode())
    assert "\x1b" not in text
    return result.returncode, [shown.rstrip() for shown in text.splitlines()]


def test_a_line_for_each_link_and_the_hint_below(source: PlainSource, tmp_path: Path) -> None:
    source.refused.add(GROUP)
    source.names[GROUP] = "Zahlungen und Überweisungen GmbH \x1b[2J"
    code, lines = on_a_terminal(source, tmp_path)
    assert code == 8
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("✓ credentials") for line in lines)
    at = next(i for i, line in enumerate(lines) if line.startswith("✗ log of Zahlungen"))
    broken = " ".join(line.strip() for line in lines[at : at + 8])
    assert "→ Add the scope View Audit Logs" in broken
    assert "1 broken" in lines[-1]
    assert lines[-1].endswith("skipped.")


def test_a_terminal_that_knows_no_signs_gets_others(source: PlainSource, tmp_path: Path) -> None:
    source.names[GROUP] = "Überweisungen"
    code, lines = on_a_terminal(source, tmp_path, PYTHONIOENCODING="ascii")
    assert code == 0
    assert any(line.startswith("+ credentials") for line in lines)
    assert any(line.strip().startswith("> mulesoft-audit collect") for line in lines)
    assert "".join(lines).isascii()


def test_json_can_be_had_on_a_terminal_too(source: PlainSource, tmp_path: Path) -> None:
    code, lines = on_a_terminal(source, tmp_path, "--json")
    assert code == 0
    assert json.loads(lines[-1])["healthy"] is True


def test_text_is_printed_in_a_pipe_too_quietly_what_is_broken_alone(source: PlainSource, tmp_path: Path) -> None:
    def told(*arguments: str) -> tuple[int, str, str]:
        _, env = command(source.url, tmp_path)
        line = [sys.executable, "-m", "mulesoft_audit", "doctor", "--archive", str(tmp_path), *arguments]
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    code, out, err = told("--org", "payments", "-v")
    assert code == 0
    assert out.startswith("✓ settings")
    assert "log of Payments" in out
    assert "log of Logistics" not in out
    assert "GET /accounts/api/me: 200" in err
    code, out, err = told("-q")
    assert (code, err, "✓" in out, "! held of Payments" in out) == (0, "", False, True)
    source.refused.add(GROUP)
    code, out, err = told("-q")
    assert code == 8
    assert out.startswith("✗ log of Payments")
    assert out.rstrip().endswith("skipped.")


def test_a_secret_never_shows() -> None:
    Secret("hunter2-hunter2")
    assert "hunter2" not in as_json([fail("the key hunter2-hunter2 is bad", "")], "now")


def test_the_sum_is_a_sentence() -> None:
    found = [ok("", "a"), ok("", "b"), fail("", "", name="c"), skipped("", name="d")]
    assert summed(found) == "2 in order, 1 broken, 1 skipped."


def test_the_page_has_a_row_for_every_check() -> None:
    config, stop = deployment(), Stop()
    cloud = Cloud(lambda: connect(stop), config)
    looks: list[Anypoint | Archive | Cloud | Roles | Feeds] = [
        Anypoint(Settings(), Secret(""), stop),
        Archive("", list, int, int),
        cloud,
        Roles(cloud),
        Feeds(lambda: connect(stop), config, secops()),
    ]
    several = {LOGS: "log of …", HELD: "held of …", ROLES: "roles: bucket, secret, topic, service"}
    rows = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    names = [several.get(check.name, check.name) for look in looks for check in look.checks()]
    names += [POLICIES, TERRAFORM, END_TO_END]
    assert [name for name in names if name not in " ".join(rows)] == []
