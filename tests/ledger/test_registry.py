"""An archive belongs to one root organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mulesoft_audit.anypoint.tree import Organization
from mulesoft_audit.archive.layout import ORGANIZATIONS, head_name
from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import UsageError
from mulesoft_audit.ledger.manifest import Damaged
from mulesoft_audit.ledger.registry import Known, Registry, left_the_tree, load, recalled, save

if TYPE_CHECKING:
    from pathlib import Path


def test_an_archive_belongs_to_the_first_root(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    save(store, *load(store), "root", {"root": Known("Acme")})
    assert load(store)[0].root == "root"
    with pytest.raises(UsageError, match="belongs to"):
        save(store, *load(store), "other", {})


def test_what_is_no_news_is_not_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    save(store, *load(store), "root", {"a": Known("A")})
    generation = load(store)[1]
    save(store, *load(store), "root", {"a": Known("A")})
    assert load(store)[1] == generation


def test_a_lost_race_keeps_what_both_found(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    before = load(store)
    save(store, *before, "root", {"a": Known("A")})
    save(store, *before, "root", {"b": Known("B")})
    assert set(load(store)[0].organizations) == {"a", "b"}


def test_a_lost_race_against_another_root_is_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    before = load(store)
    save(store, *before, "root", {})
    with pytest.raises(UsageError):
        save(store, *before, "other", {})


def test_an_archive_without_a_registry_is_looked_through_for_heads(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace(head_name("a"), b"{}", 0)
    assert load(store) == (Registry(organizations={"a": Known()}), 0)


def test_a_damaged_registry_is_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.replace(ORGANIZATIONS, b"{", 0)
    with pytest.raises(Damaged):
        load(store)


def test_what_the_tree_names_no_more() -> None:
    registry = Registry(organizations={"a": Known("A"), "b": Known("B")})
    assert left_the_tree(registry, ["a", "c"]) == {"b": Known("B")}


def test_since_when_everything_is_to_be_held_is_only_ever_taken_further_back(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for since in (200, 300, 0, 100, 150):
        save(store, *load(store), "root", {"a": Known("A", since=since)})
    assert load(store)[0].organizations == {"a": Known("A", since=100)}


def test_an_organization_of_which_only_the_id_is_given_is_as_the_archive_knows_it() -> None:
    registry = Registry(organizations={"a": Known("A", "root", 1)})
    assert recalled(registry, Organization("a")) == Organization("a", "A", 1, "root")
    assert recalled(registry, Organization("b")) == Organization("b")
    moved = Organization("a", "A", 2, "b")
    assert recalled(registry, moved) == moved
