"""Logs as files: they rotate by size and age, outlast what may come, and are read without being held in memory."""

from __future__ import annotations

import shutil
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.station.central_system import live, served
from tests.station.file_server import file_server

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import LogLimits, StationConfiguration
from voltbridge.station.log_files import FileLog
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import VirtualClock

SMALL = LogLimits(file_bytes=1000, files=4, days=3)


def names(directory: Path, kind: str = "diagnostics") -> list[str]:
    return sorted(path.name for path in directory.glob(f"{kind}*.log"))


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


async def text(
    book: FileLog, *, security: bool = False, oldest: datetime | None = None, latest: datetime | None = None
) -> str:
    selected = await book.select("head\n", security=security, oldest=oldest, latest=latest)
    if selected is None:
        return ""
    said = read(selected)
    selected.unlink()
    return said


def read(path: Path) -> str:
    return path.read_text()


def numbers(said: str) -> list[int]:
    return [int(line.rsplit(" ", 1)[1]) for line in said.splitlines()[1:]]


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        book = FileLog(tmp_path, clock, SMALL)
        at = []
        for number in range(1000):
            at.append(clock.now())
            book.note(f"line {number}")
            await clock.sleep(1)
        assert len(names(tmp_path)) == 4
        assert size_of(tmp_path) <= 4000
        left = numbers(await text(book))
        assert left == list(range(left[0], 1000)), "none is missing, and they are in their order"
        assert len(left) > 60
        again = FileLog(tmp_path, clock, SMALL)
        again.note("line 1000")
        assert numbers(await text(again)) == [*left, 1000]
        assert numbers(await text(again, oldest=at[986], latest=at[990])) == list(range(986, 991))
        assert await text(again, latest=clock.now() - timedelta(days=1)) == ""
        assert size_of(tmp_path) <= 5000, "nothing is left of what was selected"

    live(story)


def test_a_day_has_a_file_and_after_some_days_it_goes(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        book = FileLog(tmp_path, clock, LogLimits(files=100, days=3))
        for number in range(20):
            book.note(f"line {number}")
            await clock.sleep(86_400 / 2)
        left = numbers(await text(book))
        assert left[-1] == 19
        assert 6 <= len(left) <= 10, "three days, and the day that is written"
        assert len(names(tmp_path)) in (4, 5)

    live(story)


def test_what_concerns_security_is_in_both_and_is_not_pushed_out_by_the_rest(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        book = FileLog(tmp_path, clock, SMALL)
        book.note_security("StartupOfTheDevice\nwith two lines 1")
        for number in range(1000):
            book.note(f"line {number}")
        assert (await text(book, security=True)).endswith(" StartupOfTheDevice with two lines 1\n")
        assert "StartupOfTheDevice" not in await text(book)

    live(story)


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def story(clock: VirtualClock) -> None:
        book = FileLog(tmp_path / "logs", clock, SMALL)
        in_the_way = tmp_path / "logs" / "diagnostics.log"
        in_the_way.mkdir()
        for _ in range(3):
            book.note("lost")
        assert capsys.readouterr().out.count("takes nothing") == 1
        in_the_way.rmdir()
        book.note("line 7")
        assert numbers(await text(book)) == [7]

    live(story)


def test_a_large_log_is_not_held_in_memory(tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        line = b"2026-03-01T11:00:00.000Z " + b"x" * 150 + b" 1\n"
        (tmp_path / "diagnostics.000001.20260301T110000Z.log").write_bytes(line * 100_000)
        book = FileLog(tmp_path, clock, LogLimits())
        tracemalloc.start()
        try:
            selected = await book.select("head\n", security=False, oldest=None, latest=None)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert selected is not None
        assert selected.stat().st_size == 100_000 * len(line) + 5
        assert peak < 2_000_000

    live(story)


@pytest.mark.parametrize("version", list(Version))
def test_both_logs_are_uploaded_from_files_over_restarts(version: Version, tmp_path: Path) -> None:
    async def story(clock: VirtualClock) -> None:
        async with (
            served(clock, version) as central,
            Network(clock, holds_clock=False) as network,
            file_server() as server,
        ):
            made = StationConfiguration(
                "CP-1", central.url, versions=(version,), log_directory=tmp_path, log_limits=LogLimits(2000, 3, 90)
            )
            async with Station(made, network=network) as station:
                await station.connected()
                await station.power_cut(10)
                await station.connected()
                for _ in range(200):
                    await central.call("TriggerMessage", {"requestedMessage": "Heartbeat"})

                async def log(number: int, kind: str, **window: str) -> str:
                    place = {"remoteLocation": server.url, **window}
                    said = await central.call("GetLog", {"logType": kind, "requestId": number, "log": place})
                    assert said["status"] == "Accepted"
                    await central.next(
                        "LogStatusNotification",
                        lambda each: (each["status"], each.get("requestId")) == ("Uploaded", number),
                    )
                    return server.uploads[said["filename"]].decode()

                security = await log(1, "SecurityLog")
                assert security.count("StartupOfTheDevice") == 2, "before and after the power cut"
                diagnostics = await log(2, "DiagnosticsLog")
                assert diagnostics.startswith("# CP-1 ")
                assert "TriggerMessage answered" in diagnostics
                assert "StartupOfTheDevice" not in diagnostics, "that has been pushed out"
                assert len(names(tmp_path)) == 3
                later = str(DateTime.of(clock.now() + timedelta(days=1)))
                place = {"remoteLocation": server.url, "oldestTimestamp": later}
                said = await central.call("GetLog", {"logType": "SecurityLog", "requestId": 3, "log": place})
                assert said["status"] == "Rejected"
            assert names(tmp_path, "selected") == []
        assert central.refused == []

    live(story)


def test_without_a_place_for_its_logs_a_station_starts_all_the_same(tmp_path: Path) -> None:
    """Also after a restart in the middle of its life, when nobody is there to start it again."""

    async def story(clock: VirtualClock) -> None:
        place = tmp_path / "logs"
        async with (
            served(clock, Version.V201) as central,
            Network(clock, holds_clock=False) as network,
            file_server() as server,
        ):
            made = StationConfiguration("CP-1", central.url, versions=(Version.V201,), log_directory=place)
            async with Station(made, network=network) as station:
                await station.connected()
                shutil.rmtree(place)
                place.write_text("in the way")
                station.restart("Triggered")
                await central.next("BootNotification", lambda each: each["reason"] == "Triggered")
                await station.connected()
                request = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": server.url}}
                said = await central.call("GetLog", request)
                assert said["status"] == "Accepted"
                await central.next("LogStatusNotification", lambda each: each["status"] == "Uploaded")
                assert b"ResetOrReboot Triggered" in server.uploads[said["filename"]]

    live(story)
