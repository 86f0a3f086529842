"""A thousand virtual stations in one process: what they take of memory and of a core while all of them charge.

Every station is a whole one, with a vehicle, its transaction on disk and meter values every minute (2.0.1), against a
CSMS in another process that only answers. Memory is what the process grew by since before the first station, CPU its
share of one core once all are charging.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
import uvloop
from aiohttp import WSMsgType, web

from benches import servers
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.clocks import PacedClock
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.network import Network
from voltbridge.storage.station import StationFile

__all__ = ["measure"]

_AT_ONCE = 50
_SETTLING_S = 2.0


def measure(stations: int, interval_s: int, scratch: Path) -> dict[str, Any]:
    """Megabytes, kilobytes (1024 bytes) a station, percent of a core over one interval of meter values.

    ``messages`` counts all that the CSMS got: a quick look shows that the values did arrive.
    """
    servers.raise_open_files()
    with TemporaryDirectory(dir=scratch) as directory:
        command = [sys.executable, "-m", "benches.fleet"]
        with subprocess.Popen([*command, "csms"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as csms:
            assert csms.stdout is not None
            assert csms.stdin is not None
            url = csms.stdout.readline().strip()
            try:
                done = subprocess.run(
                    [*command, "fleet", url, str(stations), str(interval_s), str(Path(directory) / "fleet.db")],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
            finally:
                csms.stdin.close()
            told: dict[str, int] = json.loads(csms.stdout.readline())
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | {"messages": told}


async def _csms() -> None:
    """Answer everything until the standard input ends."""
    told: dict[str, int] = {}
    moment = "2026-03-01T12:00:00Z"
    answers: dict[str, Any] = {
        "BootNotification": {"status": "Accepted", "currentTime": moment, "interval": 3600},
        "Heartbeat": {"currentTime": moment},
        "Authorize": {"idTokenInfo": {"status": "Accepted"}},
    }

    async def serve(request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(protocols=("ocpp2.0.1",), compress=False)
        await websocket.prepare(request)
        async for message in websocket:
            if message.type is WSMsgType.TEXT:
                frame = json.loads(message.data)
                if frame[0] == 2:
                    told[frame[2]] = told.get(frame[2], 0) + 1
                    await websocket.send_str(json.dumps([3, frame[1], answers.get(frame[2], {})]))
        return websocket

    application = web.Application()
    application.router.add_get("/ocpp/{identity}", serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"ws://127.0.0.1:{runner.addresses[0][1]}/ocpp", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(told), flush=True)
    await runner.cleanup()


async def _fleet(url: str, count: int, interval_s: int, file: Path) -> None:
    clock = PacedClock()
    variables = {
        "SampledDataCtrlr.TxUpdatedInterval": str(interval_s),
        "ClockCtrlr.TimeSource": "RealTimeClock",
    }
    stations_file = StationFile.open(file, clock)
    before_kb = _resident_kb()
    async with Network(clock) as network:
        stations = []
        for number in range(count):
            configuration = StationConfiguration(f"FLEET-{number:05}", url, (Version.V201,), variables=variables)
            store = stations_file.store(configuration.identity)
            stations.append(Station(configuration, store=store, network=network))
        began = time.perf_counter()
        for first in range(0, count, _AT_ONCE):
            group = stations[first : first + _AT_ONCE]
            for station in group:
                station.start()
            await asyncio.gather(*(station.connected() for station in group))
        connected_s = time.perf_counter() - began
        idle_kb = _resident_kb() - before_kb
        visits = [station.plug_in() for station in stations]
        for visit in visits:
            await visit.__aenter__()
            await visit.swipe("04A2B3C4D5E6F7")
        await asyncio.gather(*(visit.charging() for visit in visits))
        await asyncio.gather(*(station.engine.outbox.idle() for station in stations))
        await asyncio.sleep(_SETTLING_S)
        used, wall = _cpu_s(), time.perf_counter()
        await asyncio.sleep(interval_s)
        percent = 100 * (_cpu_s() - used) / (time.perf_counter() - wall)
        charging_kb = _resident_kb() - before_kb
        figures = {
            "fleet_mb": round(_resident_kb() / 1024, 1),
            "fleet_kb_per_station": round(charging_kb / count, 1),
            "fleet_idle_kb_per_station": round(idle_kb / count, 1),
            "fleet_cpu_percent": round(percent, 2),
            "connected_s": round(connected_s, 2),
        }
        for first in range(0, count, _AT_ONCE):
            await asyncio.gather(*(station.stop() for station in stations[first : first + _AT_ONCE]))
    await stations_file.close()
    print(json.dumps(figures), flush=True)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _resident_kb() -> int:
    with Path("/proc/self/statm").open(encoding="utf-8") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    if sys.argv[1] == "csms":
        uvloop.run(_csms())
    else:
        uvloop.run(_fleet(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])))
