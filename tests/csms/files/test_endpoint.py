"""Stations fetch and deliver files: whole, in parts, after interruptions, wrongly, slowly, many at once."""

from __future__ import annotations

import asyncio
import errno
import gzip
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from anyio.lowlevel import checkpoint
from tests.csms.files.site import Site, opened
from yarl import URL

pytestmark = pytest.mark.anyio

DATA = bytes(range(256)) * 4000


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with opened(tmp_path / "files") as site:
        yield site


async def ask(site: Site, method: str, url: str, **more: Any) -> tuple[int, bytes, Any]:
    async with site.session.request(method, url, **more) as response:
        return response.status, await response.read(), response.headers


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await checkpoint()


async def half(
    site: Site, url: str, length: int, sent: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin to deliver."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path = url.removeprefix(site.url)
    writer.write(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + sent)
    return reader, writer


def refusals(site: Site) -> list[str]:
    return [event["reason"] for event in site.world.emitted("file.address_refused")]


# Fetching


async def test_all_of_it(site: Site) -> None:
    file = await site.stored(DATA, "wall box ü.bin")
    url = await site.download(file)
    assert url.startswith(f"{site.url}/files/") and url.endswith("/wall%20box%20%C3%BC.bin")
    status, body, headers = await ask(site, "GET", url)
    assert (status, body) == (200, DATA)
    assert headers["ETag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert (headers["Accept-Ranges"], headers["Content-Length"]) == ("bytes", str(len(DATA)))
    await until(lambda: bool(site.world.emitted("file.fetched")))
    (told,) = site.world.emitted("file.fetched")
    assert (told["file_id"], told["reference"]) == (str(file.id), "update:1")


async def test_head_tells_the_size_and_counts_for_nothing(site: Site) -> None:
    url = await site.download(await site.stored(DATA))
    status, body, headers = await ask(site, "HEAD", url)
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(DATA)))
    assert not site.world.emitted("file.fetched")


async def test_an_empty_file_can_be_fetched(site: Site) -> None:
    assert (await ask(site, "GET", await site.download(await site.stored(b""))))[:2] == (200, b"")


