"""The kit is no mirror of our own station: a charge point of the PyPI package ``ocpp`` passes cases of 1.6 too.

It is a small one, written here: two connectors, no memory and no clock. What it does not do, the kit has to notice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
import pytest
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from voltbridge.clock import SystemClock
from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.run import Outcome, Verdict
from voltbridge.conformance.station.cases import STATION_CASES
from voltbridge.conformance.station.door import open_door
from voltbridge.conformance.station.run import run_case
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

CONFIGURATION: Final = Configuration(quiet_s=0.5, transaction_duration_s=0.1, message_timeout_s=20.0)
READ_ONLY: Final = {"NumberOfConnectors": "2", "SupportedFeatureProfiles": "Core,RemoteTrigger"}


Handler = TypeVar("Handler", bound=Callable[..., Any])


def _on(action: str) -> Callable[[Handler], Handler]:
    typed: Callable[[Handler], Handler] = on(action)
    return typed


def _after(action: str) -> Callable[[Handler], Handler]:
    typed: Callable[[Handler], Handler] = after(action)
    return typed


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Point(ChargePoint):  # type: ignore[misc]
    """The charge point."""

    def __init__(self, identity: str, socket: ClientConnection) -> None:
        super().__init__(identity, socket, response_timeout=60)
        self.keys = {"HeartbeatInterval": "300", "AuthorizeRemoteTxRequests": "false", "LocalPreAuthorize": "false"}
        self.plugged: set[int] = set()
        self.drivers: dict[int, str] = {}
        self.running: dict[int, int] = {}

    async def status(self, connector: int, status: str) -> None:
        await self.call(call.StatusNotification(connector, "NoError", status, timestamp=_now()))

    async def look(self, connector: int) -> None:
        """A car and a driver: the transaction begins."""
        if connector in self.plugged and connector in self.drivers and connector not in self.running:
            request = call.StartTransaction(connector, self.drivers[connector], 0, _now())
            self.running[connector] = (await self.call(request)).transaction_id
            await self.status(connector, "Charging")

    async def stop(self, connector: int, **more: Any) -> None:
        number = self.running.pop(connector)
        self.drivers.pop(connector, None)
        await self.call(call.StopTransaction(5, _now(), number, **more))
        await self.status(connector, "Finishing")

    async def present(self, id_tag: str, connector: int) -> None:
        if self.drivers.get(connector) == id_tag and connector in self.running:
            await self.stop(connector, id_tag=id_tag, reason="Local")
            return
        answer = await self.call(call.Authorize(id_tag))
        if answer.id_tag_info["status"] == "Accepted" and connector not in self.drivers:
            self.drivers[connector] = id_tag
            await self.look(connector)

    @_on("GetConfiguration")
    def on_get_configuration(self, key: list[str] | None = None) -> Any:
        known = {**READ_ONLY, **self.keys}
        told = [name for name in key or known if name in known]
        return call_result.GetConfiguration(
            [{"key": name, "readonly": name in READ_ONLY, "value": known[name]} for name in told],
            [name for name in key or () if name not in known],
        )

    @_on("ChangeConfiguration")
    def on_change_configuration(self, key: str, value: str) -> Any:
        if key in READ_ONLY:
            return call_result.ChangeConfiguration("Rejected")
        if key not in self.keys:
            return call_result.ChangeConfiguration("NotSupported")
        if self.keys[key].isdecimal() and not value.isdecimal():
            return call_result.ChangeConfiguration("Rejected")
        self.keys[key] = value
        return call_result.ChangeConfiguration("Accepted")

    @_on("RemoteStartTransaction")
    def on_remote_start(self, id_tag: str, connector_id: int = 1, **_: Any) -> Any:
        free = connector_id in (1, 2) and connector_id not in self.drivers
        return call_result.RemoteStartTransaction("Accepted" if free else "Rejected")

    @_after("RemoteStartTransaction")
    async def after_remote_start(self, id_tag: str, connector_id: int = 1, **_: Any) -> None:
        if connector_id in (1, 2) and connector_id not in self.drivers:
            self.drivers[connector_id] = id_tag
            await self.look(connector_id)

    @_on("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id: int) -> Any:
        return call_result.RemoteStopTransaction("Accepted" if transaction_id in self.running.values() else "Rejected")

    @_after("RemoteStopTransaction")
    async def after_remote_stop(self, transaction_id: int) -> None:
        for connector in [one for one, number in self.running.items() if number == transaction_id]:
            await self.stop(connector, reason="Remote")

    @_on("ChangeAvailability")
    def on_change_availability(self, connector_id: int, type: str) -> Any:
        return call_result.ChangeAvailability("Accepted" if connector_id <= 2 else "Rejected")

    @_on("UnlockConnector")
    def on_unlock(self, connector_id: int) -> Any:
        return call_result.UnlockConnector("NotSupported")

    @_on("DataTransfer")
    def on_data_transfer(self, vendor_id: str, **_: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @_on("TriggerMessage")
    def on_trigger(self, requested_message: str, connector_id: int | None = None) -> Any:
        return call_result.TriggerMessage("Accepted" if requested_message == "Heartbeat" else "NotImplemented")

    @_after("TriggerMessage")
    async def after_trigger(self, requested_message: str, connector_id: int | None = None) -> None:
        if requested_message == "Heartbeat":
            await self.call(call.Heartbeat())


class Foreign:
    """Drives it. The things it cannot do it says."""

    def __init__(self) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._point: Point | None = None

    async def begin(self, url: str, configuration: Configuration, version: Version) -> None:
        address = f"{url}/{configuration.station_id}"
        socket = await self._stack.enter_async_context(
            connect(address, subprotocols=[Subprotocol(version)], proxy=None)
        )
        self._point = point = Point(configuration.station_id, socket)
        task = asyncio.create_task(point.start())
        self._stack.push_async_callback(_over, task)
        await point.call(call.BootNotification("Foreign", "Others"))
        for connector in range(3):
            await point.status(connector, "Available")

    async def end(self) -> None:
        await self._stack.aclose()

    async def plug_in(self, evse_id: int, connector_id: int) -> None:
        assert self._point is not None
        self._point.plugged.add(evse_id)
        await self._point.status(evse_id, "Preparing")
        await self._point.look(evse_id)

    async def unplug(self, evse_id: int, connector_id: int) -> None:
        assert self._point is not None
        self._point.plugged.discard(evse_id)
        await self._point.status(evse_id, "Available")

    async def present(self, token: Token, evse_id: int | None = None) -> None:
        assert self._point is not None
        await self._point.present(token.id_token, evse_id or 1)

    def __getattr__(self, name: str) -> Any:
        async def unable(*_: Any) -> None:
            raise DriverFailed(f"this charge point cannot {name}")

        return unable


async def _over(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
        await task


async def _played(case_id: str, **replaced: Any) -> Outcome:
    configuration = msgspec.structs.replace(CONFIGURATION, **replaced)
    async with open_door() as door:
        return await run_case(STATION_CASES[case_id], configuration, Foreign(), door, SystemClock())


@pytest.mark.parametrize(
    "case_id",
    [
        "TC16_B_GetConfiguration_Some_CS",
        "TC16_B_GetConfiguration_Unknown_CS",
        "TC16_B_ChangeConfiguration_Unknown_CS",
        "TC16_B_ChangeConfiguration_ReadOnly_CS",
        "TC16_B_ChangeConfiguration_BadValue_CS",
        "TC16_B_Key_NumberOfConnectors_CS",
        "TC16_C_Authorize_Accepted_CS",
        "TC16_E_Start_TwoAtOnce_CS",
        "TC16_F_RemoteStart_Direct_CS",
        "TC16_F_RemoteStop_Unknown_CS",
        "TC16_F_Trigger_Heartbeat_CS",
        "TC16_F_Unlock_Unknown_CS",
        "TC16_G_Status_Unplugged_CS",
        "TC16_G_Availability_Unknown_CS",
        "TC16_P_DataTransfer_Unknown_CS",
    ],
)
async def test_passes(case_id: str) -> None:
    outcome = await _played(case_id)
    shown = "\n".join(map(str, outcome.transcript or []))
    assert outcome.verdict is Verdict.PASSED, f"{outcome.failure or outcome.reason}\n{shown}"


FAILS: Final[Mapping[str, str]] = {
    "TC16_B_Reset_Schema_CS": "it takes no Reset at all",
    "TC16_E_Start_Content_CS": "its meter begins at 0 with each transaction",
    "TC16_G_Availability_Same_CS": "it says that it is Unavailable, and does not tell it",
}
"""Cases it does not pass, and why."""


@pytest.mark.parametrize("case_id", FAILS)
async def test_does_not_pass(case_id: str) -> None:
    outcome = await _played(case_id, message_timeout_s=1.0)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.failure is not None
