"""``python -m benches --out build/bench.json``: all measurements, printed and written down.

``--quick`` makes everything small, to see that it works; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benches import codec, crowd, fleet, readiness, servers, throughput
from benches.throughput import Plan

__all__ = ["main"]

_PACKAGES = ("aiohttp", "msgspec", "ocpp", "uvloop", "websockets")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="benches", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement; medians are told")
    parser.add_argument("--seconds", type=float, default=4.0, help="of load in each run")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--stations", type=int, default=10_000, help="in the measurements of many stations")
    parser.add_argument("--only", choices=sorted(_MEASUREMENTS), action="append")
    parser.add_argument("--quick", action="store_true", help="everything small: a test, not a measurement")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.connections, arguments.stations = 1, 0.5, 5, 50
    out: Path = arguments.out
    out.parent.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    with TemporaryDirectory(dir=out.parent, prefix="bench-") as scratch:
        for name in arguments.only or _MEASUREMENTS:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            figures, raw[name] = _MEASUREMENTS[name](arguments, Path(scratch))
            for figure, value in figures.items():
                report[figure] = value
                print(f"{figure:32}{value}", flush=True)
    report |= {"settings": _settings(arguments), "raw": raw}
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


_Measured = tuple[dict[str, float], dict[str, Any]]


def _codec(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    raw = codec.measure(arguments.rounds, 1 if arguments.quick else 20)
    return {"codec_ratio": raw["codec_ratio"]}, raw


def _throughput(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    plan = Plan(arguments.rounds, arguments.connections, 0.2 if arguments.quick else 1.0, arguments.seconds)
    raw = throughput.measure(plan, deflate=False, scratch=scratch)
    return {figure: raw[figure] for figure in ("wire_ratio", "durable_ratio")}, raw


def _compressed(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    rounds = max(1, arguments.rounds // 2)
    plan = Plan(rounds, arguments.connections, 0.2 if arguments.quick else 1.0, arguments.seconds)
    raw = throughput.measure(plan, deflate=True, scratch=scratch)
    return {f"{figure}_deflate": raw[figure] for figure in ("wire_ratio", "durable_ratio")}, raw


def _idle(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    raw = crowd.idle_memory(arguments.stations, scratch)
    return {"idle_kb_per_station": raw["plain"], "idle_kb_per_station_deflate": raw["deflate"]}, raw


def _storm(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    raw = crowd.storm(arguments.stations, max(1, arguments.rounds // 2), scratch)
    return {"storm_seconds": raw["seconds"]}, raw


def _ready(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    raw = readiness.measure(arguments.rounds, scratch)
    return {"ready_seconds": raw["first_start"]}, raw


def _fleet(arguments: argparse.Namespace, scratch: Path) -> _Measured:
    stations, interval_s = (20, 2) if arguments.quick else (1000, 60)
    raw = fleet.measure(stations, interval_s, scratch)
    return {figure: raw[figure] for figure in ("fleet_mb", "fleet_kb_per_station", "fleet_cpu_percent")}, raw


_MEASUREMENTS: dict[str, Callable[[argparse.Namespace, Path], _Measured]] = {
    "codec": _codec,
    "throughput": _throughput,
    "throughput_deflate": _compressed,
    "idle": _idle,
    "storm": _storm,
    "ready": _ready,
    "fleet": _fleet,
}


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": arguments.quick,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "connections": arguments.connections,
        "stations": arguments.stations,
        "message": "1.6 MeterValues of a running transaction, four sampled values, every one different",
        "server_core": servers.SERVER_CORE,
        "load_core": servers.LOAD_CORE,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "machine": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "reference": "ChargePoint of the package ocpp on websockets and asyncio, its schema validation on",
        "voltbridge": "as voltbridge up: strict validation, message log, SQLite with synchronous=FULL",
    }


if __name__ == "__main__":
    main()
