"""Ten thousand stations at a time: what each costs while it is idle, and how long until all are back.

Idle: stations connect, boot, report their connector and fall silent; the growth of the server's resident memory is
divided by their number. With deflate every message came compressed and the station's context goes on from message to
message, so the server has to keep a window for it, which a longer message has filled; once with the window it asks
for, once with the largest.

Storm: the same stations, each with a password of its own, were all connected when the server was stopped. It is
started again, and all connect at the same moment; the time ends when the last one has been accepted.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import uvloop

from benches import servers
from benches.client import Client
from benches.messages import boot_notification, call

__all__ = ["idle_memory", "storm"]

_AT_ONCE = 100
_ADDRESSES = 8
"""Loopback addresses the stations connect to: each has ports of its own."""
_SETTLING_S = 3.0
_BOTH_CORES = {servers.SERVER_CORE, servers.LOAD_CORE}


def idle_memory(stations: int, scratch: Path) -> dict[str, float]:
    """Kilobytes (1024 bytes) of the server's resident memory per connected station."""
    servers.raise_open_files()
    return {
        "plain": uvloop.run(_idle(stations, scratch)),
        "deflate": uvloop.run(_idle(stations, scratch, deflate=True)),
        "deflate_largest_window": uvloop.run(_idle(stations, scratch, deflate=True, largest_window=True)),
    }


def storm(stations: int, rounds: int, scratch: Path) -> dict[str, Any]:
    """Seconds until all stations are accepted: the median, and those of each round."""
    servers.raise_open_files()
    with TemporaryDirectory(dir=scratch) as directory:
        data, ready_file = Path(directory) / "data", Path(directory) / "ready.json"
        passwords = [secrets.token_urlsafe(24) for _ in range(stations)]
        with servers.running(servers.up(data, ready_file), ready_file, _BOTH_CORES) as server:
            uvloop.run(_provision(server, passwords))
            uvloop.run(_return_at_once(server, passwords))
        seconds = []
        for _ in range(rounds):
            with servers.running(servers.up(data, ready_file), ready_file, _BOTH_CORES) as server:
                seconds.append(round(uvloop.run(_return_at_once(server, passwords)), 2))
    return {"seconds": round(median(seconds), 2), "rounds": seconds}


async def _idle(stations: int, scratch: Path, *, deflate: bool = False, largest_window: bool = False) -> float:
    with TemporaryDirectory(dir=scratch) as directory:
        data, ready_file = Path(directory) / "data", Path(directory) / "ready.json"
        with servers.running(servers.up(data, ready_file), ready_file, _BOTH_CORES) as server:
            before = _resident_kb(server.pid)
            clients = await _some_at_a_time(
                _arrive(server, number, deflate=deflate, largest_window=largest_window) for number in range(stations)
            )
            await asyncio.sleep(_SETTLING_S)
            grown = _resident_kb(server.pid) - before
            for client in clients:
                if client.lost.done():
                    raise AssertionError(f"{client.identity} was disconnected")
                client.close()
    return round(grown / stations, 1)


async def _arrive(server: servers.Server, number: int, *, deflate: bool, largest_window: bool) -> Client:
    host = f"127.0.0.{1 + number % _ADDRESSES}"
    client = await Client.connect(
        host, server.ocpp_port, _identity(number), deflate=deflate, largest_window=largest_window
    )
    await _accepted(client)
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    await client.ask(call("status", "StatusNotification", status))
    if deflate:
        # What came before fills the window: 4 KiB, or 32.
        noise = secrets.token_urlsafe(30_000 if largest_window else 4_500)
        await client.ask(call("fill", "DataTransfer", {"vendorId": "bench", "data": noise}))
    return client


async def _return_at_once(server: servers.Server, passwords: list[str]) -> float:
    async def arrive(number: int) -> Client:
        host = f"127.0.0.{1 + number % _ADDRESSES}"
        client = await Client.connect(host, server.ocpp_port, _identity(number), password=passwords[number])
        await _accepted(client)
        return client

    began = time.perf_counter()
    clients = await asyncio.gather(*(arrive(number) for number in range(len(passwords))))
    seconds = time.perf_counter() - began
    for client in clients:
        client.close()
    return seconds


async def _accepted(client: Client) -> None:
    answer = json.loads(await client.ask(boot_notification()))
    if answer[0] != 3 or answer[2]["status"] != "Accepted":
        raise AssertionError(f"{client.identity} was not accepted: {answer}")


async def _provision(server: servers.Server, passwords: list[str]) -> None:
    """Enter the stations through the REST API."""
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    url = f"http://127.0.0.1:{server.http_port}/api/v1/stations"

    async def add(session: aiohttp.ClientSession, number: int) -> None:
        station = {"station_id": _identity(number), "password": passwords[number]}
        async with session.post(url, json=station) as response:
            if response.status != 201:
                raise AssertionError(f"{response.status}: {await response.text()}")

    async with aiohttp.ClientSession(headers=headers) as session:
        await _some_at_a_time(add(session, number) for number in range(len(passwords)))


async def _some_at_a_time(work: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """The results in order."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def within_slot(each: Coroutine[Any, Any, Any]) -> Any:
        async with slots:
            return await each

    return list(await asyncio.gather(*(within_slot(each) for each in work)))


def _identity(number: int) -> str:
    return f"CROWD-{number:05}"


def _resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no resident memory is told")
