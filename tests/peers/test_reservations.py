"""Reservations with charge points that nobody here wrote: made, used, cancelled, ended by the station, changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ocpp.exceptions import SecurityError
from tests.peers.charge_points import Peer, connected
from tests.peers.conftest import Csms
from tests.peers.stories import at, authorize, boot, status

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

VERSIONS = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
ACCEPTED = {"status": "Accepted"}


async def reserve(csms: Csms, peer: Peer, token: str, **more: Any) -> Any:
    """A reservation of EVSE 1 that the charge point accepts."""
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    terms = {"station_id": peer.identity, "id_token": token, "evse_id": 1, "expires_at": expires_at}
    made = await csms.rest.post("/reservations", {**terms, **more})
    assert made["state"] == "Reserved"
    return made


def asked(peer: Peer, action: str) -> Any:
    """The request that the charge point got last."""
    return json.loads(next(text for text in reversed(peer.received) if f'"{action}"' in text))[3]


async def start(peer: Peer, token: str, reservation_id: int) -> None:
    """A transaction that ends the reservation."""
    began = at(datetime.now(UTC), 0)
    if peer.version is Version.V16:
        answer = await peer.call(
            "StartTransaction",
            connector_id=1,
            id_tag=token,
            meter_start=0,
            timestamp=began,
            reservation_id=reservation_id,
        )
        assert answer.id_tag_info["status"] == "Accepted"
        return
    answer = await peer.call(
        "TransactionEvent",
        event_type="Started",
        timestamp=began,
        trigger_reason="Authorized",
        seq_no=0,
        transaction_info={"transaction_id": f"t-{peer.identity}"},
        evse={"id": 1, "connector_id": 1},
        id_token={"id_token": token, "type": "ISO14443"},
        reservation_id=reservation_id,
    )
    assert answer.id_token_info["status"] == "Accepted"


@VERSIONS
async def test_reserved_and_used(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    token = f"T-{identity}"
    await csms.rest.post("/tokens", {"id_token": token})
    async with connected(csms.port, identity, version) as peer:
        peer.answers["ReserveNow"] = ACCEPTED
        await boot(peer)
        one = await reserve(csms, peer, token)
        request = asked(peer, "ReserveNow")
        id = request["reservationId" if version is Version.V16 else "id"]
        assert id == one["id"]
        await status(peer, "Reserved", at(datetime.now(UTC), 0))
        (evse,) = [each for each in await csms.rest.items(f"/stations/{identity}/evses") if each["evse_id"] == 1]
        assert [connector["status"] for connector in evse["connectors"]] == ["Reserved"]
        assert await authorize(peer, token) == "Accepted"
        await start(peer, token, id)
        (transaction,) = await csms.rest.items(f"/transactions?station_id={identity}")
        after = await csms.rest.get(f"/reservations/{id}")
        assert (after["state"], after["transaction_id"]) == ("Used", transaction["id"])
        assert transaction["reservation_id"] == id
        used = await csms.rest.event("reservation.used", identity)
        assert used["data"]["id"] == id


@VERSIONS
async def test_reserved_changed_and_cancelled(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.port, identity, version) as peer:
        peer.answers.update({"ReserveNow": ACCEPTED, "CancelReservation": ACCEPTED})
        await boot(peer)
        one = await reserve(csms, peer, "T")
        ends = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        changed = await csms.rest.send("PUT", f"/reservations/{one['id']}", {"id_token": "U", "expires_at": ends})
        assert (changed["id"], changed["id_token"], changed["evse_id"]) == (one["id"], "U", None)
        cancelled = await csms.rest.send("DELETE", f"/reservations/{one['id']}")
        assert cancelled["state"] == "Cancelled"
        assert asked(peer, "CancelReservation") == {"reservationId": one["id"]}


@VERSIONS
async def test_reservations_that_are_refused(csms: Csms, version: Version, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.port, identity, version) as peer:
        await boot(peer)
        for said in ("Faulted", "Occupied", "Rejected", "Unavailable"):
            peer.answers["ReserveNow"] = {"status": said}
            ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
            terms = {"station_id": identity, "id_token": "T", "expires_at": ends}
            answer = await csms.rest.ask("POST", "/reservations", terms)
            assert answer.status == 409 and said in answer.json["detail"]
        peer.answers["ReserveNow"] = ACCEPTED
        one = await reserve(csms, peer, "T")
        peer.answers["CancelReservation"] = SecurityError(description="not today")
        answer = await csms.rest.ask("DELETE", f"/reservations/{one['id']}")
        assert answer.status == 502 and "SecurityError: not today" in answer.json["detail"]
        states = [each["state"] for each in await csms.rest.items(f"/stations/{identity}/reservations")]
        assert states == ["Reserved", *["Rejected"] * 4]


@pytest.mark.parametrize(
    ("version", "said", "state"),
    [
        (Version.V201, "Expired", "Expired"),
        (Version.V201, "Removed", "Removed"),
        (Version.V21, "Expired", "Expired"),
        (Version.V21, "Removed", "Removed"),
        (Version.V21, "NoTransaction", "Used"),
    ],
)
async def test_ended_by_the_station(csms: Csms, version: Version, said: str, state: str, identity: str) -> None:
    await csms.rest.post("/stations", {"station_id": identity})
    async with connected(csms.port, identity, version) as peer:
        peer.answers["ReserveNow"] = ACCEPTED
        await boot(peer)
        one = await reserve(csms, peer, "T")
        await peer.call("ReservationStatusUpdate", reservation_id=one["id"], reservation_update_status=said)
        after = await csms.rest.get(f"/reservations/{one['id']}")
        assert (after["state"], after["transaction_id"]) == (state, None)
