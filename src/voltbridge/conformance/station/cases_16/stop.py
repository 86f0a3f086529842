"""Cases about how transactions of 1.6 end, and what becomes of the cable (4.9, 4.10, 9.1.23, 9.1.33)."""

from __future__ import annotations

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import charging, ended, status_is, stopped_here

__all__: list[str] = []

_INFO = "EV side disconnected"


async def _cable(cs: CentralSystem, step: int, *, locked: bool) -> None:
    """Raises StepFailed unless the lock of the connector is so."""
    cs.needs("cable lock")
    await cs.quiet()
    if await cs.station.locked(*cs.place(cs.connector)) is not locked:
        wanted = "locked" if locked else "unlocked"
        raise StepFailed(cs.step(step), f"connector {cs.connector} {wanted}", "the contrary")


@charge_point_case("TC16_E_Stop_Local_CS")
async def local(cs: CentralSystem) -> None:
    """The driver ends the transaction: StopTransaction, Finishing, the cable is free, and then Available."""
    transaction = await charging(cs)
    await _cable(cs, 1, locked=True)
    await cs.present()
    await ended(cs, transaction, "Local", ABSENT, status="Finishing")
    await _cable(cs, 2, locked=False)
    await cs.unplug()
    await status_is(cs, 3, "Available")


@charge_point_case("TC16_E_Stop_Remote_CS")
async def remote(cs: CentralSystem) -> None:
    """The Central System ends the transaction: StopTransaction for the reason Remote, and the cable is free."""
    transaction = await charging(cs)
    await cs.answered(1, "RemoteStopTransaction", {"transactionId": transaction.number})
    await ended(cs, transaction, "Remote", status="Finishing")
    await _cable(cs, 2, locked=False)


@charge_point_case("TC16_E_Stop_Fault_CS")
async def fault(cs: CentralSystem) -> None:
    """What breaks ends the transaction, for a reason other than Local."""
    transaction = await charging(cs)
    await cs.station.fault(*cs.place(cs.connector))
    stop = await ended(cs, transaction)
    stop.expect("reason", "Other", "EmergencyStop", "PowerLoss")
    told = await status_is(cs, 1, "Faulted", past=("SuspendedEVSE", "SuspendedEV", "Finishing", "Charging"))
    if told.at("errorCode") == "NoError":
        raise StepFailed("1", "an errorCode", "NoError")
    await cs.station.mend(*cs.place(cs.connector))


@charge_point_case("TC16_E_Stop_Disconnect_CS")
async def ev_side_disconnect(cs: CentralSystem) -> None:
    """With StopTransactionOnEVSideDisconnect the transaction ends when the cable leaves the car."""
    await cs.needs_keys(StopTransactionOnEVSideDisconnect="true", UnlockConnectorOnEVSideDisconnect="true")
    transaction = await charging(cs)
    await cs.station.unplug_at_ev(cs.evse_id)
    cs.plugged.discard(cs.connector)
    await ended(cs, transaction, "EVDisconnected")
    told = await cs.take(1, "StatusNotification", {"connectorId": cs.connector})
    told.expect("status", "Finishing", "Available")
    await _cable(cs, 2, locked=False)


@charge_point_case("TC16_E_Stop_DisconnectLocked_CS")
async def ev_side_disconnect_locked(cs: CentralSystem) -> None:
    """Without UnlockConnectorOnEVSideDisconnect the cable stays locked until the driver shows the idTag."""
    await cs.needs_keys(StopTransactionOnEVSideDisconnect="true", UnlockConnectorOnEVSideDisconnect="false")
    transaction = await charging(cs)
    await cs.station.unplug_at_ev(cs.evse_id)
    cs.plugged.discard(cs.connector)
    await ended(cs, transaction, "EVDisconnected")
    await _cable(cs, 1, locked=True)
    await cs.present()
    await _cable(cs, 2, locked=False)


@charge_point_case("TC16_E_Stop_DisconnectGoesOn_CS")
async def ev_side_disconnect_goes_on(cs: CentralSystem) -> None:
    """Without StopTransactionOnEVSideDisconnect the transaction waits for the car, and goes on with it."""
    await cs.needs_keys(StopTransactionOnEVSideDisconnect="false", UnlockConnectorOnEVSideDisconnect="true")
    await cs.needs_keys(ConnectionTimeOut="600")
    transaction = await charging(cs)
    await cs.station.unplug_at_ev(cs.evse_id)
    told = await status_is(cs, 1, "SuspendedEV", past=("SuspendedEVSE",))
    told.expect("info", _INFO, ABSENT)
    await _cable(cs, 2, locked=True)
    await cs.none(2, "StopTransaction", seconds=cs.configuration.message_timeout_s)
    await cs.station.plug_at_ev(cs.evse_id)
    await status_is(cs, 3, "Charging")
    await stopped_here(cs, transaction)


@charge_point_case("TC16_E_Stop_SuspendedEV_CS")
async def suspended_by_the_car(cs: CentralSystem) -> None:
    """A car that wants no energy suspends, and resumes, without ending the transaction."""
    transaction = await charging(cs)
    await cs.station.suspend(cs.evse_id)
    await status_is(cs, 1, "SuspendedEV", past=("SuspendedEVSE",))
    await cs.station.resume(cs.evse_id)
    await status_is(cs, 2, "Charging")
    await stopped_here(cs, transaction)
