"""A CSMS of block B over fakes, and boots of every version."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tests.csms.fakes import START, FakeCalls, FakeConnected, FakeStations, World

from voltbridge.csms.blocks.b_provisioning import v16 as b_v16
from voltbridge.csms.blocks.b_provisioning import v21 as b_v21
from voltbridge.csms.blocks.b_provisioning import v201 as b_v201
from voltbridge.csms.blocks.b_provisioning.boot import BootDesk, BootPolicy
from voltbridge.csms.blocks.b_provisioning.service import StationService
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.versions import Version

__all__ = ["Desk", "boot", "run"]

BootResponse = v16.BootNotificationResponse | v201.BootNotificationResponse | v21.BootNotificationResponse


class Desk:
    """Stations, their service, and what was sent to them."""

    def __init__(self, policy: BootPolicy | None = None) -> None:
        self.world = World()
        self.stations = FakeStations()
        self.connected = FakeConnected()
        self.calls = FakeCalls()
        boots = BootDesk(
            self.world.journal,
            self.world.events,
            self.calls,
            self.world.clock,
            policy or BootPolicy(heartbeat_interval_s=300, retry_interval_s=60),
            {Version.V16: b_v16, Version.V201: b_v201, Version.V21: b_v21},
        )
        self.service = StationService(
            self.stations, self.connected, self.world.bus, self.world.events, self.world.clock, boots
        )

    def connect(
        self,
        version: Version = Version.V201,
        registration: RegistrationStatus = RegistrationStatus.ACCEPTED,
        *,
        adopted: bool = True,
    ) -> LiveStation:
        """A station that is known like this and has just connected."""
        settings = StationSettings("CS1", registration, START, adopted_at=START if adopted else None)
        settings = self.stations.settings.setdefault("CS1", settings)
        report = replace(self.stations.reports.get("CS1", StationReport("CS1")), protocol=version.value)
        live = LiveStation("CS1", settings, report, registered=settings.registration)
        self.connected.stations["CS1"] = live
        self.world.bus.connected.add("CS1")
        return live


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def body() -> None:
        await test()

    asyncio.run(body())


async def boot(desk: Desk, live: LiveStation, *, model: str = "Wallbox") -> BootResponse:
    """Boot in the words of the connection's version."""
    version = Version(live.report.protocol or "")
    if version is Version.V16:
        request = v16.BootNotificationRequest(
            charge_point_vendor="Acme",
            charge_point_model=model,
            charge_point_serial_number="SN-1",
            firmware_version="1.0",
            iccid="8949",
            imsi="262",
            meter_type="MID",
            meter_serial_number="M-1",
        )
        return await b_v16.boot_notification(desk.service, live, request)
    if version is Version.V201:
        station = v201.ChargingStationType(
            vendor_name="Acme",
            model=model,
            serial_number="SN-1",
            firmware_version="2.0",
            modem=v201.ModemType(iccid="8949", imsi="262"),
        )
        reason = v201.BootReasonEnumType.POWER_UP
        return await b_v201.boot_notification(
            desk.service, live, v201.BootNotificationRequest(charging_station=station, reason=reason)
        )
    return await b_v21.boot_notification(
        desk.service,
        live,
        v21.BootNotificationRequest(
            charging_station=v21.ChargingStationType(vendor_name="Acme", model=model),
            reason=v21.BootReasonEnumType.WATCHDOG,
        ),
    )
