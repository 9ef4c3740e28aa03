"""Every organization that a tree names is found, and what may hide more of them is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.anypoint.raw_server import RawServer, client_of

from mulesoft_audit.anypoint.retention import longest_period, retention_days
from mulesoft_audit.anypoint.tree import (
    HierarchyRefused,
    Organization,
    ancestors,
    hierarchy,
    organization_of,
    read_tree,
    root_id,
)
from mulesoft_audit.errors import AuditError, SourceError, UsageError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "a", "b", "no id", "../x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "subOrganizations", "subOrganizationIds", "data"]), inner, max_size=4)
    ),
    max_leaves=10,
)


def node(identity: str, *children: object, **more: object) -> dict[str, Any]:
    return {"id": identity, "name": identity.upper(), "subOrganizations": list(children), **more}


def found(tree: dict[str, Any]) -> list[tuple[str, str, int, str]]:
    return [(one.id, one.name, one.depth, one.parent) for one in read_tree(tree).organizations]


def test_a_tree_is_read_parents_before_children() -> None:
    tree = node("r", node("a", node("c")), node("b"), subOrganizationIds=["a", "b", "c"])
    assert found(tree) == [("r", "R", 0, ""), ("a", "A", 1, "r"), ("c", "C", 2, "a"), ("b", "B", 1, "r")]
    assert read_tree(tree).problems == []


@pytest.mark.parametrize("children", [None, []])
def test_nothing_below_is_no_problem(children: object) -> None:
    for more in ({}, {"subOrganizationIds": None}, {"subOrganizationIds": []}):
        tree = read_tree({"id": "r", "subOrganizations": children, **more})
        assert ([one.id for one in tree.organizations], tree.problems) == (["r"], [])


@pytest.mark.parametrize(
    "below",
    [
        {"subOrganizations": None, "subOrganizationIds": ["a", "b"]},
        {"subOrganizations": [], "subOrganizationIds": ["a", "b"]},
        {"subOrganizationIds": ["a", "b", "a"]},
        {"subOrganizations": ["a", "b"]},
        {"subOrganizations": ["a"], "subOrganizationIds": ["b"]},
    ],
)
def test_what_is_named_without_an_object_is_an_organization(below: dict[str, object]) -> None:
    tree = node("r", {"id": "m", **below})
    assert found(tree)[1:] == [("m", "", 1, "r"), ("a", "", 2, "m"), ("b", "", 2, "m")]
    assert read_tree(tree).problems == []


@pytest.mark.parametrize(
    ("below", "why"),
    [
        ({"subOrganizations": {"id": "a"}}, "subOrganizations is an object"),
        ({"subOrganizations": {}}, "subOrganizations is an object"),
        ({"subOrganizations": "a,b"}, "subOrganizations is a text"),
        ({"subOrganizations": 3}, "subOrganizations is a number"),
        ({"subOrganizations": True}, "subOrganizations is a boolean"),
        ({"subOrganizations": None, "subOrganizationIds": {"a": 1}}, "subOrganizationIds is an object"),
        ({"subOrganizations": [{"name": "no id"}]}, "1 of its children"),
        ({"subOrganizations": [None, "no id", node("x")]}, "2 of its children"),
        ({"subOrganizations": [], "subOrganizationIds": ["../x", 7]}, "2 of its children"),
    ],
)
def test_what_may_hide_children_is_a_problem_and_the_rest_is_read(below: dict[str, object], why: str) -> None:
    tree = read_tree(node("r", {"id": "m", "name": "Sales", **below}, node("z")))
    (problem,) = tree.problems
    assert "Sales (m)" in problem.message
    assert why in problem.message
    assert problem.exit_code == 5
    assert {"r", "m", "z"} <= {one.id for one in tree.organizations}


def test_an_organization_that_comes_again_is_one_and_its_children_count() -> None:
    tree = node("r", node("a", node("r", node("a", node("late")))))
    assert [one[0] for one in found(tree)] == ["r", "a", "late"]


def test_depth_has_no_limit() -> None:
    tree = node("n20000")
    for number in range(20_000):
        tree = node(f"n{19_999 - number}", tree)
    assert found(tree)[-1][2] == 20_000
    while tree["subOrganizations"]:  # taken apart, or freeing it would go as deep
        tree = tree["subOrganizations"].pop()


@given(json_values, json_values)
def test_a_tree_of_any_shape_is_read(children: object, ids: object) -> None:
    tree = read_tree({"id": "r", "subOrganizations": children, "subOrganizationIds": ids})
    identities = [one.id for one in tree.organizations]
    assert identities[0] == "r"
    assert len(set(identities)) == len(identities)
    for position, one in enumerate(tree.organizations[1:], 1):
        assert one.parent in identities[:position]


def test_a_name_with_half_a_character_can_be_written() -> None:
    assert found({"id": "r", "name": "a\ud800"}) == [("r", "a?", 0, "")]


@pytest.mark.parametrize(("status", "error"), [(403, HierarchyRefused), (404, UsageError), (400, UsageError)])
def test_a_hierarchy_that_is_refused_says_so(raw: RawServer, status: int, error: type[AuditError]) -> None:
    raw.reply = lambda request: request.reply(status, {})
    client = client_of(raw)
    with pytest.raises(error):
        hierarchy(client.transport, client.tokens, "r")


@pytest.mark.parametrize("value", [b"[]", b"7", b"{}", b'{"id":7}', b'{"id":"../x"}', b"[" * 5000, b"<html>"])
def test_a_hierarchy_that_is_none_is_an_error_of_the_source(raw: RawServer, value: bytes) -> None:
    raw.reply = lambda request: request.reply(200, value)
    client = client_of(raw)
    with pytest.raises(SourceError, match="the business groups of r"):
        hierarchy(client.transport, client.tokens, "r")


@pytest.mark.parametrize(
    ("me", "expected"),
    [
        ({"client": {"org_id": "c"}, "user": {"organization": {"id": "u"}}}, "c"),
        ({"client": {}, "user": {"organization": {"id": "u"}}}, "u"),
        ({"client": {"org_id": 7}, "user": {"organization": "x", "organizationId": "v"}}, "v"),
        ({"client": [], "user": {"organization": {"id": ["u"]}, "organizationId": "v"}}, "v"),
        ({"client": "c", "user": "u"}, None),
        ({"client": {"org_id": "../etc"}}, None),
        ({}, None),
    ],
)
def test_the_root_is_found_where_it_is_named(raw: RawServer, me: dict[str, Any], expected: str | None) -> None:
    assert organization_of(me) == expected
    raw.reply = lambda request: request.reply(200, me)
    client = client_of(raw)
    if expected is None:
        with pytest.raises(UsageError, match="does not say"):
            root_id(client.transport, client.tokens)
    else:
        assert root_id(client.transport, client.tokens) == expected


@given(json_values)
def test_anything_at_all_may_stand_in_who_we_are(value: object) -> None:
    assert organization_of({"client": value, "user": value}) in {None, "a", "b"}
    assert longest_period(value) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"data":[{"retentionPeriod":365},{"retentionPeriod":730}]}', 730),
        (b'{"data":[{"retentionPeriod":NaN},{"retentionPeriod":90.7}]}', 90),
        (b'{"data":[{"retentionPeriod":1e999}]}', 2190),
        (b'{"data":[{"retentionPeriod":-1e999}]}', None),
        (b'{"data":[{"retentionPeriod":true}]}', None),
        (b'{"data":[{"retentionPeriod":"365"},null,7]}', None),
        (b'{"data":[{"retentionPeriod":0.5}]}', None),
        (b'{"data":{"retentionPeriod":365}}', None),
        (b"[]", None),
    ],
)
def test_the_retention_is_a_number_of_days_or_not_known(raw: RawServer, body: bytes, expected: int | None) -> None:
    raw.reply = lambda request: request.reply(200, body)
    client = client_of(raw)
    assert retention_days(client.transport, client.tokens, "o1") == expected


def test_a_retention_that_may_not_be_read_is_not_known(raw: RawServer) -> None:
    raw.reply = lambda request: request.reply(403, {})
    client = client_of(raw)
    assert retention_days(client.transport, client.tokens, "o1") is None


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        pytest.param({"r": "", "g": "r", "h": "g"}, {"r": [], "g": ["r"], "h": ["g", "r"]}, id="the nearest first"),
        pytest.param({"h": "g"}, {"h": ["g"]}, id="one that is not among them"),
        pytest.param({"a": "b", "b": "a"}, {"a": ["b", "a"], "b": ["a", "b"]}, id="a circle ends"),
    ],
)
def test_what_is_above_an_organization(parents: dict[str, str], expected: dict[str, list[str]]) -> None:
    assert ancestors(Organization(name, parent=parent) for name, parent in parents.items()) == expected
