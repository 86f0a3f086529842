"""Each row of the routing table names a test that reads the message's effect through another door.

The doors are REST, the database, and the next message. That the tests look where it matters is proven here: with a
handler that answers and does nothing, every one of them fails.
"""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.effects.site import Site, opened
from tests.strategies.oracle import dump, messages
from tests.strategies.payloads import least

from voltbridge import wiring
from voltbridge.csms.desk import Route
from voltbridge.csms.dispatch import ROUTES
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.codec import decode
from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

V16, V201, V21 = Version
Row = tuple[Version, str]

EFFECTS: Final[dict[Row, str]] = {
    (V16, "SecurityEventNotification"): "test_notices.py::test_kept[1.6-SecurityEventNotification]",
    (V201, "SecurityEventNotification"): "test_notices.py::test_kept[2.0.1-SecurityEventNotification]",
    (V21, "SecurityEventNotification"): "test_notices.py::test_kept[2.1-SecurityEventNotification]",
    (V16, "BootNotification"): "test_provisioning.py::test_boot_notification[1.6]",
    (V201, "BootNotification"): "test_provisioning.py::test_boot_notification[2.0.1]",
    (V201, "NotifyReport"): "test_variables.py::test_notify_report[2.0.1]",
    (V21, "BootNotification"): "test_provisioning.py::test_boot_notification[2.1]",
    (V21, "NotifyReport"): "test_variables.py::test_notify_report[2.1]",
    (V16, "Authorize"): "test_authorization.py::test_authorize[1.6]",
    (V201, "Authorize"): "test_authorization.py::test_authorize[2.0.1]",
    (V21, "Authorize"): "test_authorization.py::test_authorize[2.1]",
    (V16, "StartTransaction"): "test_transactions.py::test_start_transaction[1.6]",
    (V16, "StopTransaction"): "test_transactions.py::test_stop_transaction[1.6]",
    (V201, "TransactionEvent"): "test_transactions.py::test_transaction_event[2.0.1]",
    (V21, "TransactionEvent"): "test_transactions.py::test_transaction_event[2.1]",
    (V16, "Heartbeat"): "test_provisioning.py::test_heartbeat[1.6]",
    (V16, "StatusNotification"): "test_transactions.py::test_status_notification[1.6]",
    (V201, "Heartbeat"): "test_provisioning.py::test_heartbeat[2.0.1]",
    (V201, "StatusNotification"): "test_transactions.py::test_status_notification[2.0.1]",
    (V21, "Heartbeat"): "test_provisioning.py::test_heartbeat[2.1]",
    (V21, "StatusNotification"): "test_transactions.py::test_status_notification[2.1]",
    (V201, "ReservationStatusUpdate"): "test_reservations.py::test_reservation_status_update[2.0.1]",
    (V21, "ReservationStatusUpdate"): "test_reservations.py::test_reservation_status_update[2.1]",
    (V16, "MeterValues"): "test_transactions.py::test_meter_values[1.6]",
    (V201, "MeterValues"): "test_transactions.py::test_meter_values[2.0.1]",
    (V21, "MeterValues"): "test_transactions.py::test_meter_values[2.1]",
    (V201, "ClearedChargingLimit"): "test_smart_charging.py::test_cleared_charging_limit[2.0.1]",
    (V201, "NotifyEVChargingNeeds"): "test_smart_charging.py::test_notify_ev_charging_needs[2.0.1]",
    (V201, "NotifyEVChargingSchedule"): "test_smart_charging.py::test_notify_ev_charging_schedule[2.0.1]",
    (V201, "NotifyChargingLimit"): "test_smart_charging.py::test_notify_charging_limit[2.0.1]",
    (V201, "ReportChargingProfiles"): "test_smart_charging.py::test_report_charging_profiles[2.0.1]",
    (V21, "ClearedChargingLimit"): "test_smart_charging.py::test_cleared_charging_limit[2.1]",
    (V21, "NotifyEVChargingNeeds"): "test_smart_charging.py::test_notify_ev_charging_needs[2.1]",
    (V21, "NotifyEVChargingSchedule"): "test_smart_charging.py::test_notify_ev_charging_schedule[2.1]",
    (V21, "NotifyChargingLimit"): "test_smart_charging.py::test_notify_charging_limit[2.1]",
    (V21, "NotifyPriorityCharging"): "test_notices.py::test_kept[2.1-NotifyPriorityCharging]",
    (V21, "ReportChargingProfiles"): "test_smart_charging.py::test_report_charging_profiles[2.1]",
    (V16, "FirmwareStatusNotification"): "test_files.py::test_firmware_status[1.6-FirmwareStatusNotification]",
    (V16, "SignedFirmwareStatusNotification"): "test_notices.py::test_kept[1.6-SignedFirmwareStatusNotification]",
    (V201, "FirmwareStatusNotification"): "test_files.py::test_firmware_status[2.0.1-FirmwareStatusNotification]",
    (V201, "PublishFirmwareStatusNotification"): "test_files.py::test_publish_status[2.0.1]",
    (V21, "FirmwareStatusNotification"): "test_files.py::test_firmware_status[2.1-FirmwareStatusNotification]",
    (V21, "PublishFirmwareStatusNotification"): "test_files.py::test_publish_status[2.1]",
    (V16, "DiagnosticsStatusNotification"): "test_files.py::test_log_status[1.6-DiagnosticsStatusNotification]",
    (V16, "LogStatusNotification"): "test_files.py::test_log_status[1.6-LogStatusNotification]",
    (V201, "LogStatusNotification"): "test_files.py::test_log_status[2.0.1-LogStatusNotification]",
    (V201, "NotifyCustomerInformation"): "test_diagnostics.py::test_notify_customer_information[2.0.1]",
    (V201, "NotifyEvent"): "test_diagnostics.py::test_notify_event[2.0.1]",
    (V201, "NotifyMonitoringReport"): "test_diagnostics.py::test_notify_monitoring_report[2.0.1]",
    (V21, "LogStatusNotification"): "test_files.py::test_log_status[2.1-LogStatusNotification]",
    (V21, "NotifyCustomerInformation"): "test_diagnostics.py::test_notify_customer_information[2.1]",
    (V21, "NotifyEvent"): "test_diagnostics.py::test_notify_event[2.1]",
    (V21, "NotifyMonitoringReport"): "test_diagnostics.py::test_notify_monitoring_report[2.1]",
    (V201, "NotifyDisplayMessages"): "test_display_messages.py::test_notify_display_messages[2.0.1]",
    (V21, "NotifyDisplayMessages"): "test_display_messages.py::test_notify_display_messages[2.1]",
    (V16, "DataTransfer"): "test_notices.py::test_data_transfer[1.6]",
    (V201, "DataTransfer"): "test_notices.py::test_data_transfer[2.0.1]",
    (V21, "DataTransfer"): "test_notices.py::test_data_transfer[2.1]",
    (V21, "NotifyDERAlarm"): "test_notices.py::test_kept[2.1-NotifyDERAlarm]",
    (V21, "NotifyDERStartStop"): "test_notices.py::test_kept[2.1-NotifyDERStartStop]",
    (V21, "ReportDERControl"): "test_notices.py::test_kept[2.1-ReportDERControl]",
    (V21, "BatterySwap"): "test_notices.py::test_kept[2.1-BatterySwap]",
}
"""(version, action) -> the test, below ``tests/effects``."""

