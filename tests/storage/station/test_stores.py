"""What a station keeps: the same of a file and of memory; and of the file alone, what happens to disks and power."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voltbridge.station.clocks import PacedClock
from voltbridge.station.ports import Store
from voltbridge.storage.station import MemoryStore, StationFile, StationStore

pytestmark = pytest.mark.anyio

Reopen = Callable[[], Store]


@pytest.fixture(params=["memory", "file"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """The store of one station; called again after ``close`` it is the store after a restart."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: store
    return lambda: StationStore.open(tmp_path / "station.db", "CP-1", PacedClock())


async def test_documents_survive_a_restart(reopen: Reopen) -> None:
    store = reopen()
    store.put("variables", "A", b"1")
    store.put("variables", "A", b"2")
    store.put("variables", "B", b"")
    store.put("local-list", "A", b"\x00\xff")
    store.put("variables", "C", b"3")
    store.delete("variables", "C")
    store.delete("variables", "never there")
    assert store.all("variables") == {"A": b"2", "B": b""}
    await store.committed()
    store.delete("variables", "B")
    await store.close()
    store = reopen()
    assert store.all("variables") == {"A": b"2"}
    assert store.all("local-list") == {"A": b"\x00\xff"}
    assert store.all("nothing") == {}
    await store.close()


async def test_the_queue_keeps_its_order_over_a_restart(reopen: Reopen) -> None:
    store = reopen()
    numbers = [store.append(b"%d" % n) for n in range(6)]
    assert numbers == sorted(set(numbers))
    store.remove(numbers[0])
    await store.committed()
    store.remove(numbers[2])
    store.replace(numbers[3], b"changed")
    store.replace(numbers[2], b"gone already")
    store.replace(numbers[0], b"gone long ago")
    last = store.append(b"last")
    store.remove(last)
    store.replace(last, b"gone before it was kept")
    await store.close()
    store = reopen()
    assert [item for _, item in store.queue()] == [b"1", b"changed", b"4", b"5"]
    assert store.append(b"new") > numbers[-1]
    await store.close()
    store = reopen()
    assert [item for _, item in store.queue()] == [b"1", b"changed", b"4", b"5", b"new"]
    await store.close()


async def test_what_all_tells_is_no_window_into_the_store(reopen: Reopen) -> None:
    store = reopen()
    store.put("variables", "A", b"1")
    told = store.all("variables")
    store.put("variables", "A", b"2")
    assert told == {"A": b"1"}
    await store.close()


async def test_stations_of_a_file_know_nothing_of_each_other(tmp_path: Path) -> None:
    file = StationFile.open(tmp_path / "stations.db", PacedClock())
    one, two = file.store("CP-1"), file.store("CP-2")
    one.put("variables", "A", b"1")
    two.put("variables", "A", b"2")
    one.append(b"of one")
    two.append(b"of two")
    await asyncio.gather(one.committed(), two.close())
    one.delete("variables", "A")
    await one.close()
    await file.close()
    file = StationFile.open(tmp_path / "stations.db", PacedClock())
    assert file.stations() == ["CP-1", "CP-2"]
    assert [item for _, item in file.store("CP-1").queue()] == [b"of one"]
    assert file.store("CP-1").all("variables") == {}
    assert file.store("CP-2").all("variables") == {"A": b"2"}
    await file.close()


async def test_many_writes_share_one_commit(tmp_path: Path) -> None:
    file = StationFile.open(tmp_path / "stations.db", PacedClock())
    commits: list[str] = []
    file._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    stores = [file.store(f"CP-{n}") for n in range(200)]
    for store in stores:
        store.append(b"x" * 100)
    await asyncio.gather(*(store.committed() for store in stores))
    assert len(commits) == 1
    await file.close()


async def test_what_was_told_before_it_was_kept_never_reaches_the_disk(tmp_path: Path) -> None:
    file = StationFile.open(tmp_path / "stations.db", PacedClock())
    store = file.store("CP-1")
    statements: list[str] = []
    file._connection.set_trace_callback(statements.append)
    store.remove(store.append(b"told at once"))
    await store.committed()
    store.put("variables", "A", b"1")
    await store.committed()
    assert not any("queue" in statement for statement in statements)
    statements.clear()
    store.put("variables", "A", b"1")
    await store.committed()
    assert statements == [], "nothing had changed"
    await file.close()


