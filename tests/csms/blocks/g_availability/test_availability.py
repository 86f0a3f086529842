"""Heartbeats and statuses of every version, and which of two statuses counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from msgspec import UNSET
from tests.csms.fakes import START, FakeConnected, FakeStations, World

from voltbridge.csms.blocks.g_availability import v16 as g_v16
from voltbridge.csms.blocks.g_availability import v21 as g_v21
from voltbridge.csms.blocks.g_availability import v201 as g_v201
from voltbridge.csms.blocks.g_availability.service import MAX_CONNECTORS, AvailabilityService, ReportedStatus
from voltbridge.csms.blocks.n_diagnostics import events_v21 as n_v21
from voltbridge.csms.blocks.n_diagnostics import events_v201 as n_v201
from voltbridge.csms.blocks.n_diagnostics.alerts import AlertService
from voltbridge.csms.blocks.n_diagnostics.events import EventService
from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.alerts import Alert, AlertChange, AlertFilter, Observed
from voltbridge.domain.device_model import Variable
from voltbridge.domain.errors import NotFound
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.errors import OcppError


class Yard:
    """One connected station."""

    def __init__(self) -> None:
        self.world = World()
        self.stored: list[Connector] = []
        self.stations = FakeStations()
        self.stations.settings["CS1"] = StationSettings("CS1", RegistrationStatus.ACCEPTED, START)
        self.connected = FakeConnected()
        self.service = AvailabilityService(
            self, self.stations, self.connected, self.world.journal, self.world.events, self.world.clock
        )
        world = self.world
        alerts = AlertService(self, world.events, world.ids, world.clock)
        notices = NotificationService(world.events)
        self.notifications = EventService(notices, self.service, self, self, alerts, world.events, world.clock)
        self.live = self.connect()

    def connect(self) -> LiveStation:
        """A new connection of the station; its state is what the last one left."""
        before = self.connected.get("CS1")
        live = LiveStation("CS1", self.stations.settings["CS1"], StationReport("CS1"))
        if before is not None:
            live.connectors = dict(before.connectors)
        self.connected.stations["CS1"] = self.live = live
        return live

    async def of_station(self, station_id: str) -> list[Connector]:
        return [connector for connector in self.stored if connector.station_id == station_id]

    async def told_by_events(self, station_id: str, values: Mapping[Variable, str]) -> None:
        """The values of variables are not looked at here."""

    async def severities(self, station_id: str, ids: Sequence[int]) -> dict[int, int]:
        return {}

    async def observe(
        self, station_id: str, said: Sequence[Observed], now: datetime, new_id: Callable[[], int]
    ) -> list[AlertChange]:
        return []

    async def get(self, id: int) -> Alert | None:
        raise AssertionError("alerts are only raised here")

    async def list(self, wanted: AlertFilter, page: PageRequest) -> Page[Alert]:
        raise AssertionError("alerts are only raised here")

    async def healthy(
        self, station_id: str, evse_id: int, connector_id: int, at: datetime, now: datetime
    ) -> Sequence[Alert]:
        raise AssertionError("alerts are only raised here")

    async def monitors_gone(self, station_id: str, gone: Mapping[int, int | None], now: datetime) -> Sequence[Alert]:
        raise AssertionError("alerts are only raised here")

    async def change(self, id: int, decide: Callable[[Alert], Alert]) -> Alert:
        raise AssertionError("alerts are only raised here")

    def say(self, status: ConnectorStatus, at: datetime | None = None) -> ConnectorStatus:
        """Report connector (1, 1); gives what counts afterwards."""
        self.service.status(self.live, ReportedStatus(evse_id=1, connector_id=1, status=status, at=at))
        return self.live.connectors[1, 1].status

    @property
    def now(self) -> datetime:
        return self.world.clock.now()


def run(test: Callable[[Yard], Awaitable[None]]) -> None:
    async def body() -> None:
        await test(Yard())

    asyncio.run(body())


AVAILABLE, CHARGING, FAULTED = ConnectorStatus.AVAILABLE, ConnectorStatus.CHARGING, ConnectorStatus.FAULTED
MINUTE = timedelta(minutes=1)


def test_heartbeats_of_every_version_tell_the_time() -> None:
    async def body(yard: Yard) -> None:
        expected = "2026-03-01T12:00:00.000Z"
        assert (await g_v16.heartbeat(yard.service, yard.live, v16.HeartbeatRequest())).current_time == expected
        assert (await g_v201.heartbeat(yard.service, yard.live, v201.HeartbeatRequest())).current_time == expected
        assert yard.live.last_heartbeat_at == START
        yard.world.clock.advance(10)
        answer = await g_v21.heartbeat(yard.service, yard.live, v21.HeartbeatRequest())
        assert answer.current_time == "2026-03-01T12:00:10.000Z"
        assert yard.live.last_heartbeat_at == yard.live.last_seen_at == START + timedelta(seconds=10)

    run(body)


@pytest.mark.parametrize(("connector_id", "key"), [(0, (0, 0)), (1, (1, 1)), (2, (2, 1))])
@pytest.mark.parametrize("status", list(v16.ChargePointStatus))
def test_a_1_6_connector_is_an_evse(connector_id: int, key: tuple[int, int], status: v16.ChargePointStatus) -> None:
    async def body(yard: Yard) -> None:
        request = v16.StatusNotificationRequest(
            connector_id=connector_id,
            error_code=v16.ChargePointErrorCode.NO_ERROR,
            status=status,
            timestamp=DateTime("2026-03-01T11:59:00Z"),
        )
        assert await g_v16.status_notification(yard.service, yard.live, request) == v16.StatusNotificationResponse()
        expected = Connector("CS1", *key, ConnectorStatus(status.value), START - MINUTE)
        assert yard.live.connectors == {key: expected}
        assert yard.world.journal.of(Connector) == [expected]

    run(body)


def test_a_1_6_error_is_kept_with_its_details() -> None:
    async def body(yard: Yard) -> None:
        request = v16.StatusNotificationRequest(
            connector_id=1,
            error_code=v16.ChargePointErrorCode.GROUND_FAILURE,
            status=v16.ChargePointStatus.FAULTED,
            info="RCD tripped",
            vendor_id="com.acme",
            vendor_error_code="E7",
        )
        await g_v16.status_notification(yard.service, yard.live, request)
        expected = Connector("CS1", 1, 1, FAULTED, START, "GroundFailure", "RCD tripped", "com.acme", "E7")
        assert yard.live.connectors[1, 1] == expected, "without a timestamp the moment of receipt counts"
        assert yard.world.emitted("connector.status") == [
            {
                "evse_id": 1,
                "connector_id": 1,
                "status": "Faulted",
                "previous_status": None,
                "status_at": "2026-03-01T12:00:00.000Z",
                "error_code": "GroundFailure",
                "error_info": "RCD tripped",
                "vendor_id": "com.acme",
                "vendor_error_code": "E7",
                "late": False,
            }
        ]

    run(body)


@pytest.mark.parametrize("status", list(v201.ConnectorStatusEnumType))
def test_2x_statuses_keep_evse_and_connector(status: v201.ConnectorStatusEnumType) -> None:
    async def body(yard: Yard) -> None:
        at = DateTime("2026-03-01T13:00:00.5+01:00")
        old = v201.StatusNotificationRequest(timestamp=at, connector_status=status, evse_id=2, connector_id=3)
        new = v21.StatusNotificationRequest(
            timestamp=at, connector_status=v21.ConnectorStatusEnumType(status.value), evse_id=4, connector_id=1
        )
        assert await g_v201.status_notification(yard.service, yard.live, old) == v201.StatusNotificationResponse()
        assert await g_v21.status_notification(yard.service, yard.live, new) == v21.StatusNotificationResponse()
        moment = START + timedelta(milliseconds=500)
        assert yard.live.connectors == {
            (2, 3): Connector("CS1", 2, 3, ConnectorStatus(status.value), moment),
            (4, 1): Connector("CS1", 4, 1, ConnectorStatus(status.value), moment),
        }

    run(body)


def test_only_what_is_new_is_an_event_but_the_time_is_kept() -> None:
    async def body(yard: Yard) -> None:
        for status in (AVAILABLE, AVAILABLE, CHARGING, CHARGING):
            yard.say(status, yard.now)
            yard.world.clock.advance(60)
        told = [(event["previous_status"], event["status"]) for event in yard.world.emitted("connector.status")]
        assert told == [(None, "Available"), ("Available", "Charging")]
        assert yard.live.connectors[1, 1].status_at == START + 3 * MINUTE
        assert len(yard.world.journal.of(Connector)) == 4

    run(body)


class TestOrder:
    """The later to arrive counts, whatever its clock says, unless it is plainly late."""

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (timedelta(0), timedelta(0)),
            (timedelta(0), timedelta(days=-20_000)),  # the clock starts in 1970 after a power cut
            (timedelta(days=1), timedelta(0)),  # a clock that ran ahead is put right
            (timedelta(hours=1), timedelta(0)),  # local time taken for UTC until somebody corrects it
            (timedelta(days=-20_000), timedelta(0)),
            (timedelta(seconds=100), timedelta(0)),  # a drift within what counts as right
        ],
    )
    def test_a_wrong_clock_does_not_freeze_the_status(self, first: timedelta, second: timedelta) -> None:
        async def body(yard: Yard) -> None:
            yard.say(AVAILABLE, yard.now + first)
            yard.world.clock.advance(30)
            if second < timedelta(0):
                yard.connect()
            assert yard.say(CHARGING, yard.now + second) is CHARGING

        run(body)

    def test_a_queue_emptied_in_order_ends_with_its_last(self) -> None:
        async def body(yard: Yard) -> None:
            yard.say(CHARGING, yard.now - 30 * MINUTE)
            yard.say(FAULTED, yard.now - 20 * MINUTE)
            assert yard.say(AVAILABLE, yard.now - 10 * MINUTE) is AVAILABLE

        run(body)

    def test_a_queue_emptied_after_the_present_changes_nothing_and_is_told(self) -> None:
        async def body(yard: Yard) -> None:
            yard.say(AVAILABLE, yard.now)
            assert yard.say(FAULTED, yard.now - 30 * MINUTE) is AVAILABLE
            assert yard.live.connectors[1, 1].status_at == START
            assert [connector.status for connector in yard.world.journal.of(Connector)] == [AVAILABLE]
            late = yard.world.emitted("connector.status")[-1]
            assert (late["status"], late["late"]) == ("Faulted", True)

        run(body)

    def test_other_connectors_and_connections_do_not_make_a_status_late(self) -> None:
        async def body(yard: Yard) -> None:
            yard.service.status(yard.live, ReportedStatus(evse_id=2, connector_id=1, status=AVAILABLE, at=yard.now))
            assert yard.say(FAULTED, yard.now - 30 * MINUTE) is FAULTED
            yard.say(AVAILABLE, yard.now)
            yard.connect()
            assert yard.say(CHARGING, yard.now - 30 * MINUTE) is CHARGING

        run(body)

    def test_a_clock_set_back_meanwhile_is_believed_again_in_time(self) -> None:
        async def body(yard: Yard) -> None:
            yard.say(AVAILABLE, yard.now)
            yard.world.clock.advance(15 * 60 + 1)
            assert yard.say(CHARGING, yard.now - timedelta(hours=5)) is CHARGING

        run(body)


class TestMonitoredAvailability:
    """NotifyEvent instead of StatusNotification (G01.FR.03 to FR.07)."""

    @staticmethod
    def event(
        component: str, evse: v201.EVSEType | None, value: str, variable: str = "AvailabilityState"
    ) -> v201.EventDataType:
        return v201.EventDataType(
            event_id=1,
            timestamp=DateTime("2026-03-01T12:00:00Z"),
            trigger=v201.EventTriggerEnumType.DELTA,
            actual_value=value,
            component=v201.ComponentType(name=component, evse=UNSET if evse is None else evse),
            variable=v201.VariableType(name=variable),
            event_notification_type=v201.EventNotificationEnumType.HARD_WIRED_NOTIFICATION,
        )

    def test_states_of_connectors_evses_and_the_station_are_taken_over(self) -> None:
        async def body(yard: Yard) -> None:
            request = v201.NotifyEventRequest(
                generated_at=DateTime("2026-03-01T12:00:00Z"),
                seq_no=0,
                event_data=[
                    self.event("Connector", v201.EVSEType(id=1, connector_id=2), "Occupied"),
                    self.event("EVSE", v201.EVSEType(id=1), "Reserved"),
                    self.event("chargingstation", None, "Available", "availabilitystate"),
                ],
            )
            assert await n_v201.notify_event(yard.notifications, yard.live, request) == v201.NotifyEventResponse()
            assert {key: connector.status.value for key, connector in yard.live.connectors.items()} == {
                (1, 2): "Occupied",
                (1, 0): "Reserved",
                (0, 0): "Available",
            }
            assert len(yard.world.emitted("station.event")[0]["event_data"]) == 3

        run(body)

    @pytest.mark.parametrize(
        ("component", "evse", "value", "variable"),
        [
            ("Connector", None, "Occupied", "AvailabilityState"),
            ("Connector", v201.EVSEType(id=1), "Occupied", "AvailabilityState"),
            ("Connector", v201.EVSEType(id=-1, connector_id=-1), "Occupied", "AvailabilityState"),
            ("EVSE", None, "Occupied", "AvailabilityState"),
            ("Connector", v201.EVSEType(id=1, connector_id=1), "Charging", "AvailabilityState"),
            ("Connector", v201.EVSEType(id=1, connector_id=1), "occupied", "AvailabilityState"),
            ("ConnectorPlugRetentionLock", v201.EVSEType(id=1, connector_id=1), "true", "Problem"),
            ("CPPWMController", v201.EVSEType(id=1, connector_id=1), "Available", "AvailabilityState"),
        ],
    )
    def test_everything_else_is_only_an_event(
        self, component: str, evse: v201.EVSEType | None, value: str, variable: str
    ) -> None:
        async def body(yard: Yard) -> None:
            event = self.event(component, evse, value, variable)
            request = v201.NotifyEventRequest(
                generated_at=DateTime("2026-03-01T12:00:00Z"), seq_no=0, event_data=[event]
            )
            await n_v201.notify_event(yard.notifications, yard.live, request)
            assert yard.live.connectors == {}
            (noted,) = yard.world.emitted("station.event")
            assert noted["event_data"][0]["actual_value"] == value

        run(body)

    def test_2_1_does_the_same(self) -> None:
        async def body(yard: Yard) -> None:
            event = v21.EventDataType(
                event_id=1,
                timestamp=DateTime("2026-03-01T12:00:00Z"),
                trigger=v21.EventTriggerEnumType.DELTA,
                actual_value="Unavailable",
                component=v21.ComponentType(name="Connector", evse=v21.EVSEType(id=1, connector_id=1)),
                variable=v21.VariableType(name="AvailabilityState"),
                event_notification_type=v21.EventNotificationEnumType.HARD_WIRED_NOTIFICATION,
            )
            request = v21.NotifyEventRequest(
                generated_at=DateTime("2026-03-01T12:00:00Z"), seq_no=0, event_data=[event]
            )
            assert await n_v21.notify_event(yard.notifications, yard.live, request) == v21.NotifyEventResponse()
            assert yard.live.connectors[1, 1].status is ConnectorStatus.UNAVAILABLE
            assert len(yard.world.emitted("station.event")) == 1

        run(body)


class TestBadNumbers:
    """A station cannot fill memory and database with connectors nobody has."""

    @pytest.mark.parametrize(("evse_id", "connector_id"), [(-1, 1), (1, -1), (2**31, 1), (1, 2**70)])
    def test_impossible_numbers_are_refused(self, evse_id: int, connector_id: int) -> None:
        async def body(yard: Yard) -> None:
            said = ReportedStatus(evse_id=evse_id, connector_id=connector_id, status=AVAILABLE)
            with pytest.raises(OcppError) as refusal:
                yard.service.status(yard.live, said)
            assert refusal.value.code == "PropertyConstraintViolation"
            assert yard.live.connectors == {}
            assert yard.world.journal.facts == []

        run(body)

    def test_so_many_and_no_more(self) -> None:
        async def body(yard: Yard) -> None:
            for number in range(1, MAX_CONNECTORS + 1):
                yard.service.status(yard.live, ReportedStatus(evse_id=number, connector_id=1, status=AVAILABLE))
            with pytest.raises(OcppError):
                yard.service.status(yard.live, ReportedStatus(evse_id=0, connector_id=0, status=AVAILABLE))
            yard.service.status(yard.live, ReportedStatus(evse_id=1, connector_id=1, status=CHARGING))
            assert len(yard.live.connectors) == MAX_CONNECTORS
            assert yard.live.connectors[1, 1].status is CHARGING

        run(body)


class TestReading:
    """What the API shows of a station's EVSEs."""

    def test_a_connected_station_is_read_from_its_owners_state(self) -> None:
        async def body(yard: Yard) -> None:
            yard.stored = [Connector("CS1", 1, 1, AVAILABLE, START)]
            for key in ((2, 1), (1, 2), (1, 1)):
                yard.service.status(yard.live, ReportedStatus(evse_id=key[0], connector_id=key[1], status=CHARGING))
            shown = await yard.service.evses("CS1")
            assert [(each.evse_id, each.connector_id) for each in shown] == [(1, 1), (1, 2), (2, 1)]
            assert {each.status for each in shown} == {CHARGING}

        run(body)

    def test_an_absent_station_is_read_from_the_storage(self) -> None:
        async def body(yard: Yard) -> None:
            yard.connected.stations.clear()
            assert await yard.service.evses("CS1") == []
            yard.stored = [Connector("CS1", 1, 1, AVAILABLE, START)]
            assert await yard.service.evses("CS1") == yard.stored
            with pytest.raises(NotFound):
                await yard.service.evses("CS2")

        run(body)


def test_a_station_that_learns_a_newer_version_keeps_its_connectors() -> None:
    async def body(yard: Yard) -> None:
        old = v16.StatusNotificationRequest(
            connector_id=1, error_code=v16.ChargePointErrorCode.NO_ERROR, status=v16.ChargePointStatus.CHARGING
        )
        await g_v16.status_notification(yard.service, yard.live, old)
        yard.world.clock.advance(60)
        yard.connect()
        new = v201.StatusNotificationRequest(
            timestamp=DateTime.of(yard.now),
            connector_status=v201.ConnectorStatusEnumType.OCCUPIED,
            evse_id=1,
            connector_id=1,
        )
        await g_v201.status_notification(yard.service, yard.live, new)
        (connector,) = await yard.service.evses("CS1")
        assert connector.status is ConnectorStatus.OCCUPIED
        assert yard.world.emitted("connector.status")[-1]["previous_status"] == "Charging"

    run(body)
