"""Sequence numbers as ranges."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.sequences import add_sequence, all_parts, missing_parts, missing_sequences


def of(numbers: list[int]) -> str:
    seen = ""
    for number in numbers:
        seen = add_sequence(seen, number)
    return seen


def test_neighbours_join() -> None:
    assert of([0]) == "0"
    assert of([0, 1, 2]) == "0-2"
    assert of([0, 1, 5, 3, 7, 4]) == "0-1,3-5,7"
    assert of([2, 1, 0]) == "0-2"


def test_gaps_are_known() -> None:
    assert missing_sequences(of([0, 1, 5, 8])) == ((2, 4), (6, 7))
    assert missing_sequences(of([40, 41])) == ()
    assert missing_sequences("") == ()


def test_a_negative_number_is_left_out() -> None:
    assert of([-3, 4]) == "4"


def test_numbers_at_random_stay_a_short_text() -> None:
    seen = of([3 * number for number in range(5000)])
    assert seen.count(",") == 99
    assert seen.endswith(",14997")


@given(st.lists(st.integers(0, 60), max_size=90), st.randoms())
def test_order_and_repetition_do_not_matter(numbers: list[int], random: object) -> None:
    shuffled = sorted(numbers * 2, key=lambda _: random.random())  # type: ignore[attr-defined]
    seen = of(shuffled)
    assert seen == of(numbers)
    present = set(numbers)
    missing = {number for first, last in missing_sequences(seen) for number in range(first, last + 1)}
    assert missing == (set(range(min(present), max(present) + 1)) - present if present else set())


@given(st.sets(st.integers(0, 60)), st.integers(0, 60), st.integers(1, 80))
def test_parts_from_zero(numbers: set[int], last: int, most: int) -> None:
    seen = of(sorted(numbers))
    absent = sorted(set(range(max(numbers, default=0))) - numbers)
    assert missing_parts(seen, most) == absent[:most]
    assert all_parts(seen, last) is (numbers == set(range(last + 1)))
    assert not all_parts(seen, None)
