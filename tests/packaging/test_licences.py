"""All that is locked may be used and passed on with this project."""

from __future__ import annotations

import pytest
from tests.packaging.licences import allowed, listed

pytestmark = pytest.mark.unit


def test_every_package_that_is_locked_has_a_licence_that_is_allowed() -> None:
    found = listed()
    assert len(found) > 50
    assert not {package: expression for package, expression in found.items() if not allowed(expression)}


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("MIT AND Apache-2.0", True),
        ("GPL-3.0-or-later OR MIT", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND AGPL-3.0-only", False),
        ("none", False),
        ("see LICENSE", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_if_one_choice_of_it_is(expression: str, fine: bool) -> None:
    assert allowed(expression) is fine
