"""Cases about what the Central System of 1.6 makes a charge point do: start, stop, unlock, and vendors' messages."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    cached,
    charging,
    ended,
    plugged_in,
    started,
    status_is,
    stopped_here,
)

__all__ = ["remote_start"]


def remote_start(cs: CentralSystem, number: int | None = None, **more: Any) -> dict[str, Any]:
    """RemoteStartTransactionRequest for the valid idTag."""
    token = cs.configuration.tokens.valid
    return {"idTag": token.id_token, "connectorId": number or cs.connector, **more}


async def _none_starts(cs: CentralSystem, step: int) -> None:
    await cs.none(step, "StartTransaction", seconds=cs.configuration.message_timeout_s)


@charge_point_case("TC16_F_RemoteStart_Direct_CS")
async def start_directly(cs: CentralSystem) -> None:
    """Without AuthorizeRemoteTxRequests a remote start begins a transaction, and nobody is asked."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="false")
    await plugged_in(cs)
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs))
    transaction = await started(cs)
    if cs.seen("Authorize"):
        raise StepFailed("2", "no AuthorizeRequest", "one")
    await stopped_here(cs, transaction)


@charge_point_case("TC16_F_RemoteStart_Asked_CS")
async def start_asked(cs: CentralSystem) -> None:
    """With AuthorizeRemoteTxRequests the idTag of a remote start is asked about before."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="true", LocalPreAuthorize="false")
    await plugged_in(cs)
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs))
    asked = await cs.take(2, "Authorize")
    asked.expect("idTag", cs.configuration.tokens.valid.id_token)
    await started(cs)
    told = [one.action for one in cs.inbox.arrivals]
    if told.index("Authorize") > told.index("StartTransaction"):
        raise StepFailed("2", "AuthorizeRequest first", "StartTransactionRequest first")


@charge_point_case("TC16_F_RemoteStart_AskedInvalid_CS")
async def start_asked_invalid(cs: CentralSystem) -> None:
    """With AuthorizeRemoteTxRequests a remote start for an idTag that is not valid begins nothing."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="true", LocalPreAuthorize="false")
    cs.answers.statuses[cs.configuration.tokens.valid.id_token] = "Blocked"
    await plugged_in(cs)
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs))
    await cs.take(2, "Authorize")
    await _none_starts(cs, 3)


@charge_point_case("TC16_F_RemoteStart_AskedCached_CS")
async def start_asked_cached(cs: CentralSystem) -> None:
    """With AuthorizeRemoteTxRequests and LocalPreAuthorize the cache is enough for a remote start."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="true", LocalPreAuthorize="true")
    await cached(cs)
    count = len(cs.seen("Authorize"))
    await plugged_in(cs)
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs))
    await started(cs)
    if len(cs.seen("Authorize")) > count + 1:
        raise StepFailed("2", "one AuthorizeRequest at most", "more")


@charge_point_case("TC16_F_RemoteStart_First_CS")
async def start_before_the_car(cs: CentralSystem) -> None:
    """A remote start before there is a car waits for it."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="false")
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs))
    await status_is(cs, 2, "Preparing")
    await cs.plug_in()
    await started(cs)


@charge_point_case("TC16_F_RemoteStart_TimeOut_CS")
async def start_without_a_car(cs: CentralSystem) -> None:
    """A remote start that no car follows within ConnectionTimeOut is given up."""
    seconds = int(cs.configuration.ev_connection_timeout_s)
    await cs.needs_keys(AuthorizeRemoteTxRequests="false", ConnectionTimeOut=str(seconds))
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs))
    await status_is(cs, 2, "Preparing")
    await status_is(cs, 3, "Available", seconds=seconds + cs.configuration.message_timeout_s)
    await plugged_in(cs)
    await cs.none(4, "StartTransaction")


@charge_point_case("TC16_F_RemoteStart_Anywhere_CS")
async def start_anywhere(cs: CentralSystem) -> None:
    """Without a connectorId the charge point chooses, or rejects."""
    await cs.needs_keys(AuthorizeRemoteTxRequests="false")
    await plugged_in(cs)
    request = {"idTag": cs.configuration.tokens.valid.id_token}
    response = await cs.answered(1, "RemoteStartTransaction", request, "Accepted", "Rejected")
    if response.at("status") == "Rejected":
        raise NotApplicable("the charge point wants a connectorId")
    await started(cs)


