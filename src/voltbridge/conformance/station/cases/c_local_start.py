"""C01, C09, C16: tokens at the reader, that the CSMS is asked about; groups; master passes."""

from __future__ import annotations

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.authorization import (
    asks,
    authorization_enabled,
    names,
    nothing_said,
    without,
)
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    tx_start_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.session import State

__all__: list[str] = []

_LOCKED_AT_FIRST = "lock that keeps cables out until authorization"
_SCREEN = "screen for master passes"


async def _refused(csms: SimulatedCsms, token: Token) -> None:
    """A token is presented that the CSMS does not accept: nothing comes of it."""
    await csms.quiet()
    csms.forget()
    await csms.station.present(token, csms.evse_id)
    await asks(csms, 1, token)
    await nothing_said(csms, 1)


async def _refused_after_plugin(csms: SimulatedCsms, token: Token) -> None:
    without(csms, _LOCKED_AT_FIRST)
    await authorization_enabled(csms)
    await ev_connected_pre_session(csms)
    await _refused(csms, token)


@station_case("TC_C_02_CS")
async def invalid(csms: SimulatedCsms) -> None:
    """A token that the CSMS calls Invalid starts nothing."""
    await _refused_after_plugin(csms, csms.configuration.tokens.invalid)


@station_case("TC_C_05_CS")
async def invalid_with_cable_lock(csms: SimulatedCsms) -> None:
    """A token that the CSMS calls Invalid starts nothing, where it has to come before the cable."""
    csms.needs(_LOCKED_AT_FIRST)
    await authorization_enabled(csms)
    await _refused(csms, csms.configuration.tokens.invalid)


@station_case("TC_C_04_CS")
async def stopped_by_another(csms: SimulatedCsms) -> None:
    """A token that has nothing to do with the transaction does not stop it."""
    without(csms, "reader for several EVSEs")
    await authorization_enabled(csms)
    await energy_transfer_started(csms)
    await csms.quiet()
    csms.forget()
    other = csms.configuration.tokens.valid2
    await csms.station.present(other, csms.evse_id)
    await asks(csms, 1, other)
    await csms.wait(csms.configuration.message_timeout_s)
    for event in csms.seen("TransactionEvent"):
        if event.at("idToken.idToken") == other.id_token:
            raise StepFailed(csms.step(2), "no TransactionEventRequest with that idToken", str(dict(event.payload)))
        if event.at("eventType") == "Ended":
            raise StepFailed(csms.step("end"), "no TransactionEventRequest (Ended)", str(dict(event.payload)))


@station_case("TC_C_06_CS")
async def blocked(csms: SimulatedCsms) -> None:
    """A token that the CSMS calls Blocked starts nothing."""
    await _refused_after_plugin(csms, csms.configuration.tokens.blocked)


@station_case("TC_C_07_CS")
async def expired(csms: SimulatedCsms) -> None:
    """A token that the CSMS calls Expired starts nothing."""
    await _refused_after_plugin(csms, csms.configuration.tokens.expired)


@station_case("TC_C_56_CS")
async def unknown(csms: SimulatedCsms) -> None:
    """A token that the CSMS calls Unknown starts nothing."""
    token = csms.configuration.tokens.invalid
    csms.answers.statuses[token.id_token] = "Unknown"
    await _refused_after_plugin(csms, token)


async def _started_in_group(csms: SimulatedCsms, other: Token) -> None:
    """A token of a group charges; ``other`` is of the same group."""
    tokens = csms.configuration.tokens
    csms.answers.groups |= {tokens.valid.id_token: tokens.group, other.id_token: tokens.group}
    await ev_connected_pre_session(csms)
    await authorized(csms, token=tokens.valid, remote=False)
    await energy_transfer_started(csms)
    await csms.quiet()
    csms.forget()
    await csms.station.present(other, csms.evse_id)
    await asks(csms, 6, other)


@station_case("TC_C_39_CS")
async def stopped_by_group(csms: SimulatedCsms) -> None:
    """Another token of the group stops the transaction."""
    other = csms.configuration.tokens.valid2
    await _started_in_group(csms, other)
    names(await csms.take(8, "TransactionEvent", {"triggerReason": "StopAuthorized"}), other)
    csms.session().state = State.STOP_AUTHORIZED
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms)


@station_case("TC_C_42_CS")
async def not_stopped_by_invalid_of_group(csms: SimulatedCsms) -> None:
    """A token of the group that the CSMS calls Invalid does not stop the transaction."""
    await _started_in_group(csms, csms.configuration.tokens.invalid)
    await nothing_said(csms, 7)


