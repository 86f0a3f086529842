"""Cases about a charge point of 1.6 that is offline: who may charge then, and what is told later (3.5, 3.7)."""

from __future__ import annotations

from datetime import datetime

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    Transaction,
    cached,
    charging,
    ended,
    listed,
    offline,
    online,
    started,
    status_is,
    stopped_here,
)

__all__: list[str] = []

_AWAY_S = 90.0


async def _no_transaction(cs: CentralSystem) -> None:
    """Neither now nor when there is a connection again does a transaction start."""
    before = await offline(cs)
    await cs.plug_in()
    await cs.present()
    await cs.transaction_duration()
    await online(cs, before)
    await cs.none("online 1", "StartTransaction", seconds=cs.configuration.message_timeout_s)


async def _begins_offline(cs: CentralSystem, token: Token | None = None) -> tuple[int, datetime]:
    """A car and an idTag; the connection there was, and the moment."""
    before = await offline(cs)
    at = cs.clock.now()
    await cs.plug_in()
    await cs.present(token)
    await cs.wait(_AWAY_S)
    return before, at


async def _told_later(cs: CentralSystem, at: datetime, token: Token | None = None) -> Transaction:
    """The StartTransactionRequest of what began then."""
    start = await cs.take("told later 1", "StartTransaction")
    start.expect("idTag", (token or cs.configuration.tokens.valid).id_token)
    _was(cs, start, at)
    number = max(cs.running, default=-1)
    return Transaction(number, start)


def _was(cs: CentralSystem, message: Received, at: datetime) -> None:
    off_s = abs((datetime.fromisoformat(message.at("timestamp")) - at).total_seconds())
    if off_s > cs.configuration.time_deviation_s + cs.configuration.quiet_s:
        raise StepFailed(message.step, f"the moment it happened, {at}", str(message.at("timestamp")))


@charge_point_case("TC16_C_Offline_Cached_CS")
async def cached_starts(cs: CentralSystem) -> None:
    """With LocalAuthorizeOffline a cached idTag starts a transaction offline, told with its own moment."""
    await cs.needs_keys(LocalAuthorizeOffline="true")
    await cached(cs)
    before, at = await _begins_offline(cs)
    await online(cs, before)
    transaction = await _told_later(cs, at)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_C_Offline_CachedNot_CS")
async def cached_starts_not(cs: CentralSystem) -> None:
    """Without LocalAuthorizeOffline nobody starts a transaction offline."""
    await cs.needs_keys(LocalAuthorizeOffline="false")
    if await cs.key("AllowOfflineTxForUnknownId") is not None:
        await cs.needs_keys(AllowOfflineTxForUnknownId="false")
    await cached(cs)
    await _no_transaction(cs)


@charge_point_case("TC16_C_Offline_Listed_CS")
async def listed_starts(cs: CentralSystem) -> None:
    """An idTag in the Local Authorization List starts a transaction offline."""
    await cs.needs_keys(LocalAuthorizeOffline="true")
    await listed(cs, (cs.configuration.tokens.valid, "Accepted"))
    before, at = await _begins_offline(cs)
    await online(cs, before)
    transaction = await _told_later(cs, at)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_C_Offline_Unknown_CS")
async def unknown_starts(cs: CentralSystem) -> None:
    """With AllowOfflineTxForUnknownId anybody starts a transaction offline."""
    await cs.needs_keys(AllowOfflineTxForUnknownId="true", LocalAuthorizeOffline="true")
    before, at = await _begins_offline(cs)
    await online(cs, before)
    transaction = await _told_later(cs, at)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_C_Offline_UnknownNot_CS")
async def unknown_starts_not(cs: CentralSystem) -> None:
    """Without AllowOfflineTxForUnknownId an idTag that is not known here starts nothing offline."""
    await cs.needs_keys(LocalAuthorizeOffline="true")
    if await cs.key("AllowOfflineTxForUnknownId") is not None:
        await cs.needs_keys(AllowOfflineTxForUnknownId="false")
    await _no_transaction(cs)


@charge_point_case("TC16_C_Offline_ListedInvalid_CS")
async def listed_invalid(cs: CentralSystem) -> None:
    """An idTag that the list calls Blocked starts nothing offline, even where anybody else would."""
    await cs.needs_keys(AllowOfflineTxForUnknownId="true", LocalAuthorizeOffline="true")
    await listed(cs, (cs.configuration.tokens.valid, "Blocked"))
    await _no_transaction(cs)


@charge_point_case("TC16_C_Offline_TurnsInvalid_CS")
async def turns_invalid(cs: CentralSystem) -> None:
    """What was allowed offline ends when the Central System says that the idTag is not valid."""
    await cs.needs_keys(AllowOfflineTxForUnknownId="true", LocalAuthorizeOffline="true")
    await cs.needs_keys(StopTransactionOnInvalidId="true")
    before, at = await _begins_offline(cs)
    cs.answers.once("StartTransaction", {"transactionId": 815, "idTagInfo": {"status": "Invalid"}})
    await online(cs, before)
    transaction = await _told_later(cs, at)
    await ended(cs, transaction, "DeAuthorized")