FOLDER: Final = Path(__file__).parent / "effects"
ROWS: Final = [(route.version, route.action) for route in ROUTES]


def test_every_row_names_a_test_and_nothing_else_does() -> None:
    assert len(ROWS) == len(set(ROWS))
    assert set(EFFECTS) == set(ROWS)


def test_the_tests_exist() -> None:
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(FOLDER)]
    listed = subprocess.run(collect, cwd=FOLDER.parent.parent, capture_output=True, text=True, timeout=150, check=True)
    found = {line.removeprefix("tests/effects/") for line in listed.stdout.splitlines()}
    assert set(EFFECTS.values()) <= found, set(EFFECTS.values()) - found


@dataclass
class Idle:
    """A server where the handler of one row at a time answers as little as it may and does nothing."""

    site: Site
    rows: set[Row]


def _sometimes_idle(route: Route, idle: set[Row]) -> Route:
    response_type = actions(route.version)[route.action].response
    assert response_type is not None, route
    schema = messages(route.version)[f"{route.action}Response"]
    response = decode(response_type, dump(least(schema, schema)))

    async def handler(service: Any, live: LiveStation, request: Any) -> Payload | None:
        if (route.version, route.action) in idle:
            return response
        return await route.handler(service, live, request)

    return replace(route, handler=handler)


@pytest.fixture(scope="module")
async def idle(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Idle]:
    rows: set[Row] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "ROUTES", tuple(_sometimes_idle(route, rows) for route in ROUTES))
        async with opened(tmp_path_factory.mktemp("idle")) as site:
            yield Idle(site, rows)


def _test_of(row: Row) -> Callable[[Site], Awaitable[None]]:
    """The named test as a function of the site; its other arguments are the row's."""
    named = re.fullmatch(r"(\w+)\.py::(\w+)\[.*\]", EFFECTS[row])
    assert named is not None
    function = getattr(importlib.import_module(f"tests.effects.{named[1]}"), named[2])
    arguments = {"version": row[0], "action": row[1]}
    taken = {name: arguments[name] for name in inspect.signature(function).parameters if name != "site"}
    return lambda site: function(site, **taken)


@pytest.mark.anyio
@pytest.mark.parametrize("row", ROWS, ids=[f"{version.label}-{action}" for version, action in ROWS])
async def test_it_fails_when_the_handler_does_nothing(idle: Idle, row: Row) -> None:
    idle.rows.add(row)
    try:
        with pytest.raises(AssertionError):
            await _test_of(row)(idle.site)
    finally:
        idle.rows.clear()
