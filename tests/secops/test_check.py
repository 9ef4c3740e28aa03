"""`mulesoft-audit secops check`, against a control plane that runs the parser and compiles rules."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.cloud.deploy.harness import INSTANCE
from tests.control_plane import ControlPlane, World
from tests.secops.samples import FILE, text

from mulesoft_audit.cli import main
from mulesoft_audit.detect.rule import load_rules
from mulesoft_audit.secops.check import differences
from mulesoft_audit.secops.samples import Sample, parser, samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = [rule.id for rule in load_rules()]
TABLE = "mulesoft_known_addresses"


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ControlPlane]:
    """A SecOps instance with the data table that a rule needs, and the settings that name it."""
    world = World()
    world.data_tables.add(TABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("PROJECT", "SECOPS_HOST", "MULESOFT_AUDIT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    settings = {"PROJECT": "acme-secops", "INSTANCE": INSTANCE, "LOCATION": "eu"}
    for name, value in settings.items():
        monkeypatch.setenv(f"SECOPS_{name}", value)
    with ControlPlane(world) as plane:
        monkeypatch.setenv("MULESOFT_AUDIT_GOOGLE_ENDPOINT", plane.endpoint)
        yield plane
        assert plane.violations == []


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit status, output and errors."""
    with pytest.raises(SystemExit) as ended:
        main(["secops", "check", *arguments])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def record(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status, out, _ = check(capsys, "--json", *arguments)
    return status, json.loads(out)


def test_all_is_well_where_secops_does_what_is_expected(plane: ControlPlane, capsys: pytest.CaptureFixture[str]):
    status, out, err = check(capsys)
    count = len(samples())
    assert status == 0, err
    assert out.splitlines() == [
        f"Rules: {len(RULES)} of {len(RULES)} compile.",
        f"Parser: {count} of {count} sample logs give the event expected.",
        "In this instance: Google's parser for MULESOFT is active.",
    ]


def test_the_record_says_when_where_and_for_which_parser_it_holds(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
):
    status, found = record(capsys)
    assert status == 0
    assert list(found) == ["time", "version", "instance", "rules", "active_parser", "parser"]
    assert found["instance"] == f"projects/acme-secops/locations/eu/instances/{INSTANCE}"
    assert [one["rule"] for one in found["rules"]] == RULES
    assert found["parser"]["as_expected"] == found["parser"]["samples"] == len(samples())
    assert len(found["parser"]["sha256"]) == 64


def test_nothing_is_stored_and_the_calls_are_secops_own(plane: ControlPlane, capsys: pytest.CaptureFixture[str]):
    check(capsys)
    assert plane.world.things == {}
    assert all("chronicle" in path for _, path, _, _ in plane.world.log)
    verbs = {path.rsplit(":", 1)[-1] for verb, path, _, _ in plane.world.log if verb == "POST"}
    assert verbs == {"runParser", "verifyRuleText"}


def test_a_rule_that_does_not_compile_is_named_with_its_place_and_its_table(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
):
    plane.world.data_tables.clear()
    status, out, _ = check(capsys, "--rule", "token-from-new-ip", "--rule", "login-failures")
    assert status == 8
    assert "Rules: 1 of 2 compile." in out
    assert f"data table {TABLE} was not found" in " ".join(out.split())
    assert "docs/parser.md, step 4" in out
    assert "Parser" not in out
    assert max(map(len, out.splitlines())) <= 80
    status, found = record(capsys, "--rule", "token-from-new-ip")
    [rule] = found["rules"]
    assert status == 8
    assert (rule["compiles"], rule["tables"]) == (False, [TABLE])
    from mulesoft_audit.detect.yaral import yaral

    [said] = rule["diagnostics"]
    line = yaral(load_rules(["token-from-new-ip"])[0], {}).splitlines()[said["line"] - 1]
    assert line[said["column"] - 1 :].startswith(f"%{TABLE}.")


def test_a_warning_is_told_and_is_no_finding(plane: ControlPlane, capsys: pytest.CaptureFixture[str]):
    said = {"message": "slow\x1b[2J", "severity": "WARNING", "position": {"startLine": 3, "startColumn": 5}}
    plane.world.diagnostics["mulesoft_login_failures"] = [said]
    status, out, _ = check(capsys, "--rule", "login-failures")
    assert status == 0
    assert r"login-failures, line 3, column 5: warning: slow\x1b[2J" in out


def test_a_log_that_is_not_parsed_is_named_with_what_secops_says(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
):
    plane.world.broken_logs['"Logout"'] = "pipeline failed: filter mutate (7) failed: copy failure"
    status, out, _ = check(capsys)
    assert status == 8
    told = " ".join(out.split())
    assert "No event: 1 log, first CoreServices: Logout (User)" in told
    assert "generic::invalid_argument: pipeline failed: filter mutate (7) failed: copy failure" in told


def test_events_that_differ_are_told_once_for_each_field(plane: ControlPlane, capsys: pytest.CaptureFixture[str]):
    def engine(event: dict[str, Any]) -> dict[str, Any]:
        event["metadata"]["eventTimestamp"] = event["metadata"]["eventTimestamp"].replace("Z", "000Z")
        if "ip" in event.get("principal", {}):
            event["principal"]["hostname"] = "h"
        if event["metadata"]["eventType"] == "USER_LOGOUT":
            event["metadata"]["eventType"] = "GENERIC_EVENT"
            del event["target"]["user"]["userid"]
        event.get("securityResult", [{}])[0].get("detectionFields", []).reverse()
        return event

    plane.world.engine = engine
    status, found = record(capsys)
    assert status == 8
    told = {one["field"]: (one["expected"], one["found"]) for one in found["parser"]["differences"]}
    assert set(told) == {"principal.hostname", "metadata.eventType", "target.user.userid"}
    assert told["principal.hostname"] == ("", "h")
    assert told["metadata.eventType"] == ("USER_LOGOUT", "GENERIC_EVENT")
    assert told["target.user.userid"][1] == ""
    _, out, _ = check(capsys)
    assert "metadata.eventType: 1 log, first CoreServices: Logout (User)" in out
    assert "expected USER_LOGOUT; SecOps has GENERIC_EVENT" in out


def test_a_parser_that_secops_does_not_take_is_a_finding(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mulesoft_audit.secops.samples.parser", lambda: b"filter { nonsense { } }")
    status, out, _ = check(capsys)
    assert status == 8
    assert "Parser: SecOps does not take it." in out
    assert "failed to create parser" in " ".join(out.split())


def test_an_instance_that_has_the_method_in_v1alpha_alone_is_asked_there(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
):
    plane.world.only_alpha = True
    assert check(capsys)[0] == 0


def test_fewer_results_than_logs_are_noticed(plane: ControlPlane, capsys: pytest.CaptureFixture[str]):
    plane.refusals[":runParser"] = (200, {})
    status, out, _ = check(capsys)
    assert status == 8
    assert "no events came of it; one is expected" in out


DISABLED = {
    "message": "Chronicle API has not been used in project acme-secops before or it is disabled.",
    "status": "PERMISSION_DENIED",
    "details": [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "SERVICE_DISABLED",
            "metadata": {"service": "chronicle.googleapis.com", "consumer": "projects/acme-secops"},
        }
    ],
}


def denied(permission: str) -> dict[str, Any]:
    message = f"Permission '{permission}' denied on resource '//chronicle.googleapis.com/x' (or it may not exist)."
    return {"message": message, "status": "PERMISSION_DENIED"}


@pytest.mark.parametrize(
    ("part", "status", "error", "exits", "said"),
    [
        ("/v1/", 403, DISABLED, 7, "gcloud services enable chronicle.googleapis.com --project acme-secops"),
        (":verifyRuleText", 403, DISABLED, 7, "gcloud services enable chronicle.googleapis.com"),
        (":verifyRuleText", 403, denied("chronicle.rules.verifyRuleText"), 4, "chronicle.rules.verifyRuleText"),
        (":runParser", 403, denied("chronicle.parsers.runParser"), 4, "chronicle.parsers.runParser"),
        ("/v1/", 401, {"message": "invalid credentials"}, 3, "gcloud auth application-default login"),
        (":runParser", 404, {"message": "Requested entity was not found."}, 7, "Requested entity was not found"),
    ],
)
def test_a_refusal_is_told_as_everywhere(
    plane: ControlPlane,
    capsys: pytest.CaptureFixture[str],
    part: str,
    status: int,
    error: dict[str, Any],
    exits: int,
    said: str,
):
    plane.refusals[part] = status, error
    code, out, err = check(capsys)
    assert code == exits
    assert said in err
    assert "Traceback" not in err
    assert ("Rules:" in out) == (part == ":runParser")


def test_who_may_not_run_parsers_sees_the_rules_all_the_same(plane: ControlPlane, capsys: pytest.CaptureFixture[str]):
    plane.refusals[":runParser"] = 403, denied("chronicle.parsers.runParser")
    status, out, _ = check(capsys)
    assert status == 4
    assert out.splitlines() == [f"Rules: {len(RULES)} of {len(RULES)} compile."]


@pytest.mark.parametrize(
    ("arguments", "unset", "said"),
    [
        ((), "SECOPS_INSTANCE", "SECOPS_INSTANCE"),
        ((), "SECOPS_LOCATION", "SECOPS_LOCATION"),
        ((), "SECOPS_PROJECT", "SECOPS_PROJECT"),
        (("--rule", "no-such"), "", "no rule 'no-such'"),
        (("--secops-instance", "acme"), "", "expected a customer ID"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(
    plane: ControlPlane,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    unset: str,
    said: str,
):
    if unset:
        monkeypatch.delenv(unset)
    status, _, err = check(capsys, *arguments)
    assert status == 2
    assert said in err
    assert plane.calls == 0


@pytest.mark.parametrize("answer", [{"runParserResults": [{"parsedEvents": 5}]}, {"success": "perhaps"}])
def test_an_answer_that_makes_no_sense_is_an_error_and_no_traceback(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str], answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    verb = "verifyRuleText" if "success" in answer else "runParser"
    real = plane.answer
    monkeypatch.setattr(plane, "answer", lambda *asked: (200, answer) if verb in asked[1] else real(*asked))
    status, _, err = check(capsys)
    assert status == 7
    assert "something else than its reference says" in err


@pytest.mark.parametrize(
    "page",
    [
        {"parsers": None},
        {"parsers": [5]},
        {"nextPageToken": "again"},
    ],
)
def test_a_list_that_makes_no_sense_or_has_no_end_is_an_error(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str], page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    real = plane.answer
    monkeypatch.setattr(plane, "answer", lambda *asked: (200, page) if "/parsers" in asked[1] else real(*asked))
    status, _, err = check(capsys)
    assert status == 7
    assert "Could not look for a parser: Google's response is not what its reference says" in err


def test_a_parser_of_nobody_known_is_none_of_the_customer(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    page = {"parsers": [{"creator": creator} for creator in (None, "x", {}, {"source": 5})]}
    real = plane.answer
    monkeypatch.setattr(plane, "answer", lambda *asked: (200, page) if "/parsers" in asked[1] else real(*asked))
    assert "Google's parser for MULESOFT is active" in check(capsys)[1]


@pytest.mark.parametrize("results", [None, 5])
def test_results_that_are_no_list_are_none(plane: ControlPlane, capsys: pytest.CaptureFixture[str], results: object):
    plane.refusals[":runParser"] = (200, {"runParserResults": results})
    status, out, _ = check(capsys)
    assert status == 8
    assert "no events came of it" in out


@pytest.mark.parametrize(
    ("verb", "status", "said"),
    [
        (":verifyRuleText", 403, "It takes chronicle.rules.verifyRuleText; docs/parser.md"),
        (":runParser", 403, "It takes chronicle.parsers.runParser; docs/parser.md"),
        (":verifyRuleText", 404, "Is it the right instance?"),
        (":runParser", 404, "Is it the right instance?"),
    ],
)
def test_a_refusal_without_words_is_told_with_what_to_look_at(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str], verb: str, status: int, said: str
):
    plane.refusals[verb] = status, {}
    code, _, err = check(capsys)
    assert code == {403: 4, 404: 7}[status]
    assert said in err


def test_an_instance_that_is_refused_is_no_rule_that_does_not_compile(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
):
    plane.refusals["/feeds"] = 400, {"message": "invalid instance"}
    status, out, err = check(capsys)
    assert status == 0, err
    assert f"Rules: {len(RULES)} of {len(RULES)} compile." in out


# Without a server.


def test_the_samples_are_up_to_date():
    """`python -m tests.secops.samples` writes them."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_an_event_does_not_differ_from_itself_and_each_lost_value_is_told():
    for sample in samples():
        assert list(differences(sample, copy.deepcopy(sample.event))) == []
        without = {name: value for name, value in sample.event.items() if name != "metadata"}
        told = {one.field for one in differences(sample, without)}
        assert {"metadata.eventTimestamp", "metadata.eventType"} <= told


def test_the_key_of_a_label_counts():
    sample = Sample("x", "", {"a": [{"key": "k", "value": "1"}, {"key": "l", "value": "2"}]})
    [one, two] = differences(sample, {"a": [{"key": "l", "value": "1"}, {"key": "k", "value": "2"}]})
    assert (one.field, one.expected, one.found) == ("a[k]", "1", "2")
    assert (two.field, two.expected, two.found) == ("a[l]", "2", "1")


def test_the_parser_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["secops", "parser"])
    assert capsys.readouterr().out.encode() == parser()
