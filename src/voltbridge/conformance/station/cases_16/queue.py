"""Cases about messages of transactions that the Central System of 1.6 fails to process (3.7.1, E3.18)."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.station.answers import SILENCE, Refusal
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import authorizes, charging, plugged_in, status_is, stopped_here

__all__: list[str] = []

_INTERVAL_S = 10
_FAILED = Refusal("InternalError")


async def _patient(cs: CentralSystem, attempts: int) -> None:
    await cs.needs_keys(TransactionMessageAttempts=str(attempts), TransactionMessageRetryInterval=str(_INTERVAL_S))


async def _again(cs: CentralSystem, step: int, action: str, after_s: float) -> None:
    """The same message comes once more, after so many seconds."""
    first = cs.seen(action)[-1]
    since = cs.clock.now()
    again = await cs.take(step, action, seconds=after_s + cs.configuration.message_timeout_s)
    waited_s = (cs.clock.now() - since).total_seconds()
    if abs(waited_s - after_s) > cs.configuration.time_deviation_s:
        raise StepFailed(again.step, f"{action}Request again after {after_s:g} s", f"after {waited_s:.1f} s")
    if again.payload != first.payload:
        raise StepFailed(again.step, f"the same {action}Request", str(dict(again.payload)))


@charge_point_case("TC16_E_Retry_Interval_CS")
async def interval(cs: CentralSystem) -> None:
    """A message that fails comes again after the interval, the next time after twice the interval."""
    await _patient(cs, 3)
    transaction = await charging(cs)
    cs.answers.once("StopTransaction", _FAILED, _FAILED)
    await cs.present()
    await cs.take(1, "StopTransaction", {"transactionId": transaction.number})
    await _again(cs, 2, "StopTransaction", _INTERVAL_S)
    await _again(cs, 3, "StopTransaction", 2 * _INTERVAL_S)
    await cs.none(4, "StopTransaction", seconds=4 * _INTERVAL_S)


@charge_point_case("TC16_E_Retry_GivenUp_CS")
async def given_up(cs: CentralSystem) -> None:
    """After TransactionMessageAttempts the message is given up, and the next is told."""
    await _patient(cs, 2)
    transaction = await charging(cs)
    cs.answers.once("StopTransaction", _FAILED, _FAILED)
    await cs.present()
    await cs.take(1, "StopTransaction", {"transactionId": transaction.number})
    await _again(cs, 2, "StopTransaction", _INTERVAL_S)
    await cs.none(3, "StopTransaction", seconds=4 * _INTERVAL_S)
    cs.running.clear()
    await cs.unplug()
    await status_is(cs, 4, "Available", past=("Finishing",))
    await charging(cs)


@charge_point_case("TC16_E_Retry_NoNumber_CS")
async def no_number(cs: CentralSystem) -> None:
    """A transaction whose start could never be told ends with the transactionId -1."""
    await _patient(cs, 2)
    await plugged_in(cs)
    cs.answers.once("StartTransaction", _FAILED, _FAILED)
    await authorizes(cs)
    await cs.take(1, "StartTransaction")
    await _again(cs, 2, "StartTransaction", _INTERVAL_S)
    await cs.wait(_INTERVAL_S)
    await cs.present()
    stop = await cs.take(3, "StopTransaction", seconds=4 * _INTERVAL_S + cs.configuration.message_timeout_s)
    stop.expect("transactionId", -1)


@charge_point_case("TC16_E_Retry_Order_CS")
async def order(cs: CentralSystem) -> None:
    """What follows in a transaction waits for what fails before it; a question about an idTag does not."""
    await _patient(cs, 3)
    await plugged_in(cs)
    cs.answers.once("StartTransaction", _FAILED, _FAILED)
    await authorizes(cs)
    await cs.take(1, "StartTransaction")
    await authorizes(cs, cs.configuration.tokens.valid2)
    await cs.present()
    await cs.none(2, "StopTransaction", seconds=_INTERVAL_S / 2)
    await cs.take(3, "StartTransaction", seconds=2 * _INTERVAL_S)
    await cs.none(4, "StopTransaction", seconds=_INTERVAL_S)
    await cs.take(5, "StartTransaction", seconds=3 * _INTERVAL_S)
    stop = await cs.take(6, "StopTransaction")
    stop.expect("transactionId", cs.answers.transactions)


@charge_point_case("TC16_E_Retry_Unanswered_CS")
async def unanswered(cs: CentralSystem) -> None:
    """A start that is not answered comes again, and the number it then gets is that of the transaction."""
    await _patient(cs, 3)
    await plugged_in(cs)
    cs.answers.once("StartTransaction", SILENCE)
    await authorizes(cs)
    first = await cs.take(1, "StartTransaction")
    again = await cs.take(2, "StartTransaction", seconds=300)
    if again.payload != first.payload:
        raise StepFailed("2", "the same StartTransactionRequest", str(dict(again.payload)))
    await cs.present()
    stop = await cs.take(3, "StopTransaction")
    stop.expect("transactionId", cs.answers.transactions)


@charge_point_case("TC16_E_Retry_Others_CS")
async def others(cs: CentralSystem) -> None:
    """Statuses are told although a message of a transaction fails."""
    await _patient(cs, 3)
    transaction = await charging(cs)
    cs.answers.once("StopTransaction", _FAILED)
    await cs.present()
    await cs.take(1, "StopTransaction", {"transactionId": transaction.number})
    await status_is(cs, 2, "Finishing", seconds=_INTERVAL_S / 2)
    await cs.unplug()
    await status_is(cs, 3, "Available", seconds=_INTERVAL_S / 2)
    await _again(cs, 4, "StopTransaction", _INTERVAL_S)


@charge_point_case("TC16_E_Retry_NextTransaction_CS")
async def next_transaction(cs: CentralSystem) -> None:
    """A new transaction is told after the end of the one before, however late that is."""
    await _patient(cs, 3)
    transaction = await charging(cs)
    cs.answers.once("StopTransaction", _FAILED)
    await cs.present()
    await cs.take(1, "StopTransaction", {"transactionId": transaction.number})
    await cs.unplug()
    cs.forget("StatusNotification")
    await cs.plug_in()
    await cs.present(cs.configuration.tokens.valid2)
    await cs.none(2, "StartTransaction", seconds=_INTERVAL_S / 2)
    await cs.take(3, "StopTransaction", seconds=2 * _INTERVAL_S)
    start = await cs.take(4, "StartTransaction")
    start.expect("idTag", cs.configuration.tokens.valid2.id_token)
    await cs.present(cs.configuration.tokens.valid2)
    stop = await cs.take(5, "StopTransaction")
    stop.expect("transactionId", cs.answers.transactions)


@charge_point_case("TC16_E_Retry_Attempts_CS")
async def attempts(cs: CentralSystem) -> None:
    """A single attempt is not followed by another."""
    await _patient(cs, 1)
    transaction = await charging(cs)
    cs.answers.once("StopTransaction", _FAILED)
    await cs.present()
    await cs.take(1, "StopTransaction", {"transactionId": transaction.number})
    await cs.none(2, "StopTransaction", seconds=4 * _INTERVAL_S)
    cs.running.clear()
    await cs.unplug()
    await status_is(cs, 3, "Available", past=("Finishing",))
    await stopped_here(cs, await charging(cs))