@charge_point_case("TC16_E_Offline_Whole_CS")
async def whole_transaction(cs: CentralSystem) -> None:
    """A transaction that began and ended offline is told in order, with its moments, once there is a connection."""
    await cs.needs_keys(LocalAuthorizeOffline="true")
    await cached(cs)
    before, at = await _begins_offline(cs)
    over = cs.clock.now()
    await cs.present()
    await cs.wait(cs.configuration.quiet_s)
    await cs.unplug()
    await cs.wait(_AWAY_S)
    await online(cs, before)
    transaction = await _told_later(cs, at)
    stop = await cs.take(1, "StopTransaction")
    stop.expect("transactionId", transaction.number)
    stop.expect("reason", "Local", ABSENT)
    _was(cs, stop, over)
    told = [one.action for one in cs.inbox.arrivals if one.connection > before]
    if told.index("StartTransaction") > told.index("StopTransaction"):
        raise StepFailed("2", "StartTransactionRequest first", "StopTransactionRequest first")


@charge_point_case("TC16_E_Offline_EndOnly_CS")
async def ends_offline(cs: CentralSystem) -> None:
    """A transaction that ends offline is told with the moment of its end."""
    transaction = await charging(cs)
    before = await offline(cs)
    await cs.wait(_AWAY_S / 2)
    over = cs.clock.now()
    await cs.present()
    await cs.wait(_AWAY_S)
    await online(cs, before)
    stop = await cs.take(1, "StopTransaction")
    stop.expect("transactionId", transaction.number)
    _was(cs, stop, over)


@charge_point_case("TC16_J_Offline_MeterValues_CS")
async def meter_values_queue(cs: CentralSystem) -> None:
    """Meter values of a transaction wait for the connection, and come with the moments they were taken."""
    interval_s = int(cs.configuration.sampled_interval_s)
    await cs.needs_keys(MeterValueSampleInterval=str(interval_s))
    transaction = await charging(cs)
    before = await offline(cs)
    since = cs.clock.now()
    await cs.wait(2.5 * interval_s)
    until = cs.clock.now()
    await online(cs, before)
    last = since
    for step in (1, 2):
        values = await cs.take(step, "MeterValues", {"transactionId": transaction.number})
        at = datetime.fromisoformat(values.at("meterValue.0.timestamp"))
        if not last < at < until:
            raise StepFailed(values.step, "values taken while it was offline, in order", str(at))
        last = at
    await stopped_here(cs, transaction)


@charge_point_case("TC16_G_Offline_Status_CS")
async def current_status(cs: CentralSystem) -> None:
    """After a time offline the present status is told, and none of those in between, not even the first."""
    before = cs.connections
    await cs.close(refuse=True)  # and the car comes before the charge point may have noticed
    await cs.plug_in()
    await cs.wait(5)
    await cs.unplug()
    await cs.wait(5)
    await cs.plug_in()
    await cs.wait(_AWAY_S)
    await online(cs, before)
    await status_is(cs, 1, "Preparing", past=())
    await cs.none(2, "StatusNotification", {"connectorId": cs.connector})


@charge_point_case("TC16_E_Offline_PowerLoss_CS")
async def power_loss(cs: CentralSystem) -> None:
    """What was queued outlasts a power cut, and comes once the charge point is accepted, not before."""
    await cs.needs_keys(LocalAuthorizeOffline="true")
    await cached(cs)
    before, at = await _begins_offline(cs)
    await cs.station.power_cycle()
    cs.answers.once("BootNotification", {"currentTime": cs.now(), "interval": 20, "status": "Pending"})
    await online(cs, before)
    await cs.take(1, "BootNotification", seconds=cs.configuration.reconnect_s)
    await cs.none(2, "StartTransaction", seconds=10)
    await cs.take(3, "BootNotification", seconds=cs.configuration.reconnect_s)
    transaction = await _told_later(cs, at)
    stop = await cs.maybe(4, "StopTransaction")
    if stop is None:  # it may go on after the cut
        await stopped_here(cs, transaction)
        return
    cs.needed(stop)
    stop.expect("transactionId", transaction.number)
    stop.expect("reason", "PowerLoss", "Reboot", "Other")


@charge_point_case("TC16_E_Stop_PowerLoss_CS")
async def power_loss_online(cs: CentralSystem) -> None:
    """A transaction that a power cut ends is told for the reason PowerLoss."""
    transaction = await charging(cs)
    await cs.wait(_AWAY_S)
    before = cs.connections
    await cs.station.power_cycle()
    await cs.reconnected(1, after=before)
    await cs.take(1, "BootNotification", seconds=cs.configuration.reconnect_s)
    stop = await cs.maybe(2, "StopTransaction")
    if stop is None:
        raise NotApplicable("the transactions of the charge point go on after a power cut")
    cs.needed(stop)
    stop.expect("transactionId", transaction.number)
    stop.expect("reason", "PowerLoss")
    if stop.at("meterStop") < transaction.start.at("meterStart"):
        raise StepFailed("2", "meterStop of meterStart or more", str(stop.at("meterStop")))
    await cs.unplug()
    await _started_anew(cs)


async def _started_anew(cs: CentralSystem) -> None:
    """The charge point serves again."""
    cs.forget("StatusNotification")
    await cs.plug_in()
    await cs.present()
    await started(cs, status=None)