@charge_point_case("TC16_F_RemoteStart_Occupied_CS")
async def start_occupied(cs: CentralSystem) -> None:
    """Where a transaction runs no other can be started."""
    transaction = await charging(cs)
    request = {**remote_start(cs), "idTag": cs.configuration.tokens.valid2.id_token}
    await cs.answered(1, "RemoteStartTransaction", request, "Rejected")
    await _none_starts(cs, 2)
    await stopped_here(cs, transaction)


@charge_point_case("TC16_F_RemoteStart_Faulted_CS")
async def start_faulted(cs: CentralSystem) -> None:
    """Where something is broken nothing can be started."""
    await cs.station.fault(*cs.place(cs.connector))
    await status_is(cs, 1, "Faulted")
    await cs.answered(2, "RemoteStartTransaction", remote_start(cs), "Rejected")
    await cs.station.mend(*cs.place(cs.connector))


@charge_point_case("TC16_F_RemoteStart_Unknown_CS")
async def start_unknown(cs: CentralSystem) -> None:
    """At a connector that there is not nothing can be started."""
    await cs.answered(1, "RemoteStartTransaction", remote_start(cs, cs.unknown_connector), "Rejected")
    await _none_starts(cs, 2)


@charge_point_case("TC16_F_RemoteStop_Unknown_CS")
async def stop_unknown(cs: CentralSystem) -> None:
    """A transaction that there is not cannot be stopped, and the others go on."""
    transaction = await charging(cs)
    await cs.answered(1, "RemoteStopTransaction", {"transactionId": transaction.number + 4711}, "Rejected")
    await cs.none(2, "StopTransaction")
    await stopped_here(cs, transaction)
    await cs.answered(3, "RemoteStopTransaction", {"transactionId": transaction.number}, "Rejected")


@charge_point_case("TC16_F_Unlock_Idle_CS")
async def unlock(cs: CentralSystem) -> None:
    """A connector without a transaction is unlocked."""
    cs.needs("cable lock")
    await plugged_in(cs)
    await cs.answered(1, "UnlockConnector", {"connectorId": cs.connector}, "Unlocked")
    if await cs.station.locked(*cs.place(cs.connector)):
        raise StepFailed("2", "an unlocked connector", "a locked one")


@charge_point_case("TC16_F_Unlock_Transaction_CS")
async def unlock_during_transaction(cs: CentralSystem) -> None:
    """A transaction at the connector is ended first, for the reason UnlockCommand."""
    cs.needs("cable lock")
    transaction = await charging(cs)
    await cs.answered(1, "UnlockConnector", {"connectorId": cs.connector}, "Unlocked")
    await ended(cs, transaction, "UnlockCommand", status="Finishing")
    if await cs.station.locked(*cs.place(cs.connector)):
        raise StepFailed("2", "an unlocked connector", "a locked one")


@charge_point_case("TC16_F_Unlock_Failed_CS")
async def unlock_jammed(cs: CentralSystem) -> None:
    """A lock that does not open is told as UnlockFailed."""
    cs.needs("cable lock")
    await plugged_in(cs)
    await cs.station.jam(*cs.place(cs.connector))
    await cs.answered(1, "UnlockConnector", {"connectorId": cs.connector}, "UnlockFailed")


@charge_point_case("TC16_F_Unlock_Unknown_CS")
async def unlock_unknown(cs: CentralSystem) -> None:
    """A connector that there is not: NotSupported."""
    await cs.answered(1, "UnlockConnector", {"connectorId": cs.unknown_connector}, "NotSupported")


@charge_point_case("TC16_P_DataTransfer_Unknown_CS")
async def data_transfer(cs: CentralSystem) -> None:
    """A vendor nobody knows: UnknownVendorId, and no data."""
    request = {
        "vendorId": cs.configuration.data_transfer_vendor_id,
        "messageId": cs.configuration.data_transfer_message_id,
        "data": "nothing",
    }
    response = await cs.answered(1, "DataTransfer", request, "UnknownVendorId")
    response.expect("data", ABSENT)