async def test_in_parts(site: Site) -> None:
    url = await site.download(await site.stored(DATA))
    status, first, headers = await ask(site, "GET", url, headers={"Range": "bytes=0-99999"})
    assert (status, len(first)) == (206, 100_000)
    assert headers["Content-Range"] == f"bytes 0-99999/{len(DATA)}"
    assert not site.world.emitted("file.fetched")
    resumed = {"Range": "bytes=100000-", "If-Range": headers["ETag"]}
    status, rest, _ = await ask(site, "GET", url, headers=resumed)
    assert (status, first + rest) == (206, DATA)
    await until(lambda: len(site.world.emitted("file.fetched")) == 1)
    status, body, _ = await ask(site, "GET", url, headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (status, body) == (200, DATA)


async def test_a_part_behind_the_end(site: Site) -> None:
    url = await site.download(await site.stored(DATA))
    status, _, headers = await ask(site, "GET", url, headers={"Range": f"bytes={len(DATA)}-"})
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")


async def test_again_for_a_while_then_no_more(site: Site) -> None:
    url = await site.download(await site.stored(DATA))
    assert (await ask(site, "GET", url))[0] == 200
    await until(lambda: bool(site.world.emitted("file.fetched")))
    site.world.clock.advance(599)
    assert (await ask(site, "GET", url, headers={"Range": "bytes=1000-"}))[0] == 206
    site.world.clock.advance(2)
    status, body, _ = await ask(site, "GET", url)
    assert (status, body) == (410, b"it has been used\n")
    assert (await ask(site, "GET", url))[0] == 410
    assert refusals(site) == ["it has been used"], "once a minute"
    site.world.clock.advance(60)
    await ask(site, "GET", url)
    assert len(refusals(site)) == 2


async def test_not_after_it_has_expired_or_is_not_needed(site: Site) -> None:
    file = await site.stored(DATA)
    url, other = await site.download(file, seconds=60), await site.download(file)
    site.world.clock.advance(61)
    assert (await ask(site, "GET", url))[0] == 410
    await site.files.close_addresses("update:1")
    assert (await ask(site, "GET", other))[0] == 410
    assert refusals(site) == ["it has expired", "it is not needed any more"]


async def test_an_unknown_address(site: Site) -> None:
    for _ in range(30):
        assert (await ask(site, "GET", f"{site.url}/files/{'A' * 32}/x"))[0] == 404
    assert (await ask(site, "PUT", f"{site.url}/files/", data=b"x"))[0] == 404
    assert refusals(site) == ["unknown"] * 10, "whoever guesses must not fill the log of events"
    site.world.clock.advance(60)
    await ask(site, "GET", f"{site.url}/files/%00/%2e%2e%2fsecret")
    assert len(refusals(site)) == 11


async def test_an_address_is_for_one_way(site: Site) -> None:
    down, up = await site.download(await site.stored(DATA)), await site.upload()
    status, _, headers = await ask(site, "PUT", down, data=b"x")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert (await ask(site, "GET", up))[0] == 405
    assert (await ask(site, "DELETE", up))[0] == 405
    assert site.delivered == []


async def test_a_file_that_is_gone(site: Site) -> None:
    file = await site.stored(DATA)
    url = await site.download(file)
    await site.files.delete(file.id)
    assert (await ask(site, "GET", url))[0] == 410


async def test_a_file_that_goes_while_it_is_fetched(site: Site) -> None:
    file = await site.stored(DATA * 20)
    url = await site.download(file)
    async with site.session.get(url) as response:
        await response.content.readexactly(1000)
        await site.files.delete(file.id)
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert not site.world.emitted("file.fetched")


async def test_only_the_hash_is_kept(site: Site) -> None:
    url = await site.upload()
    secret = url.rstrip("/").rpartition("/")[2]
    assert len(secret) == 32
    assert list(site.books.grants) == [hashlib.sha256(secret.encode()).hexdigest()]
    assert secret not in repr(site.books.grants)


# Delivering


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_the_content_itself(site: Site, method: str) -> None:
    status, _, _ = await ask(site, method, f"{await site.upload()}station%20log.zip", data=DATA)
    assert status == (201 if method == "PUT" else 200)
    (file,) = site.delivered
    assert (file.name, file.size_bytes, file.station_id) == ("station log.zip", len(DATA), "CS-1")
    assert file.sha256 == hashlib.sha256(DATA).hexdigest()
    assert file.md5 == hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert site.content_of(file) == DATA
    assert site.parts() == []
    (told,) = site.world.emitted("file.delivered")
    assert (told["id"], told["sha256"]) == (str(file.id), file.sha256)


async def test_chunked(site: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(DATA), 1000):
            yield DATA[at : at + 1000]

    assert (await ask(site, "PUT", await site.upload(), data=chunks()))[0] == 201
    assert site.content_of(site.delivered[0]) == DATA
    assert site.delivered[0].name == "log.bin", "the name it was expected under, for it has none of its own"


async def test_a_form(site: Site) -> None:
    form = aiohttp.FormData()
    form.add_field("note", "hello")
    form.add_field("uploadfile", DATA, filename="../../etc/passwd", content_type="application/zip")
    assert (await ask(site, "POST", await site.upload(), data=form))[0] == 200
    (file,) = site.delivered
    assert (file.name, file.media_type) == ("passwd", "application/zip")
    assert site.content_of(file) == DATA


async def test_a_form_without_a_file(site: Site) -> None:
    form = aiohttp.FormData({"note": "hello"}, default_to_multipart=True)
    assert (await ask(site, "POST", await site.upload(), data=form))[0] == 400
    assert site.delivered == []


async def test_a_post_that_names_its_file(site: Site) -> None:
    """N01.FR.19."""
    headers = {
        "Content-Disposition": 'form-data; name="uploadfile"; filename="logfile_20210420.zip"',
        "Content-Type": "application/octet-stream",
    }
    assert (await ask(site, "POST", await site.upload(), data=DATA, headers=headers))[0] == 200
    assert site.delivered[0].name == "logfile_20210420.zip"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("%2e%2e%2f%2e%2e%2fvoltbridge.db", "voltbridge.db"),
        ("..%5C..%5Cboot.ini", "boot.ini"),
        ("..", "log.bin"),
        ("a/b/c.log", "c.log"),
        ("x%00%0a.log", "x.log"),
        ("%ff%fe", "log.bin"),
        ("n" * 500, "n" * 200),
    ],
)
async def test_a_name_is_never_a_path(site: Site, path: str, name: str) -> None:
    before = set(site.root.parent.rglob("*"))
    url = URL(f"{await site.upload()}{path}", encoded=True)
    assert (await ask(site, "PUT", url, data=b"x"))[0] == 201  # type: ignore[arg-type]
    (file,) = site.delivered
    assert file.name == name
    made = set(site.root.parent.rglob("*")) - before
    assert made <= {site.root, site.root / "incoming", site.root / str(file.id)}


