"""Names in an archive."""

from __future__ import annotations

import pytest

from mulesoft_audit.archive.layout import LAST_RUN, ORGANIZATIONS, head_name, organization_of

ORG = "11111111-1111-1111-1111-111111111111"


def test_a_head_tells_whose_it_is() -> None:
    assert organization_of(head_name(ORG)) == ORG


@pytest.mark.parametrize(
    "name",
    [
        ORGANIZATIONS,
        LAST_RUN,
        "state/head.json",
        "state/tmp/head.json",
        "state/oversize/head.json",
        "state/quarantine/head.json",
        f"state/quarantine/{ORG}/head.json",
        f"state/{ORG}/2026/11/23.manifest.json",
        f"audit/{ORG}/head.json",
        f"state/{ORG}/head.json.bak",
    ],
)
def test_nothing_else_is_taken_for_a_head(name: str) -> None:
    assert organization_of(name) is None
