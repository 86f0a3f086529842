"""A security event that a station tells again is one event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.csms.fakes import START, World

from voltbridge.csms.blocks.a_security import v16, v21, v201
from voltbridge.csms.blocks.a_security.events import SECURITY_EVENT, SecurityEventService
from voltbridge.csms.journal import StorageUnavailable
from voltbridge.domain.events import Event
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol.codec import decode
from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

TOLD = b'{"type":"SettingSystemTime","timestamp":"2026-03-01T12:00:00Z"}'
HANDLERS: dict[Version, Any] = {Version.V16: v16, Version.V201: v201, Version.V21: v21}


class Stored:
    """The events that the journal of a world was given."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.questions = 0
        self.broken = False

    async def of_type(self, type: str, since: datetime, limit: int) -> Sequence[Event]:
        self.questions += 1
        if self.broken:
            raise StorageUnavailable("the disk is gone")
        found = [one for one in self._world.journal.of(Event) if one.type == type and one.at >= since]
        return found[-limit:]


class Station:
    """Tells security events, and counts what became of them."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.stored = Stored(self.world)
        self.service = SecurityEventService(self.stored, self.world.journal, self.world.events, self.world.clock)

    async def tell(self, message: bytes = TOLD, station_id: str = "CS1", version: Version = Version.V201) -> None:
        live = LiveStation(
            station_id, StationSettings(station_id, RegistrationStatus.ACCEPTED, START), StationReport(station_id)
        )
        action = actions(version)["SecurityEventNotification"]
        await HANDLERS[version].security_event_notification(self.service, live, decode(action.request, message))

    @property
    def kept(self) -> int:
        return len(self.world.emitted(SECURITY_EVENT))


@pytest.mark.parametrize("version", Version)
async def test_told_again_is_kept_once(version: Version) -> None:
    station = Station()
    for _ in range(3):
        await station.tell(version=version)
    assert station.kept == 1
    assert station.stored.questions == 1, "the storage is asked once"


async def test_what_differs_is_another_event() -> None:
    station = Station()
    await station.tell()
    await station.tell(station_id="CS2")
    await station.tell(TOLD.replace(b"12:00:00", b"12:00:01"))
    await station.tell(TOLD.replace(b"SettingSystemTime", b"StartupOfTheDevice"))
    await station.tell(TOLD.replace(b"}", b',"techInfo":"by hand"}'))
    assert station.kept == 5


async def test_a_program_started_anew_knows_what_was_told_within_a_day() -> None:
    before = Station()
    await before.tell()
    after = Station(before.world)
    await after.tell()
    assert after.kept == 1
    before.world.clock.advance(timedelta(hours=25).total_seconds())
    late = Station(before.world)
    await late.tell()
    assert late.kept == 2


async def test_what_the_storage_gave_up_is_kept_when_it_is_told_again() -> None:
    station = Station()
    await station.tell()
    station.world.journal.lose("CS1")
    await station.tell()
    assert station.kept == 2


async def test_while_the_storage_cannot_be_asked_nothing_is_confirmed() -> None:
    station = Station()
    station.stored.broken = True
    with pytest.raises(StorageUnavailable):
        await station.tell()
    station.stored.broken = False
    await station.tell()
    assert station.kept == 1
