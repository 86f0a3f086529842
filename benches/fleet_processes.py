"""Ten thousand virtual stations over several processes, connected to our own CSMS: what both take of the machine.

``python -m benches.fleet_processes --stations 10000 --processes 4`` starts both as a user does. Memory is what the
processes have for themselves (PSS), measured when all stations are connected and have told their states; CPU is the
share of one core over the seconds after that, with heartbeats, pings and drivers as they are unless told otherwise.
``--charging`` has nearly all of them charge meanwhile, with meter values every minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvloop
import yaml

from benches.servers import raise_open_files
from benches.sides import CsmsSide, FleetSide, Pace

__all__ = ["main", "measure"]

_LOOK_S: Final = 1.0
_NEARLY_ALL: Final = 0.95
_TOKEN: Final = "T-1"
_TICKS: Final = os.sysconf("SC_CLK_TCK")


async def measure(
    stations: int,
    processes: int,
    seconds: float,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
    *,
    charging: bool = False,
) -> dict[str, Any]:
    """The figures. Raises SideFailed."""
    raise_open_files()
    pace = Pace(1.0)
    csms, fleet = CsmsSide("csms", folder, pace), FleetSide("fleet", folder, pace)
    profile = folder / "fleet.yaml"
    # Whoever charges all the time comes a minute and a half after the one before, and stays for hours.
    arrivals = {"per_evse_a_day": 1000, "stay_minutes": [240, 300], "tokens": [_TOKEN]} if charging else {}
    what = {"groups": [{"name": "CP", "count": stations}], "arrivals": arrivals}
    profile.write_text(yaml.safe_dump(what), encoding="utf-8")
    try:
        await csms.start()
        async with csms.rest() as rest:
            await rest.ask("POST", "/tokens", {"id_token": _TOKEN, "allow_concurrent": True})
        before_mb = _memory_mb([csms.pid])
        began = time.monotonic()
        await fleet.start(profile, f"ws://127.0.0.1:{csms.ocpp_port}/ocpp", processes)
        wanted = f"{stations} of {stations} stations connected"
        while wanted not in (said := fleet.said()):
            say(_last(said, "stations connected"))
            await asyncio.sleep(_LOOK_S)
        connected_s = time.monotonic() - began
        parts = _children(fleet.pid)
        running = 0
        while charging and running < _NEARLY_ALL * stations:
            await asyncio.sleep(10 * _LOOK_S)
            running = sum(one["transaction_id"] is not None for each in await fleet.stations() for one in each["evses"])
            say(f"{running} of {stations} charge")
        if not charging:
            await _at_rest([csms.pid, *parts])
        fleet_mb, csms_mb = _memory_mb([fleet.pid, *parts]), _memory_mb([csms.pid])
        used_fleet, used_csms, since = _cpu_s([fleet.pid, *parts]), _cpu_s([csms.pid]), time.monotonic()
        await asyncio.sleep(seconds)
        passed = time.monotonic() - since
        figures = {
            "stations": stations,
            "processes": processes,
            "charging": running,
            "connected_s": round(connected_s, 1),
            "fleet_mb": round(fleet_mb, 1),
            "fleet_kb_per_station": round(1024 * fleet_mb / stations, 1),
            "csms_mb": round(csms_mb, 1),
            "csms_kb_per_station": round(1024 * (csms_mb - before_mb) / stations, 1),
            "fleet_cpu_percent": round(100 * (_cpu_s([fleet.pid, *parts]) - used_fleet) / passed, 2),
            "csms_cpu_percent": round(100 * (_cpu_s([csms.pid]) - used_csms) / passed, 2),
            "load_average": os.getloadavg(),
        }
        began = time.monotonic()
        await fleet.stop()
        figures["stopped_s"] = round(time.monotonic() - began, 1)
        await csms.stop()
    finally:
        await fleet.abandon()
        await csms.abandon()
    return figures


async def _at_rest(pids: list[int]) -> None:
    """Wait until what the connecting left to do is done: a second in which hardly anything is."""
    before = _cpu_s(pids)
    while True:
        await asyncio.sleep(5 * _LOOK_S)
        now = _cpu_s(pids)
        if now - before < 2.5 * _LOOK_S:
            return
        before = now


def _last(said: str, text: str) -> str:
    return next((line for line in reversed(said.splitlines()) if text in line), "")


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def _memory_mb(pids: list[int]) -> float:
    """What they have for themselves, and their share of what they have together."""
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024


def _cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0, help="over which CPU is measured")
    parser.add_argument("--charging", action="store_true", help="nearly all charge, with meter values every minute")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fleet-processes-"))

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        measured = measure(
            arguments.stations, arguments.processes, arguments.seconds, folder, say, charging=arguments.charging
        )
        figures = uvloop.run(measured)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
