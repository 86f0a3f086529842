"""BootNotification of every version: the answer, what is kept, and what is asked afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.csms.blocks.b_provisioning.desk import Desk, boot, run
from tests.csms.fakes import START

from voltbridge.csms.blocks.b_provisioning import v16 as b_v16
from voltbridge.csms.blocks.b_provisioning.boot import BootPolicy
from voltbridge.domain.evses import Connector, ConnectorStatus
from voltbridge.domain.station_calls import CallTimedOut
from voltbridge.domain.stations import AfterBoot, LiveStation, RegistrationStatus, StationReport
from voltbridge.domain.tokens import IdToken
from voltbridge.domain.transactions import Transaction, TransactionState
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.codec import decode, encode
from voltbridge.protocol.versions import Version

VERSIONS = pytest.mark.parametrize("version", list(Version))


@VERSIONS
@pytest.mark.parametrize(
    ("registration", "interval"),
    [
        (RegistrationStatus.ACCEPTED, 300),
        (RegistrationStatus.PENDING, 60),
        (RegistrationStatus.REJECTED, 60),
    ],
)
def test_the_answer_is_the_operators_decision(
    version: Version, registration: RegistrationStatus, interval: int
) -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect(version, registration)
        answer = await boot(desk, live)
        assert (answer.status.value, answer.interval) == (registration.value, interval)
        assert answer.current_time == "2026-03-01T12:00:00.000Z"
        assert live.registered is registration
        assert decode(type(answer), encode(answer)) == answer

    run(body)


def test_the_stations_own_heartbeat_interval_wins_only_when_accepted() -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect()
        await desk.service.update("CS1", {"heartbeat_interval_s": 17})
        await desk.world.bus.deliver()
        assert (await boot(desk, live)).interval == 17
        await desk.service.update("CS1", {"registration": RegistrationStatus.PENDING})
        await desk.world.bus.deliver()
        assert (await boot(desk, live)).interval == 60

    run(body)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (
            Version.V16,
            StationReport(
                "CS1",
                "ocpp1.6",
                "Acme",
                "Wallbox",
                "SN-1",
                "1.0",
                "8949",
                "262",
                "MID",
                "M-1",
                None,
                START,
                START,
            ),
        ),
        (
            Version.V201,
            StationReport(
                "CS1",
                "ocpp2.0.1",
                "Acme",
                "Wallbox",
                "SN-1",
                "2.0",
                "8949",
                "262",
                None,
                None,
                "PowerUp",
                START,
                START,
            ),
        ),
        (
            Version.V21,
            StationReport(
                "CS1", "ocpp2.1", "Acme", "Wallbox", boot_reason="Watchdog", last_boot_at=START, last_seen_at=START
            ),
        ),
    ],
)
def test_what_the_station_says_of_itself_is_stored(version: Version, expected: StationReport) -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect(version)
        await boot(desk, live)
        assert desk.world.journal.of(StationReport) == [expected]
        assert live.report == expected

    run(body)


def test_the_charge_box_serial_number_stands_in_for_the_charge_points() -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect(Version.V16)
        request = v16.BootNotificationRequest(
            charge_point_vendor="Acme", charge_point_model="Box", charge_box_serial_number="BOX-7"
        )
        await b_v16.boot_notification(desk.service, live, request)
        assert live.report.serial_number == "BOX-7"
        assert live.report.meter_type is None

    run(body)


@VERSIONS
def test_a_boot_is_an_event_with_the_transactions_it_interrupts(version: Version) -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect(version)
        open_one = Transaction(1, "T1", "CS1", TransactionState.ACTIVE, START, START, id_token=IdToken("A"))
        ended = Transaction(2, "T2", "CS1", TransactionState.ENDED, START, START)
        live.transactions = {"T1": open_one, "T2": ended}
        await boot(desk, live)
        (event,) = desk.world.emitted("station.boot")
        assert event["status"] == "Accepted"
        assert event["protocol"] == version.value
        assert event["open_transactions"] == ["T1"]
        assert live.transactions["T1"] is open_one, "its end may still be in the station's queue"

    run(body)


def test_a_waiting_stations_boots_are_told_once_until_something_is_new() -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect(registration=RegistrationStatus.PENDING, adopted=False)
        for _ in range(5):
            await boot(desk, live)
            desk.world.clock.advance(60)
        assert len(desk.world.emitted("station.boot")) == 1
        await boot(desk, live, model="Wallbox 2")
        assert len(desk.world.emitted("station.boot")) == 2
        await desk.service.reject("CS1")
        await desk.world.bus.deliver()
        await boot(desk, live, model="Wallbox 2")
        await boot(desk, live, model="Wallbox 2")
        assert [event["status"] for event in desk.world.emitted("station.boot")] == ["Pending", "Pending"]
        assert live.report.last_boot_at == START + timedelta(minutes=5)

    run(body)


def test_an_accepted_boot_is_always_told() -> None:
    async def body() -> None:
        desk = Desk()
        live = desk.connect()
        await boot(desk, live)
        await boot(desk, live)
        assert len(desk.world.emitted("station.boot")) == 2

    run(body)


class TestAfterBoot:
    """What the CSMS asks of its own accord; nothing unless the operator wants it."""

    @VERSIONS
    def test_nothing_by_default(self, version: Version) -> None:
        async def body() -> None:
            desk = Desk()
            live = desk.connect(version)
            await boot(desk, live)
            assert live.followups == []
            assert desk.calls.sent == []

        run(body)

    @VERSIONS
    @pytest.mark.parametrize("registration", [RegistrationStatus.PENDING, RegistrationStatus.REJECTED])
    @pytest.mark.parametrize("wanted", list(AfterBoot))
    def test_nothing_of_a_station_that_is_not_accepted(
        self, version: Version, registration: RegistrationStatus, wanted: AfterBoot
    ) -> None:
        async def body() -> None:
            desk = Desk(BootPolicy(after_boot=wanted))
            live = desk.connect(version, registration)
            await boot(desk, live)
            assert live.followups == []

        run(body)

    @VERSIONS
    def test_the_question_waits_until_the_answer_to_the_boot_has_left(self, version: Version) -> None:
        async def body() -> None:
            desk = Desk(BootPolicy(after_boot=AfterBoot.STATUS))
            live = desk.connect(version)
            live.connectors[1, 1] = Connector("CS1", 1, 1, ConnectorStatus.AVAILABLE, START)
            await boot(desk, live)
            assert desk.calls.sent == []
            assert len(live.followups) == 1
            await live.followups[0]()
            ((station_id, spoken, request),) = desk.calls.sent
            assert (station_id, spoken) == ("CS1", version)
            assert decode(type(request), encode(request)) == request

        run(body)

    def test_status_asks_once_in_16_and_per_known_connector_in_2x(self) -> None:
        async def body() -> None:
            desk = Desk(BootPolicy(after_boot=AfterBoot.STATUS))
            for version in Version:
                live = desk.connect(version)
                for key in ((2, 1), (1, 1), (1, 2), (1, 0), (0, 0)):
                    live.connectors[key] = Connector("CS1", *key, ConnectorStatus.AVAILABLE, START)
                await boot(desk, live)
                await live.followups[0]()
            assert [encode(request) for _, version, request in desk.calls.sent if version is Version.V16] == [
                b'{"requestedMessage":"StatusNotification"}'
            ]
            asked = [
                (request.evse.id, request.evse.connector_id)
                for _, version, request in desk.calls.sent
                if version is Version.V201
                and isinstance(request, v201.TriggerMessageRequest)
                and isinstance(request.evse, v201.EVSEType)
            ]
            assert asked == [(1, 1), (1, 2), (2, 1)]
            assert sum(version is Version.V21 for _, version, _ in desk.calls.sent) == 3

        run(body)

    def test_a_probe_is_the_device_models_affair(self) -> None:
        async def body() -> None:
            desk = Desk(BootPolicy(after_boot=AfterBoot.PROBE))
            probed: list[LiveStation] = []

            async def probe(live: LiveStation) -> None:
                probed.append(live)

            desk.service.boots.probe_by(probe)
            live = desk.connect(Version.V201)
            await boot(desk, live)
            await live.followups[0]()
            assert probed == [live]

        run(body)

    @pytest.mark.parametrize("registration", RegistrationStatus)
    def test_others_react_unless_the_station_was_turned_down(self, registration: RegistrationStatus) -> None:
        async def body() -> None:
            desk = Desk(BootPolicy())
            reacted: list[LiveStation] = []

            async def react(live: LiveStation) -> None:
                reacted.append(live)

            desk.service.boots.on_boot(react)
            live = desk.connect(Version.V201, registration)
            await boot(desk, live)
            for followup in live.followups:
                await followup()
            assert reacted == ([] if registration is RegistrationStatus.REJECTED else [live])

        run(body)

    @VERSIONS
    def test_a_station_that_does_not_answer_harms_nothing(self, version: Version) -> None:
        async def body() -> None:
            desk = Desk(BootPolicy(after_boot=AfterBoot.STATUS))
            failure = CallTimedOut("CS1", "TriggerMessage", 30)
            for request in (v16.TriggerMessageRequest, v201.TriggerMessageRequest, v21.TriggerMessageRequest):
                desk.calls.answers[request] = failure
            live = desk.connect(version)
            live.connectors[1, 1] = Connector("CS1", 1, 1, ConnectorStatus.AVAILABLE, START)
            await boot(desk, live)
            await live.followups[0]()
            assert len(desk.calls.sent) == 1

        run(body)
