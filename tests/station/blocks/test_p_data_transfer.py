"""Data of a vendor's own, both ways, before a central system of others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.station.central_system import charging, live

from voltbridge.protocol.versions import Version
from voltbridge.station.answers import Transferred, Unreachable
from voltbridge.station.blocks.p_data_transfer.service import DataTransfers, Vendors
from voltbridge.station.virtual_clock import VirtualClock, run

ALL = pytest.mark.parametrize("version", list(Version))


async def echo(data: Any) -> Transferred:
    return Transferred("Accepted", data)


@ALL
def test_the_csms_reaches_the_vendors_handlers(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async def fail(data: Any) -> Transferred:
            raise RuntimeError("a mistake of the vendor's")

        async def think(data: Any) -> Transferred:
            await clock.sleep(3600)
            return Transferred("Accepted")

        async with charging(clock, version) as (central, station):
            unknown = {"status": "UnknownVendorId"}
            assert await central.call("DataTransfer", {"vendorId": "com.example"}) == unknown
            station.vendors.add("com.example", "Echo", echo)
            station.vendors.add("com.example", "Fail", fail)
            station.vendors.add("com.example", "Think", think)
            station.vendors.add("org.example", None, echo)

            async def transfer(vendor: str, message: str | None = None, data: Any = None) -> Any:
                payload = {"vendorId": vendor, "messageId": message, "data": data}
                return await central.call("DataTransfer", {k: v for k, v in payload.items() if v is not None})

            assert await transfer("COM.example", "echo", "data") == {"status": "Accepted", "data": "data"}
            assert await transfer("com.example", "other", "data") == {"status": "UnknownMessageId"}
            assert await transfer("com.example") == {"status": "UnknownMessageId"}
            assert await transfer("org.example", "anything") == {"status": "Accepted"}
            assert await transfer("com.example", "Fail") == {"status": "Rejected"}
            began = clock.monotonic()
            assert await transfer("com.example", "Think") == {"status": "Rejected"}
            assert clock.monotonic() - began == pytest.approx(10, abs=2)
            assert await transfer("com.example", "Echo", "still there") == {"status": "Accepted", "data": "still there"}

    live(story)


@ALL
def test_values_that_are_no_texts(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async def count(data: Any) -> Transferred:
            return Transferred("Accepted", {"items": [1, 2]})

        async with charging(clock, version) as (central, station):
            station.vendors.add("com.example", None, count)
            said = await central.call("DataTransfer", {"vendorId": "com.example"})
            expected: Any = '{"items":[1,2]}' if version is Version.V16 else {"items": [1, 2]}
            assert said == {"status": "Accepted", "data": expected}

    live(story)


@ALL
def test_the_station_asks_the_csms(version: Version) -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, version) as (central, station):
            central.answers["DataTransfer"] = lambda asked: {"status": "Accepted", "data": asked.get("data", "none")}
            assert await station.transfer_data("com.example", "Echo", "data") == Transferred("Accepted", "data")
            assert central.of("DataTransfer")[0] == {"vendorId": "com.example", "messageId": "Echo", "data": "data"}
            central.answers["DataTransfer"] = {"status": "UnknownVendorId"}
            assert await station.transfer_data("com.example") == Transferred("UnknownVendorId")
            await central.cut()
            while station.engine.outbox.connected:
                await clock.sleep(1)
            with pytest.raises(Unreachable):
                await station.transfer_data("com.example")

    live(story)


def test_handlers_outlast_a_restart_of_the_station() -> None:
    async def story(clock: VirtualClock) -> None:
        async with charging(clock, Version.V16) as (central, station):
            station.vendors.add("com.example", None, echo)
            await central.call("Reset", {"type": "Hard"})
            await asyncio.sleep(0)
            while central.connections < 2:
                await clock.sleep(1)
            await station.connected()
            assert await central.call("DataTransfer", {"vendorId": "com.example"}) == {"status": "Accepted"}

    live(story)


def test_a_message_is_taken_once_only() -> None:
    vendors = Vendors()
    vendors.add("com.example", "Echo", echo)
    for vendor, message in (("com.example", "Echo"), ("COM.EXAMPLE", "ECHO")):
        with pytest.raises(ValueError, match="taken already"):
            vendors.add(vendor, message, echo)


def test_whoever_stops_the_station_stops_the_handler() -> None:
    async def story(clock: VirtualClock) -> None:
        stopped = asyncio.Event()

        async def think(data: Any) -> Transferred:
            try:
                await clock.sleep(3600)
            finally:
                stopped.set()
            return Transferred("Accepted")

        vendors = Vendors()
        vendors.add("com.example", None, think)
        receiving = asyncio.create_task(DataTransfers(vendors, clock, "CP-1").receive("com.example", None, None))
        await clock.sleep(1)
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        assert stopped.is_set()

    run(story)
