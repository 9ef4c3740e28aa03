"""A rule that is malformed is refused, with what is wrong."""

import pytest

from mulesoft_audit.detect.rule import load_rules, parse_rule
from mulesoft_audit.errors import UsageError

pytestmark = pytest.mark.unit

SOUND = """
title = "T"
why = "W"
severity = "high"
confidence = "documented"
tactic = "TA0006 Credential Access"
technique = "T1110.001 Brute Force"
false_positives = ["F"]
response = ["R"]
"""
STEP = '[[steps]]\nname = "one"\nwhere = [{ action = "Login" }]\n'


def test_a_sound_rule_is_taken():
    assert parse_rule("a-rule", SOUND + STEP).steps[0].name == "one"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "malformed"),
        (SOUND, "steps"),
        (SOUND.replace('"high"', '"awful"') + STEP, "awful"),
        (SOUND.replace('"documented"', '"sure"') + STEP, "sure"),
        (SOUND.replace("TA0006 ", "") + STEP, "tactic"),
        ("colour = 1" + SOUND + STEP, "colour"),
        (SOUND + STEP.replace("action", "colour"), "no field 'colour'"),
        (SOUND + STEP.replace('"Login"', "true"), "only `failed` and `staff`"),
        (SOUND + STEP.replace('action = "Login"', 'failed = "yes"'), "only `failed` and `staff`"),
        (SOUND + STEP.replace('"Login"', '{ like = "(?=x)" }'), "beyond RE2"),
        (SOUND + STEP.replace('"Login"', '{ like = "(" }'), "no regular expression"),
        (SOUND + STEP.replace('"Login"', "{}"), "exactly one"),
        (SOUND + STEP.replace('"Login"', '{ same = "colour" }'), "no field 'colour'"),
        ("count = 5" + SOUND + STEP, "a window belongs"),
        ('window = "5m"' + SOUND + STEP, "a window belongs"),
        ('window = "5x"\ncount = 5' + SOUND + STEP, "5x"),
        ('window = "5m"\ncount = 5' + SOUND + STEP, "grouped by"),
        ('window = "3d"\ncount = 5\ngroup = ["user"]' + SOUND + STEP, "48 hours"),
        ('distinct = "user"' + SOUND + STEP, "needs a count"),
        (
            'window = "5m"\ngroup = ["user"]\nnew = "ip"' + SOUND + STEP + STEP.replace('"one"', '"two"'),
            "rules of one step",
        ),
        (SOUND + STEP.replace('"Login"', '{ like = "Log" }'), "action is compared with texts alone"),
        (SOUND + STEP.replace('action = "Login"', 'subaction = { like = "x" }'), "subaction is compared with texts"),
        (SOUND + STEP.replace('"Login"', "[]"), "compared with nothing"),
        (SOUND + STEP.replace('action = "Login"', ""), "a condition is empty"),
        (SOUND + STEP.replace('action = "Login"', 'payload = { none_of = ["x"] }'), "value by value"),
        (SOUND + STEP + 'unless = [{ payload = "x" }]', "value by value"),
        (SOUND + STEP.replace('"Login"', '"Login", user = { same = "payload" }'), "compares 'payload'"),
        ('window = "5m"\ncount = 5\ngroup = ["action"]' + SOUND + STEP, "compares 'action'"),
        ('window = "5m"\ncount = 5\ngroup = ["user"]\ndistinct = "payload"' + SOUND + STEP, "compares 'payload'"),
        ('window = "5m"\ngroup = ["user"]' + SOUND + STEP + STEP, "one name"),
        (SOUND + STEP + '[allow]\nactor_name = "friends"', "no list 'friends'"),
        (SOUND + STEP + '[allow]\nip = "deployers"', "deployers is no list of what ip can be"),
        (SOUND + STEP + '[allow]\nactor_name = "known_addresses"', "is no list of what actor_name"),
        ('id = "another"' + SOUND + STEP, "not the name of its file"),
    ],
)
def test_a_malformed_rule_is_refused_with_what_is_wrong(text: str, told: str):
    with pytest.raises(UsageError) as caught:
        parse_rule("a-rule", text)
    assert "The rule a-rule is malformed" in caught.value.message
    assert told in caught.value.message


def test_an_unknown_rule_is_a_mistake_that_names_the_known_ones():
    with pytest.raises(UsageError) as caught:
        load_rules(["login-failures", "no-such"])
    assert "'no-such'" in caught.value.message
    assert "login-failures" in caught.value.hint


def test_rules_are_asked_for_by_id():
    assert [rule.id for rule in load_rules(["queue-purged", "login-failures"])] == ["login-failures", "queue-purged"]
