"""Cases about resets of charge points of 1.6 (5.14)."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.station.answers import SILENCE
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import booted, charging, ended, status_is, stopped_here

__all__ = ["serves"]


async def serves(cs: CentralSystem) -> None:
    await stopped_here(cs, await charging(cs))


@charge_point_case("TC16_B_Reset_Soft_CS")
async def soft(cs: CentralSystem) -> None:
    """A soft reset restarts the charge point, which serves as before."""
    await booted(cs, "Soft")
    await cs.quiet()
    await serves(cs)


@charge_point_case("TC16_B_Reset_Hard_CS")
async def hard(cs: CentralSystem) -> None:
    """A hard reset restarts the charge point, which serves as before."""
    await booted(cs, "Hard")
    await cs.quiet()
    await serves(cs)


@charge_point_case("TC16_B_Reset_SoftTransaction_CS")
async def soft_during_transaction(cs: CentralSystem) -> None:
    """Before a soft reset a transaction is ended gracefully, for the reason SoftReset."""
    transaction = await charging(cs)
    before = cs.connections
    await cs.answered(1, "Reset", {"type": "Soft"})
    await ended(cs, transaction, "SoftReset")
    if cs.inbox.arrivals[-1].connection != before and cs.seen("BootNotification"):
        raise StepFailed("2", "StopTransactionRequest before the reset", "BootNotificationRequest before it")
    await cs.reconnected(3, after=before)
    await cs.take(3, "BootNotification", seconds=cs.configuration.reconnect_s)
    await status_is(cs, 4, "Preparing", past=("Finishing", "SuspendedEV", "SuspendedEVSE", "Charging"))


@charge_point_case("TC16_B_Reset_HardTransaction_CS")
async def hard_during_transaction(cs: CentralSystem) -> None:
    """A transaction that a hard reset ends is told, before it or after, for the reason HardReset."""
    transaction = await charging(cs)
    before = cs.connections
    await cs.answered(1, "Reset", {"type": "Hard"})
    await cs.reconnected(2, after=before)
    await cs.take(2, "BootNotification", seconds=cs.configuration.reconnect_s)
    await ended(cs, transaction, "HardReset")


@charge_point_case("TC16_B_Reset_Unanswered_CS")
async def end_unanswered(cs: CentralSystem) -> None:
    """A StopTransaction that nobody answers before the reset is queued, and told after it."""
    transaction = await charging(cs)
    before = cs.connections
    cs.answers.once("StopTransaction", SILENCE)
    await cs.answered(1, "Reset", {"type": "Soft"})
    await cs.take(2, "StopTransaction", {"transactionId": transaction.number})
    await cs.reconnected(3, after=before, seconds=cs.configuration.reconnect_s + cs.configuration.message_timeout_s)
    await cs.take(3, "BootNotification", seconds=cs.configuration.reconnect_s)
    stop = await cs.take(4, "StopTransaction")
    stop.expect("transactionId", transaction.number)
    stop.expect("reason", "SoftReset")
