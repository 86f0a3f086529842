"""Quirks of boots, states and heartbeats."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Annotated, Any, ClassVar

import msgspec

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import OF_16, Quirk, Request, Situation, is_end

__all__ = [
    "AvailableAfterFaulted",
    "BootsAtEveryConnection",
    "IgnoresBootInterval",
    "LongInfo",
    "NeverFinishing",
    "StatesInLowerCase",
    "StatusBeforeBoot",
    "StatusRepeated",
    "SuspendedEvFlaps",
]

_Times = Annotated[int, msgspec.Meta(ge=1, le=100)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class StatusBeforeBoot(Quirk, frozen=True, kw_only=True):
    """The states of the connectors come before the BootNotification."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "BootNotification" and request.unique_id is not None:
            moment = str(DateTime.of(at.clock.now()))
            for number, (evse_id, connector_id) in enumerate(at.configuration.connectors, 1):
                if at.version is Version.V16:
                    status = {"connectorId": number, "errorCode": "NoError", "status": "Available"}
                else:
                    status = {"evseId": evse_id, "connectorId": connector_id, "connectorStatus": "Available"}
                yield Request("StatusNotification", {**status, "timestamp": moment})
        yield request


class BootsAtEveryConnection(Quirk, frozen=True, kw_only=True):
    """A BootNotification comes with every connection, although the station did not start anew."""

    def connected(self, at: Situation) -> Iterable[Request]:
        if at.connections > 1 and "boot" in at.memory:
            yield Request("BootNotification", deepcopy(at.memory["boot"]))

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "BootNotification":
            at.memory["boot"] = deepcopy(request.payload)
        return (request,)


class IgnoresBootInterval(Quirk, frozen=True, kw_only=True):
    """Heartbeats, or further boots, come at an interval of its own, not at the one the CSMS gave."""

    seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 10

    def answered(self, request: Request, answer: dict[str, Any], at: Situation) -> dict[str, Any]:
        return {**answer, "interval": self.seconds} if request.action == "BootNotification" else answer


class NeverFinishing(Quirk, frozen=True, kw_only=True):
    """The state Finishing is never told."""

    versions: ClassVar[frozenset[Version]] = OF_16

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StatusNotification" and request.payload["status"] == "Finishing":
            request.answer = {}
        return (request,)


class AvailableAfterFaulted(Quirk, frozen=True, kw_only=True):
    """Right after Faulted comes Available, although nothing was repaired."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        yield request
        field = "status" if at.version is Version.V16 else "connectorStatus"
        if request.action == "StatusNotification" and request.payload[field] == "Faulted":
            payload = deepcopy(request.payload) | {field: "Available"}
            if at.version is Version.V16:
                payload["errorCode"] = "NoError"
            yield Request("StatusNotification", payload)


class SuspendedEvFlaps(Quirk, frozen=True, kw_only=True):
    """When charging begins, the state goes to and fro between Charging and SuspendedEV."""

    times: _Times = 3
    seconds: _Seconds = 1.0
    """Between the states."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if at.version is Version.V16:
            yield request
            if request.action == "StatusNotification" and request.payload["status"] == "Charging":
                for number in range(2 * self.times):
                    payload = deepcopy(request.payload)
                    payload["status"] = "Charging" if number % 2 else "SuspendedEV"
                    yield Request("StatusNotification", payload, delay_s=self.seconds * (number + 1))
        elif request.action == "TransactionEvent":
            yield from self._events(request, at)
        else:
            yield request

    def _events(self, request: Request, at: Situation) -> Iterable[Request]:
        """2.x: updates of the transaction, among whose numbers those of the later ones move up."""
        info = request.payload["transactionInfo"]
        shift: int = at.memory.get(info["transactionId"], 0)
        first = request.payload["seqNo"] = request.payload["seqNo"] + shift
        yield request
        if info.get("chargingState") != "Charging" or shift or is_end(request):
            return
        for number in range(2 * self.times):
            payload = deepcopy(request.payload)
            for absent in ("meterValue", "idToken"):
                payload.pop(absent, None)
            payload |= {"eventType": "Updated", "triggerReason": "ChargingStateChanged", "seqNo": first + 1 + number}
            payload["transactionInfo"]["chargingState"] = "Charging" if number % 2 else "SuspendedEV"
            yield Request("TransactionEvent", payload, delay_s=self.seconds * (number + 1))
        at.memory[info["transactionId"]] = 2 * self.times


class StatusRepeated(Quirk, frozen=True, kw_only=True):
    """Each state is told several times."""

    times: _Times = 2

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        yield request
        if request.action == "StatusNotification":
            for _ in range(self.times - 1):
                yield Request("StatusNotification", deepcopy(request.payload))


class StatesInLowerCase(Quirk, frozen=True, kw_only=True):
    """States are written in lower case: available, charging."""

    breaks_schema: ClassVar[bool] = True

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StatusNotification":
            field = "status" if at.version is Version.V16 else "connectorStatus"
            request.payload[field] = request.payload[field].lower()
        return (request,)


class LongInfo(Quirk, frozen=True, kw_only=True):
    """StatusNotification carries an info that is too long."""

    versions: ClassVar[frozenset[Version]] = OF_16
    breaks_schema: ClassVar[bool] = True
    length: Annotated[int, msgspec.Meta(ge=51, le=10_000)] = 120

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StatusNotification":
            told = f"{request.payload.get('info') or request.payload['errorCode']}: "
            request.payload["info"] = (told * self.length)[: self.length]
        return (request,)
