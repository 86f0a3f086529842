"""A station kept connected: decisions carried out over real sockets, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from aiohttp import web
from tests.station.fake_line import FakeSettings, transaction
from tests.station.plain_csms import PlainCsms, Visit

from voltbridge.protocol import v16, v201
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Acknowledged, Answer, Registration, Unreachable
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.connection import Connection
from voltbridge.station.connectivity_terms import (
    ConnectivitySettings,
    Phase,
    Trial,
)
from voltbridge.station.context import Tasks
from voltbridge.station.desk import Handled
from voltbridge.station.endpoints import Endpoint
from voltbridge.station.facts import Fact, HeartbeatFact
from voltbridge.station.faults import LineFaults
from voltbridge.station.network import Network
from voltbridge.station.outbox import StationOutbox
from voltbridge.station.ports import Store
from voltbridge.station.speaker import Speaker
from voltbridge.station.virtual_clock import VirtualClock, run
from voltbridge.station.wording import Wording
from voltbridge.storage.station import MemoryStore

SETTINGS = ConnectivitySettings(priority=(1,), wait_minimum_s=10, random_range_s=0, repeat_times=3)


class Desk:
    """Answers ClearCache, refuses UnlockConnector, fails at GetLocalListVersion, thinks long about Reset."""

    def __init__(self) -> None:
        self.after: list[str] = []
        self.thinking = asyncio.Event()
        self.think_on = asyncio.Event()

    async def handle(self, version: Version, action: str, request: Payload) -> Handled:
        match action:
            case "ClearCache":
                return Handled(CLEARED[version], [self._follow(action)])
            case "UnlockConnector":
                raise OcppError(ErrorCode.NOT_SUPPORTED, "nothing to unlock")
            case "Reset":
                self.thinking.set()
                await self.think_on.wait()
                return Handled(v201.ResetResponse(status=v201.ResetStatusEnumType.ACCEPTED), [])
        raise RuntimeError("a mistake")

    async def _follow(self, action: str) -> None:
        self.after.append(action)


CLEARED: dict[Version, Payload] = {
    Version.V16: v16.ClearCacheResponse(status=v16.ClearCacheStatus.ACCEPTED),
    Version.V201: v201.ClearCacheResponse(status=v201.ClearCacheStatusEnumType.ACCEPTED),
}


class Site:
    """A station's connection with all that it needs, and the listener that it tells."""

    def __init__(self, clock: VirtualClock, network: Network, store: Store) -> None:
        self.clock = clock
        self.settings = SETTINGS
        self.endpoints: dict[tuple[int, bool], Endpoint] = {}
        self.told: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self.desk = Desk()
        self.tasks = Tasks()
        speaker = Speaker(StationConfiguration("CP-1", "ws://csms"), store)
        self.outbox = StationOutbox(store, clock, FakeSettings(), speaker, (Version.V201, Version.V16), wording=words)
        self.connection = Connection(
            "CP-1",
            network,
            clock,
            store,
            self.outbox,
            self.desk,
            self,
            self.tasks,
            lambda: self.settings,
            lambda slot, previous: self.endpoints.get((slot, previous)),
        )

    def online(self, *, slot: int, register: bool, report_all: bool) -> None:
        self.told.put_nowait(("online", slot, register, report_all))
        self.outbox.registration = Registration.ACCEPTED

    def offline(self) -> None:
        self.told.put_nowait(("offline",))

    def security_event(self, event: str, info: str) -> None:
        self.told.put_nowait(("security", event))

    def trial_ended(self, trial: Trial, kept: bool) -> None:
        self.told.put_nowait(("trial", trial, kept))

    def reboot(self, reason: str) -> None:
        self.told.put_nowait(("reboot", reason))

    async def news(self, count: int) -> list[tuple[Any, ...]]:
        return [await self.told.get() for _ in range(count)]

    async def stop(self) -> None:
        await self.connection.stop()
        await self.outbox.stop()
        await self.tasks.cancel_all()


def words(version: Version, fact: Fact) -> Wording | None:
    def answer(response: Any, fact: Any, speaker: Any) -> Answer:
        return Acknowledged()

    messages: Any = v16 if version is Version.V16 else v201
    return Wording("Heartbeat", lambda fact, speaker: messages.HeartbeatRequest(), answer)


def point(csms: PlainCsms, **changes: Any) -> Endpoint:
    return replace(Endpoint(csms.url, "CP-1", (Version.V201, Version.V16), ping_interval_s=60), **changes)


Story = Callable[[Site, PlainCsms], Awaitable[None]]


