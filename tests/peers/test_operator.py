"""An operator's script, the same for a charger of every version: commands go out, and their outcomes come back."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.stories import at, boot, status
from tests.peers.test_files import Files, order, tell
from tests.peers.test_files import boot as boot_with

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
    "ReserveNow": ACCEPTED,
    "SetChargingProfile": ACCEPTED,
    "GetLog": {"status": "Accepted", "filename": "charger.log"},
    "UpdateFirmware": {},
}
LOG = b"all is well\n" * 100
FIRMWARE = b"firmware of version 2.0\n" * 1000
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}


def variables(peer: Peer, value: str) -> None:
    """The peer tells and takes the interval of its heartbeats; in 1.6 that is a configuration key."""
    if peer.version is Version.V16:
        known = {"key": "HeartbeatInterval", "readonly": False, "value": value}
        peer.answers["GetConfiguration"] = {"configurationKey": [known]}
        peer.answers["ChangeConfiguration"] = ACCEPTED
        return
    read = {**HEARTBEAT, "attributeStatus": "Accepted", "attributeValue": value}
    peer.answers["GetVariables"] = {"getVariableResult": [read]}
    peer.answers["SetVariables"] = {"setVariableResult": [{**HEARTBEAT, "attributeStatus": "Accepted"}]}


async def start(peer: Peer, token: str, reservation_id: int | None = None) -> None:
    """Begin the transaction that was asked for last."""
    _, _, _, asked = json.loads(next(text for text in reversed(peer.received) if "StartTransaction" in text))
    began = at(datetime.now(UTC), 0)
    if peer.version is Version.V16:
        await peer.call(
            "StartTransaction",
            connector_id=1,
            id_tag=token,
            meter_start=0,
            timestamp=began,
            reservation_id=reservation_id,
        )
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
        reservation_id=reservation_id,
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
    files = Files(csms)
    stored = await files.upload("charger.bin", FIRMWARE)
    image = await csms.rest.post("/firmware", {"file_id": stored["id"], "version": "2.0"})
    token = f"T-{identity}"
    await csms.rest.post("/tokens", {"id_token": token})
    path = f"/stations/{identity}/commands"

    async def command(name: str, **parameters: Any) -> Any:
        done = await csms.rest.post(f"{path}/{name}", parameters)
        assert done["state"] == "Accepted", done
        return done

    async def outcome(of: Any) -> Any:
        async with asyncio.timeout(60):
            while (found := await csms.rest.get(f"/commands/{of['id']}"))["outcome_state"] == "Pending":
                pass
        assert found["outcome_state"] == "Completed", found
        return found["outcome"]

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        assert (await boot(peer))[0] == "Accepted"
        await status(peer, "Available", at(datetime.now(UTC), 0))

        variables(peer, "300")
        read = await csms.rest.post(f"/stations/{identity}/variables/read", {"variables": [HEARTBEAT]})
        assert [(one["status"], one["value"]) for one in read["results"]] == [("Accepted", "300")]
        wanted = {"variables": [{**HEARTBEAT, "value": 60}]}
        written = await csms.rest.send("PATCH", f"/stations/{identity}/variables", wanted)
        assert [one["status"] for one in written["results"]] == ["Accepted"]
        (known,) = await csms.rest.items(f"/stations/{identity}/variables", variable="HeartbeatInterval")
        assert known["value"] == "60"

        ends = (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
        reserved = await command("reserve", id_token=token, evse_id=1, expires_at=ends)
        reservation_id = reserved["answer"]["info"]["reservation_id"]
        await status(peer, "Reserved", at(datetime.now(UTC), 0))
        assert (await csms.rest.get(f"/reservations/{reservation_id}"))["state"] == "Reserved"

        started = await command("start_transaction", id_token=token, evse_id=1, limit=LIMIT)
        await start(peer, token, reservation_id)
        begun = await outcome(started)
        transaction_id = begun["transaction_id"]
        used = await csms.rest.get(f"/reservations/{reservation_id}")
        assert (used["state"], used["transaction_id"]) == ("Used", begun["id"])

        limit = {"purpose": "TxProfile", "kind": "Relative", "transaction_id": transaction_id}
        schedule = {"unit": "A", "periods": [{"start_s": 0, "limit": 6}]}
        await command("set_charging_profile", evse_id=1, profile={**limit, "schedules": [schedule]})
        (limited,) = await csms.rest.items(f"/stations/{identity}/charging-profiles")
        assert limited["transaction_id"] == transaction_id
        assert limited["schedules"][0]["periods"][0]["limit"] == 6

        await command("trigger_message", message="MeterValues", evse_id=1)
        await command("unlock_connector", evse_id=1)

        stopped = await command("stop_transaction", transaction_id=transaction_id)
        await stop(peer)
        assert (await outcome(stopped))["stop_reason"] == "Remote"

        log = await command("get_log")
        await tell(peer, "LogStatusNotification", "Uploading")
        location = order(peer)["log"]["remoteLocation"]
        async with aiohttp.ClientSession() as session, session.put(f"{location}charger.log", data=LOG) as response:
            assert response.status == 201
        await tell(peer, "LogStatusNotification", "Uploaded")
        assert await files.content((await outcome(log))["file_id"]) == LOG

        closed = await command("change_availability", status="Inoperative", evse_id=1)
        await status(peer, "Unavailable", at(datetime.now(UTC), 0))
        await outcome(closed)

        restarted = await command("reset", type="Immediate")

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        if version is not Version.V16:
            peer.answers["UpdateFirmware"] = ACCEPTED
        await boot(peer)
        await outcome(restarted)
        updating = await command("update_firmware", firmware_id=image["id"])
        asked = order(peer)
        location = asked["location"] if version is Version.V16 else asked["firmware"]["location"]
        async with aiohttp.ClientSession() as session, session.get(location) as response:
            assert await response.read() == FIRMWARE
        of = {} if version is Version.V16 else {"request_id": asked["requestId"]}
        for word in ("Downloading", "Downloaded", "Installing"):
            await peer.call("FirmwareStatusNotification", status=word, **of)

    async with connected(csms.port, identity, version) as peer:
        await boot_with(peer, "2.0")
        assert (await outcome(updating))["verified"] is True
    held = await csms.rest.post(f"{path}/change_availability", {"status": "Operative", "hold": True})
    assert held["state"] == "Queued"

    async with connected(csms.port, identity, version) as peer:
        peer.answers.update(ANSWERS)
        await boot_with(peer, "2.0")
        async with asyncio.timeout(60):
            assert await peer.called.get() == "ChangeAvailability"
        await status(peer, "Available", at(datetime.now(UTC), 0))
        await outcome(held)

    (transaction,) = await csms.rest.items(f"/transactions?station_id={identity}")
    assert (transaction["state"], transaction["stop_reason"]) == ("Ended", "Remote")
    assert len(await csms.rest.items(path)) == 11
    await csms.rest.ask("DELETE", f"/firmware/{image['id']}")
    await csms.rest.ask("DELETE", f"/files/{stored['id']}")
