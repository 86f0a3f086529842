"""Cases about how transactions of 1.6 begin, and what becomes of those that should not have (4.8, 9.1.6, E3.17)."""

from __future__ import annotations

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    Transaction,
    authorizes,
    charging,
    ended,
    plugged_in,
    started,
    status_is,
    stopped_here,
)

__all__: list[str] = []

_ENERGY_WH = 200
_SLACK_WH = 50


@charge_point_case("TC16_E_Start_Content_CS")
async def start(cs: CentralSystem) -> None:
    """A transaction tells its connector, idTag, moment and register when it starts, and no reservation."""
    transaction = await charging(cs)
    transaction.start.expect("reservationId", ABSENT)
    await cs.transaction_duration()
    stop = await stopped_here(cs, transaction)
    if stop.at("meterStop") <= transaction.start.at("meterStart"):
        raise StepFailed("1", "energy between meterStart and meterStop", str(stop.at("meterStop")))
    again = await charging(cs, asked=False) if await cs.key("LocalPreAuthorize") == "true" else await charging(cs)
    if again.start.at("meterStart") < stop.at("meterStop"):
        raise StepFailed("2", f"a register of {stop.at('meterStop')} or more", str(again.start.at("meterStart")))


@charge_point_case("TC16_E_Start_TwoAtOnce_CS")
async def two_at_once(cs: CentralSystem) -> None:
    """Transactions at two connectors are told apart."""
    tokens, other = cs.configuration.tokens, cs.other_connector
    first = await charging(cs)
    second = await charging(cs, tokens.valid2, other)
    if first.connector == second.connector:
        raise StepFailed("1", "two connectors", str(first.connector))
    await stopped_here(cs, first)
    await stopped_here(cs, second, tokens.valid2)


@charge_point_case("TC16_E_Start_TimeOut_CS")
async def connection_timeout(cs: CentralSystem) -> None:
    """Who is authorized and brings no car within ConnectionTimeOut has to begin anew."""
    seconds = int(cs.configuration.ev_connection_timeout_s)
    await cs.needs_keys(ConnectionTimeOut=str(seconds))
    await authorizes(cs)
    await status_is(cs, 1, "Preparing")
    began = cs.clock.now()
    await status_is(cs, 2, "Available", seconds=seconds + cs.configuration.message_timeout_s)
    took_s = (cs.clock.now() - began).total_seconds()
    if abs(took_s - seconds) > cs.configuration.time_deviation_s:
        raise StepFailed("2", f"Available after {seconds} s", f"after {took_s:.0f} s")
    await plugged_in(cs)
    await cs.none(3, "StartTransaction", seconds=cs.configuration.quiet_s)


@charge_point_case("TC16_E_Start_SecondCard_CS")
async def second_presentation(cs: CentralSystem) -> None:
    """An idTag that is presented again before there is a car ends the intended usage."""
    await authorizes(cs)
    await status_is(cs, 1, "Preparing")
    await cs.present()
    await status_is(cs, 2, "Available")


async def _turns_invalid(cs: CentralSystem, *, stops: bool, energy_wh: int) -> Transaction:
    """The transaction has started when the Central System says that the idTag is not valid (any more)."""
    if energy_wh or await cs.key("MaxEnergyOnInvalidId") is not None:
        await cs.needs_keys(MaxEnergyOnInvalidId=str(energy_wh))
    await cs.needs_keys(StopTransactionOnInvalidId="true" if stops else "false", LocalPreAuthorize="false")
    await plugged_in(cs)
    cs.answers.once("StartTransaction", {"transactionId": 4711, "idTagInfo": {"status": "Invalid"}})
    await authorizes(cs)
    return await started(cs, status=None)


@charge_point_case("TC16_E_Start_InvalidStops_CS")
async def invalid_stops(cs: CentralSystem) -> None:
    """With StopTransactionOnInvalidId a transaction ends when its idTag turns out not to be valid."""
    transaction = await _turns_invalid(cs, stops=True, energy_wh=0)
    await ended(cs, transaction, "DeAuthorized")


@charge_point_case("TC16_E_Start_InvalidSuspends_CS")
async def invalid_suspends(cs: CentralSystem) -> None:
    """Without StopTransactionOnInvalidId only the energy stops, and the transaction goes on."""
    transaction = await _turns_invalid(cs, stops=False, energy_wh=0)
    await status_is(cs, 1, "SuspendedEVSE", past=("Preparing", "Charging", "SuspendedEV"))
    await cs.none(2, "StopTransaction", seconds=cs.configuration.message_timeout_s)
    await cs.unplug()
    stop = await cs.maybe(3, "StopTransaction")
    if stop is None:
        await cs.answered(3, "RemoteStopTransaction", {"transactionId": transaction.number})
        stop = await cs.take(3, "StopTransaction")
    if stop.at("meterStop") > transaction.start.at("meterStart") + 1:
        raise StepFailed("3", "no energy", f"{stop.at('meterStop')} Wh")


@charge_point_case("TC16_E_Start_InvalidEnergy_CS")
async def invalid_energy(cs: CentralSystem) -> None:
    """MaxEnergyOnInvalidId is what a car still gets when its idTag turns out not to be valid."""
    if await cs.key("MaxEnergyOnInvalidId") is None:
        raise NotApplicable("the charge point has no MaxEnergyOnInvalidId")
    transaction = await _turns_invalid(cs, stops=False, energy_wh=_ENERGY_WH)
    await status_is(cs, 1, "Charging", past=("Preparing", "SuspendedEV"))
    await status_is(cs, 2, "SuspendedEVSE", seconds=3600)
    await cs.answered(3, "RemoteStopTransaction", {"transactionId": transaction.number})
    stop = await ended(cs, transaction, "Remote")
    energy_wh = stop.at("meterStop") - transaction.start.at("meterStart")
    if not _ENERGY_WH <= energy_wh <= _ENERGY_WH + _SLACK_WH:
        raise StepFailed("3", f"{_ENERGY_WH} Wh, or a little more", f"{energy_wh} Wh")
