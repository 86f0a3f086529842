"""Firmware as it is kept: images, updates, and what local controllers publish."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from voltbridge.domain.firmware import (
    FirmwareImage,
    FirmwareUpdate,
    PublishedFirmware,
    StatusNote,
    UpdateState,
)
from voltbridge.domain.paging import PageRequest
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def an_update(id: int, station_id: str = "CS-1", state: UpdateState = UpdateState.PENDING) -> FirmwareUpdate:
    return FirmwareUpdate(
        id=id,
        station_id=station_id,
        request_id=id * 10,
        state=state,
        requested_at=NOW,
        deadline_at=NOW,
        firmware_id=2**60,
        version="2.0",
        verified=True,
        statuses=(StatusNote("Downloading", NOW),),
    )


async def test_images(storage: Storage) -> None:
    images = storage.firmware_images
    one = FirmwareImage(id=1, file_id=7, version="1", created_at=NOW, signature="QQ==", signing_certificate="é")
    two = FirmwareImage(id=2, file_id=8, version="2", created_at=NOW)
    for image in (one, two):
        await images.add(image)
    assert await images.get(1) == one
    assert await images.of_file(8) == two
    assert await images.of_file(9) is None
    page = await images.list(PageRequest(1))
    assert page.items == (two,)
    assert (await images.list(PageRequest(1, page.next))).items == (one,)
    assert await images.delete(1) and not await images.delete(1)


async def test_updates(storage: Storage) -> None:
    updates = storage.firmware_updates
    await updates.put(an_update(1))
    await updates.put(an_update(2, "CS-2"))
    await updates.put(an_update(3))
    assert await updates.of_request("CS-1", 30) == an_update(3)
    assert await updates.of_request("CS-2", 30) is None
    assert await updates.current("CS-1") == an_update(3)
    assert await updates.current("CS-9") is None
    assert list(await updates.open()) == [an_update(1), an_update(2, "CS-2"), an_update(3)]
    ended = replace(an_update(1), state=UpdateState.FAILED, problem="x", finished_at=NOW)
    await updates.put(ended)
    assert list(await updates.open("CS-1")) == [an_update(3)]
    await updates.put(an_update(4, state=UpdateState.REJECTED))
    assert await updates.current("CS-1") == an_update(3)
    asked = ("CS-1", "CS-9", "CS-2", "CS-1")
    together = await asyncio.gather(*(updates.current(station_id) for station_id in asked))
    assert together == [an_update(3), None, an_update(2, "CS-2"), an_update(3)]
    page = await updates.list("CS-1", PageRequest(1))
    assert page.items == (an_update(4, state=UpdateState.REJECTED),)
    assert (await updates.list("CS-1", PageRequest(2, page.next))).items == (an_update(3), ended)


async def test_published(storage: Storage) -> None:
    book = storage.published_firmware
    one = PublishedFirmware(station_id="CS-1", checksum="b", request_id=1, requested_at=NOW, locations=("x", "y"))
    await book.put(one)
    await book.put(replace(one, checksum="a"))
    changed = replace(one, status="Published", updated_at=NOW)
    await book.put(changed)
    assert list(await book.of_station("CS-1")) == [replace(one, checksum="a"), changed]
    assert await book.delete("CS-1", "a") and not await book.delete("CS-1", "a")