@asynccontextmanager
async def site(clock: VirtualClock, store: Store | None = None, random: Random | None = None) -> AsyncIterator[Site]:
    async with Network(clock, holds_clock=False, random=random) as network:
        site = Site(clock, network, store or MemoryStore())
        try:
            yield site
        finally:
            await site.stop()


def play(story: Story, store: Store | None = None) -> None:
    async def live(clock: VirtualClock) -> None:
        async with PlainCsms() as csms, site(clock, store) as one:
            one.endpoints[1, False] = point(csms)
            await story(one, csms)

    run(live)


async def visit_of(site: Site, csms: PlainCsms) -> Visit:
    site.connection.start()
    return await csms.visits.get()


def test_connected_at_once_and_told() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        await visit_of(site, csms)
        assert await site.told.get() == ("online", 1, False, False)
        assert site.connection.active_slot == 1
        assert site.connection.phase is Phase.CONNECTED
        assert isinstance(await site.outbox.ask(HeartbeatFact()), Acknowledged)
        assert site.clock.monotonic() == 0

    play(story)


def test_back_after_a_loss_with_growing_pauses() -> None:
    """TC_B_57_CS, TC_B_51_CS: refused for a while, longer than the threshold."""

    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await site.told.get()
        csms.refuse_with = 503
        times = []
        visit.cut()
        for _ in range(5):
            await csms.attempted.get()
            times.append(site.clock.monotonic())
        assert times[1:] == [10, 30, 70, 150]
        csms.refuse_with = None
        await csms.visits.get()
        assert await site.news(2) == [("offline",), ("online", 1, False, True)]

    play(story)


def test_facts_of_the_outage_are_told_after_it() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await site.told.get()
        await visit.websocket.close()
        assert await site.told.get() == ("offline",)
        with pytest.raises(Unreachable):
            await site.outbox.ask(HeartbeatFact())
        for n in range(3):
            site.outbox.tell(transaction(n))
        visit = await csms.visits.get()
        for _ in range(3):
            await visit.frame("Heartbeat")
        assert site.clock.monotonic() == 10
        await site.outbox.idle()
        assert site.outbox.queued == 0

    play(story)


def test_the_next_profile_registers_and_is_remembered_over_a_restart() -> None:
    """TC_B_45_CS, TC_B_47_CS."""
    store = MemoryStore()

    async def live(clock: VirtualClock) -> None:
        async with PlainCsms() as one, PlainCsms() as two:
            async with site(clock, store) as first:
                first.settings = replace(SETTINGS, priority=(1, 2), profile_attempts=2)
                first.endpoints = {(1, False): point(one), (2, False): point(two, versions=(Version.V16,))}
                await visit_of(first, one)
                await first.told.get()
                await one.stop()
                visit = await two.visits.get()
                assert await first.news(2) == [("offline",), ("online", 2, True, True)]
                assert visit.websocket.ws_protocol == "ocpp1.6"
                assert first.connection.active_slot == 2
            await one.start()
            async with site(clock, store) as second:
                assert second.connection.active_slot == 2
                second.settings = replace(SETTINGS, priority=(1, 2))
                second.endpoints = {(1, False): point(one)}
                await visit_of(second, one)
                assert await second.told.get() == ("online", 1, True, False), "B10.FR.04 and .10"

    run(live)


@pytest.mark.parametrize(("version", "expected_s"), [(Version.V16, 100), (Version.V201, 30)])
def test_a_profile_is_given_up_by_time_in_1_6_and_by_attempts_in_2_x(version: Version, expected_s: int) -> None:
    """NetworkProfileConnectionTimeoutSec and NetworkProfileConnectionAttempts."""

    async def story(site: Site, csms: PlainCsms) -> None:
        csms.versions = (version,)
        async with PlainCsms(versions=(version,)) as second:
            site.settings = replace(
                SETTINGS, priority=(1, 2), profile_attempts=3, profile_timeout_s=100, repeat_times=0
            )
            site.endpoints[2, False] = point(second)
            await visit_of(site, csms)
            assert await site.told.get() == ("online", 1, False, False)
            await csms.stop()
            assert await site.news(2) == [("offline",), ("online", 2, True, site.clock.monotonic() > 60)]
            assert expected_s < site.clock.monotonic() <= expected_s + 20

    play(story)


def test_an_empty_slot_fails_like_any_other() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        site.settings = replace(SETTINGS, priority=(7, 1), profile_attempts=1)
        await visit_of(site, csms)
        assert await site.told.get() == ("online", 1, False, False)
        assert site.clock.monotonic() == 10

    play(story)


def test_a_mistake_in_an_attempt_does_not_strand_the_station() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        site.endpoints[1, False] = point(csms, ping_interval_s="often")
        site.connection.start()
        await site.clock.sleep(25)
        assert site.told.empty()
        assert site.connection.phase is Phase.WAITING
        site.endpoints[1, False] = point(csms)
        assert await site.told.get() == ("online", 1, False, False)

    play(story)


