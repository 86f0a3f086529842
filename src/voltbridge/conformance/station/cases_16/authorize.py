"""Cases about who may charge at a charge point of 1.6: Authorize, its cache and groups (3.5.1, 3.10, 4.1, 5.4)."""

from __future__ import annotations

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.answers import SILENCE
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    authorizes,
    booted,
    cached,
    charging,
    ended,
    plugged_in,
    started,
    status_is,
    stopped_here,
)

__all__: list[str] = []


async def _nothing_starts(cs: CentralSystem, step: int) -> None:
    await cs.none(step, "StartTransaction", seconds=cs.configuration.message_timeout_s)


async def _asks_and_starts(cs: CentralSystem) -> None:
    """The idTag is asked about before anything starts."""
    await plugged_in(cs)
    cs.answers.once("Authorize", SILENCE)
    await authorizes(cs)
    await cs.none("authorizes 2", "StartTransaction")


@charge_point_case("TC16_C_Authorize_Accepted_CS")
async def accepted(cs: CentralSystem) -> None:
    """An idTag that is not known here is asked about, and starts the transaction."""
    transaction = await charging(cs)
    stop = await stopped_here(cs, transaction)
    stop.expect("transactionId", transaction.number)


@charge_point_case("TC16_C_Authorize_First_CS")
async def card_first(cs: CentralSystem) -> None:
    """An idTag presented before the car is there is asked about, and the transaction starts with the car."""
    await authorizes(cs)
    await status_is(cs, 1, "Preparing")
    if cs.seen("StartTransaction"):
        raise StepFailed("1", "no transaction without a car", "a StartTransactionRequest")
    await cs.plug_in()
    transaction = await started(cs)
    await stopped_here(cs, transaction)


async def _refused(cs: CentralSystem, token: Token, status: str) -> None:
    cs.answers.statuses[token.id_token] = status
    await plugged_in(cs)
    await authorizes(cs, token)
    await _nothing_starts(cs, 1)
    await cs.unplug()
    await status_is(cs, 2, "Available")


@charge_point_case("TC16_C_Authorize_Invalid_CS")
async def invalid(cs: CentralSystem) -> None:
    """An idTag that is Invalid starts nothing."""
    await _refused(cs, cs.configuration.tokens.invalid, "Invalid")


@charge_point_case("TC16_C_Authorize_Blocked_CS")
async def blocked(cs: CentralSystem) -> None:
    """An idTag that is Blocked starts nothing."""
    await _refused(cs, cs.configuration.tokens.blocked, "Blocked")


@charge_point_case("TC16_C_Authorize_Expired_CS")
async def expired(cs: CentralSystem) -> None:
    """An idTag that is Expired starts nothing."""
    await _refused(cs, cs.configuration.tokens.expired, "Expired")


@charge_point_case("TC16_C_Authorize_Concurrent_CS")
async def concurrent(cs: CentralSystem) -> None:
    """An idTag in use elsewhere (ConcurrentTx) starts nothing."""
    await _refused(cs, cs.configuration.tokens.valid2, "ConcurrentTx")


@charge_point_case("TC16_C_Authorize_SameStops_CS")
async def same_stops(cs: CentralSystem) -> None:
    """The idTag that began a transaction ends it without being asked about."""
    transaction = await charging(cs)
    count = len(cs.seen("Authorize"))
    stop = await stopped_here(cs, transaction)
    stop.expect("idTag", cs.configuration.tokens.valid.id_token, ABSENT)
    if len(cs.seen("Authorize")) != count:
        raise StepFailed("1", "no AuthorizeRequest to stop", "one")


@charge_point_case("TC16_C_Authorize_OtherStopsNot_CS")
async def other_stops_not(cs: CentralSystem) -> None:
    """Another idTag is asked about, and does not end what it has not begun."""
    tokens = cs.configuration.tokens
    transaction = await charging(cs)
    await authorizes(cs, tokens.valid2)
    await cs.none(1, "StopTransaction", seconds=cs.configuration.message_timeout_s)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_C_Authorize_ParentStops_CS")
async def parent_stops(cs: CentralSystem) -> None:
    """Another idTag with the same parentIdTag ends the transaction, and is named."""
    tokens = cs.configuration.tokens
    cs.answers.groups |= {tokens.valid.id_token: tokens.group, tokens.valid2.id_token: tokens.group}
    transaction = await charging(cs)
    await authorizes(cs, tokens.valid2)
    stop = await ended(cs, transaction, "Local", ABSENT, status="Finishing")
    stop.expect("idTag", tokens.valid2.id_token)


@charge_point_case("TC16_C_Authorize_OtherParent_CS")
async def other_parent(cs: CentralSystem) -> None:
    """Another idTag with another parentIdTag does not end the transaction."""
    tokens = cs.configuration.tokens
    cs.answers.groups |= {tokens.valid.id_token: tokens.group, tokens.valid2.id_token: Token(id_token="ANOTHER")}
    transaction = await charging(cs)
    await authorizes(cs, tokens.valid2)
    await cs.none(1, "StopTransaction", seconds=cs.configuration.message_timeout_s)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_C_Authorize_Unanswered_CS")
async def unanswered(cs: CentralSystem) -> None:
    """Nothing starts as long as the Central System has not answered."""
    await cs.needs_keys(LocalPreAuthorize="false")
    await _asks_and_starts(cs)
    await _nothing_starts(cs, 1)


