"""A reader of the event stream that goes away again and again: with Last-Event-ID nothing is missed or doubled.

Events flow all the while, and the CSMS is killed and stopped among them. What the reader got is held against the pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from tests.support.process import Up, running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

WRITERS: Final = 4
PARTS: Final = (1, 7, 2, 25, 3, 11)
"""How many events the reader takes before it breaks its connection without a word."""


class Reader:
    """What ``EventSource`` does: remembers the last id, and sends it when it connects again."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.in_the_midst = asyncio.Event()

    async def take(self, session: aiohttp.ClientSession, up: Up, count: int) -> None:
        """Read so many events, or until the server ends the stream or is gone; then break the connection."""
        headers = {"Authorization": f"Bearer {up.admin_key}"}
        headers["Last-Event-ID"] = self.got[-1]["id"] if self.got else "0"
        begun, enough = len(self.got), len(self.got) + count
        self.in_the_midst.clear()
        with contextlib.suppress(aiohttp.ClientError):
            response = await session.get(f"http://127.0.0.1:{up.http_port}/api/v1/events", headers=headers)
            assert response.status == 200
            try:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        self.got.append(json.loads(line.removeprefix(b"data: ")))
                        if len(self.got) == begun + 20:
                            self.in_the_midst.set()
                        if len(self.got) == enough:
                            return
            finally:
                response.close()


@contextlib.asynccontextmanager
async def writing(session: aiohttp.ClientSession, up: Up) -> AsyncIterator[None]:
    """Events without a pause, from several at a time, until the block ends or the server is gone."""

    async def write(number: int) -> None:
        headers = {"Authorization": f"Bearer {up.admin_key}"}
        address = f"http://127.0.0.1:{up.http_port}/api/v1/stations"
        with contextlib.suppress(aiohttp.ClientError):
            async with session.post(address, json={"station_id": f"CP-{number}"}, headers=headers) as made:
                assert made.status in (201, 409)
            for name in range(1_000_000):
                changed = {"name": f"{up.pid} {name}"}
                async with session.patch(f"{address}/CP-{number}", json=changed, headers=headers) as answer:
                    assert answer.status == 200

    writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    try:
        yield
    finally:
        for writer in writers:
            writer.cancel()
        for ended in await asyncio.gather(*writers, return_exceptions=True):
            if isinstance(ended, AssertionError):
                raise ended


async def stored(session: aiohttp.ClientSession, up: Up) -> list[dict[str, Any]]:
    """All events there are, oldest first, by the pages."""
    headers = {"Authorization": f"Bearer {up.admin_key}", "Accept": "application/json"}
    found: list[dict[str, Any]] = []
    while True:
        last = found[-1]["id"] if found else "0"
        address = f"http://127.0.0.1:{up.http_port}/api/v1/events?after={last}&limit=200"
        async with session.get(address, headers=headers) as answer:
            items = (await answer.json())["items"]
        if not items:
            return found
        found += items


async def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(tmp_path: Path) -> None:
    reader = Reader()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        for end in (Up.kill, Up.stop, Up.kill):
            async with running(tmp_path) as up, writing(session, up):
                for count in PARTS:
                    await reader.take(session, up, count)
                # The server goes while the reader reads and others write.
                reading = asyncio.create_task(reader.take(session, up, 1_000_000))
                await asyncio.wait_for(reader.in_the_midst.wait(), 60)
                await end(up)
                await reading
        async with running(tmp_path) as up:
            everything = await stored(session, up)
            missing = len(everything) - len(reader.got)
            if missing > 0:
                await reader.take(session, up, missing)
    got = [event["id"] for event in reader.got]
    assert len(got) == len(set(got)), "nothing twice"
    assert got == [event["id"] for event in everything], "nothing missed, in order"
    assert reader.got == everything
    assert len(got) > 3 * sum(PARTS)
