"""``kill -9`` while a webhook delivers: every event arrives, in its order; at most the last few arrive twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.support.databases import BACKENDS, database
from tests.support.process import running
from tests.support.receiver import Message, Receiver, receiving, verified
from tests.support.rest import Rest

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

STATIONS = 150
FEW = 60
"""More than what a worker writes down at once."""


async def add(rest: Rest, first: int, last: int) -> None:
    """Events with consecutive names."""
    for number in range(first, last):
        await rest.post("/stations", {"station_id": f"KILL-{number}"})


@pytest.mark.parametrize("backend", BACKENDS)
async def test_killed_while_delivering(backend: str, tmp_path: Path) -> None:
    async with receiving() as receiver:
        with database(backend, tmp_path) as url:
            async with running(tmp_path / "data", database_url=url) as up, Rest(up.http_port, up.admin_key) as rest:
                new = {"url": receiver.url, "types": ["station.provisioned"], "enabled": False}
                hook = await rest.post("/webhooks", new)
                path = f"/webhooks/{hook['id']}"
                await add(rest, 0, STATIONS)
                await rest.send("PATCH", path, {"enabled": True})
                await receiver.count(STATIONS // 3)
                await up.kill()
            before = len(receiver.messages)
            assert before < STATIONS
            receiver.answer = Stubborn(receiver).answer
            async with running(tmp_path / "data", database_url=url) as up:
                await receiver.count(before + STATIONS // 3)
                await up.kill()
            async with running(tmp_path / "data", database_url=url) as up:
                async with Rest(up.http_port, up.admin_key) as rest:
                    await add(rest, STATIONS, STATIONS + 10)
                    await receiver.until(lambda one: told(one)[-1] == f"KILL-{STATIONS + 9}", 60)
                    known = await settled(rest, path)
                    assert (known["state"], known["dead"]) == ("active", 0)
                    lines = await rest.items(f"{path}/deliveries")
                    assert {line["state"] for line in lines} == {"delivered"}
                    assert len({line["event_id"] for line in lines}) == STATIONS + 10
                await up.stop()
        assert all(verified(message, hook["secret"]) for message in receiver.messages)
        first_times = list(dict.fromkeys(told(receiver)))
        assert first_times == [f"KILL-{number}" for number in range(STATIONS + 10)]
        assert len(receiver.messages) <= STATIONS + 10 + 2 * FEW


class Stubborn:
    """Takes its time now and then, so that the process also dies with a message on its way."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def answer(self, _message: Message) -> int:
        if len(self._receiver.messages) % 20 == 0:
            await asyncio.sleep(0.05)
        return 200


def told(receiver: Receiver) -> list[str]:
    return [event["station_id"] for event in receiver.events]


async def settled(rest: Rest, path: str) -> Any:
    """The webhook once nothing waits."""
    async with asyncio.timeout(60):
        while (known := await rest.get(path))["lag_s"] or not await all_kept(rest, path):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return known


async def all_kept(rest: Rest, path: str) -> bool:
    newest = await rest.items(f"{path}/deliveries")
    stations = await rest.items("/events", type="station.provisioned")
    return bool(newest) and newest[0]["event_id"] == stations[0]["id"]