def test_the_old_connection_is_over_before_the_new_one_begins() -> None:
    """B10.FR.06; and what was told before the change still leaves."""

    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await site.told.get()
        over_first = []

        def accepts(request: web.Request) -> bool:
            over_first.append(visit.ended.is_set())
            return True

        csms.accepts = accepts
        site.connection.reconnect()
        again = await csms.visits.get()
        assert over_first == [True]
        assert visit.close_code == 1000
        assert await site.news(2) == [("offline",), ("online", 1, False, False)]
        assert again is not visit
        assert site.clock.monotonic() == 0

    play(story)


def test_a_new_password_is_kept_when_it_works() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        site.endpoints = {
            (1, False): point(csms, password="the new password"),
            (1, True): point(csms, password="the old password"),
        }
        await visit_of(site, csms)
        await site.told.get()
        site.connection.reconnect(Trial.PASSWORD)
        await csms.visits.get()
        assert (await site.news(3))[1:] == [("trial", Trial.PASSWORD, True), ("online", 1, False, False)]

    play(story)


@pytest.mark.parametrize("restart", [False, True])
def test_a_refused_password_gives_way_to_the_one_before(restart: bool) -> None:
    store = MemoryStore()
    old = "Basic Q1AtMTp0aGUgb2xkIHBhc3N3b3Jk"

    async def live(clock: VirtualClock) -> None:
        async with PlainCsms() as csms:
            csms.accepts = lambda request: request.headers["Authorization"] == old
            endpoints = {
                (1, False): point(csms, password="the new password"),
                (1, True): point(csms, password="the old password"),
            }
            async with site(clock, store) as one:
                one.endpoints = {(1, False): endpoints[1, True]}
                await visit_of(one, csms)
                await one.told.get()
                one.endpoints = endpoints
                one.connection.reconnect(Trial.PASSWORD)
                if not restart:
                    await csms.visits.get()
                    assert await one.news(4) == [
                        ("offline",),
                        ("security", "FailedToAuthenticateAtCsms"),
                        ("trial", Trial.PASSWORD, False),
                        ("online", 1, False, False),
                    ]
            if restart:
                async with site(clock, store) as two:
                    two.endpoints = endpoints
                    await visit_of(two, csms)
                    assert ("trial", Trial.PASSWORD, False) in await two.news(3)
            assert store.all("connectivity").keys() == {"slot"}

    run(live)


def test_the_uplink_decides_whether_anything_is_tried() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        assert await site.told.get() == ("online", 1, False, False)
        site.connection.uplink(False)
        await visit.ended.wait()
        await site.clock.sleep(3600)
        assert len(csms.attempts) == 1
        site.connection.uplink(True)
        await csms.visits.get()
        assert await site.news(2) == [("offline",), ("online", 1, False, True)]

    play(story)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8])
def test_the_uplink_goes_while_connecting(steps: int) -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        site.connection.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        site.connection.uplink(False)
        await site.clock.sleep(100)
        assert site.connection.phase is Phase.NO_UPLINK
        assert site.connection.link is None
        while not site.told.empty():
            site.told.get_nowait()
        site.connection.uplink(True)
        assert await site.told.get() == ("online", 1, False, True)

    play(story)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8])
def test_an_uplink_that_blinks(steps: int) -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        site.connection.start()
        for up in (False, True, False, True, False, True):
            for _ in range(steps):
                await asyncio.sleep(0)
            site.connection.uplink(up)
        await site.clock.sleep(100)
        assert site.connection.phase is Phase.CONNECTED
        assert isinstance(await site.outbox.ask(HeartbeatFact()), Acknowledged)

    play(story)


def test_the_watchdog_restarts_a_controller_that_reaches_nobody() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        await csms.stop()
        site.settings = replace(SETTINGS, watchdog_s=900)
        site.connection.start()
        assert await site.told.get() == ("reboot", "Watchdog")
        assert site.clock.monotonic() == 900

    play(story)


def test_a_csms_that_dies_silently_is_noticed_by_pings() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        csms.answers_pings = False
        await visit_of(site, csms)
        assert await site.news(2) == [("online", 1, False, False), ("offline",)]
        assert site.clock.monotonic() == 120

    play(story)


def test_a_changed_ping_interval_counts_at_once() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await site.told.get()
        site.endpoints[1, False] = point(csms, ping_interval_s=5)
        site.connection.settings_changed()
        await visit.pings.get()
        assert site.clock.monotonic() == 5

    play(story)


