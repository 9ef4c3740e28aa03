"""Each rule finds what its cases say, and nothing in the near misses."""

from pathlib import Path

import msgspec
import pytest
from tests.detect.cases import FOLDER, Case, cases, in_order

from mulesoft_audit.detect.engine import Detector
from mulesoft_audit.detect.reference import reference
from mulesoft_audit.detect.rule import load_rules

pytestmark = pytest.mark.unit
RULES = {rule.id: rule for rule in load_rules()}


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_rule_finds_what_its_case_says(case: Case):
    detector = Detector([RULES[case.rule]], case.lists)
    found = sorted(detector.run(in_order(case.entries)), key=lambda finding: finding.first)
    assert [one.count for one in found] == [one["count"] for one in case.findings]
    for finding, expected in zip(found, case.findings, strict=True):
        assert msgspec.to_builtins(finding) | expected == msgspec.to_builtins(finding)
    assert not detector.matcher.unreadable


def test_every_rule_has_cases_that_fire_and_near_misses():
    assert sorted(RULES) == sorted(file.stem for file in FOLDER.glob("*.toml"))
    for rule in RULES:
        fires = {bool(case.findings) for case in cases(rule)}
        assert fires == {True, False}, rule


def test_the_page_about_the_rules_is_up_to_date():
    """`make docs` writes it."""
    page = Path(__file__).parent.parent.parent / "docs" / "detections.md"
    assert page.read_text("utf-8") == reference()
