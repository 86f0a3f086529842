"""Stations on real sockets against the real gateway, desk, services and storage: from unknown to charging."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from voltbridge.bus.local import LocalBus
from voltbridge.clock import SystemClock
from voltbridge.csms.blocks.a_security.service import AdmissionPolicy, SecurityService
from voltbridge.csms.blocks.b_provisioning import v16 as b16
from voltbridge.csms.blocks.b_provisioning import v21 as b21
from voltbridge.csms.blocks.b_provisioning import v201 as b201
from voltbridge.csms.blocks.b_provisioning import variables_v16 as bv16
from voltbridge.csms.blocks.b_provisioning import variables_v21 as bv21
from voltbridge.csms.blocks.b_provisioning import variables_v201 as bv201
from voltbridge.csms.blocks.b_provisioning.boot import BootDesk, BootPolicy
from voltbridge.csms.blocks.b_provisioning.device_model import DeviceModelService
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.csms.blocks.g_availability import v16 as g16
from voltbridge.csms.blocks.g_availability import v21 as g21
from voltbridge.csms.blocks.g_availability import v201 as g201
from voltbridge.csms.blocks.g_availability.service import AvailabilityService
from voltbridge.csms.commands.outcomes import Outcomes
from voltbridge.csms.desk import Desk, Route
from voltbridge.csms.events import EventLog
from voltbridge.csms.gateway.endpoint import Gateway
from voltbridge.csms.live import LiveStations
from voltbridge.csms.station_calls import StationCalls
from voltbridge.domain.errors import NotFound
from voltbridge.domain.events import EventFilter
from voltbridge.domain.ids import IdSource
from voltbridge.domain.paging import PageRequest
from voltbridge.domain.stations import AfterBoot, Onboarding, RegistrationStatus
from voltbridge.domain.tokens import AuthorizationStatus, Token
from voltbridge.domain.transactions import Transaction, TransactionFilter, TransactionState
from voltbridge.protocol.versions import Version
from voltbridge.storage import Storage

VERSIONS = pytest.mark.parametrize("version", list(Version))
ROUTES = [
    Route(version, action, getattr(module, handler), service, before_acceptance=action == "BootNotification")
    for action, handler, service, modules in (
        ("BootNotification", "boot_notification", "stations", (b16, b201, b21)),
        ("Heartbeat", "heartbeat", "availability", (g16, g201, g21)),
        ("StatusNotification", "status_notification", "availability", (g16, g201, g21)),
        ("NotifyReport", "notify_report", "variables", (None, bv201, bv21)),
    )
    for version, module in zip(Version, modules, strict=True)
    if module is not None
]
PATIENCE_S = 30.0


class Csms:
    """The parts of the CSMS this needs, wired as the product wires them."""

    def __init__(self, storage: Storage, onboarding: Onboarding, policy: BootPolicy) -> None:
        clock, bus, live = SystemClock(), LocalBus(), LiveStations()
        self.storage = storage
        self.bus = bus
        self.events = EventLog(storage.journal, bus, IdSource(clock), clock)
        questions = {Version.V16: b16, Version.V201: b201, Version.V21: b21}
        self.calls = StationCalls(bus, live, PATIENCE_S)
        boots = BootDesk(storage.journal, self.events, self.calls, clock, policy, questions)
        self.stations = StationService(storage.stations, live, bus, self.events, clock, boots)
        self.availability = AvailabilityService(
            storage.connectors, storage.stations, live, storage.journal, self.events, clock
        )
        words = {Version.V16: bv16, Version.V201: bv201, Version.V21: bv21}
        variables = DeviceModelService(
            storage.variables,
            storage.stations,
            live,
            self.calls,
            words,
            Outcomes(storage.journal, self.events, clock),
            self.stations,
            self.events,
            clock,
        )
        boots.probe_by(variables.refresh)
        services = SimpleNamespace(
            stations=self.stations,
            availability=self.availability,
            variables=variables,
        )
        self.gateway = Gateway(
            admission=SecurityService(storage.stations, self.events, clock, AdmissionPolicy(onboarding)),
            desk=Desk(services, live, storage.states, storage.journal, self.events, clock, ROUTES),
            bus=bus,
            journal=storage.journal,
            clock=clock,
        )

    async def kinds(self) -> list[str]:
        """The types of the stored events, oldest first."""
        await self.storage.journal.committed()
        page = await self.storage.events.list(EventFilter(), PageRequest(limit=100))
        return [event.type for event in reversed(page.items)]


@contextlib.asynccontextmanager
async def csms(
    folder: Path, onboarding: Onboarding = Onboarding.ASK, policy: BootPolicy | None = None
) -> AsyncIterator[Csms]:
    storage = await Storage.open(f"sqlite:///{folder / 'voltbridge.db'}", SystemClock())
    try:
        central = Csms(storage, onboarding, policy or BootPolicy(heartbeat_interval_s=300, retry_interval_s=60))
        await central.gateway.start("127.0.0.1", 0)
        try:
            yield central
        finally:
            await central.gateway.stop(1)
            await central.events.told()
            await central.bus.close()
    finally:
        await storage.close()


class Charger:
    """A station of any version: it boots, tells its status, and keeps what it is asked."""

    def __init__(self, central: Csms, version: Version, identity: str = "CS1", password: bytes | None = None) -> None:
        self.version = version
        self.asked: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[list[Any]] = asyncio.Queue()
        self._url = f"ws://127.0.0.1:{central.gateway.port}/ocpp/{identity}"
        self._headers: dict[str, str] = {}
        if password is not None:
            word = base64.b64encode(identity.encode() + b":" + password).decode()
            self._headers["Authorization"] = f"Basic {word}"
        self._sent = 0

    async def __aenter__(self) -> Self:
        self._socket: ClientConnection = await connect(
            self._url, subprotocols=[Subprotocol(self.version.value)], additional_headers=self._headers
        )
        assert self._socket.subprotocol == self.version.value
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        await self._reader

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                frame = json.loads(await self._socket.recv())
                if frame[0] != 2:
                    self._answers.put_nowait(frame)
                    continue
                self.asked.put_nowait((frame[2], frame[3]))
                answer = {} if frame[2] == "GetConfiguration" else {"status": "Accepted"}
                await self._socket.send(json.dumps([3, frame[1], answer]))

    async def call(self, action: str, payload: Mapping[str, Any]) -> Any:
        """The response's payload, or the code of a CALLERROR."""
        self._sent += 1
        await self._socket.send(json.dumps([2, str(self._sent), action, payload]))
        frame = await asyncio.wait_for(self._answers.get(), PATIENCE_S)
        assert frame[1] == str(self._sent)
        return frame[2]

    async def boot(self) -> Any:
        old = {"chargePointVendor": "Acme", "chargePointModel": "Wallbox", "firmwareVersion": "1.0"}
        new = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Wallbox"}}
        return await self.call("BootNotification", old if self.version is Version.V16 else new)

    async def status(self, status: str = "Available") -> Any:
        old = {"connectorId": 1, "errorCode": "NoError", "status": status}
        new = {"timestamp": "2026-03-01T12:00:00Z", "connectorStatus": status, "evseId": 1, "connectorId": 1}
        return await self.call("StatusNotification", old if self.version is Version.V16 else new)

    async def was_asked(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.asked.get(), PATIENCE_S)

    async def closed(self) -> None:
        await asyncio.wait_for(self._socket.wait_closed(), PATIENCE_S)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def body() -> None:
        await test()

    asyncio.run(body())


