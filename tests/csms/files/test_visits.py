"""A peer that goes while what it asked for is looked up leaves no place taken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.csms.fakes import START, FakeClock

from voltbridge.csms.files.traffic import Traffic
from voltbridge.csms.files.visits import Guests, Reception, Refused, Visit
from voltbridge.domain.files import FileGrant, FilePurpose, StoredFile, TransferWay

pytestmark = pytest.mark.anyio

GRANT = FileGrant(
    token_hash="h",
    way=TransferWay.DOWNLOAD,
    station_id="CS1",
    purpose=FilePurpose.FIRMWARE,
    name="image",
    reference="firmware-1",
    created_at=START,
    expires_at=START + timedelta(hours=1),
    file_id=1,
)
FILE = StoredFile(
    id=1,
    name="image",
    purpose=FilePurpose.FIRMWARE,
    media_type="application/octet-stream",
    size_bytes=3,
    sha256="s",
    md5="m",
    created_at=START,
    station_id=None,
)


class SlowFiles:
    """Files whose lookup takes its time."""

    def __init__(self, grant: FileGrant) -> None:
        self.one = grant
        self.asked, self.found = asyncio.Event(), asyncio.Event()

    async def grant(self, secret: str, address: str) -> FileGrant:
        self.asked.set()
        await self.found.wait()
        return self.one

    async def get(self, id: int) -> StoredFile:
        return FILE

    async def received_bytes(self, grant: FileGrant) -> int:
        return 0


@pytest.mark.parametrize("way", list(TransferWay))
async def test_who_goes_while_it_is_looked_up_takes_no_place(way: TransferWay) -> None:
    grant = replace(GRANT, way=way)
    files, traffic = SlowFiles(grant), Traffic(at_once=1)
    reception = Reception(cast(Any, files), traffic, FakeClock(), Guests(10))
    visit = Visit(reception, "secret", "192.0.2.1", grant)
    asking = asyncio.ensure_future(visit.fetch("image") if visit.fetches else visit.deliver("image"))
    await asyncio.wait_for(files.asked.wait(), 30)
    await visit.end()
    files.found.set()
    with pytest.raises(Refused, match="has ended"):
        await asyncio.wait_for(asking, 30)
    with traffic.place(grant):
        """The one place there is."""
