"""Messages that only tell something: each becomes an event of the station that holds all it told.

The payloads have every field there is, so that none is lost on the way.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from tests.effects.site import Site, only
from tests.strategies.oracle import messages
from tests.support.payloads import fullest

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

V16, V201, V21 = Version

EVENTS: Final = {
    "BatterySwap": "battery.swap",
    "ClearedChargingLimit": "charging_limit.cleared",
    "DiagnosticsStatusNotification": "diagnostics.status",
    "FirmwareStatusNotification": "firmware.status",
    "LogStatusNotification": "log.status",
    "NotifyChargingLimit": "charging_limit.set",
    "NotifyDERAlarm": "der.alarm",
    "NotifyDERStartStop": "der.control_changed",
    "NotifyDisplayMessages": "display_messages.reported",
    "NotifyEvent": "station.event",
    "NotifyPriorityCharging": "priority_charging.changed",
    "PublishFirmwareStatusNotification": "firmware.publish_status",
    "ReportChargingProfiles": "charging_profiles.reported",
    "ReportDERControl": "der.controls_reported",
    "ReservationStatusUpdate": "reservation.status",
    "SecurityEventNotification": "security.event",
    "SignedFirmwareStatusNotification": "firmware.status",
}
TOLD: Final = [
    *((V16, action) for action in sorted(EVENTS) if f"{action}Request" in messages(V16)),
    *((V201, action) for action in sorted(EVENTS) if f"{action}Request" in messages(V201)),
    *((V21, action) for action in sorted(EVENTS) if f"{action}Request" in messages(V21)),
]


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path, however names are spelled."""
    if isinstance(value, dict):
        pairs = [(f"{path}.{key.replace('_', '').casefold()}", inner) for key, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
    else:
        return {path: value}
    return {place: leaf for key, inner in pairs for place, leaf in flat(inner, key).items()}


@pytest.mark.parametrize(("version", "action"), TOLD, ids=[f"{version.label}-{action}" for version, action in TOLD])
async def test_kept(site: Site, version: Version, action: str) -> None:
    payload = fullest(messages(version)[f"{action}Request"])
    async with site.station(version) as charger:
        answer = await charger.call(action, payload)
        told = only(await site.events(EVENTS[action], charger))
    assert flat(told) == flat(payload)
    assert answer == {}


@pytest.mark.parametrize("version", [V201, V21], ids=lambda version: version.label)
async def test_a_monitored_availability_is_a_status(site: Site, version: Version) -> None:
    """G01: a station may tell the status of a connector by NotifyEvent."""
    event = {
        "eventId": 1,
        "timestamp": "2026-02-03T04:05:06.789Z",
        "trigger": "Delta",
        "actualValue": "Occupied",
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": 3, "connectorId": 2}},
        "variable": {"name": "AvailabilityState"},
    }
    payload = {"generatedAt": "2026-02-03T04:05:07Z", "seqNo": 0, "eventData": [event]}
    async with site.station(version) as charger:
        assert await charger.call("NotifyEvent", payload) == {}
        evse = only(await site.rest.items(f"/stations/{charger.identity}/evses"))
        connector = only(evse["connectors"])
        assert (evse["evse_id"], connector["connector_id"], connector["status"]) == (3, 2, "Occupied")


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
async def test_data_transfer(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        sent = {"vendorId": "com.example.nobody", "messageId": "Hello", "data": "text"}
        answer = await charger.call("DataTransfer", sent)
        received = only(await site.events("data_transfer.received", charger))
        assert (received["vendor_id"], received["message_id"], received["data"], received["status"]) == (
            "com.example.nobody",
            "Hello",
            "text",
            "UnknownVendorId",
        )
        assert answer["status"] == "UnknownVendorId"
