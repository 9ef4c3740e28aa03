"""Whatever an archive's documents hold: a verification ends, says something sound, and a repair does no harm."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.evidence.archive import head, keys, manifest, part, verified
from tests.evidence.test_repair import offline

from mulesoft_audit.archive import layout
from mulesoft_audit.errors import AuditError
from mulesoft_audit.evidence.inventory import place_of
from mulesoft_audit.evidence.measure import measure

if TYPE_CHECKING:
    from pathlib import Path

    from mulesoft_audit.evidence.finding import Finding

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
DOCUMENTS = [manifest(), head(), layout.ORGANIZATIONS, layout.LAST_RUN]


def sound(findings: list[Finding]) -> None:
    for one in findings:
        assert one.path
        assert one.found
        assert "Traceback" not in one.found


def replaced(document: Any, values: st.DataObject) -> Any:
    """Return a JSON document in which one value is another."""
    if isinstance(document, dict) and document and values.draw(st.integers(0, 5)):
        key = values.draw(st.sampled_from(sorted(document)))
        return document | {key: replaced(document[key], values)}
    if isinstance(document, list) and document and values.draw(st.integers(0, 5)):
        index = values.draw(st.integers(0, len(document) - 1))
        return [*document[:index], replaced(document[index], values), *document[index + 1 :]]
    return values.draw(JSON)


@few
@given(values=st.data(), name=st.sampled_from(DOCUMENTS))
def test_a_document_in_which_any_value_is_another(root: Path, values: st.DataObject, name: str) -> None:
    before = (root / name).read_bytes()
    changed = json.dumps(replaced(json.loads(before), values))
    (root / name).write_text(changed)
    try:
        sound(verified(root).findings)
    except AuditError as error:
        assert "newer version" in error.message  # noqa: PT017 - the only thing that may end it
    finally:
        (root / name).write_bytes(before)


@few
@given(data=st.binary(max_size=80), name=st.sampled_from([*DOCUMENTS, part(), keys(), part(2), keys(2)]))
def test_an_object_of_any_bytes_is_found_and_repaired_or_said(
    pristine: Path, tmp_path: Path, data: bytes, name: str
) -> None:
    root = tmp_path / "fuzzed"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(pristine, root)
    (root / name).write_bytes(data)
    assert verified(root).problems or name == layout.LAST_RUN
    found = offline(root)
    sound(found.findings)
    assert found.problems == [], found.problems


@few
@given(part_=st.none() | st.binary(max_size=200), kept=st.none() | st.binary(max_size=200), deep=st.booleans())
def test_any_part_and_any_keys_are_measured(part_: bytes | None, kept: bytes | None, deep: bool) -> None:
    found = measure(part_, kept, 0, deep=deep)
    assert found.there == (part_ is not None)
    assert not (found.agree and found.damaged)


@given(st.text(max_size=60) | st.from_regex(r"(audit|state)/[A-Za-z0-9-]{1,9}/\d{4}/\d{2}/\d{2}.{0,40}"))
def test_any_name_is_placed_or_refused(name: str) -> None:
    place = place_of(name)
    if place and place.kind == "part":
        assert layout.part_name(place.organization, place.day, place.number) == name


@pytest.mark.parametrize("name", ["state/oversize/2026/10/01.manifest.json", f"audit/{'x' * 65}/2026/10/01/a"])
def test_names_of_no_organization_are_refused(name: str) -> None:
    assert place_of(name) is None
