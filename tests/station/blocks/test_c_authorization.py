"""Whom a station lets charge: the CSMS, the local list, the cache, and nobody to ask."""

from __future__ import annotations

from typing import Any

import pytest
from tests.station.central_system import CentralSystem, Message, charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.simulation import VirtualHardware
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

V16, V201, V21 = Version
ALL = pytest.mark.parametrize("version", list(Version))
TWO = pytest.mark.parametrize("version", [V201, V21])


def info(version: Version, status: str, **more: Any) -> Message:
    return {"idTagInfo" if version is V16 else "idTokenInfo": {"status": status, **more}}


def starts(central: CentralSystem) -> int:
    started = [event for event in central.of("TransactionEvent") if event["eventType"] == "Started"]
    return len(central.of("StartTransaction")) + len(started)


def asked(central: CentralSystem) -> list[str]:
    """Tokens that the central system was asked about."""
    return [p["idTag"] if "idTag" in p else p["idToken"]["idToken"] for p in central.of("Authorize")]


async def visit(station: Station, clock: VirtualClock, token: str, *, evse: int = 1) -> bool:
    """Whether a driver with this token is given energy."""
    async with station.plug_in(evse=evse) as visiting:
        await visiting.swipe(token)
        await clock.sleep(5)
        return visiting.evse.closed


def offline(station: Station) -> None:
    assert isinstance(station.hardware, VirtualHardware)
    station.hardware.uplink(False)


