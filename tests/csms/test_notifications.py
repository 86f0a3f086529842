"""Every notification of every version becomes an event with all that the message says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.csms.blocks.l_firmware.stand_ins import Images, Outside, Published, Updates
from tests.csms.blocks.n_diagnostics.test_logs import Addresses, Logs
from tests.csms.fakes import START, FakeStations, World
from tests.strategies.oracle import dump, messages
from tests.strategies.payloads import valid

from voltbridge.csms.blocks.a_security import v16 as a16
from voltbridge.csms.blocks.a_security import v21 as a21
from voltbridge.csms.blocks.a_security import v201 as a201
from voltbridge.csms.blocks.a_security.events import SecurityEventService
from voltbridge.csms.blocks.k_smart_charging import v21 as k21
from voltbridge.csms.blocks.k_smart_charging import v201 as k201
from voltbridge.csms.blocks.l_firmware import v16 as l16
from voltbridge.csms.blocks.l_firmware import v21 as l21
from voltbridge.csms.blocks.l_firmware import v201 as l201
from voltbridge.csms.blocks.l_firmware.publishing import PublishingService
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.csms.blocks.n_diagnostics import v16 as n16
from voltbridge.csms.blocks.n_diagnostics import v21 as n21
from voltbridge.csms.blocks.n_diagnostics import v201 as n201
from voltbridge.csms.blocks.n_diagnostics.logs import LogService
from voltbridge.csms.blocks.o_display_message import v21 as o21
from voltbridge.csms.blocks.o_display_message import v201 as o201
from voltbridge.csms.blocks.r_der_control import v21 as r21
from voltbridge.csms.blocks.s_battery_swap import v21 as s21
from voltbridge.csms.notifications import NotificationService
from voltbridge.domain.events import Event
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16, v201
from voltbridge.protocol.codec import decode, encode
from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

TYPES = {
    "BatterySwap": "battery.swap",
    "DiagnosticsStatusNotification": "diagnostics.status",
    "FirmwareStatusNotification": "firmware.status",
    "LogStatusNotification": "log.status",
    "NotifyDERAlarm": "der.alarm",
    "NotifyDERStartStop": "der.control_changed",
    "NotifyPriorityCharging": "priority_charging.changed",
    "PublishFirmwareStatusNotification": "firmware.publish_status",
    "ReportDERControl": "der.controls_reported",
    "SecurityEventNotification": "security.event",
    "SignedFirmwareStatusNotification": "firmware.status",
}
HANDLERS = {
    Version.V16: (a16, l16, n16),
    Version.V201: (a201, k201, l201, n201, o201),
    Version.V21: (a21, k21, l21, n21, o21, r21, s21),
}


def snake_case(action: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])|(?<=DER)(?=[A-Z])", "_", action).lower()


def find(version: Version, action: str) -> Any:
    """The handler, by the name that handlers have."""
    (handler,) = [
        getattr(module, snake_case(action)) for module in HANDLERS[version] if hasattr(module, snake_case(action))
    ]
    return handler


NOTIFICATIONS = [(version, action) for version in Version for action in TYPES if action in actions(version)]


class NoEvents:
    """No event was stored before."""

    async def of_type(self, type: str, since: datetime, limit: int) -> Sequence[Event]:
        return []


class Listener(FakeStations):
    """A station and the service that keeps what it tells."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.service = NotificationService(self.world.events)
        known = StationSettings("CS1", RegistrationStatus.ACCEPTED, START)
        self.live = LiveStation("CS1", known, StationReport("CS1"))

    async def tell(self, version: Version, request: Payload) -> Payload:
        action = type(request).__name__.removesuffix("Request")
        response: Payload = await find(version, action)(self._service_for(action), self.live, request)
        return response

    def _service_for(self, action: str) -> Any:
        """The service that makes more of a notification, with nothing to make it of."""
        outside, world = Outside(), self.world
        if action == "SecurityEventNotification":
            return SecurityEventService(NoEvents(), world.journal, world.events, world.clock)
        if action == "PublishFirmwareStatusNotification":
            return PublishingService(Published(), Images(), self, outside, outside, self.service, {}, world.clock)
        if action.endswith("FirmwareStatusNotification"):
            return FirmwareService(
                Images(), Updates(), self, outside, outside, self.service, {}, world.events, world.ids, world.clock
            )
        if action in ("LogStatusNotification", "DiagnosticsStatusNotification"):
            return LogService(Logs(), self, Addresses(), outside, self.service, {}, world.events, world.clock)
        return self.service


def without_spelling(value: Any) -> Any:
    """JSON with the names of the standard's fields folded, so that camelCase and snake_case are one."""
    if isinstance(value, dict):
        return {
            name.replace("_", "").casefold(): inner
            if name in ("customData", "custom_data")
            else without_spelling(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [without_spelling(item) for item in value]
    return value


@pytest.mark.parametrize(("version", "name"), NOTIFICATIONS)
@settings(max_examples=12, deadline=None, database=None)
@given(data=st.data())
def test_a_notification_is_kept_whole(version: Version, name: str, data: st.DataObject) -> None:
    payload = data.draw(valid(messages(version)[f"{name}Request"]))
    action = actions(version)[name]
    request = decode(action.request, dump(payload))

    async def body() -> None:
        listener = Listener()
        response = await listener.tell(version, request)
        assert type(response) is action.response
        assert encode(response) == b"{}"
        (kept,) = listener.world.emitted(TYPES[name])
        said = json.loads(dump(payload))
        assert json.loads(json.dumps(without_spelling(kept))) == without_spelling(said)

    asyncio.run(body())


def test_an_address_does_not_repeat_its_password() -> None:
    async def body() -> None:
        listener = Listener()
        request = v201.PublishFirmwareStatusNotificationRequest(
            status=v201.PublishFirmwareStatusEnumType.PUBLISHED, location=["ftp://user:word@host/x", "http://host/y"]
        )
        await listener.tell(Version.V201, request)
        (kept,) = listener.world.emitted("firmware.publish_status")
        assert kept["location"] == ["ftp://***@host/x", "http://host/y"]

    asyncio.run(body())


def test_the_event_belongs_to_the_station_that_told() -> None:
    async def body() -> None:
        listener = Listener()
        request = v16.FirmwareStatusNotificationRequest(status=v16.FirmwareStatus.INSTALLED)
        await listener.tell(Version.V16, request)
        await listener.world.events.told()
        assert [(event.type, event.station_id) for event in listener.world.bus.published] == [
            ("firmware.status", "CS1")
        ]

    asyncio.run(body())
