"""The links to Anypoint: each is found in order, and each is found broken."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
from tests.doctor.harness import GROUP, OTHER, Offset, answering, doctor
from tests.fake_clock import FakeClock
from tests.plain_source import CLIENT_ID, CLIENT_SECRET, ROOT, PlainSource

from anypoint_simulator import Scenario, World, running
from mulesoft_audit.anypoint.planes import plane_at
from mulesoft_audit.clock import Stop
from mulesoft_audit.doctor.anypoint import Anypoint
from mulesoft_audit.doctor.finding import Finding, State, examine, exit_code
from mulesoft_audit.doctor.reach import Knock, knock, reach, skew
from mulesoft_audit.errors import FINDINGS, UsageError
from mulesoft_audit.secret import Secret
from mulesoft_audit.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

LOGS = ("log of Root", "log of Payments", "log of Logistics")


def test_everything_in_order_is_said_so_in_one_request_an_organization(source: PlainSource, tmp_path: Path) -> None:
    report = doctor(source.url, "--archive", str(tmp_path))
    assert report.code == 0
    for name in ("settings", "Anypoint", "clock", "credentials", "organization", "business groups", *LOGS):
        assert report.state(name) == "ok", report.findings[name]
    assert "20 entries in 24 hours" in report.said("log of Payments")
    assert report.state("retention") == "skipped"
    assert (source.counts["queries"], source.counts["tokens"], source.counts["revoked"]) == (3, 1, 1)


def test_a_wrong_secret_is_refused_and_what_needs_it_skipped(source: PlainSource, tmp_path: Path) -> None:
    report = doctor(source.url, "--archive", str(tmp_path), CLIENT_SECRET="not-the-secret")
    assert report.kinds == {3}
    assert source.url in report.said("credentials")
    assert "CLIENT_SECRET" in report.findings["credentials"]["hint"]
    for name in ("organization", "business groups", "audit logs", "retention"):
        assert report.state(name) == "skipped"
    assert "needs: credentials" in report.said("organization")
    assert report.state("Anypoint") == report.state("archive: write") == "ok", "one failing does not hide the others"
    assert "not-the-secret" not in report.text


@pytest.mark.parametrize("missing", ["CLIENT_ID", "CLIENT_SECRET"])
def test_a_missing_setting_is_named(source: PlainSource, tmp_path: Path, missing: str) -> None:
    report = doctor(source.url, "--archive", str(tmp_path), **{missing: None})
    assert report.kinds == {2}
    assert missing in report.said("settings")
    assert report.state("Anypoint") == "ok"
    assert source.counts["tokens"] == 0


def test_malformed_settings_are_refused_before_anything_is_looked_at() -> None:
    with pytest.raises(UsageError, match="ANYPOINT_BASE_URL"):
        doctor("ftp://example.org")


@pytest.mark.parametrize("named", ["payments", GROUP])
def test_an_organization_is_named_by_its_name_or_its_id(source: PlainSource, tmp_path: Path, named: str) -> None:
    report = doctor(source.url, "--archive", str(tmp_path), "--org", named)
    assert report.code == 0
    assert [name for name in report.findings if name.startswith("log of")] == ["log of Payments"]


@pytest.mark.parametrize("named", ["../other", "Paymints"])
def test_an_organization_that_is_none_is_said_and_nothing_asked_of_it(source: PlainSource, named: str) -> None:
    report = doctor(source.url, "--org", named)
    assert report.kinds == {2}
    assert f"No organization {named!r}" in report.said("business groups")
    assert source.counts["queries"] == 0


def test_a_name_that_cannot_be_looked_up_is_no_id(source: PlainSource) -> None:
    source.hierarchy_status = 403
    report = doctor(source.url, "--org", "Payments")
    assert report.kinds == {2}
    assert "Give its id" in report.said("business groups")
    assert source.counts["queries"] == 0
    assert doctor(source.url, "--org", GROUP).state(f"log of {GROUP}") == "ok"


def test_nobody_answering_is_said_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    clock = FakeClock()
    began = clock.now
    settings = Settings(client_id=CLIENT_ID, anypoint_base_url=f"http://127.0.0.1:{port}")
    findings = {one.name: one for one in examine(Anypoint(settings, Secret(CLIENT_SECRET), Stop(clock)).checks())}
    assert clock.now - began < 10
    assert exit_code(findings.values()) == 8
    assert "no connection could be made" in findings["Anypoint"].detail
    assert findings["clock"].state is findings["credentials"].state is State.SKIPPED


def test_what_does_not_speak_tls_is_told_from_what_does_not_answer(source: PlainSource) -> None:
    finding, found = reach(plane_at(source.url.replace("http:", "https:")), FakeClock())
    assert (finding.state, finding.exit_code, found) == (State.FAIL, 5, None)
    assert "certificate could not be verified" in finding.detail
    assert "SSL_CERT_FILE" in finding.hint


def test_a_log_in_page_in_between_is_not_anypoint(tmp_path: Path) -> None:
    with answering(302, {"Location": "https://portal.example/login"}) as url:
        report = doctor(url, "--archive", str(tmp_path))
    assert report.kinds == {5}
    assert f"the credentials go to {url} alone" in report.said("Anypoint")
    assert "proxy responds in its place" in report.said("Anypoint")
    assert report.state("credentials") == "skipped"


@pytest.mark.parametrize(("status", "state"), [(401, State.OK), (404, State.OK), (200, State.WARN)])
def test_what_answers_is_judged_by_how_it_answers(status: int, state: State) -> None:
    with answering(status) as url:
        finding, found = reach(plane_at(url), Stop().clock)
    assert finding.state is state
    assert found is not None
    assert skew(found).state is State.SKIPPED, "it does not say what time it is"


def test_a_plane_that_only_puts_off_is_no_reason_to_stop_looking() -> None:
    with answering(503) as url:
        finding, found = reach(plane_at(url), FakeClock())
    assert (finding.state, found) == (State.WARN, None)
    assert "503" in finding.detail


@pytest.mark.parametrize(
    ("offset", "state", "words"),
    [
        (0, State.OK, ""),
        (20, State.OK, "20 s ahead"),
        (60, State.WARN, "60 s ahead of the plane: runs look back less far"),
        (-60, State.WARN, "60 s behind the plane: each run leaves out"),
        (900, State.FAIL, "Google refuses"),
        (-900, State.FAIL, "behind"),
    ],
)
def test_a_wrong_clock_is_noticed(source: PlainSource, offset: int, state: State, words: str) -> None:
    plane = plane_at(source.url)
    finding = skew(knock(plane, Offset(offset + 0.001)))
    near = [words.replace(str(abs(offset)), str(abs(offset) + nudge)) for nudge in range(-3, 4)] if offset else [words]
    assert finding.state is state
    assert any(one in finding.detail for one in near), finding
    assert ("NTP" in finding.hint) == (state is not State.OK)


def test_a_date_that_is_none_is_no_date() -> None:
    with answering(401, {"Date": "yesterday"}) as url:
        assert knock(plane_at(url), Stop().clock).date is None


def test_a_group_without_the_scope_is_named_and_the_others_are_looked_at(source: PlainSource, tmp_path: Path) -> None:
    source.refused.add(GROUP)
    report = doctor(source.url, "--archive", str(tmp_path))
    assert report.kinds == {4}
    assert [report.state(name) for name in LOGS] == ["ok", "fail", "ok"]
    assert f"Payments ({GROUP})" in report.said("log of Payments")
    assert "read:audit_logs" in report.findings["log of Payments"]["hint"]


def test_without_the_hierarchy_the_root_is_still_looked_at(source: PlainSource, tmp_path: Path) -> None:
    source.hierarchy_status = 403
    report = doctor(source.url, "--archive", str(tmp_path))
    assert (report.kinds, report.state("business groups")) == ({4}, "fail")
    assert "read:organization" in report.findings["business groups"]["hint"]
    assert report.state(f"log of {ROOT}") == "ok"


def test_org_limits_what_is_asked_and_makes_the_hierarchy_dispensable(source: PlainSource, tmp_path: Path) -> None:
    report = doctor(source.url, "--archive", str(tmp_path), "--org", GROUP)
    assert report.code == 0
    assert "1 of 3 organizations" in report.said("business groups")
    assert [name for name in report.findings if name.startswith("log of")] == ["log of Payments"]
    source.hierarchy_status = 403
    report = doctor(source.url, "--archive", str(tmp_path), "--org", GROUP)
    assert (report.code, report.state("business groups"), report.state(f"log of {GROUP}")) == (0, "warn", "ok")
    assert source.counts["queries"] == 2


def test_an_organization_that_is_not_the_apps_own_is_pointed_out(source: PlainSource, tmp_path: Path) -> None:
    report = doctor(source.url, "--archive", str(tmp_path), MULE_ORG_ID=OTHER)
    assert report.state("organization") == "warn"
    assert ROOT in report.said("organization")
    assert (report.kinds, report.state("business groups")) == ({2}, "fail"), "there is no such root"


def test_names_cannot_steer_a_terminal(source: PlainSource, tmp_path: Path) -> None:
    source.names[GROUP] = "Pay\x1b[2Jments\u202e"
    report = doctor(source.url, "--archive", str(tmp_path))
    assert "log of Pay\\x1b[2Jments\\u202e" in report.findings
    assert "\\u001b" not in report.text


@pytest.mark.parametrize("held", ["file", "settings"])
def test_a_secret_that_others_can_read_is_pointed_out(source: PlainSource, tmp_path: Path, held: str) -> None:
    secret, settings = tmp_path / "secret", tmp_path / "settings.toml"
    secret.write_text(f"{CLIENT_SECRET}\n")
    key, value = ("client_secret", CLIENT_SECRET) if held == "settings" else ("client_secret_file", str(secret))
    settings.write_text(f'{key} = "{value}"\n')
    (settings if held == "settings" else secret).chmod(0o640)
    arguments = ("--archive", str(tmp_path / "archive"), "--config", str(settings))
    report = doctor(source.url, *arguments, CLIENT_SECRET=None)
    assert (report.code, report.state("settings"), report.state("credentials")) == (0, "warn", "ok")
    assert "chmod 600" in report.findings["settings"]["hint"]
    secret.chmod(0o600)
    settings.chmod(0o600)
    assert doctor(source.url, *arguments, CLIENT_SECRET=None).state("settings") == "ok"


def test_a_slow_plane_is_announced_and_one_that_only_puts_off_is_given_up(source: PlainSource) -> None:
    settings = Settings(client_id=CLIENT_ID, anypoint_base_url=source.url, requests_per_minute=2)
    clock = FakeClock(time.time())
    anypoint = Anypoint(settings, Secret(CLIENT_SECRET), Stop(clock))
    began = clock.now
    findings = {one.name: one for one in examine(anypoint.checks())}
    assert "asking each takes about 2 min at 2 a minute" in findings["business groups"].detail
    assert exit_code(findings.values()) == 0
    assert clock.now - began > 120
    anypoint.close()
    source.per_minute = -1  # every answer is 503
    anypoint = Anypoint(settings, Secret(CLIENT_SECRET), Stop(clock))
    findings = {one.name: one for one in examine(anypoint.checks())}
    anypoint.close()
    assert exit_code(findings.values()) == 8
    assert "limit is exceeded" in findings["log of Root"].detail
    assert findings["log of Payments"].state is State.SKIPPED
    assert source.counts["revoked"] == 2


def test_the_simulator_tells_how_long_it_keeps_entries(tmp_path: Path) -> None:
    with running(World(Scenario(groups=1, days=1))) as anypoint:
        report = doctor(
            anypoint.url,
            *("--archive", str(tmp_path)),
            CLIENT_ID=anypoint.client_id,
            CLIENT_SECRET=anypoint.client_secret,
        )
    assert report.code == 0
    assert "365 days" in report.said("retention")


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6, 7, FINDINGS])
def test_whatever_is_broken_the_status_is_that_of_findings(code: int) -> None:
    assert exit_code([]) == exit_code([Finding("", State.WARN, "")]) == 0
    assert exit_code([Finding("", State.OK, ""), Finding("", State.FAIL, "", "", code)]) == FINDINGS == 8


def test_a_server_that_hangs_is_not_waited_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        finding, found = reach(plane_at(f"http://127.0.0.1:{deaf.getsockname()[1]}"), Stop().clock, patience=0.4)
    assert time.monotonic() - began < 10
    assert (finding.state, found) == (State.FAIL, None)
    assert "without a response" in finding.detail


def test_a_knock_knows_the_time_of_the_answer() -> None:
    assert skew(Knock(401, 1000.0, 1000.4, 0.1)).detail == "agrees with the plane's to within 2 s"
