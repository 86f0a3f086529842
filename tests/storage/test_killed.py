"""``kill -9`` while facts are written: everything acknowledged is there, once and whole, and nothing is half there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.storage.acknowledging import STATIONS

from voltbridge.clock import SystemClock
from voltbridge.domain.messages import MessageFilter
from voltbridge.domain.paging import PageRequest
from voltbridge.storage import Storage
from voltbridge.storage.database import open_database

pytestmark = pytest.mark.anyio

ROUNDS = 3


def write_until_killed(url: str, first: int, enough: int) -> list[tuple[str, int]]:
    """What the process had acknowledged when it was killed in the middle of its work."""
    program = Path(__file__).with_name("acknowledging.py")
    command = [sys.executable, str(program), url, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        lines: list[bytes] = []
        try:
            while len(lines) < enough:
                line = process.stdout.readline()
                assert line, process.stderr.read().decode()
                lines.append(line)
        finally:
            process.kill()
        lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    told = [line.decode().split() for line in lines]
    return [(name, int(number)) for name, number in told]


def numbers(url: str, query: str) -> list[int]:
    database = open_database(url)
    try:
        with database.readers.connect() as connection:
            return sorted(int(number) for number in connection.execute(text(query)).scalars())
    finally:
        database.dispose()


async def test_what_was_acknowledged_is_there_once(url: str) -> None:
    acknowledged: set[int] = set()
    for part in range(ROUNDS):
        first = (part + 1) * 1_000_000
        told = write_until_killed(url, first, 15 * STATIONS)
        assert len(told) >= 15 * STATIONS
        acknowledged |= {number for _, number in told}
        readings = numbers(url, 'SELECT "key" FROM meter_values')
        assert len(readings) == len(set(readings))
        assert acknowledged <= set(readings)
        # All that was put together is there together, or none of it.
        assert numbers(url, "SELECT id FROM events") == readings
        assert numbers(url, "SELECT id FROM transactions") == readings
        assert numbers(url, "SELECT message_id FROM messages") == readings
        assert numbers(url, "SELECT sum(count) FROM deviation_counts") == [len(readings)]
        # What nobody had heard of yet is at most one round of each station.
        assert len(set(readings) - acknowledged) <= (part + 1) * STATIONS * 2
    # A station's rows are found in the blocks of all the processes that wrote some.
    storage = await Storage.open(url, SystemClock())
    found: list[int] = []
    for n in range(STATIONS):
        logged = await storage.messages.list(MessageFilter(f"CS-{n}"), PageRequest(100_000))
        found += [int(one.message_id or 0) for one in logged.items]
    await storage.close()
    assert sorted(found) == readings
