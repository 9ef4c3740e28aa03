"""Organizations are named as people name them."""

from __future__ import annotations

import pytest
from tests.reading.archives import name

from mulesoft_audit.archive.local import LocalStore
from mulesoft_audit.errors import UsageError
from mulesoft_audit.ledger.names import Names, names_of

pytestmark = pytest.mark.unit

NAMES = Names({"id-1": "Payments", "id-2": "Größe & Maß", "id-3": "Same", "id-4": "same", "id-5": ""})


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (["Payments"], ["id-1"]),
        (["payments", "PAYMENTS "], ["id-1"]),
        (["GRÖSSE & MASS"], ["id-2"]),
        (["id-3", "id-5"], ["id-3", "id-5"]),
        ([], []),
    ],
)
def test_an_organization_is_found_by_its_name_in_any_case_or_by_its_id(wanted, ids):
    assert NAMES.ids(wanted) == ids


def test_a_name_that_is_not_unique_is_shown_as_an_id_and_refused_with_the_ids():
    assert [NAMES.of(one) for one in ("id-1", "id-3", "id-4", "id-5", "gone")] == [
        "Payments",
        "id-3",
        "id-4",
        "id-5",
        "gone",
    ]
    with pytest.raises(UsageError, match="name of 2 organizations") as error:
        NAMES.ids(["Same"])
    assert "id-3, id-4" in error.value.hint


@pytest.mark.parametrize(
    ("wanted", "hint"), [("Paymnets", "Did you mean 'Payments'"), ("zzz", "There are: Größe & Maß")]
)
def test_an_unknown_name_is_refused_with_the_nearest_or_with_those_there_are(wanted, hint):
    with pytest.raises(UsageError, match="No organization") as error:
        NAMES.ids([wanted])
    assert hint in error.value.hint


def test_an_archive_keeps_the_names(tmp_path):
    store = LocalStore(tmp_path)
    name(store, id1="Payments")
    assert names_of(store).ids(["payments"]) == ["id1"]
