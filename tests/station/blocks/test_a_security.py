"""Security events: all of them in the security log, those that matter at the central system, over power cuts."""

from __future__ import annotations

import json

import pytest
from tests.station.central_system import CentralSystem, charging, live
from tests.station.file_server import FileServer, file_server

from voltbridge.protocol.versions import Version
from voltbridge.station.ports import OperatorLoggedIn
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

ALL = pytest.mark.parametrize("version", list(Version))


@ALL
def test_what_happened_offline_is_logged_and_told_after_a_power_cut(version: Version) -> None:
    """A04.FR.01, FR.02, FR.04; a change of a security parameter is logged alone."""

    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with file_server() as server, charging(clock, version, store=store) as (central, station):
            station.hardware.uplink(False)  # type: ignore[attr-defined]
            await clock.sleep(5)
            station.hardware._listener(OperatorLoggedIn("service", accepted=False))  # type: ignore[attr-defined]
            at = clock.now()
            station.services.context.device_model.set("SecurityCtrlr.SecurityProfile", "1")
            await station.power_cut(30)
            await station.connected()
            told = await central.next(
                "SecurityEventNotification", lambda each: each["type"] == "MaintenanceLoginFailed"
            )
            assert told["timestamp"].startswith(f"{at:%Y-%m-%dT%H:%M:%S}"), "the moment it happened"
            assert "service" in told["techInfo"]
            request = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": server.url}}
            said = await central.call("GetLog", request)
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            log = server.uploads[said["filename"]].decode()
            assert log.index("MaintenanceLoginFailed") < log.index("ReconfigurationOfSecurityParameters")
            types = [each["type"] for each in central.of("SecurityEventNotification")]
            assert "ReconfigurationOfSecurityParameters" not in types
            assert types.count("MaintenanceLoginFailed") == 1

    live(story)


def told(central: CentralSystem, event: str) -> list[str]:
    """What the central system was told of this event, in their order."""
    return [each["techInfo"] for each in central.of("SecurityEventNotification") if each["type"] == event]


async def security_log(central: CentralSystem, server: FileServer, number: int = 1) -> list[str]:
    request = {"logType": "SecurityLog", "requestId": number, "log": {"remoteLocation": server.url}}
    said = await central.call("GetLog", request)
    await central.next(
        "LogStatusNotification", lambda each: (each["status"], each.get("requestId")) == ("Uploaded", number)
    )
    return server.uploads[said["filename"]].decode().splitlines()


@ALL
@pytest.mark.parametrize("frame", ["rubbish", '[2,"x","Reset",{"type":"Sideways"}]', '[2,"x","Reset"'])
def test_a_csms_that_sends_rubbish_is_told_of_and_fills_nothing(version: Version, frame: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, station):
            queue = station.engine.outbox._kept
            for _ in range(300):
                await central.send_raw(frame)
            await central.next("SecurityEventNotification", lambda each: each["type"] == "InvalidMessages")
            await clock.sleep(30)
            (first,) = told(central, "InvalidMessages")
            assert "Sideways" not in first, "what was wrong, never what it said"
            assert len(queue) == 0
            while len(told(central, "InvalidMessages")) < 2:
                await clock.sleep(30)
            assert told(central, "InvalidMessages")[1].startswith("299 more, the last: ")
            log = await security_log(central, server)
            assert sum("InvalidMessages" in line for line in log) == 2
            assert any("StartupOfTheDevice" in line for line in log)
            await clock.sleep(3 * 3600)
            assert len(told(central, "InvalidMessages")) == 2, "nothing more has happened"
            await central.send_raw(frame)
            while len(told(central, "InvalidMessages")) < 3:
                await clock.sleep(1)
            central.refused.clear()  # as it has to be

    live(story)


@ALL
def test_what_was_counted_is_told_when_the_station_stops_in_order(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with charging(clock, version, store=store) as (central, station):
            for _ in range(3):
                await central.send_raw("rubbish")
            while not told(central, "InvalidMessages"):
                await clock.sleep(1)
            await clock.sleep(1)
            station.restart("Triggered")
            while len(told(central, "InvalidMessages")) < 2:
                await clock.sleep(1)
            assert told(central, "InvalidMessages")[1].startswith("2 more")
            central.refused.clear()  # as it has to be

    live(story)


@ALL
def test_a_request_that_was_answered_and_comes_again_is_told_of(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, _):
            for unique_id in ("one", "two", "one", "one"):
                before = len(central.frames)
                await central.send_raw(json.dumps([2, unique_id, "ClearCache", {}]))
                while not any(json.loads(each)[:2] == [3, unique_id] for each in central.frames[before:]):
                    await clock.sleep(1)
            while not told(central, "AttemptedReplayAttacks"):
                await clock.sleep(1)
            (info,) = told(central, "AttemptedReplayAttacks")
            assert "ClearCache" in info
            assert any("AttemptedReplayAttacks" in line for line in await security_log(central, server))
            assert told(central, "InvalidMessages") == []

    live(story)
