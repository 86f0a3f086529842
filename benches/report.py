"""How long the report of a station with 5,000 variables takes until all of it is stored.

``python -m benches.report`` starts ``voltbridge up`` with a database in a temporary directory, lets a 2.0.1 station
answer a full base report in 50 parts of 100 variables, and prints one line of JSON: the seconds from the command to its
outcome, and how many variables the API then has. Every part is answered only when it is durable.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import aiohttp

from benches.servers import SERVER_CORE, Server, running, up

__all__ = ["main"]

_PARTS: Final = 50
_OF_A_PART: Final = 100
_WANTED: Final = {"kind": "FullInventory"}


async def _station(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Boot, and report everything when asked."""
    boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "Bench", "model": "One"}}
    await socket.send_str(json.dumps([2, "boot", "BootNotification", boot]))
    request_id: int | None = None
    async for message in socket:
        frame = json.loads(message.data)
        if frame[0] == 2:
            wanted = frame[2] == "GetBaseReport"
            await socket.send_str(json.dumps([3, frame[1], {"status": "Accepted" if wanted else "Rejected"}]))
            if wanted:
                request_id = frame[3]["requestId"]
                await socket.send_str(json.dumps([2, "0", "NotifyReport", _part(request_id, 0)]))
        elif frame[0] == 3 and request_id is not None and frame[1].isdigit() and int(frame[1]) + 1 < _PARTS:
            number = int(frame[1]) + 1
            await socket.send_str(json.dumps([2, str(number), "NotifyReport", _part(request_id, number)]))


def _part(request_id: int, number: int) -> dict[str, Any]:
    return {
        "requestId": request_id,
        "generatedAt": "2026-01-01T00:00:00Z",
        "seqNo": number,
        "tbc": number + 1 < _PARTS,
        "reportData": [
            {
                "component": {"name": "BenchCtrlr", "instance": str(number)},
                "variable": {"name": f"Variable{one}"},
                "variableAttribute": [{"type": "Actual", "value": str(one), "mutability": "ReadWrite"}],
                "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False, "maxLimit": 100},
            }
            for one in range(_OF_A_PART)
        ],
    }


async def _measured(server: Server) -> dict[str, Any]:
    api = f"http://127.0.0.1:{server.http_port}/api/v1"
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"ws://127.0.0.1:{server.ocpp_port}/ocpp/BENCH"
        async with aiohttp.ClientSession() as line, line.ws_connect(url, protocols=["ocpp2.0.1"]) as socket:
            station = asyncio.create_task(_station(socket))
            while (await _get(session, f"{api}/stations/BENCH")).get("registration") != "Accepted":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            began = time.perf_counter()
            async with session.post(
                f"{api}/stations/BENCH/commands/report", json={"kind": "FullInventory"}
            ) as response:
                command = await response.json()
            while command["outcome_state"] != "Completed":
                await asyncio.sleep(0.01)
                command = await _get(session, f"{api}/commands/{command['id']}")
            seconds = time.perf_counter() - began
            station.cancel()
        return {"seconds": round(seconds, 2), "outcome": command["outcome"], "variables": await _count(session, api)}


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        return await response.json()


async def _count(session: aiohttp.ClientSession, api: str) -> int:
    count, after = 0, ""
    while True:
        page = await _get(session, f"{api}/stations/BENCH/variables?limit=500{after}")
        count += len(page["items"])
        if page["next"] is None:
            return count
        after = f"&cursor={page['next']}"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        ready_file = Path(folder) / "ready.json"
        with running(up(Path(folder), ready_file), ready_file, {SERVER_CORE}) as server:
            print(json.dumps(asyncio.run(_measured(server))))


if __name__ == "__main__":
    main()
