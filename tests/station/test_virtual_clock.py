"""Virtual time: jumps, order, holds, threads; and the clock of a live process at another pace."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from voltbridge.station.clocks import PacedClock, clock_from
from voltbridge.station.virtual_clock import EPOCH, VirtualClock, held, run

WEEK_S = 7 * 24 * 3600.0


def test_a_week_of_minutes_passes_at_once() -> None:
    async def live(clock: VirtualClock) -> int:
        minutes = 0
        while clock.monotonic() < WEEK_S:
            await clock.sleep(60)
            minutes += 1
        assert clock.now() == EPOCH + timedelta(days=7)
        assert clock.now_ms() == int((EPOCH + timedelta(days=7)).timestamp() * 1000)
        return minutes

    assert run(live) == 7 * 24 * 60


def test_timers_fire_in_the_order_of_their_moments_and_of_their_start() -> None:
    async def live(clock: VirtualClock) -> list[str]:
        fired: list[str] = []
        clock.call_later(2, lambda: fired.append("late"))
        clock.call_later(1, lambda: fired.append("first of one moment"))
        clock.call_later(1, lambda: fired.append("second of one moment"))
        cancel = clock.call_later(1.5, lambda: fired.append("cancelled"))
        cancel()
        cancel()
        clock.call_later(-5, lambda: fired.append("at once"))
        await clock.sleep(3)
        return fired

    assert run(live) == ["at once", "first of one moment", "second of one moment", "late"]


def test_nothing_is_jumped_while_something_is_runnable() -> None:
    async def live(clock: VirtualClock) -> None:
        done = asyncio.Event()

        async def work() -> None:
            for _ in range(100):
                await asyncio.sleep(0)
            assert clock.monotonic() == 0
            done.set()

        task = asyncio.create_task(work())
        await clock.sleep(1)
        assert done.is_set()
        await task

    run(live)


def test_sockets_of_the_same_loop_are_served_before_time_passes() -> None:
    async def live(clock: VirtualClock) -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(10):
                writer.write(data)
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            clock.call_later(3600, lambda: None)
            for _ in range(200):
                writer.write(b"x")
                assert await reader.read(10) == b"x"
            assert clock.monotonic() == 0
            writer.close()
            await writer.wait_closed()

    run(live)


def test_work_on_a_thread_keeps_the_clock_from_jumping() -> None:
    async def live(clock: VirtualClock) -> None:
        gate = threading.Event()
        asyncio.get_running_loop().call_later(0.05, gate.set)
        jumped = []
        clock.call_later(3600, lambda: jumped.append(clock.monotonic()))
        await asyncio.get_running_loop().run_in_executor(None, gate.wait)
        assert jumped == []
        assert clock.monotonic() < 60
        await clock.sleep(3600)
        assert len(jumped) == 1

    run(live)


def test_a_held_clock_runs_with_the_wall() -> None:
    async def live(clock: VirtualClock) -> None:
        began = time.monotonic()
        with held(clock):
            await clock.sleep(0.2)
        assert time.monotonic() - began >= 0.19
        assert 0.2 <= clock.monotonic() < 60

    run(live)
    with held(PacedClock()):
        """Any other clock has nothing to hold."""


def test_cancelled_timers_are_forgotten() -> None:
    async def live(clock: VirtualClock) -> None:
        for _ in range(50_000):
            clock.call_later(3600, lambda: None)()
        assert len(clock._timers) < 5_000
        fired = []
        clock.call_later(1, lambda: fired.append(True))
        await clock.sleep(2)
        assert fired

    run(live)


def test_a_cancelled_sleep_leaves_no_timer() -> None:
    async def live(clock: VirtualClock) -> None:
        task = asyncio.create_task(clock.sleep(3600))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert clock.next_due is None

    run(live)


@pytest.mark.anyio
async def test_a_paced_clock_begins_where_it_is_told_and_runs_at_its_rate() -> None:
    clock = clock_from("2026-03-01T00:00:00Z×1000")
    assert datetime(2026, 3, 1, tzinfo=UTC) <= clock.now() < datetime(2026, 3, 2, tzinfo=UTC)
    began = clock.monotonic()
    await clock.sleep(50)
    fired = asyncio.Event()
    clock.call_later(20, fired.set)
    await fired.wait()
    assert clock.monotonic() - began >= 65
    assert clock.now_ms() >= datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000 + 65_000


def test_settings_of_the_clock() -> None:
    for same in ("×60", "x60", "* 60"):
        assert abs(clock_from(same).now().timestamp() - time.time()) < 3600
    assert abs(clock_from(None).now().timestamp() - time.time()) < 60
    assert abs(clock_from(" ").now().timestamp() - time.time()) < 60
    assert clock_from("1000000000").now() >= datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    for epoch in ("2026-03-01", "2026-03-01×"):
        assert clock_from(epoch).now() < datetime(2026, 3, 2, tzinfo=UTC)


def test_processes_that_start_at_different_times_agree_about_an_anchored_clock() -> None:
    anchor = time.time() - 3700
    earlier = clock_from(f"2026-03-01T00:00:00Z@{anchor:.3f}×24")
    later = clock_from(f"2026-03-01@{anchor:.3f}x24")
    for clock in (earlier, later):
        assert datetime(2026, 3, 2, tzinfo=UTC) <= clock.now() < datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert abs(later.now() - earlier.now()) < timedelta(hours=1)
    still_to_come = clock_from("2026-03-01@2500-01-01×1")
    assert still_to_come.now() < datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("bad", ["2026-03-01@", "@2026-03-01", "2026-03-01@tomorrow×2", "2026-03-01@2026-03-01×inf"])
def test_a_clock_that_is_anchored_nowhere_is_refused_in_a_sentence(bad: str) -> None:
    with pytest.raises(ValueError, match="VOLTBRIDGE_CLOCK must be like"):
        clock_from(bad)


@pytest.mark.parametrize("bad", ["tomorrow", "×0", "×-1", "×inf", "×nan", "2026-13-01×2", "1e400×1", "××"])
def test_a_clock_that_cannot_be_is_refused_in_a_sentence(bad: str) -> None:
    with pytest.raises(ValueError, match="VOLTBRIDGE_CLOCK must be like"):
        clock_from(bad)


def test_a_clock_of_no_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        PacedClock(datetime(2026, 3, 1))  # noqa: DTZ001
