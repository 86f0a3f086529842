"""A fleet lives a week against our own CSMS, over a line that breaks, while both are killed again and again.

``python -m benches.fleet_week --stations 100 --days 7 --rate 400 --kills 10`` starts ``voltbridge up`` and
``voltbridge station fleet`` as a user does, both on the same fast clock, with a bad line (``line``) in between. At
random moments one of the two gets SIGKILL and is started again. After the last day nobody comes any more; when all is
told, the CSMS is held against the stations' meters (``agreement``). The last line is the verdict as JSON; the exit
status is 1 when a transaction is lost, is there twice or has another energy than the meter.

The same seed makes the same drivers, cuts and kills; where they meet is the machine's chance.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp
import uvloop
import yaml

from benches.agreement import Agreement, compare, meters_of, queued_in
from benches.line import Line
from benches.servers import raise_open_files
from benches.sides import CsmsSide, FleetSide, Pace

__all__ = ["Plan", "live", "main"]

_DAY_S: Final = 86_400.0
_VERSIONS: Final = ("1.6", "2.0.1", "2.1")
_TOKENS: Final = ("T-1", "T-2", "T-3")
_LOOK_S: Final = 0.5
_PROGRESS_S: Final = 15.0
_CONNECTING_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen."""

    stations: int
    days: float
    rate: float
    kills: int
    cuts: float = 1.0
    """Of each station a day."""
    charges: float = 3.0
    """Of each station a day, on average."""
    stay_minutes: tuple[float, float] = (20.0, 240.0)
    interval_s: int = 900
    """Between samples."""
    processes: int = 1
    """Of the fleet."""
    seed: int = 1
    settling_s: float = 600.0
    """Of real time, for all that was queued to be told in the end."""

    @property
    def lasts_s(self) -> float:
        """Of real time, without what starts and the end take."""
        return self.days * _DAY_S / self.rate

    def profile(self, *, arrivals: bool) -> dict[str, Any]:
        """The fleet as a file tells it."""
        parts = [self.stations // 3 + (number < self.stations % 3) for number in range(3)]
        # Nobody comes while somebody is there, so the mean pause is what is left of the time between two charges.
        pause_s = max(60.0, _DAY_S / self.charges - 30 * sum(self.stay_minutes))
        return {
            "seed": self.seed,
            "groups": [
                {
                    "name": f"V{version.replace('.', '')}",
                    "count": count,
                    "versions": [version],
                    "variables": {
                        "SampledDataCtrlr.TxUpdatedInterval": str(self.interval_s),
                        # All live by one clock already; an answer a second late would set it by minutes.
                        "ClockCtrlr.TimeSource": "RealTimeClock",
                        # Seconds of the fast clock, in which the CSMS has to start and to take them all.
                        "OCPPCommCtrlr.RetryBackOffWaitMinimum": str(round(self.rate)),
                        "OCPPCommCtrlr.RetryBackOffRandomRange": str(min(3600, round(self.rate * self.stations / 100))),
                        "OCPPCommCtrlr.RetryBackOffRepeatTimes": "1",
                    },
                }
                for version, count in zip(_VERSIONS, parts, strict=True)
                if count
            ],
            "arrivals": {
                "per_evse_a_day": _DAY_S / pause_s if arrivals else 0,
                "tokens": list(_TOKENS),
                "stay_minutes": list(self.stay_minutes),
            },
        }


async def live(plan: Plan, folder: Path, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """The verdict. What both sides kept and said is left in the folder. Raises SideFailed."""
    raise_open_files()
    began = time.monotonic()
    pace = Pace(plan.rate)
    csms, fleet = CsmsSide("csms", folder, pace), FleetSide("fleet", folder, pace)
    busy, idle = folder / "busy.yaml", folder / "idle.yaml"
    for path, arrivals in ((busy, True), (idle, False)):
        path.write_text(yaml.safe_dump(plan.profile(arrivals=arrivals)), encoding="utf-8")
    async with AsyncExitStack() as parts:
        parts.push_async_callback(csms.abandon)
        parts.push_async_callback(fleet.abandon)
        await _start(csms)
        async with csms.rest() as rest:
            for token in _TOKENS:
                await rest.ask("POST", "/tokens", {"id_token": token, "allow_concurrent": True})
        line = await parts.enter_async_context(Line(csms.ocpp_port, Random(f"{plan.seed}/line")))
        url = f"ws://127.0.0.1:{line.port}/ocpp"
        await fleet.start(busy, url, plan.processes)
        await _connected(line, plan.stations)
        telling = asyncio.create_task(_progress(plan, pace, line, csms, fleet, say))
        parts.callback(telling.cancel)
        if plan.cuts:
            cutting = asyncio.create_task(line.cut_at_random(plan.lasts_s / (plan.cuts * plan.days * plan.stations)))
            parts.callback(cutting.cancel)
        await _kill(plan, csms, fleet, lambda: fleet.start(busy, url, plan.processes), say)
        say("nobody comes any more")
        await fleet.stop()
        if plan.cuts:
            cutting.cancel()
        await fleet.start(idle, url, plan.processes)
        settled = await _settled(plan, csms, fleet)
        telling.cancel()
        lived_s = pace.now() - pace.began
        async with csms.rest() as rest:
            transactions = await rest.items("/transactions")
        await fleet.stop()
        await csms.stop()
    agreement = compare(transactions, meters_of(fleet.data), line.began)
    queued = queued_in(fleet.data)
    if queued or not settled:
        agreement.unfinished += 1
        agreement.tell(f"{queued} facts are still with the stations; all at rest: {settled}")
    return _verdict(plan, agreement, csms, fleet, line, time.monotonic() - began, lived_s)


def _verdict(
    plan: Plan, agreement: Agreement, csms: CsmsSide, fleet: FleetSide, line: Line, wall_s: float, lived_s: float
) -> dict[str, Any]:
    weeks = plan.stations * lived_s / (7 * _DAY_S)
    return {
        "holds": agreement.holds,
        "stations": plan.stations,
        "days": round(lived_s / _DAY_S, 2),
        "rate": plan.rate,
        "wall_s": round(wall_s, 1),
        "cuts": line.cuts,
        "csms_kills": csms.kills,
        "fleet_kills": fleet.kills,
        "told_on_the_line": sum(len(names) for names in line.began.values()),
        **asdict(agreement),
        "csms_cpu_s": round(csms.cpu_s, 1),
        "fleet_cpu_s": round(fleet.cpu_s, 1),
        "cpu_s_per_station_week": round((csms.cpu_s + fleet.cpu_s) / weeks, 2),
    }


async def _start(csms: CsmsSide) -> None:
    await csms.start(heartbeat_interval=3600)


async def _kill(
    plan: Plan, csms: CsmsSide, fleet: FleetSide, again: Callable[[], Awaitable[None]], say: Callable[[str], None]
) -> None:
    """Live to the last day; each side is killed half of the times. What a start takes does not count."""
    random = Random(f"{plan.seed}/kills")
    moments = sorted(random.uniform(0.05, 0.95) * plan.lasts_s for _ in range(plan.kills))
    sides = [number % 2 == 0 for number in range(plan.kills)]
    random.shuffle(sides)
    lived_s = 0.0
    for moment, is_csms in zip(moments, sides, strict=True):
        await asyncio.sleep(moment - lived_s)
        lived_s = moment
        say(f"kill -9 of the {'CSMS' if is_csms else 'fleet'}")
        if is_csms:
            await csms.kill()
            await _start(csms)
        else:
            await fleet.kill()
            await again()
    await asyncio.sleep(plan.lasts_s - lived_s)


async def _connected(line: Line, stations: int) -> None:
    """Wait for them, but not for ever: what keeps them away may be what is to be found."""
    began = time.monotonic()
    while line.connections < stations and time.monotonic() - began < _CONNECTING_S:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)


async def _settled(plan: Plan, csms: CsmsSide, fleet: FleetSide) -> bool:
    """Wait until every station is connected and has told everything, and no transaction runs."""
    began = time.monotonic()
    while time.monotonic() - began < plan.settling_s:
        try:
            stations = await fleet.stations()
            async with csms.rest() as rest:
                running = await rest.ask("GET", "/transactions", state="Active", limit=1)
        except aiohttp.ClientError:
            stations, running = [], {"items": []}
        at_rest = all(one["online"] and one["queued"] == 0 for one in stations)
        if len(stations) == plan.stations and at_rest and not running["items"]:
            return True
        await asyncio.sleep(_LOOK_S)
    return False


async def _progress(
    plan: Plan, pace: Pace, line: Line, csms: CsmsSide, fleet: FleetSide, say: Callable[[str], None]
) -> None:
    while True:
        await asyncio.sleep(_PROGRESS_S)
        day = (pace.now() - pace.began) / _DAY_S
        charges = sum(len(names) for names in line.began.values())
        say(
            f"day {day:.2f} of {plan.days:g}: {line.connections} connections, {line.cuts} cut, {charges} transactions, "
            f"killed {csms.kills} and {fleet.kills} times"
        )


def main() -> None:
    """Live, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=100)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--rate", type=float, default=400.0, help="how many times as fast as the wall clock")
    parser.add_argument("--kills", type=int, default=10, help="of both sides together")
    parser.add_argument("--cuts", type=float, default=1.0, help="of each station's connection a day")
    parser.add_argument("--charges", type=float, default=3.0, help="of each station a day, on average")
    parser.add_argument("--processes", type=int, default=1, help="of the fleet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="leave everything here; else nothing is left")
    arguments = vars(parser.parse_args())
    folder: Path | None = arguments.pop("folder")
    work = folder or Path(tempfile.mkdtemp(prefix="fleet-week-"))
    work.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", file=sys.stderr, flush=True)

    try:
        verdict = uvloop.run(live(Plan(**arguments), work.absolute(), say))
    finally:
        if folder is None:
            shutil.rmtree(work, ignore_errors=True)
    print(json.dumps(verdict))
    sys.exit(0 if verdict["holds"] else 1)


if __name__ == "__main__":
    main()