async def test_a_full_disk_is_told_and_nothing_is_lost_when_there_is_room_again(tmp_path: Path) -> None:
    file = StationFile.open(tmp_path / "stations.db", PacedClock(rate=100))
    store = file.store("CP-1")
    kept = store.append(b"kept before")
    await store.committed()
    (pages,) = file._connection.execute("PRAGMA page_count").fetchone()
    file._connection.execute(f"PRAGMA max_page_count = {pages}")
    big = [store.append(b"%d" % n * 20_000) for n in range(3)]
    with pytest.raises(OSError, match=r"stations\.db cannot be written: .*full"):
        await store.committed()
    store.remove(big[1])
    store.replace(big[2], b"small now")
    store.remove(kept)
    store.put("variables", "A", b"1")
    with pytest.raises(OSError, match="cannot be written"):
        await store.committed()
    file._connection.execute("PRAGMA max_page_count = 1000000")
    await store.committed()
    await file.close()
    store = StationStore.open(tmp_path / "stations.db", "CP-1", PacedClock())
    assert [item for _, item in store.queue()] == [b"0" * 20_000, b"small now"]
    assert store.all("variables") == {"A": b"1"}
    await store.close()


async def test_closing_on_a_full_disk_says_so_and_lets_go(tmp_path: Path) -> None:
    file = StationFile.open(tmp_path / "stations.db", PacedClock())
    store = file.store("CP-1")
    (pages,) = file._connection.execute("PRAGMA page_count").fetchone()
    file._connection.execute(f"PRAGMA max_page_count = {pages}")
    store.append(b"x" * 50_000)
    with pytest.raises(OSError, match="cannot be written"):
        await store.committed()
    with pytest.raises(OSError, match="cannot be written"):
        await file.close()
    await StationFile.open(tmp_path / "stations.db", PacedClock()).close()


async def test_a_file_in_use_is_refused(tmp_path: Path) -> None:
    file = StationFile.open(tmp_path / "stations.db", PacedClock())
    with pytest.raises(OSError, match="in use by another process"):
        StationFile.open(tmp_path / "stations.db", PacedClock())
    await file.close()


async def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "stations.db"
    await StationFile.open(path, PacedClock()).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OSError, match="later version"):
        StationFile.open(path, PacedClock())
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


async def test_no_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no-such/stations\.db cannot be opened"):
        StationFile.open(tmp_path / "no-such" / "stations.db", PacedClock())


@pytest.mark.parametrize("damage", [b"this is no database" * 500, None])
async def test_a_damaged_file_is_set_aside_and_the_station_goes_on(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "stations.db"
    file = StationFile.open(path, PacedClock())
    assert file.damaged is None
    store = file.store("CP-1")
    for n in range(200):
        store.put("variables", f"V{n}", b"x" * 200)
    await file.close()
    content = path.read_bytes()
    broken = damage if damage is not None else content[:6000] + b"\xff" * 8000 + content[14_000:]
    path.write_bytes(broken)
    file = StationFile.open(path, PacedClock())
    assert file.damaged == tmp_path / "stations.db.damaged-1"
    assert file.damaged.read_bytes() == broken
    file.store("CP-1").put("variables", "A", b"1")
    await file.close()
    path.write_bytes(b"again" * 5000)
    file = StationFile.open(path, PacedClock())
    assert file.damaged == tmp_path / "stations.db.damaged-2"
    await file.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from voltbridge.station.clocks import PacedClock
from voltbridge.storage.station import StationStore

async def main():
    store = StationStore.open(Path(sys.argv[1]), "CP-1", PacedClock())
    known = len(store.queue())
    while True:
        known += 1
        store.append(b"%d" % known)
        store.put("counter", "last", b"%d" % known)
        await store.committed()
        print(known, flush=True)

asyncio.run(main())
"""


async def test_killed_at_any_point_what_was_committed_is_there_and_nothing_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "stations.db"
    for round_number in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)  # noqa: ASYNC220
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20 + round_number)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        told = max([told, *(int(line) for line in writer.stdout.read().split())])
        writer.stdout.close()
        writer.wait()
        store = StationStore.open(path, "CP-1", PacedClock())
        items = [int(item) for _, item in store.queue()]
        assert items == list(range(1, len(items) + 1))
        assert len(items) in (told, told + 1), "committed but not yet told, at most"
        assert store.all("counter") == {"last": b"%d" % len(items)}
        await store.close()


def test_a_fleet_imports_no_driver_and_no_migrations() -> None:
    heavy = "{'sqlalchemy', 'alembic', 'psycopg', 'fastapi'}"
    code = f"import sys, voltbridge.storage.station; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
