"""Keys are held compactly and taken out as multisets."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.ledger.keys import RECORD, Key, Keys, unseen

records = st.lists(
    st.tuples(st.integers(0, 86_399_999), st.sampled_from([bytes([n]) * 16 for n in range(4)]), st.integers(0, 3)),
    max_size=30,
)


def packed(items: list[Key]) -> Keys:
    return Keys(b"".join(RECORD.pack(*item) for item in items))


def some(text: str) -> list[Key]:
    """Return keys by a letter for the identity and a digit for the bytes."""
    return [(0, one[0].encode() * 16, int(one[1])) for one in text.split()]


@given(records)
def test_keys_give_back_what_was_put_in(items: list[Key]) -> None:
    assert list(packed(items)) == items
    assert packed(items).times() == [time for time, _, _ in items]


@given(records)
def test_ordered_keys_are_the_same_keys_in_order(items: list[Key]) -> None:
    found = packed(items).ordered()
    assert Counter(found) == Counter(items)
    assert found.times() == sorted(found.times())


@given(records, st.integers(0, 86_400_000), st.integers(0, 86_400_000))
def test_between_finds_exactly_the_records_of_a_stretch(items: list[Key], start: int, end: int) -> None:
    found = packed(items).between(start, end)
    assert Counter(found) == Counter(item for item in items if start <= item[0] < end)


def test_keys_that_are_cut_are_refused() -> None:
    with pytest.raises(ValueError, match="cut"):
        Keys(b"x" * 25)


@pytest.mark.parametrize(
    ("seen", "held", "elsewhere", "expected"),
    [
        pytest.param("", "", "", ([], [], 0), id="nothing"),
        pytest.param("a1 b1", "", "", ([0, 1], [], 0), id="all is new where nothing is held"),
        pytest.param("a1 b1", "a1 b1", "", ([], [], 0), id="what is held is not new"),
        pytest.param("a1 a1", "a1", "", ([1], [], 0), id="two equal entries are two"),
        pytest.param("a1", "a1 a1", "", ([], [], 1), id="of two one is missing"),
        pytest.param("b1", "a1", "", ([0], [], 1), id="one that stands where another vanished is new"),
        pytest.param("a2", "a1", "", ([], [], 0), id="a renamed one is not new"),
        pytest.param(
            "a2 a1", "a1", "", ([0], [], 0), id="of two with one identity the one with the same bytes is held"
        ),
        pytest.param("a1", "", "a1", ([], [0], 0), id="held elsewhere is repeated"),
        pytest.param("a2", "", "a1", ([0], [], 0), id="elsewhere bytes decide"),
        pytest.param("a1 a1", "a1", "a1", ([], [1], 0), id="held once here and once elsewhere"),
        pytest.param("a1", "a1", "a1", ([], [], 0), id="here comes first"),
        pytest.param("b1", "a1", "b1", ([], [0], 1), id="repeated, and another is missing"),
    ],
)
def test_unseen(seen: str, held: str, elsewhere: str, expected: tuple[list[int], list[int], int]) -> None:
    assert unseen(some(seen), some(held), some(elsewhere)) == expected


@given(records, records, records)
def test_seen_is_held_repeated_or_new_each_as_often_as_it_is_there(
    seen: list[Key], held: list[Key], elsewhere: list[Key]
) -> None:
    found = unseen(seen, held, elsewhere)
    there, asked = Counter(i for _, i, _ in held), Counter(i for _, i, _ in seen)
    rest = Counter(seen[index][1] for index in [*found.new, *found.repeated])
    assert rest == asked - there
    assert found.missing == (there - asked).total()
    assert sorted({*found.new, *found.repeated}) == sorted([*found.new, *found.repeated])
    repeated = Counter(seen[index][1:] for index in found.repeated)
    assert not repeated - Counter(one[1:] for one in elsewhere)
    new = Counter(seen[index][1:] for index in found.new)
    assert not new & (Counter(one[1:] for one in elsewhere) - repeated)


@given(records, records)
def test_of_equal_identities_the_one_whose_bytes_are_held_is_taken_first(held: list[Key], late: list[Key]) -> None:
    found = unseen([*late, *held], held)
    both = [*late, *held]
    assert Counter(both[i][1:] for i in found.new) == Counter(one[1:] for one in late)
