"""The rules for every message: acceptance, the commit before the reply, and memory that never says too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from tests.csms.fakes import START, World

from voltbridge.csms.desk import Desk, Route
from voltbridge.csms.live import LiveStations
from voltbridge.domain.admission import Arrival
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.station_calls import StationCall
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16, v201
from voltbridge.protocol.actions import Action
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import OcppError
from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version
PENDING, REJECTED, ACCEPTED = RegistrationStatus.PENDING, RegistrationStatus.REJECTED, RegistrationStatus.ACCEPTED


class Clerk:
    """A service whose handlers are the ones below."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.failure: Exception | None = None


async def heartbeat(clerk: Clerk, live: LiveStation, request: Payload) -> Payload:
    clerk.seen.append("heartbeat")
    return v16.HeartbeatResponse(current_time=DateTime.of(START))


async def status(clerk: Clerk, live: LiveStation, request: Payload) -> Payload:
    clerk.seen.append("status")
    live.connectors[1, 1] = Connector(live.station_id, 1, 1, ConnectorStatus.FAULTED, START)
    if clerk.failure is not None:
        raise clerk.failure
    return v16.StatusNotificationResponse()


async def boot(clerk: Clerk, live: LiveStation, request: Payload) -> Payload:
    clerk.seen.append("boot")
    return v16.BootNotificationResponse(
        status=v16.RegistrationStatus.PENDING, current_time=DateTime.of(START), interval=60
    )


async def other(clerk: Clerk, live: LiveStation, request: Payload) -> Payload:
    clerk.seen.append("other")
    return v201.NotifyReportResponse()


@dataclass
class Services:
    clerk: Clerk