async def refused(charger: Charger) -> int:
    """The HTTP status of a connection that must not come about."""
    with pytest.raises(InvalidStatus) as refusal:
        async with charger:
            pass
    return refusal.value.response.status_code


@VERSIONS
def test_an_unknown_station_waits_is_adopted_and_works(version: Version, tmp_path: Path) -> None:
    async def body() -> None:
        async with csms(tmp_path) as central, Charger(central, version) as charger:
            answer = await charger.boot()
            assert (answer["status"], answer["interval"]) == ("Pending", 60)
            assert await charger.status() == "SecurityError"
            assert await central.availability.evses("CS1") == []
            (waiting,) = (await central.stations.inbox(PageRequest())).items
            assert (waiting.settings.station_id, waiting.report.model, waiting.connected) == ("CS1", "Wallbox", True)
            await central.stations.adopt("CS1")
            assert await charger.was_asked() == ("TriggerMessage", {"requestedMessage": "BootNotification"})
            answer = await charger.boot()
            assert (answer["status"], answer["interval"]) == ("Accepted", 300)
            assert await charger.status() == {}
            (connector,) = await central.availability.evses("CS1")
            assert (connector.evse_id, connector.connector_id, connector.status.value) == (1, 1, "Available")
            assert "currentTime" in await charger.call("Heartbeat", {})
            assert await central.kinds() == [
                "station.awaiting_adoption",
                "station.connected",
                "station.boot",
                "station.adopted",
                "station.boot",
                "connector.status",
            ]

    run(body)


@VERSIONS
def test_a_station_that_reconnects_need_not_boot(version: Version, tmp_path: Path) -> None:
    async def body() -> None:
        async with csms(tmp_path, Onboarding.ACCEPT) as central:
            async with Charger(central, version) as charger:
                assert (await charger.boot())["status"] == "Accepted"
            async with Charger(central, version) as charger:
                assert await charger.status() == {}

    run(body)


