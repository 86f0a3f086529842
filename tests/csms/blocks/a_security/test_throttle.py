"""Repeated trouble is told once per window and counted."""

from __future__ import annotations

from tests.csms.fakes import FakeClock

from voltbridge.csms.blocks.a_security.throttle import Throttle


def test_once_per_window_with_the_count_of_what_was_held_back() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, window_s=60)
    assert [throttle.let_through("a") for _ in range(4)] == [0, None, None, None]
    assert throttle.let_through("b") == 0
    clock.advance(59.9)
    assert throttle.let_through("a") is None
    clock.advance(0.1)
    assert throttle.let_through("a") == 4
    assert throttle.let_through("b") == 0


def test_a_long_silence_forgets_the_count() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, window_s=60)
    for _ in range(3):
        throttle.let_through("a")
    clock.advance(120)
    assert throttle.let_through("a") == 0


def test_only_so_many_keys_get_through() -> None:
    clock = FakeClock()
    throttle = Throttle(clock, window_s=60, keys=10)
    assert sum(throttle.let_through(str(n)) is not None for n in range(1000)) == 10
    clock.advance(60)
    assert throttle.let_through("fresh") == 0
