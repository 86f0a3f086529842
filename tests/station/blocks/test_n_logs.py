"""Logs of the station, uploaded to a real server of files."""

from __future__ import annotations

from typing import Any

import pytest
from tests.station.central_system import charging, live
from tests.station.file_server import file_server

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.virtual_clock import VirtualClock
from voltbridge.storage.station import MemoryStore

ALL = pytest.mark.parametrize("version", list(Version))


def get_log(url: str, number: int = 7, kind: str = "DiagnosticsLog", **more: Any) -> dict[str, Any]:
    return {"logType": kind, "requestId": number, "log": {"remoteLocation": url}, **more}


def statuses(central: Any, number: int | None = 7) -> list[str]:
    name = "LogStatusNotification" if number is not None else "DiagnosticsStatusNotification"
    return [each["status"] for each in central.of(name) if each.get("requestId") == number]


@ALL
def test_the_log_that_comes_is_what_the_station_did(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, station):
            async with station.plug_in() as visit:
                await visit.swipe("04A2B3C4")
                await clock.sleep(60)
            said = await central.call("GetLog", get_log(server.url))
            assert said["status"] == "Accepted"
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            assert statuses(central) == ["Uploading", "Uploaded"]
            text = server.uploads[said["filename"]].decode()
            assert "Plugged 1 1" in text
            assert "BootFact" not in text.splitlines()[0]
            assert "04A2B3C4" not in text
            said = await central.call("GetLog", get_log(server.url, 8, "SecurityLog"))
            await central.next("LogStatusNotification", lambda each: each.get("requestId") == 8)
            await clock.sleep(1)
            security = server.uploads[said["filename"]].decode()
            assert "StartupOfTheDevice" in security
            assert "Plugged" not in security

    live(story)


@ALL
def test_only_the_time_that_was_asked_for(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, _):
            await clock.sleep(1000)
            window = {"remoteLocation": server.url, "latestTimestamp": "2020-01-01T00:00:00Z"}
            said = await central.call("GetLog", get_log(server.url) | {"log": window})
            assert said["status"] == "Rejected"
            assert "filename" not in said
            since = str(DateTime.of(clock.now()))
            await central.call("ChangeAvailability", _inoperative(version))
            said = await central.call(
                "GetLog", get_log(server.url) | {"log": {"remoteLocation": server.url, "oldestTimestamp": since}}
            )
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            lines = server.uploads[said["filename"]].decode().splitlines()[1:]
            assert any("ChangeAvailability" in line for line in lines)
            assert not any("connected" in line for line in lines)

    live(story)


def _inoperative(version: Version) -> dict[str, Any]:
    if version is Version.V16:
        return {"connectorId": 1, "type": "Inoperative"}
    return {"operationalStatus": "Inoperative"}


@ALL
def test_an_upload_that_fails_is_tried_again_and_the_reason_told(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, _):
            server.status = 403
            began = clock.monotonic()
            await central.call("GetLog", get_log(server.url, retries=3, retryInterval=100))
            while statuses(central).count("PermissionDenied") < 4:
                await clock.sleep(1)
            assert clock.monotonic() - began == pytest.approx(300, abs=5)
            assert statuses(central)[0] == "Uploading"
            await clock.sleep(1000)
            assert statuses(central).count("PermissionDenied") == 4
            assert server.uploads == {}

    live(story)


@ALL
@pytest.mark.parametrize("url", ["gopher://files.example/", "http://files.example:x/"])
def test_an_address_that_can_never_work_is_tried_once(version: Version, url: str) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, _):
            began = clock.monotonic()
            said = await central.call("GetLog", get_log(url, retries=100, retryInterval=50))
            assert said["status"] == "Accepted"
            await central.next("LogStatusNotification", lambda each: each["status"] == "UploadFailure")
            await clock.sleep(200)
            assert statuses(central) == ["Uploading", "UploadFailure"]
            assert clock.monotonic() - began >= 200
            action = "ExtendedTriggerMessage" if version is Version.V16 else "TriggerMessage"
            await central.call(action, {"requestedMessage": "LogStatusNotification"})
            await central.next("LogStatusNotification", lambda each: each["status"] == "Idle")

    live(story)


@ALL
@pytest.mark.parametrize("abruptly", [False, True])
def test_an_upload_that_a_restart_breaks_off_is_told_to_have_failed(version: Version, abruptly: bool) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, station):
            server.gate.clear()
            await central.call("GetLog", get_log(server.url))
            await central.next("LogStatusNotification")
            if abruptly:
                await station.power_cut(5)
            else:
                station.restart("RemoteReset")
            await central.next("LogStatusNotification", lambda each: each["status"] == "UploadFailure")
            assert len({each["requestId"] for each in central.of("LogStatusNotification")}) == 1
            server.gate.set()
            central.forget()
            await central.call("GetLog", get_log(server.url))
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            await station.power_cut(5)
            await station.connected()
            await clock.sleep(10)
            assert statuses(central) == ["Uploading", "Uploaded"]

    live(story)


@ALL
def test_a_second_request_takes_the_place_of_the_first(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, version) as (central, _):
            server.gate.clear()
            await central.call("GetLog", get_log(server.url + "first"))
            await central.next("LogStatusNotification")
            action = "ExtendedTriggerMessage" if version is Version.V16 else "TriggerMessage"
            await central.call(action, {"requestedMessage": "LogStatusNotification"})
            while len(statuses(central)) < 2:
                await clock.sleep(1)
            assert statuses(central) == ["Uploading", "Uploading"]
            said = await central.call("GetLog", get_log(server.url + "second", 8))
            assert said["status"] == "AcceptedCanceled"
            server.gate.set()
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            assert statuses(central, 8) == ["Uploading", "Uploaded"]
            assert statuses(central)[-1] == ("Uploading" if version is Version.V16 else "AcceptedCanceled")
            assert "second" in server.uploads

    live(story)


def test_diagnostics_of_1_6() -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server, charging(clock, Version.V16) as (central, _):
            said = await central.call("GetDiagnostics", {"location": server.url})
            await central.next("DiagnosticsStatusNotification", lambda each: each["status"] == "Uploaded")
            assert statuses(central, None) == ["Uploading", "Uploaded"]
            assert "registered" in server.uploads[said["fileName"]].decode()
            before = {"location": server.url, "stopTime": "2020-01-01T00:00:00Z"}
            assert await central.call("GetDiagnostics", before) == {}
            central.forget()
            server.status = 500
            await central.call("GetDiagnostics", {"location": server.url})
            await central.next("DiagnosticsStatusNotification", lambda each: each["status"] == "UploadFailed")
            central.forget()
            await central.call("GetDiagnostics", {"location": "gopher://files.example/", "retries": 100})
            await central.next("DiagnosticsStatusNotification", lambda each: each["status"] == "UploadFailed")
            await clock.sleep(200)
            assert statuses(central, None) == ["Uploading", "UploadFailed"]
            central.forget()
            await central.call("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"})
            assert (await central.next("DiagnosticsStatusNotification"))["status"] == "Idle"

    live(story)


def test_the_logs_outlast_a_restart() -> None:
    async def story(clock: VirtualClock) -> None:
        store = MemoryStore()
        async with charging(clock, Version.V201, store=store) as (central, station), station.plug_in():
            await clock.sleep(10)
        async with file_server() as server, charging(clock, Version.V201, store=store) as (central, station):
            said = await central.call("GetLog", get_log(server.url))
            await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
            text = server.uploads[said["filename"]].decode()
            assert text.index("Plugged") < text.index("stopped") < text.rindex("connected by")

    live(story)
