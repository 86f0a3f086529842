"""Reports of which parts never come: the command fails after its time and says what is missing; what came is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.csms.commands.desk import Commands
from tests.csms.fakes import World

from voltbridge.clock import SystemClock
from voltbridge.csms.blocks.b_provisioning.message_limits import MessageLimits
from voltbridge.csms.blocks.n_diagnostics import customer_v201, monitoring_v201
from voltbridge.csms.blocks.n_diagnostics.customer_information import CustomerInformationService
from voltbridge.csms.blocks.n_diagnostics.monitoring import MonitoringService
from voltbridge.csms.blocks.n_diagnostics.monitoring_commands import COMMANDS
from voltbridge.csms.commands.service import CommandService
from voltbridge.domain.commands import OutcomeState
from voltbridge.domain.device_model import Component, ReportState, Variable
from voltbridge.domain.monitoring import Monitor, MonitorType
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v201
from voltbridge.protocol.versions import Version
from voltbridge.storage import Storage

pytestmark = pytest.mark.anyio

TEN_MINUTES = 600.0


class Variables:
    """A device model in which nothing is known."""

    async def known(self, station_id: str, attributes: Any) -> dict[str, Any]:
        return {}

    async def limits(self, *_: Any) -> MessageLimits:
        return MessageLimits(None, None)

    def caller(self, live: LiveStation) -> Any:
        raise AssertionError("commands bring their own way to call")


class Alerts:
    async def monitors_gone(self, station_id: str, gone: Any) -> None:
        raise AssertionError("no monitor is gone here")


class LocalLists:
    async def leave_out(self, station_id: str, id_token: str, type: str) -> bool:
        return False


@dataclass
class Desk:
    world: World
    commands: CommandService
    monitoring: MonitoringService
    customers: CustomerInformationService
    live: LiveStation
    parts: Commands

    def part(self, number: int) -> list[Monitor]:
        return [
            Monitor(
                station_id="CP1",
                id=number,
                variable=Variable(Component("EVSE"), "Power"),
                type=MonitorType.DELTA,
                value=1,
                severity=5,
                noted_at=self.world.clock.now(),
            )
        ]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    storage = await Storage.open(f"sqlite:///{tmp_path / 'voltbridge.db'}", SystemClock())
    parts = Commands()
    world = parts.world
    service = CommandService(
        COMMANDS,
        parts.door,
        parts.connected,
        parts.stations,
        parts.books,
        world.journal,
        world.events,
        world.ids,
        world.clock,
    )
    monitoring = MonitoringService(
        storage.monitors,
        parts.stations,
        parts.connected,
        Variables(),
        service,
        Alerts(),
        {Version.V201: monitoring_v201},
        world.events,
        world.clock,
    )
    customers = CustomerInformationService(
        storage.customer_information,
        parts.stations,
        service,
        LocalLists(),
        {Version.V201: customer_v201},
        world.events,
        world.clock,
    )
    service.serve(SimpleNamespace(monitoring=monitoring, customer_information=customers))
    live = parts.connect()
    live.report = replace(live.report, protocol=Version.V201.value)
    yield Desk(world, service, monitoring, customers, live, parts)
    await service.close()
    await storage.close()


async def test_a_report_of_monitors(desk: Desk) -> None:
    accepted = v201.GetMonitoringReportResponse(status=v201.GenericDeviceModelStatusEnumType.ACCEPTED)
    desk.parts.door.answer = lambda station_id, request: accepted
    command = await desk.commands.submit("CP1", "get_monitoring_report", {})
    assert command.outcome_state is OutcomeState.PENDING and command.correlation is not None
    id = int(command.correlation)
    for number in (0, 3):
        at = desk.world.clock.now()
        await desk.monitoring.take_part(desk.live, id, number, number == 3, desk.part(number), at)
    desk.world.clock.advance(TEN_MINUTES - 1)
    assert (await desk.commands.get(command.id)).outcome_state is OutcomeState.PENDING
    ((report, state),) = await desk.monitoring.reports("CP1")
    assert (state, report.missing) == (ReportState.INCOMPLETE, [1, 2])
    desk.world.clock.advance(1)
    ended = await desk.commands.get(command.id)
    assert ended.outcome_state is OutcomeState.FAILED and ended.outcome is not None
    assert (ended.outcome["parts"], ended.outcome["missing_parts"]) == ("0,3", [1, 2])
    assert "within 600 s" in ended.outcome["problem"]
    assert await desk.monitoring.severities("CP1", [0, 3]) == {0: 5, 3: 5}
    # What comes after all is taken, and the registry is put right.
    for number in (1, 2):
        at = desk.world.clock.now()
        await desk.monitoring.take_part(desk.live, id, number, False, desk.part(number), at)
    ((report, state),) = await desk.monitoring.reports("CP1")
    assert (state, report.monitors) == (ReportState.COMPLETE, 4)
    assert not (await desk.monitoring.state("CP1")).outdated


async def test_a_report_of_which_nothing_comes(desk: Desk) -> None:
    accepted = v201.GetMonitoringReportResponse(status=v201.GenericDeviceModelStatusEnumType.ACCEPTED)
    desk.parts.door.answer = lambda station_id, request: accepted
    command = await desk.commands.submit("CP1", "get_monitoring_report", {})
    desk.world.clock.advance(TEN_MINUTES)
    assert (await desk.commands.get(command.id)).outcome_state is OutcomeState.FAILED
    ((_, state),) = await desk.monitoring.reports("CP1")
    assert state is ReportState.INCOMPLETE


async def test_a_report_about_a_customer(desk: Desk) -> None:
    accepted = v201.CustomerInformationResponse(status=v201.CustomerInformationStatusEnumType.ACCEPTED)
    desk.parts.door.answer = lambda station_id, request: accepted
    wanted = {"customer_identifier": "ada@example.com"}
    command = await desk.commands.submit("CP1", "customer_information", wanted)
    assert command.outcome_state is OutcomeState.PENDING and command.correlation is not None
    id = int(command.correlation)
    await desk.customers.take_part(desk.live, id, 1, False, "Lovelace")
    desk.world.clock.advance(TEN_MINUTES)
    ended = await desk.commands.get(command.id)
    assert ended.outcome_state is OutcomeState.FAILED and ended.outcome is not None
    assert ended.outcome["missing_parts"] == [0]
    report, text = await desk.customers.get("CP1", id)
    assert (text, report.is_complete) == ("Lovelace", False)
    told = str([vars(fact) if hasattr(fact, "__dict__") else fact for fact in desk.world.journal.facts])
    assert "Lovelace" not in told and "ada@" not in told, "nothing stored beside it repeats it"
    await desk.world.events.told()
