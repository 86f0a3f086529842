"""One command to thousands of connected stations: how long the operation takes and what memory it needs.

``python -m benches.bulk_command --stations 5000`` starts ``voltbridge up`` with a database in a temporary directory and
lets stations of all versions connect, boot and answer every Reset with Accepted. Prints one line of JSON: the seconds
from the request to the operation's end, the seconds until the request was answered, and the resident memory of the
server before and at its highest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

import aiohttp

__all__ = ["main"]

_PROTOCOLS: Final = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
_AT_ONCE: Final = 200


async def _station(session: aiohttp.ClientSession, port: int, number: int, ready: asyncio.Semaphore) -> None:
    """Boot, then answer every call with Accepted until the connection ends."""
    protocol = _PROTOCOLS[number % 3]
    boot: dict[str, Any] = {"reason": "PowerUp", "chargingStation": {"vendorName": "Bench", "model": "One"}}
    if protocol == "ocpp1.6":
        boot = {"chargePointVendor": "Bench", "chargePointModel": "One"}
    async with session.ws_connect(f"ws://127.0.0.1:{port}/ocpp/bulk-{number}", protocols=[protocol]) as socket:
        await socket.send_str(json.dumps([2, "boot", "BootNotification", boot]))
        async for message in socket:
            frame = json.loads(message.data)
            if frame[0] == 3:
                ready.release()
            elif frame[0] == 2:
                await socket.send_str(json.dumps([3, frame[1], {"status": "Accepted"}]))


async def _stations(port: int, count: int) -> None:
    """Keep the stations connected; a line when all have booted."""
    free, booted = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(0)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            async with free:
                task = asyncio.create_task(_station(session, port, number, booted))
                await asyncio.sleep(0.05)
            await task

        tasks = [asyncio.create_task(one(number)) for number in range(count)]
        for _ in range(count):
            await booted.acquire()
        print("ready", flush=True)
        await asyncio.gather(*tasks, return_exceptions=True)


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no resident size")


def _ask(url: str, key: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as response:
        return json.load(response)


def _measure(count: int, concurrency: int, directory: Path) -> dict[str, Any]:
    ready = directory / "ready.json"
    limits = ["--connection-limit", str(count + 100), "--connections-per-address", str(count + 100)]
    server = subprocess.Popen(
        [
            *(sys.executable, "-c", "from voltbridge.cli import main; main()", "up", "--data", str(directory)),
            *("--ocpp-port", "0", "--http-port", "0", "--onboarding", "accept", "--ready-file", str(ready), *limits),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    stations = None
    try:
        assert server.stdout is not None
        server.stdout.readline()
        there = json.loads(ready.read_text())
        api, key = f"http://127.0.0.1:{there['http_port']}/api/v1", Path(there["admin_key_file"]).read_text().strip()
        stations = subprocess.Popen(
            [sys.executable, "-m", "benches.bulk_command", "--stations", str(count), "--play", str(there["ocpp_port"])],
            stdout=subprocess.PIPE,
        )
        assert stations.stdout is not None
        stations.stdout.readline()
        before = highest = _rss_mb(server.pid)
        body = {"name": "reset", "parameters": {"type": "Soft"}, "filter": {"connected": True}}
        started = time.monotonic()
        operation = _ask(f"{api}/operations", key, {**body, "concurrency": concurrency})
        accepted = time.monotonic()
        while operation["finished_at"] is None:
            time.sleep(0.1)
            highest = max(highest, _rss_mb(server.pid))
            operation = _ask(f"{api}/operations/{operation['id']}", key)
        return {
            "stations": count,
            "concurrency": concurrency,
            "seconds": round(time.monotonic() - started, 2),
            "seconds_to_accept": round(accepted - started, 2),
            "counts": operation["counts"],
            "rss_mb_before": round(before, 1),
            "rss_mb_highest": round(highest, 1),
        }
    finally:
        if stations is not None:
            stations.kill()
        server.terminate()
        server.wait()


def main() -> None:
    """Measure, or (``--play PORT``) be the stations of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--play", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.play:
        asyncio.run(_stations(arguments.play, arguments.stations))
        return
    with tempfile.TemporaryDirectory(prefix="voltbridge-bulk-") as directory:
        print(json.dumps(_measure(arguments.stations, arguments.concurrency, Path(directory))))


if __name__ == "__main__":
    main()
