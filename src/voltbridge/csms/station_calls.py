"""The one door through which the CSMS speaks to stations.

A request is held against the schema of the station's own version and nothing else, becomes compact JSON in the
schema's field order, and crosses the bus to the node that owns the station's connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Protocol

from voltbridge.csms.live import LiveStations
from voltbridge.domain.station_calls import StationCall, StationNotConnected
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.actions import Action
from voltbridge.protocol.codec import decode, encode, encode_checked
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.policy import Policy, Violation
from voltbridge.protocol.registry import actions
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["CallBus", "InvalidCall", "StationCalls", "Watcher"]


class CallBus(Protocol):
    """The part of the bus that carries calls."""

    async def call(self, station_id: str, call: StationCall) -> bytes:
        """The response's JSON. Raises a CallFailed."""


class Watcher(Protocol):
    """Somebody whom messages of an action concern, even when others make them."""

    def check(self, station_id: str, version: Version, request: Payload) -> None:
        """Before it is sent. Raises InvalidValue to keep it from being sent."""

    async def answered(self, station_id: str, version: Version, request: Payload, response: Payload) -> None:
        """The station has answered; whoever sent the message waits."""


class InvalidCall(ValueError):
    """A request was not sent, because its version has no such message or the schema refuses it."""

    def __init__(self, kind: ViolationKind, path: str, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.kind = kind
        self.path = path
        self.detail = detail


class StationCalls:
    """Requests to stations, wherever their connections are."""

    def __init__(self, bus: CallBus, stations: LiveStations, timeout_s: float = 30.0) -> None:
        """``timeout_s`` is how long a station may take to answer, unless a call says otherwise."""
        self._bus = bus
        self._stations = stations
        self._timeout_s = timeout_s
        self._watchers: dict[str, Watcher] = {}

    def watch(self, action: str, watcher: Watcher) -> None:
        """Have the watcher told of calls of this action that come by ``call_raw``."""
        self._watchers[action] = watcher

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The station's response to a request.

        Raises InvalidCall when the request breaks the schema, and StationNotConnected, CallTimedOut or CallRefused.
        """
        action = _by_request(version).get(type(request))
        if action is None:
            detail = f"{type(request).__name__} is no message of a CSMS in OCPP {version.label}"
            raise InvalidCall(ViolationKind.UNKNOWN_ACTION, "$", detail)
        try:
            payload = encode_checked(request)
        except Violation as violation:
            raise InvalidCall(violation.kind, violation.path, violation.detail) from None
        station_id = station if isinstance(station, str) else station.station_id
        answer = await self._send(station_id, action, payload, timeout_s)
        assert action.response is not None, "no version has a SEND for a CSMS"
        # The owner of the connection has accepted the response by the station's own policy.
        return decode(action.response, answer, policy=Policy.SALVAGE, deviations=[])

    async def call_raw(
        self, station_id: str, action_name: str, payload: bytes, timeout_s: float | None = None
    ) -> bytes:
        """The JSON of the station's response, as it came, to a request given as JSON.

        Raises as ``call`` does, and InvalidValue for what a watcher keeps from being sent. A station that is not
        connected has no version, so nothing else is checked then.
        """
        live = self._stations.get(station_id)
        if live is None or live.report.protocol is None:
            raise StationNotConnected(station_id)
        version = Version(live.report.protocol)
        action = actions(version).get(action_name)
        if action is None or not action.from_csms:
            detail = f"a CSMS has no message {action_name} in OCPP {version.label}"
            raise InvalidCall(ViolationKind.UNKNOWN_ACTION, "$", detail)
        try:
            request = decode(action.request, payload)
        except Violation as violation:
            raise InvalidCall(violation.kind, violation.path, violation.detail) from None
        watcher = self._watchers.get(action_name)
        if watcher is None:
            return await self._send(station_id, action, encode(request), timeout_s)
        watcher.check(station_id, version, request)
        answer = await self._send(station_id, action, encode(request), timeout_s)
        assert action.response is not None, "no version has a SEND for a CSMS"
        response = decode(action.response, answer, policy=Policy.SALVAGE, deviations=[])
        await watcher.answered(station_id, version, request, response)
        return answer

    async def _send(self, station_id: str, action: Action, payload: bytes, timeout_s: float | None) -> bytes:
        seconds = self._timeout_s if timeout_s is None else timeout_s
        return await self._bus.call(station_id, StationCall(action.name, payload, seconds))


@cache
def _by_request(version: Version) -> Mapping[type[Payload], Action]:
    return MappingProxyType({action.request: action for action in actions(version).values() if action.from_csms})
