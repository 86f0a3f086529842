"""C09, C13, C14: what the Local Authorization List lets a station do without asking, online and offline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.received import Received
from voltbridge.conformance.station.authorization import (
    asks,
    comes_back_after_a_while,
    local_list_enabled,
    nothing_said,
    stopped_by,
    unasked,
)
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    start_offline_transaction,
    tx_start_points,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import id_token_cached, id_tokens_in_local_list

__all__: list[str] = []

_MANY_ATTEMPTS_S = 600.0
"""Long enough for a station whose back-off has doubled a few times."""


async def _listed(csms: SimulatedCsms, token: Token, status: str, *others: tuple[Token, str]) -> None:
    """Memory State: the list has these tokens, all of the configured group where there are several."""
    tokens = [(token, status), *others]
    group = {"groupIdToken": csms.configuration.tokens.group.wire} if others else {}
    entries: Iterable[dict[str, Any]] = [
        {"idToken": one.wire, "idTokenInfo": {"status": said, **group}} for one, said in tokens
    ]
    await id_tokens_in_local_list(csms, entries)


async def _known_is_authorized(csms: SimulatedCsms) -> None:
    await authorized(csms, cached=True)
    await unasked(csms, 1)


@station_case("TC_C_27_CS")
async def accepted(csms: SimulatedCsms) -> None:
    """A token that the list knows as Accepted starts at once."""
    await local_list_enabled(csms)
    await _listed(csms, csms.configuration.tokens.valid, "Accepted")
    await _known_is_authorized(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


async def _asked_again(csms: SimulatedCsms, token: Token, status: str, *, connected: bool = False) -> None:
    """A token that the list knows as refused is presented, and the CSMS asked about it."""
    await local_list_enabled(csms)
    await csms.configure("LocalAuthListCtrlr", "DisablePostAuthorize", "false")
    await _listed(csms, token, status)
    if connected:
        await ev_connected_pre_session(csms)
    await csms.station.present(token, csms.evse_id)
    await asks(csms, 1, token)


@station_case("TC_C_28_CS")
async def invalid(csms: SimulatedCsms) -> None:
    """A token that the list knows as Invalid is asked about."""
    await _asked_again(csms, csms.configuration.tokens.invalid, "Invalid")


@station_case("TC_C_29_CS")
async def blocked(csms: SimulatedCsms) -> None:
    """A token that the list knows as Blocked is asked about."""
    await _asked_again(csms, csms.configuration.tokens.blocked, "Blocked", connected=True)


@station_case("TC_C_30_CS")
async def expired(csms: SimulatedCsms) -> None:
    """A token that the list knows as Expired is asked about."""
    await _asked_again(csms, csms.configuration.tokens.expired, "Expired")


@station_case("TC_C_31_CS")
async def accepted_by_now(csms: SimulatedCsms) -> None:
    """A token that the list knows as Invalid starts when the CSMS accepts it by now."""
    token = csms.configuration.tokens.invalid
    await local_list_enabled(csms)
    await csms.configure("LocalAuthListCtrlr", "DisablePostAuthorize", "false")
    await _listed(csms, token, "Invalid")
    csms.answers.statuses[token.id_token] = "Accepted"
    await authorized(csms, token=token, remote=False)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_C_58_CS")
async def never_asked(csms: SimulatedCsms) -> None:
    """A token that the list knows as Invalid is refused without asking, with DisablePostAuthorize."""
    token = csms.configuration.tokens.invalid
    await local_list_enabled(csms)
    await csms.configured("LocalAuthListCtrlr", "DisablePostAuthorize", "true")
    await _listed(csms, token, "Invalid")
    await csms.station.present(token, csms.evse_id)
    await csms.none(1, "Authorize", seconds=csms.configuration.message_timeout_s)
    await csms.none(1, "TransactionEvent")


@station_case("TC_C_40_CS")
async def stopped_by_group(csms: SimulatedCsms) -> None:
    """Another token of the group, which the list knows as well, stops the transaction."""
    tokens = csms.configuration.tokens
    await local_list_enabled(csms)
    await _listed(csms, tokens.valid, "Accepted", (tokens.valid2, "Accepted"))
    csms.answers.groups |= {tokens.valid.id_token: tokens.group, tokens.valid2.id_token: tokens.group}
    await ev_connected_pre_session(csms)
    await _known_is_authorized(csms)
    await energy_transfer_started(csms)
    await stopped_by(csms, 4, tokens.valid2)
    await unasked(csms, 4)
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms)


@station_case("TC_C_43_CS")
async def not_stopped_by_invalid_of_group(csms: SimulatedCsms) -> None:
    """A token of the group that the list knows as Invalid does not stop the transaction."""
    tokens = csms.configuration.tokens
    await local_list_enabled(csms)
    await _listed(csms, tokens.valid, "Accepted", (tokens.invalid, "Invalid"))
    csms.answers.groups |= {tokens.valid.id_token: tokens.group, tokens.invalid.id_token: tokens.group}
    await ev_connected_pre_session(csms)
    await _known_is_authorized(csms)
    await energy_transfer_started(csms)
    await csms.quiet()
    csms.forget()
    await csms.station.present(tokens.invalid, csms.evse_id)
    await asks(csms, 4, tokens.invalid)
    await nothing_said(csms, 5)


async def _offline_by_list(csms: SimulatedCsms) -> None:
    """Configuration State: offline, the station goes by the list alone."""
    await local_list_enabled(csms)
    await csms.configure("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false")
    await csms.configured("AuthCtrlr", "LocalAuthorizeOffline", "true")


def _queued(csms: SimulatedCsms, step: int) -> list[Received]:
    """The TransactionEventRequests of the present connection."""
    came = [one for one in csms.inbox.arrivals if one.connection == csms.connections]
    return [
        Received(csms.step(step), "TransactionEventRequest", one.payload)
        for one in came
        if one.action == "TransactionEvent"
    ]


@station_case("TC_C_21_CS")
async def offline_accepted(csms: SimulatedCsms) -> None:
    """Offline, a token that the list knows as Accepted starts and stops a transaction."""
    await _offline_by_list(csms)
    await _listed(csms, csms.configuration.tokens.valid, "Accepted")
    before = await start_offline_transaction(csms)
    session = csms.session()
    await csms.quiet()
    await csms.station.present(session.token, csms.evse_id)
    await csms.quiet()
    await csms.station.unplug(csms.evse_id, csms.connector_id)
    await csms.station.drive_out(csms.evse_id)
    csms.forget()
    csms.accept()
    await csms.reconnected(1, after=before, seconds=_MANY_ATTEMPTS_S)
    await csms.take(1, "TransactionEvent", {"triggerReason": "StopAuthorized"})
    await csms.quiet()
    for event in _queued(csms, 1):
        if event.at("triggerReason") == "StopAuthorized":
            break
        event.expect("offline", True)
    session.in_bay = session.authorized = session.ev_connected = False


async def _offline_refused(csms: SimulatedCsms, token: Token, status: str) -> None:
    """Offline, a token that the list knows as refused starts nothing."""
    await _offline_by_list(csms)
    await comes_back_after_a_while(csms)
    await _listed(csms, token, status)
    counts_bay = "ParkingBayOccupancy" in await tx_start_points(csms)
    csms.forget()
    before = csms.connections
    await csms.close(refuse=True)
    await csms.quiet()
    await csms.station.drive_in(csms.evse_id)
    await csms.station.present(token, csms.evse_id)
    await csms.quiet()
    csms.accept()
    await csms.reconnected(4, after=before, seconds=_MANY_ATTEMPTS_S)
    if counts_bay:
        event = await csms.take(5, "TransactionEvent")
        event.expect("offline", True)
        event.expect("triggerReason", "EVDetected")
    await csms.none(5, "TransactionEvent")


@station_case("TC_C_22_CS")
async def offline_invalid(csms: SimulatedCsms) -> None:
    """Offline, a token that the list knows as Invalid starts nothing."""
    await _offline_refused(csms, csms.configuration.tokens.invalid, "Invalid")


@station_case("TC_C_23_CS")
async def offline_blocked(csms: SimulatedCsms) -> None:
    """Offline, a token that the list knows as Blocked starts nothing."""
    await _offline_refused(csms, csms.configuration.tokens.blocked, "Blocked")


@station_case("TC_C_24_CS")
async def offline_expired(csms: SimulatedCsms) -> None:
    """Offline, a token that the list knows as Expired starts nothing."""
    await _offline_refused(csms, csms.configuration.tokens.expired, "Expired")


@station_case("TC_C_25_CS")
async def list_before_cache(csms: SimulatedCsms) -> None:
    """Offline, a token starts nothing that the list knows as Invalid, though the cache knows it as Accepted."""
    token = csms.configuration.tokens.valid
    if await csms.value("AuthCacheCtrlr", "Available") != "true":
        raise NotApplicable("the station has no Authorization Cache")
    await local_list_enabled(csms)
    await csms.configured("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await csms.configured("AuthCtrlr", "LocalAuthorizeOffline", "true")
    await csms.configured("TxCtrlr", "StopTxOnInvalidId", "false")
    await comes_back_after_a_while(csms)
    await id_token_cached(csms)
    await _listed(csms, token, "Invalid")
    await ev_connected_pre_session(csms)
    running = csms.session().runs()
    await csms.quiet()
    csms.forget()
    before = csms.connections
    await csms.close(refuse=True)
    await csms.station.present(token, csms.evse_id)
    await csms.transaction_duration()
    csms.accept()
    await csms.reconnected(2, after=before, seconds=_MANY_ATTEMPTS_S)
    if not running:
        await csms.none(3, "TransactionEvent", {"eventType": "Started"})
    await csms.none(3, "TransactionEvent", {"triggerReason": ("Authorized", "ChargingStateChanged")})