@ALL
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_refused_tokens_get_nothing(version: Version, status: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["Authorize"] = info(version, status)
            assert not await visit(station, clock, "A1")
            assert starts(central) == 0
            assert asked(central) == ["A1"]

    live(story)


@ALL
def test_without_authorization_everybody_charges(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with (
            charging(clock, version, variables={"AuthCtrlr.Enabled": "false"}) as (central, station),
            station.plug_in() as visiting,
        ):
            await visiting.charging()
            assert asked(central) == []
            await visiting.swipe("A1")
            await clock.sleep(5)
            assert not visiting.evse.closed, "and anybody may end it"

    live(story)


@ALL
def test_a_cached_token_starts_without_a_question_where_that_is_allowed(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"AuthCtrlr.LocalPreAuthorize": "true"}
        async with charging(clock, version, variables=variables) as (central, station):
            assert await visit(station, clock, "A1")
            await clock.sleep(5)
            assert await visit(station, clock, "a1"), "without regard to case"
            assert asked(central) == ["A1"]
            await central.call("ClearCache")
            assert await visit(station, clock, "A1")
            assert len(asked(central)) == 2

    live(story)


@ALL
def test_a_cached_token_is_asked_for_anew_otherwise(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await visit(station, clock, "A1")
            central.answers["Authorize"] = info(version, "Blocked")
            assert not await visit(station, clock, "A1")
            assert asked(central) == ["A1", "A1"]

    live(story)


@ALL
def test_offline_the_cache_decides(version: Version) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (central, station):
            assert await visit(station, clock, "GOOD")
            central.answers["Authorize"] = info(version, "Blocked")
            assert not await visit(station, clock, "BAD")
            del central.answers["Authorize"]

    async def later(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (_, station):
            offline(station)
            assert await visit(station, clock, "GOOD"), "over a restart (C10.FR.02)"
            assert not await visit(station, clock, "BAD")
            assert not await visit(station, clock, "UNKNOWN")
            station.services.context.device_model.set("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true")
            assert await visit(station, clock, "UNKNOWN")
            assert not await visit(station, clock, "BAD")
            station.services.context.device_model.set("AuthCtrlr.LocalAuthorizeOffline", "false")
            assert not await visit(station, clock, "GOOD")

    live(story)
    live(later)


@ALL
def test_cached_tokens_expire(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"AuthCacheCtrlr.LifeTime": "100"}) as (central, station):
            assert await visit(station, clock, "LIFETIME")
            soon = "2026-03-01T12:01:00Z"
            field = "expiryDate" if version is V16 else "cacheExpiryDateTime"
            central.answers["Authorize"] = info(version, "Accepted", **{field: soon})
            central.answers["StartTransaction"] = {"transactionId": 9, **info(version, "Accepted", **{field: soon})}
            assert await visit(station, clock, "DATE")
            offline(station)
            await clock.sleep(60)
            assert await visit(station, clock, "LIFETIME")
            assert not await visit(station, clock, "DATE")
            await clock.sleep(200)
            assert not await visit(station, clock, "LIFETIME")

    live(story)


@ALL
def test_a_csms_that_does_not_answer_counts_as_none(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        variables = {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "true"}
        async with charging(clock, version, variables=variables) as (central, station):
            central.silent.add("Authorize")
            async with station.plug_in() as visiting:
                await visiting.swipe("A1")
                await clock.sleep(20)
                assert not visiting.evse.closed
                await clock.sleep(20)
                assert visiting.evse.closed

    live(story)


@ALL
def test_a_cache_that_is_switched_off(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, variables={"AuthCacheCtrlr.Enabled": "false"}) as (central, station):
            assert await visit(station, clock, "A1")
            assert (await central.call("ClearCache"))["status"] == "Rejected"
            offline(station)
            assert not await visit(station, clock, "A1")

    live(story)


async def send_list(central: CentralSystem, version: Version, number: int, kind: str, **tokens: str | None) -> str:
    """Tokens by their status; None removes."""
    entries = []
    for token, worth in tokens.items():
        entry: Message = {"idTag": token} if version is V16 else {"idToken": {"idToken": token, "type": "ISO14443"}}
        entries.append(entry if worth is None else entry | info(version, worth))
    request: Message = {"updateType": kind, "listVersion" if version is V16 else "versionNumber": number}
    if entries:
        request["localAuthorizationList"] = entries
    response = await central.call("SendLocalList", request)
    status: str = response["status"]
    return status


async def list_version(central: CentralSystem) -> int:
    response = await central.call("GetLocalListVersion")
    number: int = next(iter(response.values()))
    return number


@ALL
def test_the_local_list_and_its_versions(version: Version) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (central, station):
            assert await list_version(central) == 0
            assert await send_list(central, version, 5, "Full", GOOD="Accepted", BAD="Blocked") == "Accepted"
            assert await list_version(central) == 5
            assert await send_list(central, version, 5, "Differential", X="Accepted") == "VersionMismatch"
            assert await send_list(central, version, 4, "Differential", X="Accepted") == "VersionMismatch"
            assert await send_list(central, version, 0, "Full", X="Accepted") == "Failed"
            assert await send_list(central, version, 6, "Full", X=None) == "Failed", "a full list removes nothing"
            assert await list_version(central) == 5
            assert await send_list(central, version, 6, "Differential", MORE="Accepted", BAD=None) == "Accepted"
            offline(station)
            assert await visit(station, clock, "GOOD")
            assert await visit(station, clock, "more")
            assert not await visit(station, clock, "BAD")
            assert not await visit(station, clock, "X")

    async def later(clock: VirtualClock) -> None:
        async with charging(clock, version, store=store) as (central, station):
            assert await list_version(central) == 6
            assert station.services.context.device_model.get("LocalAuthListCtrlr.Entries") == "2"
            assert await send_list(central, version, 1, "Full") == "Accepted", "an empty list"
            assert station.services.context.device_model.get("LocalAuthListCtrlr.Entries") == "0"
            station.services.context.device_model.set("LocalAuthListCtrlr.Enabled", "false")
            assert await send_list(central, version, 9, "Full") in ("NotSupported", "Failed")
            assert await list_version(central) == (-1 if version is V16 else 0)

    live(story)
    live(later)


@ALL
def test_the_list_goes_before_the_cache(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert await visit(station, clock, "A1")
            assert await send_list(central, version, 1, "Full", A1="Blocked") == "Accepted"
            offline(station)
            assert not await visit(station, clock, "A1")

    live(story)


@TWO
def test_a_token_of_certain_evses(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version, evses=2) as (central, station):
            central.answers["Authorize"] = info(version, "Accepted", evseId=[2])
            assert not await visit(station, clock, "A1", evse=1)
            assert await visit(station, clock, "A1", evse=2)

    live(story)


@TWO
def test_a_start_button_needs_no_token(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            assert isinstance(station.hardware, VirtualHardware)
            async with station.plug_in() as visiting:
                station.hardware.swipe("", type="NoAuthorization", evse_id=1)
                await visiting.charging()
                await clock.sleep(1)
                started = central.of("TransactionEvent")[0]
                assert started["idToken"] == {"idToken": "", "type": "NoAuthorization"}
                station.hardware.swipe("", type="NoAuthorization", evse_id=1)
                await clock.sleep(5)
            assert asked(central) == []
            assert not station.store.all("authorization-cache")

    live(story)


def test_a_visitor_whose_cable_is_kept_is_told() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, V201) as (_, station):
            visiting = station.plug_in()
            await visiting.__aenter__()
            await visiting.swipe("A1")
            await visiting.charging()
            visiting.evse.lock_stuck = True
            with pytest.raises(RuntimeError, match="does not let the cable go"):
                await visiting.leave()

    live(story)
