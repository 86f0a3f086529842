"""Quirks of transactions: how they start, end, are numbered and named."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import OF_2, OF_16, Quirk, Request, Situation, is_end, is_start

__all__ = [
    "ChargesAtConnectorZero",
    "EndedWithoutStarted",
    "IdTokens",
    "MeterStart",
    "MeterStop",
    "MeterValuesAfterStop",
    "ReservationZero",
    "SequenceRestarts",
    "StartSentTwice",
    "StopNamesTransaction",
    "StopReasonIs",
    "StopSentTwice",
]

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class StartSentTwice(Quirk, frozen=True, kw_only=True):
    """The start of a transaction is sent twice, the second time under a message id of its own."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        yield request
        if is_start(request):
            yield Request(request.action, deepcopy(request.payload))


class StopSentTwice(Quirk, frozen=True, kw_only=True):
    """The end of a transaction is sent twice, the second time under a message id of its own."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        yield request
        if is_end(request):
            yield Request(request.action, deepcopy(request.payload))


class EndedWithoutStarted(Quirk, frozen=True, kw_only=True):
    """A transaction is never told to have started: its first event is an update or the end."""

    versions: ClassVar[frozenset[Version]] = OF_2

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if is_start(request):
            request.answer = {}
        return (request,)


class MeterValuesAfterStop(Quirk, frozen=True, kw_only=True):
    """Meter values of a transaction still come when its end has been told."""

    seconds: _Seconds = 2.0

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        yield request
        if not is_end(request):
            return
        payload = deepcopy(request.payload)
        if at.version is not Version.V16:
            payload |= {"eventType": "Updated", "triggerReason": "MeterValuePeriodic", "seqNo": payload["seqNo"] + 1}
            payload.get("transactionInfo", {}).pop("stoppedReason", None)
            yield Request("TransactionEvent", payload, delay_s=self.seconds)
            return
        sample = {"value": str(payload["meterStop"]), "context": "Transaction.End", "unit": "Wh"}
        values = [{"timestamp": payload["timestamp"], "sampledValue": [sample]}]
        connector = at.memory.get(payload["transactionId"], 1)
        more = {"connectorId": connector, "transactionId": payload["transactionId"], "meterValue": values}
        yield Request("MeterValues", more, delay_s=self.seconds)

    def answered(self, request: Request, answer: dict[str, Any], at: Situation) -> dict[str, Any]:
        if request.action == "StartTransaction":
            at.memory[answer.get("transactionId")] = request.payload.get("connectorId")
        return answer


class StopNamesTransaction(Quirk, frozen=True, kw_only=True):
    """StopTransaction names another transaction than the CSMS gave: 0, or -1."""

    versions: ClassVar[frozenset[Version]] = OF_16
    transaction_id: int = 0

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StopTransaction":
            request.payload["transactionId"] = self.transaction_id
        return (request,)


class MeterStart(Quirk, frozen=True, kw_only=True):
    """StartTransaction tells this register, whatever the meter says: many count each transaction from 0."""

    versions: ClassVar[frozenset[Version]] = OF_16
    value: int = 0

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StartTransaction":
            request.payload["meterStart"] = self.value
        return (request,)


class MeterStop(Quirk, frozen=True, kw_only=True):
    """StopTransaction tells this register, whatever the meter says: -1 where the station does not know it."""

    versions: ClassVar[frozenset[Version]] = OF_16
    value: int = -1

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StopTransaction":
            request.payload["meterStop"] = self.value
        return (request,)


class IdTokens(Quirk, frozen=True, kw_only=True):
    """Tokens are sent in other capitals, or cut."""

    capitals: Literal["lower", "upper", "as they are"] = "lower"
    cut: Annotated[int, msgspec.Meta(ge=1, le=255)] | None = None
    """To so many characters."""
    where: Literal["everywhere", "at the end"] = "everywhere"
    """At the end: only when a transaction ends."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if self.where == "everywhere" or is_end(request):
            payload = request.payload
            if isinstance(payload.get("idTag"), str):
                payload["idTag"] = self._other(payload["idTag"])
            token = payload.get("idToken")
            if isinstance(token, dict):
                token["idToken"] = self._other(token["idToken"])
        return (request,)

    def _other(self, token: str) -> str:
        if self.capitals != "as they are":
            token = token.lower() if self.capitals == "lower" else token.upper()
        return token[: self.cut]


class ChargesAtConnectorZero(Quirk, frozen=True, kw_only=True):
    """Transactions and meter values are told of connector 0 (2.x: EVSE 0), as if the whole station charged."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        payload = request.payload
        if request.action in ("StartTransaction", "MeterValues") and "connectorId" in payload:
            payload["connectorId"] = 0
        if request.action == "TransactionEvent" and "evse" in payload:
            payload["evse"] = {"id": 0}
        return (request,)


class SequenceRestarts(Quirk, frozen=True, kw_only=True):
    """The sequence numbers of a running transaction begin again at 0 with every connection."""

    versions: ClassVar[frozenset[Version]] = OF_2

    def connected(self, at: Situation) -> Iterable[Request]:
        at.memory.clear()
        return ()

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "TransactionEvent":
            key = request.payload["transactionInfo"]["transactionId"]
            request.payload["seqNo"] = at.memory.get(key, 0)
            at.memory[key] = request.payload["seqNo"] + 1
        return (request,)


class StopReasonIs(Quirk, frozen=True, kw_only=True):
    """The reason of each end is one that the standard does not have."""

    breaks_schema: ClassVar[bool] = True
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "Unknown"

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StopTransaction":
            request.payload["reason"] = self.reason
        elif is_end(request):
            request.payload["transactionInfo"]["stoppedReason"] = self.reason
        return (request,)


class ReservationZero(Quirk, frozen=True, kw_only=True):
    """StartTransaction names reservation 0 where there is none."""

    versions: ClassVar[frozenset[Version]] = OF_16

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if request.action == "StartTransaction":
            request.payload.setdefault("reservationId", 0)
        return (request,)
