"""Keys are held compactly and taken out as multisets."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mulesoft_audit.ledger.keys import RECORD, Keys, Multiset

records = st.lists(
    st.tuples(st.integers(0, 86_399_999), st.sampled_from([bytes([n]) * 16 for n in range(4)]), st.integers(0, 3)),
    max_size=30,
)


def packed(items: list[tuple[int, bytes, int]]) -> Keys:
    return Keys(b"".join(RECORD.pack(*item) for item in items))


@given(records)
def test_keys_give_back_what_was_put_in(items: list[tuple[int, bytes, int]]) -> None:
    assert list(packed(items)) == items
    assert packed(items).times() == [time for time, _, _ in items]


@given(records, st.integers(0, 86_400_000), st.integers(0, 86_400_000))
def test_between_finds_exactly_the_records_of_a_stretch(
    items: list[tuple[int, bytes, int]], start: int, end: int
) -> None:
    found = packed(items).between(start, end)
    assert Counter(found) == Counter(item for item in items if start <= item[0] < end)


@given(records, records)
def test_what_is_held_is_taken_out_as_often_as_it_is_held(
    held: list[tuple[int, bytes, int]], seen: list[tuple[int, bytes, int]]
) -> None:
    multiset = Multiset()
    multiset.add(packed(held))
    answers = multiset.take([(identity, checksum) for _, identity, checksum in seen])
    there, asked = Counter(i for _, i, _ in held), Counter(i for _, i, _ in seen)
    assert Counter(i for (_, i, _), answer in zip(seen, answers, strict=True) if answer) == there & asked
    assert len(multiset) == (there - asked).total()


@given(records, records)
def test_of_equal_identities_the_one_whose_bytes_are_held_is_taken_first(
    held: list[tuple[int, bytes, int]], late: list[tuple[int, bytes, int]]
) -> None:
    multiset = Multiset()
    multiset.add(packed(held))
    answers = multiset.take([(i, c) for _, i, c in [*late, *held]])
    new = Counter((i, c) for (_, i, c), answer in zip([*late, *held], answers, strict=True) if not answer)
    assert new == Counter((i, c) for _, i, c in late)
