"""Ids of our own grow, whatever the machine's clock does."""

from __future__ import annotations

from tests.csms.fakes import FakeClock

from voltbridge.domain.ids import IdSource


def test_each_is_larger_than_the_one_before() -> None:
    clock = FakeClock()
    ids = IdSource(clock)
    made = [ids.next() for _ in range(100)]
    clock.advance(0.001)
    made += [ids.next() for _ in range(100)]
    assert made == sorted(set(made))
    assert made[0] >> 20 == clock.now_ms() - 1


def test_a_clock_that_was_set_back_makes_no_smaller_ids() -> None:
    clock = FakeClock()
    before = (clock.now_ms() + 3_600_000) << 20
    ids = IdSource(clock, after=before)
    assert [ids.next(), ids.next()] == [before + 1, before + 2]
    clock.advance(3601)
    assert ids.next() >> 20 == clock.now_ms()
