"""The main job, done by charge points that nobody here wrote: connect, be adopted, charge, be read back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.stories import at, authorize, boot, charge, heartbeat, status, transfer
from websockets.exceptions import InvalidStatus

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
REGISTER_KWH = (100.0, 102.5, 104.25, 112.345)


def recently() -> datetime:
    """When a transaction can have begun that is over by now."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


async def adopted(csms: Csms, peer: Peer) -> None:
    """From unknown to accepted, the way an operator does it."""
    peer.answers["TriggerMessage"] = {"status": "Accepted"}
    assert await boot(peer) == ("Pending", 60)
    assert peer.identity in [station["station_id"] for station in await csms.rest.items("/inbox")]
    await csms.rest.post(f"/inbox/{peer.identity}/adopt")
    async with asyncio.timeout(60):
        assert await peer.called.get() == "TriggerMessage"
    assert await boot(peer) == ("Accepted", 300)
    assert peer.identity not in [station["station_id"] for station in await csms.rest.items("/inbox")]


@VERSIONS
async def test_a_charger_is_adopted_and_charges_and_all_of_it_is_read_back(
    csms: Csms, version: Version, identity: str
) -> None:
    began, token = recently(), f"04-{identity}"
    async with connected(csms.port, identity, version) as peer:
        await adopted(csms, peer)
        await status(peer, "Available", at(began, -1))
        assert await authorize(peer, token) == ("Invalid" if version is Version.V16 else "Unknown")
        await csms.rest.post("/tokens", {"id_token": token})
        assert await authorize(peer, token) == "Accepted"
        transaction_id = await charge(peer, token, began, REGISTER_KWH)
        assert abs(await heartbeat(peer) - datetime.now(UTC)) < timedelta(seconds=10)
        assert await transfer(peer, "hello") == "UnknownVendorId"

        station = await csms.rest.get(f"/stations/{identity}")
        assert station["connected"]
    expected = {
        "station_id": identity,
        "protocol": version.value,
        "vendor": "Peers",
        "model": "Old" if version is Version.V16 else "New",
        "serial_number": "SN-1",
        "firmware_version": "1.2.3",
        "registration": "Accepted",
    }
    assert {name: station[name] for name in expected} == expected

    (evse,) = await csms.rest.items(f"/stations/{identity}/evses")
    assert evse["evse_id"] == 1
    assert [connector["status"] for connector in evse["connectors"]] == ["Available"]
    await transaction_is_there(csms, identity, token, transaction_id, began)
    await messages_are_there(csms, peer)
    events = [event["type"] for event in await csms.rest.items("/events", station_id=identity)]
    for type in ("station.boot", "station.adopted", "transaction.started", "transaction.ended"):
        assert type in events
    (received,) = await csms.rest.items("/events", station_id=identity, type="data_transfer")
    assert received["data"]["data"] == "hello"


async def transaction_is_there(csms: Csms, identity: str, token: str, transaction_id: str, began: datetime) -> None:
    (transaction,) = await csms.rest.items("/transactions", id_token=token.lower())
    expected: dict[str, Any] = {
        "transaction_id": transaction_id,
        "station_id": identity,
        "evse_id": 1,
        "connector_id": 1,
        "state": "Ended",
        "id_token": token,
        "started_at": at(began, 0),
        "stopped_at": at(began, len(REGISTER_KWH) - 1),
        "stop_reason": "EVDisconnected",
        "energy_wh": 12_345.0,
        "energy_problems": [],
        "meter_start_wh": 100_000.0,
        "meter_last_wh": 112_345.0,
        "offline": False,
    }
    assert {name: transaction[name] for name in expected} == expected
    assert await csms.rest.get(f"/transactions/{transaction['id']}") == transaction

    samples = {}
    for sample in await csms.rest.items(f"/transactions/{transaction['id']}/samples"):
        assert sample["at"] not in samples
        samples[sample["at"]] = {value["measurand"]: (value["value"], value["unit"]) for value in sample["values"]}
    # The readings at the ends are part of StartTransaction and StopTransaction in 1.6, and no meter values there.
    steps = range(1, len(REGISTER_KWH) - 1) if transaction_id.isdigit() else range(len(REGISTER_KWH))
    assert samples == {
        at(began, step): {
            "Energy.Active.Import.Register": (REGISTER_KWH[step] * 1000, "Wh"),
            "Current.Import": (16.1, "A"),
        }
        for step in steps
    }


async def messages_are_there(csms: Csms, peer: Peer) -> None:
    """Every frame of the connection is in the log as it was."""
    # Stored after all of them.
    await csms.rest.event("station.disconnected", peer.identity)
    log = await csms.rest.items(f"/stations/{peer.identity}/messages")
    assert sorted(entry["frame"] for entry in log if entry["direction"] == "received") == sorted(peer.sent)
    assert sorted(entry["frame"] for entry in log if entry["direction"] == "sent") == sorted(peer.received)


@VERSIONS
async def test_a_provisioned_charger_needs_its_password(csms: Csms, version: Version, identity: str) -> None:
    made = await csms.rest.post("/stations", {"station_id": identity, "generate_password": True})
    for wrong in (None, "not-the-password-1"):
        with pytest.raises(InvalidStatus) as refusal:
            async with connected(csms.port, identity, version, password=wrong):
                pass
        assert refusal.value.response.status_code == 401
    async with connected(csms.port, identity, version, password=made["password"]) as peer:
        assert await boot(peer) == ("Accepted", 300)


async def test_a_station_upgraded_to_a_newer_version_keeps_history_tokens_and_settings(
    csms: Csms, identity: str
) -> None:
    began, token = recently(), f"04-{identity}"
    made = await csms.rest.post(
        "/stations",
        {"station_id": identity, "generate_password": True, "name": "By the door", "heartbeat_interval_s": 77},
    )
    await csms.rest.post("/tokens", {"id_token": token})
    async with connected(csms.port, identity, Version.V16, password=made["password"]) as peer:
        assert await boot(peer, firmware="1.0") == ("Accepted", 77)
        await status(peer, "Available", at(began, -1))
        first = await charge(peer, token, began, REGISTER_KWH)
    async with connected(csms.port, identity, Version.V201, password=made["password"]) as peer:
        assert await boot(peer, firmware="2.0") == ("Accepted", 77)
        assert await authorize(peer, token) == "Accepted"
        # What the connector was before is still known, until the station says something new.
        assert [evse["evse_id"] for evse in await csms.rest.items(f"/stations/{identity}/evses")] == [1]
        second = await charge(peer, token, began + timedelta(minutes=30), (112.345, 115.0, 120.0))

    station = await csms.rest.get(f"/stations/{identity}")
    assert (station["protocol"], station["model"], station["firmware_version"]) == ("ocpp2.0.1", "New", "2.0")
    assert (station["name"], station["heartbeat_interval_s"], station["has_password"]) == ("By the door", 77, True)
    newest_first = await csms.rest.items("/transactions", station_id=identity)
    assert [(each["transaction_id"], each["energy_wh"], each["id_token"]) for each in newest_first] == [
        (second, 7_655.0, token),
        (first, 12_345.0, token),
    ]
    boots = await csms.rest.items("/events", station_id=identity, type="station.boot")
    assert len(boots) == 2