@charge_point_case("TC16_C_Cache_PreAuthorize_CS")
async def cache_pre_authorizes(cs: CentralSystem) -> None:
    """With LocalPreAuthorize a cached idTag starts without the Central System being waited for."""
    await cs.needs_keys(LocalPreAuthorize="true")
    await cached(cs)
    cs.answers.always("Authorize", SILENCE)
    await plugged_in(cs)
    await cs.present()
    await started(cs)


@charge_point_case("TC16_C_Cache_NoPreAuthorize_CS")
async def cache_does_not_pre_authorize(cs: CentralSystem) -> None:
    """Without LocalPreAuthorize a cached idTag has to wait for the Central System."""
    await cs.needs_keys(LocalPreAuthorize="false")
    await cached(cs)
    await _asks_and_starts(cs)


@charge_point_case("TC16_C_Cache_Disabled_CS")
async def cache_disabled(cs: CentralSystem) -> None:
    """Without AuthorizationCacheEnabled what was cached counts for nothing."""
    await cs.needs_keys(LocalPreAuthorize="true")
    await cached(cs)
    await cs.needs_keys(AuthorizationCacheEnabled="false")
    await _asks_and_starts(cs)


@charge_point_case("TC16_C_Cache_Kept_CS")
async def cache_kept(cs: CentralSystem) -> None:
    """The cache outlasts a reset."""
    await cs.needs_keys(LocalPreAuthorize="true")
    await cached(cs)
    await booted(cs, "Hard")
    cs.answers.always("Authorize", SILENCE)
    await plugged_in(cs)
    await cs.present()
    await started(cs)


@charge_point_case("TC16_C_Cache_Expires_CS")
async def cache_expires(cs: CentralSystem) -> None:
    """A cached idTag whose expiryDate has passed is asked about."""
    await cs.needs_keys(LocalPreAuthorize="true", AuthorizationCacheEnabled="true")
    info = {"idTagInfo": {"status": "Accepted", "expiryDate": cs.in_a_while(120)}}
    for action, more in (("Authorize", {}), ("StartTransaction", {"transactionId": 77}), ("StopTransaction", {})):
        cs.answers.always(action, {**info, **more})
    transaction = await charging(cs)
    await stopped_here(cs, transaction)
    await cs.wait(130)
    for action in ("Authorize", "StartTransaction", "StopTransaction"):
        cs.answers.usual(action)
    await _asks_and_starts(cs)


async def _asked_although_cached(cs: CentralSystem) -> None:
    """Not what the cache said before: the idTag is asked about, and starts nothing by itself."""
    await plugged_in(cs)
    await authorizes(cs)
    await _nothing_starts(cs, 9)


@charge_point_case("TC16_C_Cache_ByAuthorize_CS")
async def cache_updated_by_authorize(cs: CentralSystem) -> None:
    """An idTag cached as not valid is asked about again, and starts once it is accepted."""
    await cs.needs_keys(LocalPreAuthorize="true", AuthorizationCacheEnabled="true")
    token = cs.configuration.tokens.valid
    cs.answers.statuses[token.id_token] = "Blocked"
    await _asked_although_cached(cs)
    del cs.answers.statuses[token.id_token]
    await authorizes(cs)
    await started(cs)


@charge_point_case("TC16_C_Cache_ByStart_CS")
async def cache_updated_by_start(cs: CentralSystem) -> None:
    """What StartTransaction says of an idTag changes the cache."""
    await cs.needs_keys(LocalPreAuthorize="true", StopTransactionOnInvalidId="true")
    await cached(cs)
    token = cs.configuration.tokens.valid
    cs.answers.statuses[token.id_token] = "Blocked"
    await plugged_in(cs)
    await cs.present()
    transaction = await started(cs, status=None)
    await ended(cs, transaction, "DeAuthorized")
    await cs.unplug()
    await status_is(cs, 1, "Available", past=("Finishing", "SuspendedEV", "SuspendedEVSE", "Charging"))
    # The cable may be locked until its owner has shown the idTag (3.5.4).
    await cs.present()
    await cs.quiet()
    cs.forget()
    await _asked_although_cached(cs)


@charge_point_case("TC16_C_Cache_ByStop_CS")
async def cache_updated_by_stop(cs: CentralSystem) -> None:
    """What StopTransaction says of an idTag changes the cache."""
    await cs.needs_keys(LocalPreAuthorize="true", AuthorizationCacheEnabled="true")
    transaction = await charging(cs)
    cs.answers.statuses[cs.configuration.tokens.valid.id_token] = "Blocked"
    await stopped_here(cs, transaction)
    await _asked_although_cached(cs)


@charge_point_case("TC16_C_ClearCache_Accepted_CS")
async def clear_cache(cs: CentralSystem) -> None:
    """A cache that was cleared knows nobody."""
    await cs.needs_keys(LocalPreAuthorize="true")
    await cached(cs)
    await cs.answered(1, "ClearCache", {})
    await _asks_and_starts(cs)


@charge_point_case("TC16_C_ClearCache_None_CS")
async def clear_no_cache(cs: CentralSystem) -> None:
    """A charge point without a cache cannot clear it."""
    if await cs.key("AuthorizationCacheEnabled") is not None:
        raise NotApplicable("the charge point has an Authorization Cache")
    await cs.answered(1, "ClearCache", {}, "Rejected")
