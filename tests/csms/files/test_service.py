"""What is kept, what is forgotten, and what a restart finds."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.csms.files.site import Site, content, live, opened

from voltbridge.csms.files.disk import Disk
from voltbridge.csms.files.service import Incoming
from voltbridge.domain.errors import InvalidValue, NotFound
from voltbridge.domain.files import FileGrant, FileInUse, FilePurpose, FileTooLarge, StoredFile

pytestmark = pytest.mark.anyio


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path / "files", largest_bytes=1000) as site:
        yield site


async def test_a_file_is_kept_and_forgotten(site: Site) -> None:
    file = await site.stored(b"abc")
    assert (await site.files.get(file.id), site.content_of(file)) == (file, b"abc")
    await site.files.delete(file.id)
    assert not site.files.path(file).exists()
    with pytest.raises(NotFound):
        await site.files.delete(file.id)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\\b", "a\nb", "x" * 201, " . "])
async def test_a_name_must_be_one(site: Site, name: str) -> None:
    with pytest.raises(InvalidValue):
        await site.stored(b"abc", name)
    assert site.parts() == []


async def test_what_breaks_off_is_not_kept(site: Site) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await site.files.add("x", FilePurpose.OTHER, "text/plain", broken())
    with pytest.raises(FileTooLarge):
        await site.stored(b"x" * 1001)
    assert site.parts() == [] and site.books.files == {}


async def test_a_file_that_is_used_stays(site: Site) -> None:
    file = await site.stored(b"abc")

    async def user(id: int) -> str | None:
        return "firmware 7" if id == file.id else None

    site.files.used_by(user)
    with pytest.raises(FileInUse, match="firmware 7"):
        await site.files.delete(file.id)
    assert site.content_of(file) == b"abc"


async def test_whoever_waits_for_a_file_is_told(site: Site) -> None:
    told: list[tuple[str, int]] = []

    async def broken(grant: FileGrant, file: StoredFile) -> None:
        raise RuntimeError

    async def react(grant: FileGrant, file: StoredFile) -> None:
        told.append((grant.reference, file.size_bytes))

    site.files.on_delivery(FilePurpose.LOG, broken)
    site.files.on_delivery(FilePurpose.LOG, react)
    async with site.session.put(await site.upload(), data=b"abc") as response:
        assert response.status == 201
    assert told == [("log:1", 3)]


async def test_where_a_station_reaches_the_server(tmp_path: Path, site: Site) -> None:
    assert site.files.base_of(live(base_url="http://10.0.0.1:9000")) == "http://10.0.0.1:9000"
    with pytest.raises(InvalidValue, match="did not tell"):
        site.files.base_of(live())
    site.files._public_url = "https://csms.example.com/"
    assert site.files.base_of(live()) == "https://csms.example.com"


async def test_tidying(site: Site) -> None:
    mine, theirs = await site.stored(b"mine"), await site.upload()
    async with site.session.put(theirs, data=b"theirs"):
        pass
    (delivered,) = site.delivered
    part = {"Content-Range": "bytes 0-2/9"}
    open_one, expired = await site.upload(), await site.upload(seconds=10)
    for url in (open_one, expired):
        async with site.session.put(url, data=b"abc", headers=part) as response:
            assert response.status == 202
    unknown = site.root / "77"
    unknown.write_bytes(b"left behind by a crash")
    # The disk has the real time, the service one of its own: an hour before or after is what counts.
    now_s = site.world.clock.now_ms() / 1000
    os.utime(unknown, (now_s, now_s))
    site.world.clock.advance(60)
    await site.files.tidy(None)
    assert unknown.exists() and len(site.parts()) == 1
    site.world.clock.advance(3600)
    await site.files.tidy(site.world.clock.now() + timedelta(seconds=1))
    assert not unknown.exists()
    assert site.content_of(mine) == b"mine"
    assert not site.files.path(delivered).exists() and site.delivered == []
    assert len(site.books.grants) == 3, "that they have expired is still known"
    site.world.clock.advance(31 * 86_400)
    await site.files.tidy(None)
    assert site.books.grants == {}


async def test_a_restart_continues_what_stations_deliver_and_drops_what_operators_did(site: Site) -> None:
    url = await site.upload()
    async with site.session.put(url, data=b"abc", headers={"Content-Range": "bytes 0-2/6"}):
        pass
    (site.root / "incoming" / "operator-1").write_bytes(b"half")
    await site.files.start()
    assert len(site.parts()) == 1
    async with site.session.put(url, data=b"def", headers={"Content-Range": "bytes 3-5/6"}) as response:
        assert response.status == 201
    assert site.content_of(site.delivered[0]) == b"abcdef"


async def test_content_in_drops(site: Site) -> None:
    chunks = [bytes([number]) for number in range(250)]
    file = await site.files.add("x", FilePurpose.OTHER, "text/plain", content(*chunks))
    assert site.content_of(file) == b"".join(chunks)


async def test_a_delivery_given_up_while_its_file_is_opened_leaves_nothing_open(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[BinaryIO] = []
    entered, go_on = threading.Event(), threading.Event()
    real = Disk.open_part

    def slow(disk: Disk, key: str, offset: int) -> BinaryIO:
        entered.set()
        go_on.wait(10)
        parts.append(real(disk, key, offset))
        return parts[-1]

    async def never_read() -> AsyncIterator[bytes]:
        yield b"abc"

    monkeypatch.setattr(Disk, "open_part", slow)
    delivery = asyncio.create_task(site.files.receive(Incoming("given-up"), never_read()))
    await asyncio.to_thread(entered.wait, 10)
    delivery.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    (part,) = parts
    assert part.closed
