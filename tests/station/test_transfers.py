"""Files over real sockets."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from tests.station.central_system import live
from tests.station.file_server import fetched, file_server

from voltbridge.station.endpoints import Tls
from voltbridge.station.transfers import TransferFailed, Transfers, Trouble
from voltbridge.station.virtual_clock import VirtualClock


def transfers(largest: int = 1 << 27) -> Transfers:
    return Transfers(Tls, contextlib.nullcontext, largest=largest)


def test_fifty_megabytes_go_on_where_they_broke_off() -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            server.files["fw"] = content = os.urandom(50 * 1024 * 1024)
            server.breaks = 3
            assert await fetched(transfers(), server.url + "fw") == content
            starts = [int(each.removeprefix("bytes=").rstrip("-") or 0) for each in server.ranges]
            assert starts[0] == 0
            assert len(starts) == 4
            assert starts == sorted(set(starts))

    live(story)


def test_a_file_that_changed_in_between_is_fetched_anew() -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            server.files["fw"] = os.urandom(1 << 20)
            server.breaks = 1

            def change() -> None:
                server.etag, server.files["fw"] = '"two"', b"new" * 1000

            server.on_break = change
            assert await fetched(transfers(), server.url + "fw") == b"new" * 1000
            assert server.ranges[1].startswith("bytes=")

    live(story)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (403, Trouble.PERMISSION_DENIED),
        (401, Trouble.PERMISSION_DENIED),
        (400, Trouble.BAD_MESSAGE),
        (501, Trouble.NOT_SUPPORTED_OPERATION),
        (500, Trouble.FAILURE),
        (507, Trouble.FAILURE),
    ],
)
def test_refusals_are_told_apart(status: int, trouble: Trouble) -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            server.status = status
            with pytest.raises(TransferFailed) as up:
                await transfers().upload(server.url, "a.log", b"text")
            with pytest.raises(TransferFailed) as down:
                await fetched(transfers(), server.url + "fw")
            assert (up.value.trouble, down.value.trouble) == (trouble, trouble)
            assert not (up.value.lasting or down.value.lasting), "whoever runs the server may mend it"

    live(story)


@pytest.mark.parametrize(
    "url", ["gopher://host/a", "file:///etc/passwd", "", "http://", "ftp://h/a\r\nDELE b", "http://h:x/"]
)
def test_addresses_that_are_none(url: str) -> None:
    async def story(clock: VirtualClock) -> None:
        with pytest.raises(TransferFailed) as down:
            await fetched(transfers(), url)
        with pytest.raises(TransferFailed) as up:
            await transfers().upload(url, "a.log", b"")
        assert [(each.value.trouble, each.value.lasting) for each in (down, up)] == [(Trouble.FAILURE, True)] * 2

    live(story)


def test_nobody_there_and_too_large() -> None:
    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            gone = server.url
            server.files["fw"] = bytes(1000)
            with pytest.raises(TransferFailed, match="at most 999"):
                await fetched(transfers(999), server.url + "fw")
            assert len(await fetched(transfers(1000), server.url + "fw")) == 1000
        with pytest.raises(TransferFailed):
            await fetched(transfers(), gone + "fw")
        with pytest.raises(TransferFailed):
            await transfers().upload(gone, "a.log", b"")

    live(story)


def test_put_to_a_folder_to_a_file_and_as_a_form(tmp_path: Path) -> None:
    content = os.urandom(5_000_000)
    large = tmp_path / "large"
    large.write_bytes(content)

    async def story(clock: VirtualClock) -> None:
        async with file_server() as server:
            await transfers().upload(server.url, "a b.log", b"folder")
            await transfers().upload(server.url + "own-name", "ignored.log", b"file")
            server.form_only = True
            await transfers().upload(server.url, "form.log", b"form")
            assert server.uploads == {"a b.log": b"folder", "own-name": b"file", "form.log": b"form"}
            await transfers().upload(server.url, "form.log", large)
            server.form_only = False
            await transfers().upload(server.url, "put.log", large)
            assert server.uploads["form.log"] == server.uploads["put.log"] == content

    live(story)
