"""Stages: how many stations each has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.rollouts import Stage, stage_sizes

STAGES = st.one_of(
    st.builds(Stage, up_to_count=st.integers(1, 200)), st.builds(Stage, up_to_percent=st.floats(0.1, 100))
)


@pytest.mark.parametrize(
    ("stages", "total", "sizes"),
    [
        ([], 7, (7,)),
        ([Stage(1), Stage(None, 10), Stage(None, 100)], 100, (1, 9, 90)),
        ([Stage(1), Stage(None, 1)], 50, (1, 49)),
        ([Stage(None, 1)], 3, (1, 2)),
        ([Stage(10)], 3, (3,)),
    ],
)
def test_what_the_stages_leave_is_the_last(stages: list[Stage], total: int, sizes: tuple[int, ...]) -> None:
    assert stage_sizes(stages, total) == sizes


@given(st.lists(STAGES, max_size=6), st.integers(1, 150))
def test_every_station_is_in_one(stages: list[Stage], total: int) -> None:
    sizes = stage_sizes(stages, total)
    assert sum(sizes) == total and all(size > 0 for size in sizes)


@pytest.mark.parametrize("stage", [Stage(), Stage(1, 1.0)])
def test_a_stage_says_one_thing(stage: Stage) -> None:
    with pytest.raises(InvalidValue):
        stage_sizes([stage], 10)