class States:
    """One station, as stored."""

    def __init__(self) -> None:
        self.stored: LiveStation | None = LiveStation(
            "CS1", StationSettings("CS1", ACCEPTED, START), StationReport("CS1", vendor="V"), ACCEPTED
        )
        self.failure: Exception | None = None
        self.loads = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens while the answer of the storage is on its way."""

    async def load(self, station_id: str) -> LiveStation | None:
        self.loads += 1
        if self.failure is not None:
            raise self.failure
        stored, meanwhile = self.stored, self.meanwhile
        self.meanwhile = lambda: None
        meanwhile()
        return stored and replace(stored, connectors=dict(stored.connectors), followups=[])


ROUTES = [
    Route(V16, "Heartbeat", heartbeat, "clerk", confirms=False),
    Route(V16, "StatusNotification", status, "clerk"),
    Route(V16, "BootNotification", boot, "clerk", before_acceptance=True),
    Route(V201, "NotifyReport", other, "clerk"),
    Route(V201, "StatusNotification", other, "clerk"),
    Route(V201, "SignCertificate", other, "clerk"),
    Route(V201, "Heartbeat", other, "clerk", confirms=False),
]


class Office:
    """A desk with one station."""

    def __init__(self) -> None:
        self.world = World()
        self.clerk = Clerk()
        self.states = States()
        self.stations = LiveStations()
        self.desk = Desk(
            Services(self.clerk),
            self.stations,
            self.states,
            self.world.journal,
            self.world.events,
            self.world.clock,
            ROUTES,
        )

    async def open(self, version: Version = V16) -> LiveStation:
        return await self.desk.open("CS1", version, Arrival("192.0.2.1", secure=True, authenticated=True))

    async def say(self, live: LiveStation, name: str, version: Version = V16) -> Payload | None:
        action: Action = actions(version)[name]
        return await self.desk.handle(live, version, action, v16.HeartbeatRequest(), ())

    async def refused(self, live: LiveStation, name: str, version: Version = V16) -> str:
        with pytest.raises(OcppError) as refused:
            await self.say(live, name, version)
        return refused.value.code


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


# Open and close


async def test_opening_enters_the_station_and_says_so() -> None:
    office = Office()
    live = await office.open(V201)
    assert office.stations.get("CS1") is live
    (report,) = office.world.journal.of(StationReport)
    assert report == live.report
    assert (report.vendor, report.protocol, report.remote_address) == ("V", "ocpp2.0.1", "192.0.2.1")
    assert report.last_seen_at == START
    assert office.world.emitted("station.connected") == [
        {"protocol": "ocpp2.0.1", "remote_address": "192.0.2.1", "secure": True, "security_profile": 2}
    ]
    await office.world.events.told()


async def test_opening_waits_until_what_was_put_before_can_be_read() -> None:
    office = Office()
    office.world.journal.held = True
    opening = asyncio.ensure_future(office.open())
    await settle()
    assert office.states.loads == 0
    office.world.journal.held = False
    office.world.journal.commit()
    await opening


@pytest.mark.parametrize("failure", [NotFound, StorageUnavailable])
async def test_a_station_that_cannot_be_read_is_not_entered(failure: type[Exception]) -> None:
    office = Office()
    if failure is NotFound:
        office.states.stored = None
    else:
        office.states.failure = StorageUnavailable()
    with pytest.raises(failure):
        await office.open()
    assert len(office.stations) == 0
    assert office.world.journal.facts == []


def renamed(office: Office, name: str) -> Callable[[], None]:
    """The operator changes a setting: in the storage, and then in the memory if the station is there."""

    def change() -> None:
        stored = office.states.stored
        assert stored is not None
        settings = replace(stored.settings, name=name)
        office.states.stored = replace(stored, settings=settings)
        office.stations.changed("CS1")
        live = office.stations.get("CS1")
        if live is not None:
            live.settings = settings

    return change


async def test_what_an_operator_changes_while_a_station_is_opened_is_in_its_memory() -> None:
    office = Office()
    office.states.meanwhile = renamed(office, "gate")
    live = await office.open()
    assert live.settings.name == "gate"
    assert office.states.loads == 2
    renamed(office, "yard")()
    assert live.settings.name == "yard"


async def test_what_an_operator_changes_while_a_memory_is_read_again_stays() -> None:
    office = Office()
    live = await office.open()
    office.world.journal.lose("CS1")
    office.states.meanwhile = renamed(office, "gate")
    await office.say(live, "Heartbeat")
    assert live.settings.name == "gate"


async def test_what_is_lost_while_a_memory_is_read_again_makes_it_stale_again() -> None:
    office = Office()
    live = await office.open()
    office.world.journal.lose("CS1")
    office.states.meanwhile = lambda: office.world.journal.lose("CS1")
    await office.say(live, "Heartbeat")
    assert office.states.loads == 2
    await office.say(live, "Heartbeat")
    assert office.states.loads == 3


async def test_closing_removes_the_station_and_says_so() -> None:
    office = Office()
    live = await office.open()
    office.world.clock.advance(30)
    await office.say(live, "Heartbeat")
    await office.desk.close(live, "the connection was lost")
    assert office.stations.get("CS1") is None
    assert office.world.journal.of(StationReport)[-1].last_seen_at == office.world.clock.now()
    assert office.world.emitted("station.disconnected") == [{"reason": "the connection was lost"}]
    await office.world.events.told()


# Handlers


async def test_an_action_without_a_row_is_not_supported() -> None:
    office = Office()
    assert await office.refused(await office.open(), "SignCertificate") == "NotSupported"


async def test_each_version_has_its_own_rows() -> None:
    office = Office()
    live = await office.open(V201)
    await office.say(live, "Heartbeat", V201)
    assert office.clerk.seen == ["other"]


async def test_a_reply_that_confirms_waits_for_the_commit_and_one_that_does_not_does_not() -> None:
    office = Office()
    live = await office.open()
    office.world.journal.held = True
    assert await office.say(live, "Heartbeat") is not None
    replying = asyncio.ensure_future(office.say(live, "StatusNotification"))
    await settle()
    assert office.clerk.seen == ["heartbeat", "status"]
    assert not replying.done()
    office.world.journal.commit()
    assert await replying == v16.StatusNotificationResponse()


# Acceptance


@pytest.mark.parametrize("registered", [PENDING, REJECTED])
@pytest.mark.parametrize("version", [V16, V201])
async def test_before_acceptance_anything_but_a_boot_is_a_security_error(
    registered: RegistrationStatus, version: Version
) -> None:
    office = Office()
    live = await office.open(version)
    live.registered = registered
    assert await office.refused(live, "Heartbeat", version) == "SecurityError"
    assert await office.refused(live, "StatusNotification", version) == "SecurityError"
    assert office.clerk.seen == []
    assert await office.say(live, "BootNotification", V16) is not None


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (StationCall("GetBaseReport", b'{"requestId":1,"reportBase":"FullInventory"}', 1), "NotifyReport"),
        (StationCall("GetReport", b'{"requestId":1}', 1), "NotifyReport"),
        (StationCall("TriggerMessage", b'{"requestedMessage":"StatusNotification"}', 1), "StatusNotification"),
        (StationCall("TriggerMessage", b'{"requestedMessage":"SignV2GCertificate"}', 1), "SignCertificate"),
        (StationCall("TriggerMessage", b'{"requestedMessage":"Heartbeat"}', 1), "Heartbeat"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.payload.decode(),
)
async def test_while_pending_what_was_asked_for_is_taken_and_nothing_else(call: StationCall, wanted: str) -> None:
    office = Office()
    live = await office.open(V201)
    live.registered = PENDING
    office.desk.calling(live, V201, call)
    others = {"NotifyReport", "StatusNotification", "SignCertificate", "Heartbeat"} - {wanted}
    assert await office.say(live, wanted, V201) is not None
    for name in others:
        assert await office.refused(live, name, V201) == "SecurityError"
    live.registered = REJECTED
    assert await office.refused(live, wanted, V201) == "SecurityError"


async def test_a_trigger_of_1_6_counts_too() -> None:
    office = Office()
    live = await office.open()
    live.registered = PENDING
    office.desk.calling(live, V16, StationCall("ExtendedTriggerMessage", b'{"requestedMessage":"Heartbeat"}', 1))
    assert await office.say(live, "Heartbeat") is not None


async def test_what_was_asked_for_is_forgotten_with_the_connection() -> None:
    office = Office()
    live = await office.open()
    live.registered = PENDING
    office.desk.calling(live, V16, StationCall("TriggerMessage", b'{"requestedMessage":"Heartbeat"}', 1))
    await office.desk.close(live, "lost")
    live = await office.open()
    live.registered = PENDING
    assert await office.refused(live, "Heartbeat") == "SecurityError"


# Losses


async def test_what_the_storage_gave_up_is_not_confirmed_and_memory_is_read_again() -> None:
    office = Office()
    live = await office.open()
    office.world.journal.held = True
    replying = asyncio.ensure_future(office.say(live, "StatusNotification"))
    await settle()
    office.world.journal.lose("CS1")
    with pytest.raises(OcppError) as refused:
        await replying
    assert refused.value.code == "InternalError"
    assert live.connectors, "the handler had changed it"

    office.world.journal.held = False
    await office.say(live, "Heartbeat")
    assert live.connectors == {}
    assert office.states.loads == 2
    await office.say(live, "Heartbeat")
    assert office.states.loads == 2, "once is enough"


async def test_a_loss_concerns_only_the_stations_named() -> None:
    office = Office()
    live = await office.open()
    office.world.journal.lose("CS2", "CS3")
    await office.say(live, "Heartbeat")
    assert office.states.loads == 1


@pytest.mark.parametrize("failure", [StorageUnavailable(), ValueError("a mistake")])
async def test_a_handler_that_fails_half_way_leaves_no_half_truth_in_memory(failure: Exception) -> None:
    office = Office()
    live = await office.open()
    office.clerk.failure = failure
    with pytest.raises(Exception, match=r"stored|mistake"):
        await office.say(live, "StatusNotification")
    assert live.connectors
    await office.say(live, "Heartbeat")
    assert live.connectors == {}


async def test_a_handlers_refusal_is_no_failure() -> None:
    office = Office()
    live = await office.open()
    office.clerk.failure = OcppError("GenericError")
    assert await office.refused(live, "StatusNotification") == "GenericError"
    await office.say(live, "Heartbeat")
    assert office.states.loads == 1


async def test_while_the_storage_cannot_be_read_nothing_is_handled() -> None:
    office = Office()
    live = await office.open()
    office.world.journal.lose("CS1")
    office.states.failure = StorageUnavailable()
    assert await office.refused(live, "Heartbeat") == "InternalError"
    assert office.clerk.seen == []
    office.states.failure = None
    assert await office.say(live, "Heartbeat") is not None


async def test_what_only_the_connection_knows_survives_reading_again() -> None:
    office = Office()
    live = await office.open()
    live.registered = PENDING
    office.world.journal.lose("CS1")
    office.desk.calling(live, V16, StationCall("TriggerMessage", b'{"requestedMessage":"Heartbeat"}', 1))
    await office.say(live, "Heartbeat")
    assert live.registered is PENDING
    assert (live.report.protocol, live.report.remote_address) == ("ocpp1.6", "192.0.2.1")
    assert (live.report.secure, live.report.security_profile) == (True, 2)