async def test_once(site: Site) -> None:
    url = await site.upload()
    assert (await ask(site, "PUT", url, data=b"one"))[0] == 201
    assert (await ask(site, "PUT", url, data=b"two"))[0] == 410
    assert [site.content_of(file) for file in site.delivered] == [b"one"]
    assert refusals(site) == ["it has been used"]


async def test_continued_where_it_stopped(site: Site) -> None:
    url, total = await site.upload(), len(DATA)
    status, _, headers = await ask(
        site, "PUT", url, data=DATA[:5000], headers={"Content-Range": f"bytes 0-4999/{total}"}
    )
    assert (status, headers["Range"], headers["Upload-Offset"]) == (202, "bytes=0-4999", "5000")
    assert site.delivered == [], "a part is never shown as a file"
    assert (await ask(site, "HEAD", url))[2]["Upload-Offset"] == "5000"
    status, _, headers = await ask(site, "PUT", url, headers={"Content-Range": "bytes */*"})
    assert (status, headers["Range"]) == (202, "bytes=0-4999")
    status, _, headers = await ask(site, "PUT", url, data=b"x", headers={"Content-Range": f"bytes 6000-6000/{total}"})
    assert (status, headers["Upload-Offset"]) == (416, "5000")
    rest = {"Content-Range": f"bytes 5000-{total - 1}/{total}"}
    assert (await ask(site, "PUT", url, data=DATA[5000:], headers=rest))[0] == 201
    assert site.content_of(site.delivered[0]) == DATA


async def test_continued_after_the_connection_was_lost(site: Site) -> None:
    url, total = await site.upload(), len(DATA)
    host, port = site.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT {url.removeprefix(site.url)} HTTP/1.1\r\nHost: x\r\nContent-Length: {total}\r\n"
    head += f"Content-Range: bytes 0-{total - 1}/{total}\r\n\r\n"
    writer.write(head.encode() + DATA[:300_000])
    await writer.drain()
    await until(lambda: sum(path.stat().st_size for path in (site.root / "incoming").glob("*")) > 0)
    writer.transport.abort()
    await until(lambda: not site.traffic._running)
    here = int((await ask(site, "HEAD", url))[2]["Upload-Offset"])
    assert 0 < here <= 300_000 and site.delivered == []
    rest = {"Content-Range": f"bytes {here}-{total - 1}/{total}"}
    assert (await ask(site, "PUT", url, data=DATA[here:], headers=rest))[0] == 201
    assert site.content_of(site.delivered[0]) == DATA


async def test_a_part_that_is_not_as_long_as_it_says(site: Site) -> None:
    url = await site.upload()
    assert (await ask(site, "PUT", url, data=b"abc", headers={"Content-Range": "bytes 0-9/10"}))[0] == 400
    assert (await ask(site, "PUT", url, data=b"abc", headers={"Content-Range": "nonsense"}))[0] == 400
    assert site.delivered == []
    assert (await ask(site, "PUT", url, data=b"whole"))[0] == 201, "the address is still good"
    assert site.content_of(site.delivered[0]) == b"whole"


async def test_one_that_hangs_gives_way_to_a_newer_one(site: Site) -> None:
    url = await site.upload()
    reader, writer = await half(site, url, 100, b"half")
    await until(lambda: bool(site.traffic._receiving))
    assert (await ask(site, "PUT", url, data=b"whole"))[0] == 201
    assert b"409" in await reader.readline()
    writer.close()
    assert [site.content_of(file) for file in site.delivered] == [b"whole"]