def test_stopped_is_silent_and_can_be_started_again() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        assert await site.told.get() == ("online", 1, False, False)
        await site.connection.stop()
        assert visit.ended.is_set() or await visit.ended.wait()
        await site.clock.sleep(3600)
        assert len(csms.attempts) == 1
        await visit_of(site, csms)
        assert await site.news(2) == [("offline",), ("online", 1, False, False)]

    play(story)


def test_stopped_in_the_middle_of_an_attempt_and_of_a_wait() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        site.connection.start()
        await asyncio.sleep(0)
        await site.connection.stop()
        await csms.stop()
        site.connection.start()
        await site.clock.sleep(5)
        assert site.connection.phase is Phase.WAITING
        await site.connection.stop()
        await csms.start()
        await site.clock.sleep(3600)
        assert csms.visits.empty()
        assert site.told.empty()

    play(story)


# Requests of the CSMS


def test_requests_are_answered_then_followed_by_what_was_to_come_after() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await site.told.get()
        assert await visit.ask("ClearCache", {}) == [3, "1", {"status": "Accepted"}]
        assert site.desk.after == ["ClearCache"]
        refused = await visit.ask("UnlockConnector", {"evseId": 1, "connectorId": 1})
        assert refused[2:4] == ["NotSupported", "nothing to unlock"]
        failed = await visit.ask("GetLocalListVersion", {})
        assert failed[2] == "InternalError"
        assert "mistake" not in failed[3]
        assert (await visit.ask("ClearCache", {}))[0] == 3

    play(story)


def test_requests_one_after_the_other_and_never_in_the_way_of_our_own() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await site.told.get()
        await visit.send([2, "a", "Reset", {"type": "OnIdle"}])
        await visit.send([2, "b", "ClearCache", {}])
        await site.desk.thinking.wait()
        assert isinstance(await site.outbox.ask(HeartbeatFact()), Acknowledged)
        assert visit.replies.empty()
        site.desk.think_on.set()
        assert [(await visit.replies.get())[1] for _ in range(2)] == ["a", "b"]

    play(story)


def test_a_request_that_outlives_its_connection_hurts_nobody() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        visit = await visit_of(site, csms)
        await visit.send([2, "a", "Reset", {"type": "OnIdle"}])
        await visit.send([2, "b", "ClearCache", {}])
        await site.desk.thinking.wait()
        visit.cut()
        visit = await csms.visits.get()
        await visit.send([2, "c", "ClearCache", {}])
        site.desk.think_on.set()
        assert await visit.replies.get() == [3, "c", {"status": "Accepted"}]
        assert site.desk.after == ["ClearCache"], "b went with its connection"

    play(story)


def test_1_6_answers_nothing_while_it_is_rejected() -> None:
    async def story(site: Site, csms: PlainCsms) -> None:
        csms.versions = (Version.V16,)
        visit = await visit_of(site, csms)
        await site.told.get()
        site.outbox.registration = Registration.REJECTED
        await visit.send([2, "a", "ClearCache", {}])
        await site.clock.sleep(60)
        site.outbox.registration = Registration.PENDING
        assert await visit.ask("ClearCache", {}, "b") == [3, "b", {"status": "Accepted"}]
        assert visit.replies.empty()

    play(story)


@pytest.mark.parametrize("seed", range(5))
def test_a_bad_line_loses_nothing_in_hours(seed: int) -> None:
    """Faults of all kinds; every fact is told, in order, though some more than once."""

    async def live(clock: VirtualClock) -> None:
        got: list[int] = []

        def sequenced(version: Version, fact: Fact) -> Wording | None:
            def request(fact: Any, speaker: Any) -> Payload:
                return v201.DataTransferRequest(vendor_id=str(getattr(fact, "sequence", "-")))

            return Wording("DataTransfer", request, lambda response, fact, speaker: Acknowledged())

        def answering(action: str, payload: dict[str, Any]) -> Any:
            got.append(int(payload["vendorId"]))
            return {"status": "Accepted"}

        async with PlainCsms(answering) as csms, site(clock, random=Random(seed)) as one:
            one.endpoints[1, False] = point(csms, message_timeout_s=5)
            one.outbox._wording = sequenced
            one.outbox._settings.message_attempts = 50  # type: ignore[misc]
            one.connection.faults = LineFaults(
                latency_s=0.5, jitter_s=1, drop=0.05, duplicate=0.1, reorder=0.1, cut=0.02
            )
            one.connection.start()
            for n in range(300):
                one.outbox.tell(transaction(n))
                await clock.sleep(60)
            while one.outbox.queued:
                await clock.sleep(60)
        first = list(dict.fromkeys(got))
        assert first == list(range(300))

    run(live)
