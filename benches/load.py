"""The load generator, a process of its own: stations that send one MeterValues after the other.

Each station boots, starts a transaction and from then on has exactly one call outstanding. The answer has to be the
CALLRESULT of that call, or the run fails. Prints one JSON object: what was acknowledged in the measured seconds and in
all, how long the answers took, and how busy server and generator were meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop

from benches.client import Client, deflated, frame
from benches.messages import boot_notification, meter_values, start_transaction

__all__ = ["main"]

_PREPARED = 60_000
"""Compressed frames made before the measurement, since compressing takes longer than the server needs."""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Load:
    """All stations together."""

    def __init__(self, deflate: bool) -> None:
        self._deflate = deflate
        self._number = 0
        self._prepared: dict[int, deque[tuple[bytes, bytes]]] = {}
        self._stopping = False
        self._waiting = 0
        self._drained = asyncio.get_running_loop().create_future()
        self.acknowledged = 0
        self.latencies: list[float] = []
        self.failure: str | None = None

    async def open(self, client: Client) -> _Station:
        """Bring a station to where it charges."""
        booted = json.loads(await client.ask(boot_notification()))
        started = json.loads(await client.ask(start_transaction()))
        if booted[0] != 3 or booted[2]["status"] != "Accepted" or started[0] != 3:
            raise AssertionError(f"the station cannot charge: {booted} {started}")
        return _Station(self, client, started[2]["transactionId"])

    def prepare(self, stations: list[_Station]) -> None:
        """Compress ahead what the stations are going to say."""
        if self._deflate:
            for station in stations:
                station.prepared.extend(self._make(station) for _ in range(_PREPARED // len(stations)))

    def next(self, station: _Station) -> tuple[bytes, bytes]:
        """The frame of the station's next call, and the answer it has to get."""
        return station.prepared.popleft() if station.prepared else self._make(station)

    def _make(self, station: _Station) -> tuple[bytes, bytes]:
        self._number = number = self._number + 1
        message = meter_values(number, station.transaction_id)
        return (deflated(message) if self._deflate else frame(message)), b'[3,"%012d",{}]' % number

    def start(self, stations: list[_Station]) -> None:
        self._waiting = len(stations)
        for station in stations:
            station.send()

    def answered(self, station: _Station, right: bool, seconds: float) -> None:
        if not right:
            self.failure = f"{station.client.identity} got a wrong answer"
            self._stopping = True
        self.acknowledged += 1
        self.latencies.append(seconds)
        if self._stopping:
            self._waiting -= 1
            if not self._waiting:
                self._drained.set_result(None)
        else:
            station.send()

    async def stop(self) -> None:
        """Send nothing more; returns when every call has its answer."""
        self._stopping = True
        await asyncio.wait_for(self._drained, 30)


class _Station:
    __slots__ = ("_expected", "_load", "_sent_at", "_write", "client", "prepared", "transaction_id")

    def __init__(self, load: Load, client: Client, transaction_id: int) -> None:
        assert client.transport is not None
        self.client = client
        self.transaction_id = transaction_id
        self.prepared: deque[tuple[bytes, bytes]] = deque()
        self._write = client.transport.write
        self._load = load
        self._expected = b""
        self._sent_at = 0.0
        client.on_message = self._answered

    def send(self) -> None:
        data, self._expected = self._load.next(self)
        self._sent_at = time.perf_counter()
        self._write(data)

    def _answered(self, message: bytes) -> None:
        self._load.answered(self, message == self._expected, time.perf_counter() - self._sent_at)


async def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    load = Load(arguments.deflate)
    stations = []
    for number in range(arguments.connections):
        client = await Client.connect("127.0.0.1", arguments.port, f"BENCH-{number:05}", deflate=arguments.deflate)
        stations.append(await load.open(client))
    load.prepare(stations)
    load.start(stations)
    await asyncio.sleep(arguments.warm_up)
    before, server_before, own_before = load.acknowledged, _cpu_seconds(arguments.pid), time.process_time()
    load.latencies.clear()
    began = time.perf_counter()
    await asyncio.sleep(arguments.seconds)
    seconds = time.perf_counter() - began
    acknowledged = load.acknowledged - before
    server, own = _cpu_seconds(arguments.pid) - server_before, time.process_time() - own_before
    latencies = sorted(load.latencies)
    await load.stop()
    if load.failure is not None:
        raise AssertionError(load.failure)
    for station in stations:
        station.client.close()
    return {
        "calls_per_s": acknowledged / seconds,
        "acknowledged_in_all": load.acknowledged,
        "latency_ms_median": latencies[len(latencies) // 2] * 1000,
        "latency_ms_99th": latencies[len(latencies) * 99 // 100] * 1000,
        "server_cpu": server / seconds,
        "generator_cpu": own / seconds,
    }


def _cpu_seconds(pid: int) -> float:
    """What the process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _come_first() -> None:
    """Run as soon as there is something to do, whatever else the machine does: otherwise servers wait for us.

    Where that is not allowed the figures of a busy machine are lower, those of the faster servers most.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def main() -> None:
    """``python -m benches.load``; started by the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True, help="the server's process id")
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--warm-up", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--deflate", action="store_true")
    arguments = parser.parse_args()
    _come_first()
    print(json.dumps(uvloop.run(_run(arguments))))


if __name__ == "__main__":
    main()
