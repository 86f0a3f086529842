"""Deliveries to one address take turns, however many displace each other."""

from __future__ import annotations

import asyncio

import pytest
from tests.csms.fakes import START

from voltbridge.csms.files.traffic import Displaced, Traffic
from voltbridge.domain.files import FileGrant, FilePurpose, TransferWay

pytestmark = pytest.mark.anyio

GRANT = FileGrant(
    token_hash="h",
    way=TransferWay.UPLOAD,
    station_id="CS1",
    purpose=FilePurpose.LOG,
    name="log",
    reference="log-1",
    created_at=START,
    expires_at=START,
)


async def test_the_third_waits_for_the_first_that_is_still_writing() -> None:
    traffic, told, order = Traffic(), asyncio.Event(), list[str]()
    writing = asyncio.Event()

    async def first(displaces: bool) -> str:
        try:
            writing.set()
            await asyncio.Event().wait()
        finally:
            await told.wait()
            order.append("first has written out")
        return "first"

    async def other(displaces: bool) -> str:
        assert displaces
        order.append("another begins")
        return "other"

    deliveries = [asyncio.ensure_future(traffic.alone(GRANT, first))]
    await writing.wait()
    for _ in range(2):
        deliveries.append(asyncio.ensure_future(traffic.alone(GRANT, other)))
        for _ in range(10):
            await asyncio.sleep(0)
    assert order == []
    told.set()
    outcomes = await asyncio.wait_for(asyncio.gather(*deliveries, return_exceptions=True), 30)
    assert order == ["first has written out", "another begins"]
    assert [type(one) for one in outcomes[:2]] == [Displaced, Displaced]
    assert outcomes[2] == "other"
