"""E08, E11 to E14: transactions and the connection; what waits, what is tried again, what the CSMS is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.answers import SILENCE, Answer, Refusal
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_unoccupied,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.inbox import Arrival
from voltbridge.conformance.station.memory import (
    id_token_cached,
    id_tokens_in_local_list,
    transaction_events_in_queue_ended,
)

__all__: list[str] = []

_LEAST_ATTEMPTS: Final = 3
_DEVIATION: Final = timedelta(seconds=4)
"""What certification allows times to differ by (Part 6, 2.1)."""


async def _samples_often(csms: SimulatedCsms) -> None:
    """Configuration State: meter values come more often than a lost connection comes back."""
    interval_s = int(csms.configuration.sampled_interval_s)
    measurand = "Energy.Active.Import.Register"
    await csms.configured("SampledDataCtrlr", "TxUpdatedMeasurands", measurand)
    await csms.configured("SampledDataCtrlr", "TxUpdatedInterval", str(interval_s))
    await csms.configure("SampledDataCtrlr", "Enabled", "true")
    await _comes_back_after(csms, 2 * interval_s + 5)


async def _comes_back_after(csms: SimulatedCsms, seconds: int) -> None:
    """Configuration State: so long a back-off, and an OfflineThreshold it does not reach."""
    await csms.configured("OCPPCommCtrlr", "OfflineThreshold", str(seconds + 60))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(seconds))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")


async def _offline(csms: SimulatedCsms) -> None:
    """The connection is closed, and refused for the time that the station waits before it comes back."""
    before = csms.connections
    wait_s = int(await csms.value("OCPPCommCtrlr", "RetryBackOffWaitMinimum") or 0)
    csms.forget()
    await csms.close(refuse=True)
    await csms.wait(wait_s - 1)
    csms.accept()
    await csms.reconnected(2, after=before, seconds=10 * wait_s + csms.configuration.reconnect_s)


async def _status(csms: SimulatedCsms, step: int, transaction_id: str | None, *, ongoing: object, queued: bool) -> None:
    """GetTransactionStatus and what it has to say."""
    request = {} if transaction_id is None else {"transactionId": transaction_id}
    response = await csms.call(step, "GetTransactionStatus", request)
    response.expect("ongoingIndicator", ongoing)
    response.expect("messagesInQueue", queued)


async def _queue_emptied(csms: SimulatedCsms, step: int) -> list[Received]:
    """The TransactionEventRequests that waited, each marked as offline."""
    wait_s = csms.configuration.message_timeout_s
    if not await csms.until(lambda: bool(_since_back(csms)), wait_s):
        raise StepFailed(
            csms.step(step), "TransactionEventRequests about the time offline", f"none within {wait_s:g} s"
        )
    await csms.quiet()
    events = [Received(csms.step(step), "TransactionEventRequest", one.payload) for one in _since_back(csms)]
    for event in events:
        event.expect("offline", True)
    return events


def _since_back(csms: SimulatedCsms) -> list[Arrival]:
    """The TransactionEventRequests of the present connection about what was before it."""
    opened = csms.attempts[-1].at
    of_it = [one for one in csms.inbox.arrivals if one.connection == csms.connections]
    events = [one for one in of_it if one.action == "TransactionEvent"]
    return [one for one in events if datetime.fromisoformat(one.payload["timestamp"]) < opened]


@station_case("TC_E_28_CS")
async def status_of_unknown(csms: SimulatedCsms) -> None:
    """The status of a transaction there is not."""
    await _status(csms, 2, "kit-no-such-transaction", ongoing=False, queued=False)


@station_case("TC_E_29_CS")
async def status_of_running_with_queue(csms: SimulatedCsms) -> None:
    """The status of a running transaction of which messages wait."""
    await _samples_often(csms)
    await energy_transfer_started(csms)
    csms.answers.always("TransactionEvent", SILENCE)
    await _offline(csms)
    await _status(csms, 4, csms.session().transaction_id, ongoing=True, queued=True)
    csms.answers.usual("TransactionEvent")
    await _sampled_offline(csms, 5)


async def _sampled_offline(csms: SimulatedCsms, step: int) -> None:
    for event in await _queue_emptied(csms, step):
        event.expect("eventType", "Updated")
        if event.at("meterValue.0.sampledValue.0.value") is ABSENT:
            raise StepFailed(event.step, "TransactionEventRequest.meterValue", "no such field")


@station_case("TC_E_30_CS")
async def status_of_running(csms: SimulatedCsms) -> None:
    """The status of a running transaction of which all is told."""
    await energy_transfer_started(csms)
    await csms.quiet()
    await _status(csms, 2, csms.session().transaction_id, ongoing=True, queued=False)


@station_case("TC_E_31_CS")
async def status_of_ended_with_queue(csms: SimulatedCsms) -> None:
    """The status of a transaction that ended offline."""
    await csms.configure("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true")
    await _comes_back_after(csms, 60)
    await energy_transfer_started(csms)
    transaction_id = csms.session().transaction_id
    before = csms.connections
    await _ended_offline(csms)
    csms.answers.always("TransactionEvent", SILENCE)
    csms.accept()
    await csms.reconnected(1, after=before, seconds=600)
    await _status(csms, 2, transaction_id, ongoing=False, queued=True)
    csms.answers.usual("TransactionEvent")
    events = await _queue_emptied(csms, 3)
    _some(csms, events, "triggerReason", "StopAuthorized")
    events[-1].expect("eventType", "Ended")


def _some(csms: SimulatedCsms, events: list[Received], path: str, value: str) -> None:
    """Raises StepFailed unless one of the events has this value."""
    if not any(event.at(path) == value for event in events):
        told = ", ".join(str(event.at(path)) for event in events)
        raise StepFailed(csms.step(3), f"a TransactionEventRequest with {path} {value}", told)


async def _ended_offline(csms: SimulatedCsms) -> None:
    """The driver stops and leaves while the station is offline."""
    session = csms.session()
    csms.forget()
    await csms.close(refuse=True)
    await csms.wait(5)
    await csms.station.present(session.token, csms.evse_id)
    await csms.wait(2)
    await csms.station.unplug(csms.evse_id, csms.connector_id)
    await csms.station.drive_out(csms.evse_id)
    session.ev_connected = session.authorized = session.in_bay = False
    await csms.transaction_duration()


@station_case("TC_E_32_CS")
async def status_of_ended(csms: SimulatedCsms) -> None:
    """The status of a transaction that ended and was told."""
    await energy_transfer_started(csms)
    transaction_id = csms.session().transaction_id
    await parking_bay_unoccupied(csms)
    await csms.quiet()
    await _status(csms, 2, transaction_id, ongoing=False, queued=False)


@station_case("TC_E_33_CS")
async def status_of_queue(csms: SimulatedCsms) -> None:
    """Whether messages of any transaction wait: some do."""
    await _samples_often(csms)
    await energy_transfer_started(csms)
    csms.answers.always("TransactionEvent", SILENCE)
    await _offline(csms)
    await _status(csms, 4, None, ongoing=ABSENT, queued=True)
    csms.answers.usual("TransactionEvent")
    await _sampled_offline(csms, 5)


@station_case("TC_E_34_CS")
async def status_of_empty_queue(csms: SimulatedCsms) -> None:
    """Whether messages of any transaction wait: none do."""
    await _status(csms, 2, None, ongoing=ABSENT, queued=False)


@station_case("TC_E_40_CS")
async def connection_lost(csms: SimulatedCsms) -> None:
    """A transaction goes on without a connection; what was sampled meanwhile is told afterwards."""
    await _samples_often(csms)
    await energy_transfer_started(csms)
    await _offline(csms)
    await _sampled_offline(csms, 3)


async def _attempts(csms: SimulatedCsms) -> tuple[int, int]:
    """Configuration State: how often a transaction message is sent, and the interval that grows."""
    count, interval_s = _LEAST_ATTEMPTS, csms.configuration.attempt_interval_s
    await csms.configured("OCPPCommCtrlr", "MessageAttempts", str(count), "TransactionEvent")
    await csms.configured("OCPPCommCtrlr", "MessageAttemptInterval", str(interval_s), "TransactionEvent")
    return count, interval_s


def _is_charging(request: Mapping[str, Any]) -> bool:
    return bool(request["transactionInfo"].get("chargingState") == "Charging")


async def _charging_told(csms: SimulatedCsms, *answers: Answer) -> None:
    """Authorized, connected, and the message that energy flows, which is answered so each time, then as usual."""
    replies = list(answers)

    def reply(request: Mapping[str, Any]) -> Answer:
        if _is_charging(request) and replies:
            return replies.pop(0)
        id_token = request.get("idToken", {}).get("idToken")
        return {} if id_token is None else {"idTokenInfo": csms.answers.token_info(id_token)}

    csms.answers.always("TransactionEvent", reply)
    await authorized(csms)
    await ev_connected_pre_session(csms)
    await csms.maybe(1, "TransactionEvent", {"triggerReason": "SignedDataReceived"})
    await csms.maybe(3, "TransactionEvent", {"transactionInfo.chargingState": "SuspendedEVSE"})
    event = await csms.take(5, "TransactionEvent", {"transactionInfo.chargingState": "Charging"})
    event.expect("triggerReason", "ChargingStateChanged")


async def _sent(csms: SimulatedCsms, count: int, interval_s: float, timeout_s: float) -> None:
    """The message that energy flows is sent so often, after growing intervals, and no more (E13.FR.01 to 03)."""
    patience_s = sum(number * interval_s + timeout_s for number in range(1, _LEAST_ATTEMPTS + 2))
    await csms.wait(patience_s + csms.configuration.quiet_s)
    charging = [one for one in csms.inbox.arrivals if one.action == "TransactionEvent" and _is_charging(one.payload)]
    times = [one.at for one in charging if one.payload["seqNo"] == charging[0].payload["seqNo"]]
    if len(times) != count:
        raise StepFailed(csms.step(5), f"a TransactionEventRequest sent {count} times", f"{len(times)} times")
    for number, (one, next_one) in enumerate(pairwise(times), 1):
        wanted = timedelta(seconds=number * interval_s + timeout_s)
        if abs(next_one - one - wanted) > _DEVIATION:
            raise StepFailed(csms.step(5), f"{wanted} before transmission {number + 1}", str(next_one - one))


async def _timeout_s(csms: SimulatedCsms) -> float:
    return float(await csms.value("OCPPCommCtrlr", "MessageTimeout", "Default") or 30)


@station_case("TC_E_41_CS")
async def never_answered(csms: SimulatedCsms) -> None:
    """A message that is never answered is sent as often as configured, and given up."""
    count, interval_s = await _attempts(csms)
    await _charging_told(csms, *([SILENCE] * (count + 1)))
    await _sent(csms, count, interval_s, await _timeout_s(csms))


@station_case("TC_E_50_CS")
async def always_refused(csms: SimulatedCsms) -> None:
    """A message that is always refused is sent as often as configured, and given up."""
    count, interval_s = await _attempts(csms)
    await _charging_told(csms, *([Refusal("InternalError")] * (count + 1)))
    await _sent(csms, count, interval_s, 0)


@station_case("TC_E_42_CS")
async def answered_at_second(csms: SimulatedCsms) -> None:
    """A message that is answered at its second transmission is sent no more."""
    _, interval_s = await _attempts(csms)
    await _charging_told(csms, SILENCE)
    await _sent(csms, 2, interval_s, await _timeout_s(csms))


@station_case("TC_E_51_CS")
async def taken_at_second(csms: SimulatedCsms) -> None:
    """A message that is refused, and taken at its second transmission, is sent no more."""
    _, interval_s = await _attempts(csms)
    await _charging_told(csms, Refusal("InternalError"))
    await _sent(csms, 2, interval_s, 0)


@station_case("TC_E_43_CS")
async def offline_transaction(csms: SimulatedCsms) -> None:
    """A transaction that began and ended offline is told afterwards."""
    before = await transaction_events_in_queue_ended(csms)
    csms.accept()
    await csms.reconnected(1, after=before, seconds=600)
    events = await _queue_emptied(csms, 1)
    _some(csms, events, "eventType", "Started")
    _some(csms, events, "eventType", "Ended")


@station_case("TC_E_44_CS")
async def stopped_offline(csms: SimulatedCsms) -> None:
    """A transaction that its driver stopped offline is told to have ended."""
    await _comes_back_after(csms, 60)
    await energy_transfer_started(csms)
    before = csms.connections
    await _ended_offline(csms)
    csms.accept()
    await csms.reconnected(2, after=before, seconds=600)
    _some(csms, await _queue_emptied(csms, 3), "eventType", "Ended")


@station_case("TC_E_45_CS")
async def stopped_offline_by_group(csms: SimulatedCsms) -> None:
    """A transaction is stopped offline by another token of its group that the station knows."""
    tokens = csms.configuration.tokens
    cache = await csms.value("AuthCacheCtrlr", "Enabled") is not None
    local_list = await csms.value("LocalAuthListCtrlr", "Enabled") is not None
    if not (cache or local_list):
        raise NotApplicable("the station has neither an Authorization Cache nor a Local Authorization List")
    await _comes_back_after(csms, 60)
    if cache:
        await csms.configure("AuthCacheCtrlr", "Enabled", "true")
        await id_token_cached(csms, tokens.valid2, group=tokens.group)
    if local_list:
        info = {"status": "Accepted", "groupIdToken": tokens.group.wire}
        await id_tokens_in_local_list(csms, [{"idToken": tokens.valid2.wire, "idTokenInfo": info}])
    csms.answers.groups[tokens.valid.id_token] = tokens.group
    csms.session().token = tokens.valid
    await authorized(csms, token=tokens.valid)
    await energy_transfer_started(csms)
    csms.session().token = tokens.valid2
    before = csms.connections
    await _ended_offline(csms)
    csms.accept()
    await csms.reconnected(2, after=before, seconds=600)
    _some(csms, await _queue_emptied(csms, 3), "eventType", "Ended")