async def test_a_slow_one_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path / "files", stall_s=0.05) as site:
        url = await site.upload()
        host, port = site.url.removeprefix("http://").split(":")
        reader, writer = await half(site, url, 100, b"half")
        async with asyncio.timeout(30):
            assert b"408" in await reader.readline()
        writer.close()
        assert site.delivered == []

        big = await site.stored(os.urandom(1 << 20) * 16)
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"GET {(await site.download(big)).removeprefix(site.url)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readline()
        await until(lambda: not site.traffic._running)
        writer.transport.abort()
        assert not site.world.emitted("file.fetched")


async def test_too_large(tmp_path: Path) -> None:
    async with opened(tmp_path / "files", largest_bytes=1000) as site:

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 1000

        url = await site.upload()
        assert (await ask(site, "PUT", url, data=b"x" * 1001))[0] == 413
        assert (await ask(site, "PUT", url, data=endless()))[0] == 413
        assert site.parts() == [] and site.delivered == []
        assert (await ask(site, "PUT", url, data=b"x" * 1000))[0] == 201


async def test_a_full_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, part: Any) -> None:
            self._part = part

        def write(self, chunk: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None:
            self._part.close()

    opened_part = site.disk.open_part
    url = await site.upload()
    with monkeypatch.context() as patch:
        patch.setattr(site.disk, "open_part", lambda key, offset: Full(opened_part(key, offset)))
        assert (await ask(site, "PUT", url, data=DATA))[0] == 507
    assert site.parts() == [] and site.delivered == []
    assert (await ask(site, "PUT", url, data=DATA))[0] == 201, "there is room again"


async def test_some_room_is_left_for_others(site: Site) -> None:
    site.disk._reserve_bytes = 1 << 60
    assert (await ask(site, "PUT", await site.upload(), data=DATA))[0] == 507
    assert site.delivered == []


async def test_many_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "files", at_once=5) as site:
        begun = [await half(site, await site.upload(station_id=f"CS-{number % 4}"), 9) for number in range(5)]
        await until(lambda: site.traffic._running == 5)
        status, _, headers = await ask(site, "PUT", await site.upload(station_id="CS-9"), data=b"x")
        assert (status, headers["Retry-After"]) == (503, "30")
        for _, writer in begun:
            writer.transport.abort()
        await until(lambda: not site.traffic._running)
        assert (await ask(site, "PUT", await site.upload(station_id="CS-9"), data=b"x"))[0] == 201


async def test_one_station_leaves_room_for_others(site: Site) -> None:
    begun = [await half(site, await site.upload(), 9) for _ in range(4)]
    await until(lambda: site.traffic._running == 4)
    assert (await ask(site, "PUT", await site.upload(), data=b"x"))[0] == 503
    assert (await ask(site, "PUT", await site.upload(station_id="CS-2"), data=b"x"))[0] == 201
    for _, writer in begun:
        writer.transport.abort()


async def test_a_client_that_asks_whether_to_go_on(site: Site) -> None:
    assert (await ask(site, "PUT", await site.upload(), data=DATA, expect100=True))[0] == 201
    assert site.content_of(site.delivered[0]) == DATA


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nabc\r\n",
        b"Content-Type: multipart/form-data\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_a_content_that_is_not_what_it_says(site: Site, rest: bytes) -> None:
    url = await site.upload()
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"PUT {url.removeprefix(site.url)} HTTP/1.1\r\nHost: x\r\n".encode() + rest)
    async with asyncio.timeout(30):
        assert b" 400 " in await reader.readline()
    writer.close()
    await until(lambda: not site.traffic._running)
    assert site.delivered == []
    assert (await ask(site, "PUT", url, data=DATA))[0] == 201
    assert site.content_of(site.delivered[0]) == DATA


async def test_a_content_that_is_packed(site: Site) -> None:
    headers = {"Content-Encoding": "gzip"}
    assert (await ask(site, "PUT", await site.upload(), data=gzip.compress(DATA), headers=headers))[0] == 201
    assert site.content_of(site.delivered[0]) == DATA
