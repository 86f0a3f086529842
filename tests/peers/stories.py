"""What a charge point does, told to the peer of each version in the words of its own library."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.peers.charge_points import Peer

from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

__all__ = ["at", "authorize", "boot", "charge", "heartbeat", "status", "transfer"]

_STEP = timedelta(minutes=5)


def at(began: datetime, step: int) -> str:
    """The moment of a step of a transaction."""
    return str(DateTime.of(began + step * _STEP))


async def boot(peer: Peer, *, firmware: str = "1.2.3") -> tuple[str, int]:
    """Status and interval of the answer."""
    if peer.version is Version.V16:
        answer = await peer.call(
            "BootNotification",
            charge_point_vendor="Peers",
            charge_point_model="Old",
            charge_point_serial_number="SN-1",
            firmware_version=firmware,
        )
    else:
        answer = await peer.call(
            "BootNotification",
            charging_station={
                "vendor_name": "Peers",
                "model": "New",
                "serial_number": "SN-1",
                "firmware_version": firmware,
            },
            reason="PowerUp",
        )
    return answer.status, answer.interval


async def authorize(peer: Peer, token: str) -> str:
    """What the CSMS says of the token."""
    if peer.version is Version.V16:
        answer = await peer.call("Authorize", id_tag=token)
        return str(answer.id_tag_info["status"])
    answer = await peer.call("Authorize", id_token={"id_token": token, "type": "ISO14443"})
    return str(answer.id_token_info["status"])


async def status(peer: Peer, said: str, moment: str) -> None:
    """Connector 1 of the station, or of its EVSE 1."""
    if peer.version is Version.V16:
        await peer.call("StatusNotification", connector_id=1, error_code="NoError", status=said, timestamp=moment)
    else:
        await peer.call("StatusNotification", evse_id=1, connector_id=1, connector_status=said, timestamp=moment)


async def heartbeat(peer: Peer) -> datetime:
    """The time the CSMS tells."""
    answer = await peer.call("Heartbeat")
    return datetime.fromisoformat(answer.current_time)


async def transfer(peer: Peer, data: str) -> str:
    """What becomes of a vendor's data."""
    answer = await peer.call("DataTransfer", vendor_id="com.example.peers", message_id="Greeting", data=data)
    return str(answer.status)


async def charge(peer: Peer, token: str, began: datetime, register_kwh: Sequence[float]) -> str:
    """Charge from the first to the last reading of the register, with the others between. The protocol's id."""
    return await (_charge_old if peer.version is Version.V16 else _charge_new)(peer, token, began, register_kwh)


async def _charge_old(peer: Peer, token: str, began: datetime, register_kwh: Sequence[float]) -> str:
    first, *between, last = register_kwh
    answer = await peer.call(
        "StartTransaction", connector_id=1, id_tag=token, meter_start=round(first * 1000), timestamp=at(began, 0)
    )
    assert answer.id_tag_info["status"] == "Accepted"
    for step, kwh in enumerate(between, start=1):
        await peer.call(
            "MeterValues",
            connector_id=1,
            transaction_id=answer.transaction_id,
            meter_value=[
                {
                    "timestamp": at(began, step),
                    "sampled_value": [
                        {"value": str(kwh), "unit": "kWh", "measurand": "Energy.Active.Import.Register"},
                        {"value": "16.1", "unit": "A", "measurand": "Current.Import", "phase": "L1"},
                    ],
                }
            ],
        )
    stopped = await peer.call(
        "StopTransaction",
        transaction_id=answer.transaction_id,
        id_tag=token,
        meter_stop=round(last * 1000),
        timestamp=at(began, len(register_kwh) - 1),
        reason="EVDisconnected",
    )
    assert stopped.id_tag_info["status"] == "Accepted"
    return str(answer.transaction_id)


async def _charge_new(peer: Peer, token: str, began: datetime, register_kwh: Sequence[float]) -> str:
    name = f"tx-{peer.identity}-{began.timestamp():.0f}"
    last = len(register_kwh) - 1
    id_token = {"id_token": token, "type": "ISO14443"}
    for step, kwh in enumerate(register_kwh):
        event = {0: "Started", last: "Ended"}.get(step, "Updated")
        context = {0: "Transaction.Begin", last: "Transaction.End"}.get(step, "Sample.Periodic")
        info = {"transaction_id": name, "charging_state": "Idle" if step == last else "Charging"}
        if step == last:
            info["stopped_reason"] = "EVDisconnected"
        answer = await peer.call(
            "TransactionEvent",
            event_type=event,
            timestamp=at(began, step),
            trigger_reason={0: "Authorized", last: "EVDeparted"}.get(step, "MeterValuePeriodic"),
            seq_no=step,
            transaction_info=info,
            evse={"id": 1, "connector_id": 1},
            id_token=id_token if step == 0 else None,
            meter_value=[
                {
                    "timestamp": at(began, step),
                    "sampled_value": [
                        {
                            "value": kwh,
                            "context": context,
                            "measurand": "Energy.Active.Import.Register",
                            "unit_of_measure": {"unit": "kWh"},
                        },
                        {"value": 16.1, "context": context, "measurand": "Current.Import", "phase": "L1"},
                    ],
                }
            ],
        )
        if step == 0:
            assert answer.id_token_info["status"] == "Accepted"
    return name
