"""What a connector's status says of its reservations is taken in, whatever becomes of connection and storage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.csms.fakes import START, World

from voltbridge.csms.blocks.h_reservation import v16
from voltbridge.csms.blocks.h_reservation.service import ReservationService
from voltbridge.domain.errors import StorageUnavailable
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.reservations import Reservation, ReservationChange, ReservationState, ReservationTerms
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.domain.tokens import IdToken
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

TERMS = ReservationTerms(id_token=IdToken("A"), expires_at=START + timedelta(hours=1), evse_id=1)
RESERVED = Reservation(
    id=1,
    station_id="CP1",
    terms=TERMS,
    state=ReservationState.RESERVED,
    created_at=START,
    updated_at=START,
    reserved_at=START,
)


class Book:
    """Open reservations of one station. ``outages`` times it cannot be read first."""

    def __init__(self, outages: int = 0) -> None:
        self.outages = outages
        self.kept = {1: RESERVED}

    async def open_of(self, station_id: str, evse_id: int) -> Sequence[Reservation]:
        await asyncio.sleep(0)
        if self.outages:
            self.outages -= 1
            raise StorageUnavailable("planted")
        return [one for one in self.kept.values() if one.is_open]

    async def change(self, station_id: str, id: int, rule: Callable[[Reservation], Reservation]) -> ReservationChange:
        before = self.kept[id]
        self.kept[id] = after = rule(before)
        return ReservationChange(before, after)


@pytest.mark.parametrize("outages", [0, 2])
async def test_a_station_that_fails_and_is_gone_has_lost_its_reservation(outages: int) -> None:
    world, book = World(), Book(outages)
    nothing: Any = None
    service = ReservationService(
        cast(Any, book),
        nothing,
        nothing,
        nothing,
        {Version.V16: v16},
        world.events,
        world.clock,
    )
    settings = StationSettings("CP1", RegistrationStatus.ACCEPTED, START)
    live = LiveStation("CP1", settings, StationReport("CP1", protocol="ocpp1.6"))
    service.connector_changed(live, Connector("CP1", 1, 1, ConnectorStatus.FAULTED, START))
    live.followups.clear()  # the connection has ended
    world.clock.advance(1)
    book.kept[2] = replace(book.kept[1], id=2, created_at=world.clock.now())
    for _ in range(10):
        for _ in range(10):
            await asyncio.sleep(0)
        world.clock.advance(5)
    assert book.kept[1].state is ReservationState.REMOVED
    assert book.kept[2].state is ReservationState.RESERVED, "it was made afterwards"
    assert len(world.emitted("reservation.removed")) == 1
    await service.close()
