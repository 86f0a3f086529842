"""Stations of a fleet have their files each for itself, and never more of them than they may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.station.central_system import live, served
from tests.station.file_server import file_server

from voltbridge.conformance.patience import within
from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.fleet import Fleet
from voltbridge.station.fleet_profile import FleetProfile, Group
from voltbridge.station.log_files import FileLog
from voltbridge.station.own_files import OwnFiles
from voltbridge.station.virtual_clock import VirtualClock

LIMIT = 200_000
LONGEST_S = 86_400.0
"""Of virtual time: what never comes is not waited for in real time."""


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def firmware(size: int) -> bytes:
    head = b"VOLTBRIDGE FIRMWARE 2.5.0\n"
    return head + os.urandom(size - len(head))


@pytest.mark.parametrize("version", list(Version))
def test_each_has_its_own_and_an_image_beyond_the_limit_does_not_come(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        # Two central systems, since each takes one station at a time.
        async with (
            served(clock, version) as one,
            served(clock, version) as two,
            file_server() as server,
            within(LONGEST_S, clock),
        ):
            server.files |= {"large": firmware(LIMIT * 3 // 5 + 1), "small": firmware(LIMIT * 3 // 5)}
            fleets = [
                Fleet(
                    FleetProfile(groups=(Group(name=name, versions=(version.label,)),)),
                    central.url,
                    clock,
                    equip=OwnFiles(tmp_path, LIMIT).given_to,
                )
                for name, central in (("CP-1", one), ("CP-2", two))
            ]
            for fleet in fleets:
                await fleet.start()
            try:
                for name, status, number in (("large", "DownloadFailed", 1), ("small", "Installed", 2)):
                    firmware_asked = {"location": server.url + name, "retrieveDateTime": "2020-01-01T00:00:00Z"}
                    if version is Version.V16:
                        asked = {"location": server.url + name, "retrieveDate": "2020-01-01T00:00:00Z"}
                        await one.call("UpdateFirmware", asked)
                    else:
                        await one.call("UpdateFirmware", {"requestId": number, "firmware": firmware_asked})
                    while one.of("FirmwareStatusNotification")[-1:] == [] or (
                        one.of("FirmwareStatusNotification")[-1]["status"] != status
                    ):
                        assert size_of(tmp_path / "CP-1") <= LIMIT
                        await clock.sleep(1)
                for _ in range(800):
                    action = {"requestedMessage": "Heartbeat"}
                    await one.call("TriggerMessage", action)
                request = {"logType": "DiagnosticsLog", "requestId": 3, "log": {"remoteLocation": server.url}}
                said = await one.call("GetLog", request)
                await one.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
                log = server.uploads[said["filename"]].decode()
                assert "TriggerMessage answered" in log
                assert len(list((tmp_path / "CP-1" / "logs").glob("diagnostics*.log"))) > 1, "they rotate"
                assert 0 < size_of(tmp_path / "CP-1") <= LIMIT
                assert list((tmp_path / "CP-1" / "downloads").iterdir()) == [], "an image goes once it is installed"
            finally:
                for fleet in fleets:
                    await fleet.stop()
            assert "TriggerMessage" not in (tmp_path / "CP-2" / "logs" / "diagnostics.log").read_text()
            assert "registered" in (tmp_path / "CP-2" / "logs" / "diagnostics.log").read_text()

    live(story)


def test_the_limit_holds_with_full_logs_their_copies_and_an_image(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        made = OwnFiles(tmp_path, LIMIT).given_to(StationConfiguration("CP|1", "ws://host/ocpp"))
        assert made.log_directory is not None
        assert made.download_directory is not None
        assert made.log_directory.parent == made.download_directory.parent == tmp_path / "CP%7C1"
        log = FileLog(made.log_directory, clock, made.log_limits)
        for number in range(3000):
            log.note_security(f"{number} " + "x" * 150)
        copies = [await log.select("# head\n", security=True, oldest=None, latest=None) for _ in range(3)]
        assert all(copies)
        made.download_directory.mkdir()
        (made.download_directory / "firmware.part").write_bytes(bytes(made.largest_download))
        assert LIMIT * 9 // 10 < size_of(tmp_path) <= LIMIT

    live(story)


def test_without_a_limit_a_station_keeps_what_it_always_keeps(tmp_path: Path) -> None:
    plain = StationConfiguration("CP-1", "ws://host/ocpp")
    made = OwnFiles(tmp_path).given_to(plain)
    assert (made.log_limits, made.largest_download) == (plain.log_limits, plain.largest_download)
