"""What docs/deploy.md promises, held against what is made."""

from __future__ import annotations

import re
from pathlib import Path

from mulesoft_audit.cli.deploy import command
from mulesoft_audit.cloud.deploy.deployment import default_names
from mulesoft_audit.cloud.deploy.state_bucket import state_bucket

DOCS = Path(__file__).parents[3] / "docs"
DEPLOY = (DOCS / "deploy.md").read_text(encoding="utf-8")
BY_HAND = (DOCS / "cloud-run.md").read_text(encoding="utf-8")
PROJECT = "project-x"


def test_everything_that_is_made_is_named() -> None:
    names = [*default_names(PROJECT).values(), state_bucket(PROJECT)]
    assert [name for name in names if f"`{name.replace(PROJECT, 'PROJECT')}`" not in DEPLOY] == []


def test_by_hand_the_names_are_the_same() -> None:
    names = default_names(PROJECT)
    for key in (
        "service_account",
        "push_service_account",
        "build_service_account",
        "secret",
        "topic",
        "function",
        "job",
    ):
        assert names[key] in BY_HAND, key
    assert "--trigger-http" in BY_HAND
    assert "trigger-topic" not in BY_HAND


def test_every_flag_that_is_named_is_one_of_deploys_or_feeds() -> None:
    known = {flag for one in [command, *command.commands.values()] for option in one.params for flag in option.opts}
    named = set(re.findall(r"`(--[a-z-]+)", DEPLOY))
    assert len(named) > 15
    assert named <= known


def test_it_is_said_that_it_was_not_applied_to_a_live_project() -> None:
    assert "has not yet been applied to a live" in DEPLOY
    assert "please send us" in DEPLOY
