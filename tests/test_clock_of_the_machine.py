"""A fast clock hurries what concerns charging, not the disk and the network of the machine it runs on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from voltbridge.clock import MachineSeconds, SystemClock
from voltbridge.station.clocks import PacedClock

_START = datetime(2026, 3, 1, tzinfo=UTC)


def test_moments_are_the_other_clocks_and_seconds_the_machines() -> None:
    fast = PacedClock(_START, 1_000_000.0)
    clock, machine = MachineSeconds(fast), SystemClock()

    before, fast_before = machine.monotonic(), fast.now()
    seconds, moment, moment_ms = clock.monotonic(), clock.now(), clock.now_ms()
    after, fast_after = machine.monotonic(), fast.now()

    assert before <= seconds <= after
    assert fast_before <= moment <= fast_after
    assert timedelta() <= fast_after - datetime.fromtimestamp(moment_ms / 1000, UTC)
    assert moment_ms >= int(fast_before.timestamp() * 1000)
