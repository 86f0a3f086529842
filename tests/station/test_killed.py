"""A station process that is killed while somebody charges: its successor tells the end, and loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.station.central_system import CentralSystem, Message, served

from voltbridge.protocol.versions import Version
from voltbridge.station.clocks import PacedClock

pytestmark = pytest.mark.anyio

PROGRAM = """
import asyncio, sys
from pathlib import Path
from voltbridge.protocol.versions import Version
from voltbridge.station import Station, StationConfiguration
from voltbridge.station.clocks import PacedClock
from voltbridge.station.network import Network
from voltbridge.storage.station import StationStore

async def main(url, version, path, drives):
    clock = PacedClock(rate=20)
    store = StationStore.open(Path(path), "CP-1", clock)
    variables = {"SampledDataCtrlr.TxUpdatedInterval": "5", "SampledDataCtrlr.TxEndedInterval": "5"}
    configuration = StationConfiguration("CP-1", url, versions=(Version(version),), variables=variables)
    async with Network(clock) as network, Station(configuration, store=store, network=network) as station:
        await station.connected()
        if drives == "drives":
            async with station.plug_in() as visit:
                await visit.swipe("A1")
                await asyncio.Event().wait()
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def process(central: CentralSystem, version: Version, path: Path, *, drives: bool) -> AsyncIterator[None]:
    """A station until it is killed."""
    arguments = (central.url, version.value, str(path), "drives" if drives else "waits")
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        started.kill()
        await started.wait()


@pytest.mark.parametrize("version", list(Version))
async def test_a_killed_station_tells_the_end_of_what_ran(version: Version, tmp_path: Path) -> None:
    path = tmp_path / "stations.sqlite3"

    def is_sample(message: Message) -> bool:
        return message.get("transactionId") == 1 or message.get("triggerReason") == "MeterValuePeriodic"

    action = "MeterValues" if version is Version.V16 else "TransactionEvent"
    async with asyncio.timeout(50), served(PacedClock(), version) as central:
        async with process(central, version, path, drives=True):
            await central.next(action, lambda message: is_sample(message) and _register(message) > 20)
        async with process(central, version, path, drives=False):
            if version is Version.V16:
                stop = await central.next("StopTransaction")
                assert (stop["reason"], stop["transactionId"]) == ("PowerLoss", 1)
                last = max(_register(message) for message in central.of("MeterValues"))
                assert stop["meterStop"] >= last > 20
                assert len(central.of("StartTransaction")) == 1
                data = stop["transactionData"]
            else:
                end = await central.next("TransactionEvent", lambda event: event["eventType"] == "Ended")
                assert end["transactionInfo"]["stoppedReason"] == "PowerLoss"
                numbers = {event["seqNo"] for event in central.of("TransactionEvent")}
                assert numbers == set(range(max(numbers) + 1)), "none is missing"
                assert len({e["transactionInfo"]["transactionId"] for e in central.of("TransactionEvent")}) == 1
                data = end["meterValue"]
            registers = [float(value["sampledValue"][0]["value"]) for value in data]
            assert registers == sorted(registers)
            assert len(registers) >= 3, "the samples of before are there"
        assert central.refused == []


def _register(message: Message) -> float:
    return max((float(value["sampledValue"][0]["value"]) for value in message.get("meterValue", ())), default=0.0)