async def _master_pass(csms: SimulatedCsms) -> Token:
    """Configuration State: MasterPassGroupId; the token that is a member."""
    tokens = csms.configuration.tokens
    await csms.configured("AuthCtrlr", "MasterPassGroupId", tokens.master_pass_group.id_token)
    csms.answers.groups[tokens.master_pass.id_token] = tokens.master_pass_group
    return tokens.master_pass


@station_case("TC_C_45_CS")
async def master_pass_starts_nothing(csms: SimulatedCsms) -> None:
    """A master pass starts no transaction."""
    token = await _master_pass(csms)
    starts = await tx_start_points(csms)
    if not starts & {"Authorized", "PowerPathClosed"} or starts & {"ParkingBayOccupancy", "EVConnected"}:
        await csms.configured("TxCtrlr", "TxStartPoint", "PowerPathClosed")
    await csms.station.present(token, csms.evse_id)
    await asks(csms, 1, token)
    await csms.none(2, "TransactionEvent")
    await ev_connected_pre_session(csms)
    charging = {"triggerReason": "ChargingStateChanged", "transactionInfo.chargingState": "Charging"}
    await csms.none(4, "TransactionEvent", charging, seconds=csms.configuration.message_timeout_s)


async def _charging_everywhere(csms: SimulatedCsms, evse_ids: list[int]) -> Token:
    """Energy flows at these EVSEs, and a master pass is presented."""
    token = await _master_pass(csms)
    tokens = csms.configuration.tokens
    for number, evse_id in enumerate(evse_ids):
        csms.session(evse_id).token = tokens.valid2 if number % 2 else tokens.valid
        await energy_transfer_started(csms, evse_id=evse_id)
    await csms.quiet()
    csms.forget()
    await csms.station.present(token)
    await asks(csms, 1, token)
    return token


async def _stopped_by_master_pass(csms: SimulatedCsms, token: Token, evse_ids: list[int]) -> None:
    """Step 3 and those after it: the transactions stop by this token, the last message of each says why."""
    for evse_id in evse_ids:
        session = csms.session(evse_id)
        this = {"transactionInfo.transactionId": session.last_transaction_id}
        event = await csms.take(3, "TransactionEvent", this)
        if event.at("idToken") is not ABSENT:
            names(event, token)
        session.state = State.STOP_AUTHORIZED
    for evse_id in evse_ids:
        await ev_connected_post_session(csms, evse_id=evse_id)
    for evse_id in evse_ids:
        await ev_disconnected(csms, evse_id=evse_id)
    for evse_id in evse_ids:
        await parking_bay_unoccupied(csms, evse_id=evse_id, reasons=("MasterPass",))
        this = {"transactionInfo.transactionId": csms.session(evse_id).last_transaction_id}
        last = csms.seen("TransactionEvent", this)[-1]
        last.expect("eventType", "Ended")
        last.expect("transactionInfo.stoppedReason", "MasterPass")


@station_case("TC_C_47_CS")
async def master_pass_stops_all_chosen(csms: SimulatedCsms) -> None:
    """A master pass stops all transactions, as chosen on the screen."""
    csms.needs(_SCREEN)
    evse_ids = list(range(1, csms.configuration.evses + 1))
    token = await _charging_everywhere(csms, evse_ids)
    await csms.station.choose_to_stop(None)
    await _stopped_by_master_pass(csms, token, evse_ids)


@station_case("TC_C_48_CS")
async def master_pass_stops_one_chosen(csms: SimulatedCsms) -> None:
    """A master pass stops the transaction that is chosen on the screen, and no other."""
    csms.needs(_SCREEN)
    evse_ids = list(range(1, csms.configuration.evses + 1))
    token = await _charging_everywhere(csms, evse_ids)
    await csms.station.choose_to_stop(evse_ids[0])
    await _stopped_by_master_pass(csms, token, evse_ids[:1])
    for evse_id in evse_ids[1:]:
        session = csms.session(evse_id)
        if not session.runs() or session.charging_state != "Charging":
            raise StepFailed(csms.step("end"), f"energy flows at EVSE {evse_id}", str(session.charging_state))


@station_case("TC_C_49_CS")
async def master_pass_stops_all(csms: SimulatedCsms) -> None:
    """A master pass stops all transactions, where there is no screen to choose one."""
    without(csms, _SCREEN)
    evse_ids = [1, 2][: csms.configuration.evses]
    token = await _charging_everywhere(csms, evse_ids)
    await _stopped_by_master_pass(csms, token, evse_ids)