@VERSIONS
def test_passwords_on_the_wire(version: Version, tmp_path: Path) -> None:
    async def body() -> None:
        async with csms(tmp_path, Onboarding.REJECT) as central:
            assert await refused(Charger(central, version)) == 404
            assert await refused(Charger(central, version, password=b"whatever")) == 404
            _, password = await central.stations.provision("CS1", generate=True)
            assert password is not None
            assert await refused(Charger(central, version)) == 401
            assert await refused(Charger(central, version, password=b"0" * 40)) == 401
            for form in (password.encode(), bytes.fromhex(password)):
                async with Charger(central, version, password=form) as charger:
                    assert (await charger.boot())["status"] == "Accepted"
            assert (await central.kinds()).count("station.refused") == 2

    run(body)


@VERSIONS
def test_a_rejected_station_is_cut_off_and_told_so(version: Version, tmp_path: Path) -> None:
    async def body() -> None:
        async with csms(tmp_path, Onboarding.ACCEPT) as central:
            async with Charger(central, version) as charger:
                await charger.boot()
                await central.stations.reject("CS1")
                await charger.closed()
            async with Charger(central, version) as charger:
                assert await charger.status() == "SecurityError"
                assert (await charger.boot())["status"] == "Rejected"
                assert await charger.status() == "SecurityError"

    run(body)


@VERSIONS
def test_a_deleted_station_is_cut_off_and_unknown(version: Version, tmp_path: Path) -> None:
    async def body() -> None:
        async with csms(tmp_path, Onboarding.REJECT) as central:
            await central.stations.provision("CS1", name="Yard")
            async with Charger(central, version) as charger:
                await charger.boot()
                await charger.status()
                await central.stations.delete("CS1")
                await charger.closed()
            assert await refused(Charger(central, version)) == 404
            with pytest.raises(NotFound):
                await central.stations.get("CS1")

    run(body)


@VERSIONS
def test_what_is_asked_after_a_boot_comes_after_its_answer(version: Version, tmp_path: Path) -> None:
    async def body() -> None:
        policy = BootPolicy(after_boot=AfterBoot.PROBE)
        async with csms(tmp_path, Onboarding.ACCEPT, policy) as central, Charger(central, version) as charger:
            assert (await charger.boot())["status"] == "Accepted"
            action, payload = await charger.was_asked()
            if version is Version.V16:
                assert (action, payload) == ("GetConfiguration", {})
            else:
                assert (action, payload["reportBase"]) == ("GetBaseReport", "FullInventory")
                report = {"requestId": payload["requestId"], "generatedAt": "2026-03-01T12:00:00Z", "seqNo": 0}
                assert await charger.call("NotifyReport", report) == {}
            assert await charger.status() == {}
            assert "variables.reported" in await central.kinds()

    run(body)


def test_an_upgraded_station_keeps_history_tokens_and_settings(tmp_path: Path) -> None:
    async def body() -> None:
        async with csms(tmp_path, Onboarding.REJECT) as central:
            _, password = await central.stations.provision("CS1", generate=True, name="Yard", heartbeat_interval_s=17)
            assert password is not None
            async with Charger(central, Version.V16, password=bytes.fromhex(password)) as charger:
                assert (await charger.boot())["interval"] == 17
                await charger.status("Charging")
            now = SystemClock().now()
            charged = Transaction(1, "4711", "CS1", TransactionState.ENDED, now, now, energy_wh=1234.0)
            central.storage.journal.put(charged)
            await central.storage.tokens.put(
                Token("CARD", "ISO14443", AuthorizationStatus.ACCEPTED, now, now, station_ids=("CS1",))
            )
            for version in (Version.V201, Version.V21):
                async with Charger(central, version, password=password.encode()) as charger:
                    assert (await charger.boot())["interval"] == 17
                    await charger.status("Occupied")
                    station = await central.stations.get("CS1")
                    assert (station.settings.name, station.report.protocol) == ("Yard", version.value)
                    assert station.settings.registration is RegistrationStatus.ACCEPTED
                    (connector,) = await central.availability.evses("CS1")
                    assert (connector.evse_id, connector.connector_id) == (1, 1)
                    assert connector.status.value == "Occupied"
            kept = await central.storage.transactions.list(TransactionFilter(station_id="CS1"), PageRequest())
            assert [transaction.energy_wh for transaction in kept.items] == [1234.0]
            token = await central.storage.tokens.get("card", "ISO14443")
            assert token is not None
            assert token.station_ids == ("CS1",)

    run(body)
