"""An operator's script, the same for a charger of every version: commands go out, and their outcomes come back."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.stories import at, boot, status

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
ACCEPTED = {"status": "Accepted"}
LIMIT = {"unit": "A", "periods": [{"limit": 16}, {"start_s": 600, "limit": 8}]}
ANSWERS: dict[str, Any] = {
    "RemoteStartTransaction": ACCEPTED,
    "RequestStartTransaction": ACCEPTED,
    "RemoteStopTransaction": ACCEPTED,
    "RequestStopTransaction": ACCEPTED,
    "UnlockConnector": {"status": "Unlocked"},
    "TriggerMessage": ACCEPTED,
    "ChangeAvailability": ACCEPTED,
    "Reset": ACCEPTED,
}


async def start(peer: Peer, token: str) -> None:
    """Begin the transaction that was asked for last."""
    _, _, _, asked = json.loads(next(text for text in reversed(peer.received) if "StartTransaction" in text))
    began = at(datetime.now(UTC), 0)
    if peer.version is Version.V16:
        await peer.call("StartTransaction", connector_id=1, id_tag=token, meter_start=0, timestamp=began)
        return
    await peer.call(
        "TransactionEvent",
        event_type="Started",
        timestamp=began,
        trigger_reason="RemoteStart",
        seq_no=0,
        transaction_info={"transaction_id": f"t-{peer.identity}", "remote_start_id": asked["remoteStartId"]},
        evse={"id": 1, "connector_id": 1},
        id_token={"id_token": token, "type": "ISO14443"},
    )


async def stop(peer: Peer) -> None:
    """End the transaction that was asked for last."""
    _, _, _, asked = json.loads(next(text for text in reversed(peer.received) if "StopTransaction" in text))
    ended = at(datetime.now(UTC), 0)
    if peer.version is Version.V16:
        number = asked["transactionId"]
        await peer.call("StopTransaction", transaction_id=number, meter_stop=1500, timestamp=ended, reason="Remote")
        return
    await peer.call(
        "TransactionEvent",
        event_type="Ended",
        timestamp=ended,
        trigger_reason="RemoteStop",
        seq_no=1,
        transaction_info={"transaction_id": asked["transactionId"], "stopped_reason": "Remote"},
    )


@VERSIONS
async def test_the_script_is_the_same_for_every_version(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    token = f"T-{identity}"
    await csms.rest.post("/tokens", {"id_token": token})
    path = f"/stations/{identity}/commands"

    async def command(name: str, **parameters: Any) -> Any:
        done = await csms.rest.post(f"{path}/{name}", parameters)
        assert done["state"] == "Accepted", done
        return done

    async def outcome(of: Any) -> Any:
        async with asyncio.timeout(10):
            while (found := await csms.rest.get(f"/commands/{of['id']}"))["outcome_state"] == "Pending":
                pass
        assert found["outcome_state"] == "Completed", found
        return found["outcome"]

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        assert (await boot(peer))[0] == "Accepted"
        await status(peer, "Available", at(datetime.now(UTC), 0))

        started = await command("start_transaction", id_token=token, evse_id=1, limit=LIMIT)
        await start(peer, token)
        transaction_id = (await outcome(started))["transaction_id"]

        await command("trigger_message", message="MeterValues", evse_id=1)
        await command("unlock_connector", evse_id=1)

        stopped = await command("stop_transaction", transaction_id=transaction_id)
        await stop(peer)
        assert (await outcome(stopped))["stop_reason"] == "Remote"

        closed = await command("change_availability", status="Inoperative", evse_id=1)
        await status(peer, "Unavailable", at(datetime.now(UTC), 0))
        await outcome(closed)

        restarted = await command("reset", type="Immediate")
    held = await csms.rest.post(f"{path}/change_availability", {"status": "Operative", "hold": True})
    assert held["state"] == "Queued"

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        await boot(peer)
        await outcome(restarted)
        async with asyncio.timeout(10):
            assert await peer.called.get() == "ChangeAvailability"
        await status(peer, "Available", at(datetime.now(UTC), 0))
        await outcome(held)

    (transaction,) = await csms.rest.items(f"/transactions?station_id={identity}")
    assert (transaction["state"], transaction["stop_reason"]) == ("Ended", "Remote")
    assert len(await csms.rest.items(path)) == 7
