"""Block C: idTokens refused and accepted, groups, the cache, the master pass."""

from __future__ import annotations

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.states import (
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
)
from voltbridge.conformance.csms.station import SimulatedStation, State
from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.received import Received

__all__: list[str] = []


@csms_case("TC_C_02_CSMS")
async def unknown_token(station: SimulatedStation) -> None:
    """An unknown or invalid idToken is refused."""
    response = await station.authorize(1, station.configuration.tokens.invalid)
    response.expect("idTokenInfo.status", "Invalid", "Unknown")


@csms_case("TC_C_06_CSMS")
async def blocked_token(station: SimulatedStation) -> None:
    """A blocked idToken is refused."""
    response = await station.authorize(1, station.configuration.tokens.blocked)
    response.expect("idTokenInfo.status", "Blocked", "Invalid")


@csms_case("TC_C_07_CSMS")
async def expired_token(station: SimulatedStation) -> None:
    """An expired idToken is refused."""
    response = await station.authorize(1, station.configuration.tokens.expired)
    response.expect("idTokenInfo.status", "Expired", "Invalid")


@csms_case("TC_C_08_CSMS")
async def cached_token_accepted(station: SimulatedStation) -> None:
    """An idToken the station's cache accepted is confirmed in the transaction."""
    await ev_connected_pre_session(station)
    response = await station.transaction_event(1, "Updated", "Authorized", token=station.configuration.tokens.valid)
    response.expect("idTokenInfo.status", "Accepted")


@csms_case("TC_C_20_CSMS")
async def cached_token_invalid(station: SimulatedStation) -> None:
    """An idToken that is invalid is refused in the transaction."""
    await ev_connected_pre_session(station)
    response = await station.transaction_event(1, "Updated", "Authorized", token=station.configuration.tokens.invalid)
    response.expect("idTokenInfo.status", "Invalid", "Unknown")


@csms_case("TC_C_37_CSMS")
async def clear_cache(station: SimulatedStation) -> None:
    """The authorization cache is cleared."""
    asked = await station.asked(1, "clear the authorization cache", "ClearCache", {}, command=("clear_cache", {}))
    await asked.answer({"status": "Accepted"})


@csms_case("TC_C_38_CSMS")
async def clear_cache_rejected(station: SimulatedStation) -> None:
    """The station refuses to clear its authorization cache."""
    asked = await station.asked(1, "clear the authorization cache", "ClearCache", {}, command=("clear_cache", {}))
    await asked.answer({"status": "Rejected"})


@csms_case("TC_C_39_CSMS")
async def group(station: SimulatedStation) -> None:
    """Another idToken of the same group stops what one started."""
    tokens = station.configuration.tokens
    session = station.session()
    await ev_connected_pre_session(station)

    response = await station.authorize(1, tokens.valid2)
    _accepted_in(response, tokens.group.id_token)
    # The state before has started the transaction.
    response = await station.transaction_event(3, "Updated", "Authorized", token=tokens.valid)
    _accepted_in(response, tokens.group.id_token)
    session.authorized = True
    await energy_transfer_started(station)

    response = await station.authorize(6, tokens.valid2)
    _accepted_in(response, tokens.group.id_token)
    response = await station.transaction_event(8, "Updated", "StopAuthorized", token=tokens.valid2)
    _accepted_in(response, tokens.group.id_token)
    session.state = State.STOP_AUTHORIZED
    await ev_connected_post_session(station)
    await ev_disconnected(station)


@csms_case("TC_C_40_CSMS")
async def listed_group(station: SimulatedStation) -> None:
    """Another idToken of the same group, both in the local list, stops what one started."""
    tokens = station.configuration.tokens
    await _started_by_list(station)
    response = await station.transaction_event(5, "Updated", "StopAuthorized", token=tokens.valid2)
    _accepted_in(response, tokens.group.id_token)
    await _stopped(station)


@csms_case("TC_C_43_CSMS")
async def refused_in_the_list(station: SimulatedStation) -> None:
    """An idToken that the local list refuses is asked for, accepted, and stops what one of its group started."""
    tokens = station.configuration.tokens
    await _started_by_list(station)
    response = await station.authorize(4, tokens.valid2)
    _accepted_in(response, tokens.group.id_token)
    response = await station.transaction_event(6, "Updated", "StopAuthorized", token=tokens.valid2)
    _accepted_in(response, tokens.group.id_token)
    await _stopped(station)


@csms_case("TC_C_47_CSMS")
async def master_pass_stops_all(station: SimulatedStation) -> None:
    """A master pass stops all transactions, chosen on the station's display."""
    await _master_pass(station, stopped=_evses(station))


@csms_case("TC_C_48_CSMS")
async def master_pass_stops_one(station: SimulatedStation) -> None:
    """A master pass stops one of the transactions, chosen on the station's display."""
    await _master_pass(station, stopped=_evses(station)[:1])


@csms_case("TC_C_49_CSMS")
async def master_pass_without_display(station: SimulatedStation) -> None:
    """A master pass stops all transactions of a station without a display."""
    await _master_pass(station, stopped=_evses(station))


async def _started_by_list(station: SimulatedStation) -> None:
    """The EV is plugged in, which starts the transaction; an idToken of the local list is presented; energy flows."""
    tokens = station.configuration.tokens
    await ev_connected_pre_session(station)
    response = await station.transaction_event(1, "Updated", "Authorized", token=tokens.valid)
    _accepted_in(response, tokens.group.id_token)
    station.session().authorized = True
    await energy_transfer_started(station)


async def _stopped(station: SimulatedStation) -> None:
    station.session().state = State.STOP_AUTHORIZED
    await ev_connected_post_session(station)
    await ev_disconnected(station)


async def _master_pass(station: SimulatedStation, stopped: list[int]) -> None:
    """Energy flows at two EVSEs; the master pass is presented and ends it at some.

    The three cases share their text but for what is ended. Where one of them prints the valid idToken in the place of
    the master pass, its validation, or its siblings', says that the master pass is meant (C16.FR.01, C16.FR.02).
    """
    tokens = station.configuration.tokens
    for evse_id in _evses(station):
        await energy_transfer_started(station, evse_id=evse_id)
    response = await station.authorize(1, tokens.master_pass)
    _accepted_in(response, tokens.master_pass_group.id_token)
    for evse_id in stopped:
        response = await station.transaction_event(
            3, "Ended", "StopAuthorized", evse_id=evse_id, token=tokens.master_pass, stoppedReason="MasterPass"
        )
        _accepted_in(response, tokens.master_pass_group.id_token)


def _evses(station: SimulatedStation) -> list[int]:
    """The configured EVSE, where the first valid idToken starts, and the other, where the second does."""
    if station.configuration.evses < 2:
        raise NotApplicable("it needs a station with two EVSEs (evses)")
    return [station.evse_id, 2 if station.evse_id == 1 else 1]


def _accepted_in(response: Received, group: str) -> None:
    response.expect("idTokenInfo.status", "Accepted")
    response.expect("idTokenInfo.groupIdToken.idToken", group)
