"""C12, C13, C15: tokens that are accepted offline, and turn out invalid when the station is back."""

from __future__ import annotations

from datetime import datetime

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.authorization import (
    cache_enabled,
    comes_back_after_a_while,
    names,
)
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    start_offline_transaction,
    stop_authorized,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import id_token_cached, id_tokens_in_local_list
from voltbridge.conformance.station.session import State
from voltbridge.conformance.station.states import (
    connector_is,
)

__all__: list[str] = []

_MANY_ATTEMPTS_S = 600.0
"""Long enough for a station whose back-off has doubled a few times."""
_A_MOMENT_S = 5.0


async def _turned_out_invalid(csms: SimulatedCsms, *, stops: bool, energy_wh: int, offline_s: float) -> list[Received]:
    """Offline, a token is accepted that the cache and the list know; the CSMS then calls it Invalid.

    The TransactionEventRequests about the time offline, after what the document says of them was seen.
    """
    await cache_enabled(csms)
    await csms.configured("AuthCtrlr", "LocalAuthorizeOffline", "true")
    await csms.configure("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await csms.configured("TxCtrlr", "StopTxOnInvalidId", "true" if stops else "false")
    if energy_wh:
        await csms.configured("TxCtrlr", "MaxEnergyOnInvalidId", str(energy_wh))
        await comes_back_after_a_while(csms)
    else:
        await csms.configure("TxCtrlr", "MaxEnergyOnInvalidId", "0")
    await id_token_cached(csms)
    if await csms.value("LocalAuthListCtrlr", "Enabled") is not None:
        await id_tokens_in_local_list(csms)
    await ev_connected_pre_session(csms)
    await csms.quiet()
    csms.forget()
    token = csms.session().token
    csms.answers.statuses[token.id_token] = "Invalid"
    before = csms.connections
    await csms.close(refuse=True)
    await csms.station.present(token, csms.evse_id)
    await csms.wait(offline_s)
    csms.accept()
    await csms.reconnected(2, after=before, seconds=_MANY_ATTEMPTS_S)
    await csms.until(lambda: bool(_since_back(csms)), csms.configuration.message_timeout_s)
    await csms.quiet()
    events = _told_late(csms)
    for event in events:
        if event.at("triggerReason") == "Authorized":
            names(event, token)
            event.expect("offline", True)
    return events


def _since_back(csms: SimulatedCsms) -> list[Received]:
    """The TransactionEventRequests of the present connection."""
    came = [one for one in csms.inbox.arrivals if one.connection == csms.connections]
    return [
        Received(csms.step(3), "TransactionEventRequest", one.payload)
        for one in came
        if one.action == "TransactionEvent"
    ]


def _told_late(csms: SimulatedCsms) -> list[Received]:
    """Those of them about what was before it."""
    opened = csms.attempts[-1].at
    opened = opened.replace(microsecond=opened.microsecond // 1000 * 1000)  # timestamps end with the millisecond
    return [one for one in _since_back(csms) if datetime.fromisoformat(one.at("timestamp")) < opened]


def _charged_offline(csms: SimulatedCsms, events: list[Received]) -> None:
    """Raises StepFailed unless energy began to flow offline, and was told so."""
    changed = [one for one in events if one.at("triggerReason") == "ChargingStateChanged"]
    if not changed:
        raise StepFailed(csms.step(3), "a TransactionEventRequest with ChargingStateChanged", "none")
    for event in changed:
        event.expect("offline", True)


def _no_more_energy(event: Received) -> None:
    """Post scenario validation: energy flows no more."""
    event.expect("transactionInfo.chargingState", "EVConnected", "SuspendedEVSE", "Idle")


@station_case("TC_C_15_CS")
async def goes_on_for_some_energy(csms: SimulatedCsms) -> None:
    """It goes on, up to MaxEnergyOnInvalidId, without StopTxOnInvalidId."""
    duration_s = csms.configuration.transaction_duration_s
    events = await _turned_out_invalid(csms, stops=False, energy_wh=10_000, offline_s=duration_s)
    _charged_offline(csms, events)
    await csms.none(3, "TransactionEvent", {"triggerReason": "Deauthorized"})
    suspended = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "SuspendedEVSE"}
    await csms.none(3, "TransactionEvent", suspended)


@station_case("TC_C_16_CS")
async def stops(csms: SimulatedCsms) -> None:
    """It stops, with StopTxOnInvalidId."""
    _charged_offline(csms, await _turned_out_invalid(csms, stops=True, energy_wh=0, offline_s=_A_MOMENT_S))
    _no_more_energy(await csms.take(5, "TransactionEvent", {"triggerReason": "Deauthorized"}))


@station_case("TC_C_17_CS")
async def suspends(csms: SimulatedCsms) -> None:
    """Energy stops and the transaction goes on, without StopTxOnInvalidId and MaxEnergyOnInvalidId."""
    await _turned_out_invalid(csms, stops=False, energy_wh=0, offline_s=_A_MOMENT_S)
    await csms.take(5, "TransactionEvent", {"transactionInfo.chargingState": "SuspendedEVSE"})
    # The document forbids a triggerReason SuspendedEVSE, which there is not: it is this that must not come.
    await csms.none(5, "TransactionEvent", {"triggerReason": "Deauthorized"})


@station_case("TC_C_18_CS")
async def stops_whatever_energy(csms: SimulatedCsms) -> None:
    """It stops, with StopTxOnInvalidId, whatever MaxEnergyOnInvalidId says."""
    duration_s = csms.configuration.transaction_duration_s
    events = await _turned_out_invalid(csms, stops=True, energy_wh=500, offline_s=duration_s)
    _charged_offline(csms, events)
    event = await csms.take(5, "TransactionEvent", {"triggerReason": "Deauthorized"})
    event.expect("offline", False, ABSENT)
    _no_more_energy(event)


@station_case("TC_C_26_CS")
async def unknown(csms: SimulatedCsms) -> None:
    """Offline, an unknown token is accepted (OfflineTxForUnknownIdEnabled); it turns out invalid, and energy stops."""
    await csms.configure("LocalAuthListCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "LocalPreAuthorize", "true")
    if not await csms.configure("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true"):
        raise NotApplicable("the station has no OfflineTxForUnknownIdEnabled")
    await csms.configured("AuthCtrlr", "LocalAuthorizeOffline", "true")
    await csms.configure("TxCtrlr", "MaxEnergyOnInvalidId", "0")
    await csms.configured("TxCtrlr", "StopTxOnInvalidId", "false")
    session = csms.session()
    before = await start_offline_transaction(csms)
    await csms.quiet()
    csms.forget()
    csms.answers.statuses[session.token.id_token] = "Invalid"
    csms.accept()
    await csms.reconnected(1, after=before, seconds=_MANY_ATTEMPTS_S)
    await csms.take(1, "TransactionEvent", {"transactionInfo.chargingState": "SuspendedEVSE"})
    await connector_is(csms, 1, "Occupied")
    offline = _told_late(csms)
    if not offline:
        raise StepFailed(csms.step(1), "TransactionEventRequests about the time offline", "none")
    for event in offline:
        event.expect("offline", True)
    del csms.answers.statuses[session.token.id_token]
    await csms.quiet()
    if not session.runs():
        return  # TxStopPoint has ended it with the energy: nothing is left to be stopped
    session.state = State.ENERGY_TRANSFER_SUSPENDED
    await stop_authorized(csms, remote=False)
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
