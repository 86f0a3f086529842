"""C10 to C12: what the Authorization Cache lets a station do without asking, and what it has to learn and forget."""

from __future__ import annotations

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.station.authorization import (
    asks,
    cache_enabled,
    names,
    nothing_said,
    stopped_by,
    unasked,
)
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.charging_states import (
    authorized,
    deauthorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_occupied,
    parking_bay_unoccupied,
)
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import id_token_cached
from voltbridge.conformance.station.session import State
from voltbridge.conformance.station.states import (
    booted,
)

__all__: list[str] = []


async def _known_is_authorized(csms: SimulatedCsms) -> None:
    await authorized(csms, cached=True)
    await unasked(csms, 1)


@station_case("TC_C_08_CS")
async def accepted(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Accepted starts at once."""
    await cache_enabled(csms)
    await id_token_cached(csms)
    await ev_connected_pre_session(csms)
    await _known_is_authorized(csms)
    await energy_transfer_started(csms)


async def _asked_again(csms: SimulatedCsms, token: Token) -> None:
    """A token that the cache knows as refused is presented, and the CSMS asked about it."""
    await cache_enabled(csms)
    await csms.configure("AuthCacheCtrlr", "DisablePostAuthorize", "false")
    await id_token_cached(csms, token)
    await ev_connected_pre_session(csms)
    await csms.station.present(token, csms.evse_id)
    await asks(csms, 1, token)


@station_case("TC_C_09_CS")
async def invalid(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Invalid is asked about again."""
    await _asked_again(csms, csms.configuration.tokens.invalid)


@station_case("TC_C_10_CS")
async def blocked(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Blocked is asked about again."""
    await _asked_again(csms, csms.configuration.tokens.blocked)


@station_case("TC_C_11_CS")
async def expired(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Expired is asked about again."""
    await _asked_again(csms, csms.configuration.tokens.expired)


@station_case("TC_C_12_CS")
async def accepted_by_now(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Invalid starts when the CSMS accepts it by now."""
    token = csms.configuration.tokens.invalid
    await cache_enabled(csms)
    await csms.configure("AuthCacheCtrlr", "DisablePostAuthorize", "false")
    await id_token_cached(csms, token)
    csms.answers.statuses[token.id_token] = "Accepted"
    await ev_connected_pre_session(csms)
    await authorized(csms, token=token, remote=False)
    await energy_transfer_started(csms)


@station_case("TC_C_13_CS")
async def accepted_before_cable(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Accepted is presented before the cable is connected."""
    await cache_enabled(csms)
    await id_token_cached(csms)
    await parking_bay_occupied(csms)
    await _known_is_authorized(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_C_57_CS")
async def never_asked_again(csms: SimulatedCsms) -> None:
    """A token that the cache knows as Invalid is refused without asking, with DisablePostAuthorize."""
    token = csms.configuration.tokens.invalid
    await cache_enabled(csms)
    await csms.configured("AuthCacheCtrlr", "DisablePostAuthorize", "true")
    await id_token_cached(csms, token)
    await ev_connected_pre_session(csms)
    csms.forget()
    await csms.station.present(token, csms.evse_id)
    await csms.none(1, "Authorize", seconds=csms.configuration.message_timeout_s)
    await csms.none(1, "TransactionEvent")


@station_case("TC_C_32_CS")
async def persistent(csms: SimulatedCsms) -> None:
    """The cache survives a reboot."""
    await cache_enabled(csms)
    await csms.configured("AuthCtrlr", "LocalPreAuthorize", "true")
    await id_token_cached(csms)
    await booted(csms)
    await _known_is_authorized(csms)
    await ev_connected_pre_session(csms)
    await energy_transfer_started(csms)


@station_case("TC_C_33_CS")
async def learned_from_authorize(csms: SimulatedCsms) -> None:
    """What an AuthorizeResponse says of a token goes into the cache."""
    await _learns(csms)
    await ev_connected_pre_session(csms)
    await authorized(csms)
    await energy_transfer_started(csms)
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms)
    await parking_bay_occupied(csms)
    await ev_connected_pre_session(csms)
    csms.answers.statuses[csms.session().token.id_token] = "Invalid"
    await _known_is_authorized(csms)


async def _learns(csms: SimulatedCsms) -> None:
    await cache_enabled(csms)
    await csms.configured("AuthCtrlr", "LocalPreAuthorize", "true")
    await csms.configure("LocalAuthListCtrlr", "Enabled", "true")


@station_case("TC_C_34_CS")
async def learned_from_transaction_event(csms: SimulatedCsms) -> None:
    """What a TransactionEventResponse says of a token goes into the cache."""
    await _learns(csms)
    await csms.configured("TxCtrlr", "StopTxOnInvalidId", "true")
    await csms.configure("TxCtrlr", "MaxEnergyOnInvalidId", "0")
    await id_token_cached(csms)
    session = csms.session()
    csms.answers.statuses[session.token.id_token] = "Invalid"
    await ev_connected_pre_session(csms)
    await csms.station.present(session.token, csms.evse_id)
    await deauthorized(csms)
    await unasked(csms, 1)
    # The cable of a driver who turned out invalid stays locked until he comes again (E05.FR.11).
    await csms.station.present(session.token, csms.evse_id)
    await csms.quiet()
    csms.forget()
    session.state = State.EV_CONNECTED_POST_SESSION
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms, reasons=("DeAuthorized", "Local"))
    await parking_bay_occupied(csms)
    await csms.station.present(session.token, csms.evse_id)
    await asks(csms, 6, session.token)


@station_case("TC_C_36_CS")
async def not_looked_at(csms: SimulatedCsms) -> None:
    """Without LocalPreAuthorize the CSMS is asked about a token that the cache knows."""
    token = csms.configuration.tokens.valid
    await cache_enabled(csms)
    await csms.configured("AuthCtrlr", "LocalPreAuthorize", "false")
    await id_token_cached(csms)
    csms.answers.statuses[token.id_token] = "Invalid"
    await csms.station.present(token, csms.evse_id)
    await asks(csms, 1, token)


@station_case("TC_C_37_CS")
async def cleared(csms: SimulatedCsms) -> None:
    """A cleared cache knows no token."""
    await cache_enabled(csms)
    await id_token_cached(csms)
    (await csms.call(2, "ClearCache", {})).expect("status", "Accepted")
    await parking_bay_occupied(csms)
    await ev_connected_pre_session(csms)
    await authorized(csms, remote=False)
    await energy_transfer_started(csms)


@station_case("TC_C_38_CS")
async def not_cleared(csms: SimulatedCsms) -> None:
    """A cache that is switched off cannot be cleared."""
    await cache_enabled(csms)
    await csms.configured("AuthCacheCtrlr", "Enabled", "false")
    await id_token_cached(csms)
    (await csms.call(2, "ClearCache", {})).expect("status", "Rejected")


@station_case("TC_C_46_CS")
async def too_old(csms: SimulatedCsms) -> None:
    """The CSMS is asked about a token that the cache has known for longer than its LifeTime."""
    await cache_enabled(csms)
    await csms.configured("AuthCacheCtrlr", "LifeTime", str(round(csms.configuration.transaction_duration_s)))
    await id_token_cached(csms)
    await ev_connected_pre_session(csms)
    await csms.transaction_duration()
    await authorized(csms, remote=False)


@station_case("TC_C_41_CS")
async def stopped_by_group(csms: SimulatedCsms) -> None:
    """Another token of the group, which the cache knows as well, stops the transaction."""
    tokens = csms.configuration.tokens
    await cache_enabled(csms)
    await id_token_cached(csms, tokens.valid, group=tokens.group)
    await id_token_cached(csms, tokens.valid2, group=tokens.group)
    await ev_connected_pre_session(csms)
    await _known_is_authorized(csms)
    await energy_transfer_started(csms)
    await stopped_by(csms, 4, tokens.valid2)
    await unasked(csms, 4)
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms)


@station_case("TC_C_44_CS")
async def not_stopped_by_invalid_of_group(csms: SimulatedCsms) -> None:
    """A token of the group that the cache knows as Invalid does not stop the transaction."""
    tokens = csms.configuration.tokens
    await cache_enabled(csms)
    await csms.configure("AuthCacheCtrlr", "DisablePostAuthorize", "false")
    await id_token_cached(csms, tokens.valid, group=tokens.group)
    await id_token_cached(csms, tokens.invalid, group=tokens.group)
    await ev_connected_pre_session(csms)
    await _known_is_authorized(csms)
    await energy_transfer_started(csms)
    await csms.quiet()
    csms.forget()
    await csms.station.present(tokens.invalid, csms.evse_id)
    await asks(csms, 4, tokens.invalid)
    await nothing_said(csms, 5)


@station_case("TC_C_14_CS")
async def stopped_by_master_pass(csms: SimulatedCsms) -> None:
    """A token of the MasterPass group that the cache knows stops the transaction."""
    tokens = csms.configuration.tokens
    await cache_enabled(csms)
    await csms.configured("AuthCtrlr", "MasterPassGroupId", tokens.master_pass_group.id_token)
    csms.answers.groups[tokens.master_pass.id_token] = tokens.master_pass_group
    # A master pass starts nothing, so that asking about it is all there is to get it into the cache.
    with csms.stage("IdTokenCached"):
        await csms.station.present(tokens.master_pass, csms.evse_id)
        await asks(csms, 1, tokens.master_pass)
        await csms.quiet()
    await energy_transfer_started(csms)
    await csms.quiet()
    csms.forget()
    await csms.station.present(tokens.master_pass, csms.evse_id)
    event = await csms.take(1, "TransactionEvent")
    event.expect("triggerReason", "StopAuthorized")
    names(event, tokens.master_pass)
    if event.at("eventType") == "Ended":
        event.expect("transactionInfo.stoppedReason", "MasterPass")
        return
    csms.session().state = State.STOP_AUTHORIZED
    await ev_connected_post_session(csms)
    await ev_disconnected(csms)
    await parking_bay_unoccupied(csms, reasons=("MasterPass",))
