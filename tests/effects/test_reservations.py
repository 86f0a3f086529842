"""Reservations that end at the station, used or not: read by REST, as events, and in the next message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.effects.site import Site, only
from tests.support.charger import Charger, Refused

from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

ALL = pytest.mark.parametrize("version", list(Version), ids=lambda version: version.label)
TELLING = pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=lambda version: version.label)


async def reserved(site: Site, charger: Charger, token: str, **more: Any) -> Any:
    """A reservation that the station has accepted."""
    charger.answers["ReserveNow"] = {"status": "Accepted"}
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    terms = {"station_id": charger.identity, "id_token": token, "evse_id": 1, "expires_at": expires_at, **more}
    made = await site.rest.post("/reservations", terms)
    assert made["state"] == "Reserved"
    return made


async def as_it_is(site: Site, one: Any) -> Any:
    return await site.rest.get(f"/reservations/{one['id']}")


async def tell(charger: Charger, id: int, status: str) -> None:
    message = {"reservationId": id, "reservationUpdateStatus": status}
    assert await charger.call("ReservationStatusUpdate", message) == {}


@TELLING
async def test_reservation_status_update(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        removed, expired = [await reserved(site, charger, "A", evse_id=evse_id) for evse_id in (1, 2)]
        await tell(charger, removed["id"], "Removed")
        await tell(charger, expired["id"], "Expired")
        after = [await as_it_is(site, one) for one in (removed, expired)]
        assert [one["state"] for one in after] == ["Removed", "Expired"]
        assert all(one["ended_at"] for one in after)
        listed = await site.rest.items(f"/stations/{charger.identity}/reservations", state="Removed")
        assert [one["id"] for one in listed] == [removed["id"]]
        assert only(await site.events("reservation.removed", charger))["id"] == removed["id"]
        assert only(await site.events("reservation.expired", charger))["state"] == "Expired"


async def test_used_without_a_transaction(site: Site) -> None:
    """2.1 H03.FR.11; a transaction that comes of it after all is noted."""
    async with site.station(Version.V21) as charger:
        one = await reserved(site, charger, "A")
        await tell(charger, one["id"], "NoTransaction")
        after = await as_it_is(site, one)
        assert (after["state"], after["reason"], after["transaction_id"]) == ("Used", "NoTransaction", None)
        await charge(charger, Version.V21, one["id"])
        transaction = only(await site.rest.items("/transactions", station_id=charger.identity))
        after = await as_it_is(site, one)
        assert (after["state"], after["reason"], after["transaction_id"]) == ("Used", None, transaction["id"])
        assert len(await site.events("reservation.used", charger)) == 2


async def charge(
    charger: Charger, version: Version, reservation_id: int | None, token: str = "A", *, evse_id: int = 1
) -> None:
    """Start a transaction; with an id it says that it ends that reservation."""
    named = {} if reservation_id is None else {"reservationId": reservation_id}
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if version is Version.V16:
        start = {"connectorId": evse_id, "idTag": token, "meterStart": 0, "timestamp": at}
        await charger.call("StartTransaction", {**start, **named})
        return
    event = {
        "eventType": "Started",
        "timestamp": at,
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": f"T-{charger.identity}-{evse_id}"},
        "evse": {"id": evse_id, "connectorId": 1},
        "idToken": {"idToken": token, "type": "ISO14443"},
    }
    await charger.call("TransactionEvent", {**event, **named})


@ALL
async def test_used_by_a_transaction(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        one = await reserved(site, charger, "A")
        await charge(charger, version, one["id"])
        transaction = only(await site.rest.items("/transactions", station_id=charger.identity))
        after = await as_it_is(site, one)
        assert (after["state"], after["transaction_id"]) == ("Used", transaction["id"])
        assert transaction["reservation_id"] == one["id"]
        assert only(await site.events("reservation.used", charger))["transaction_id"] == transaction["id"]


@ALL
async def test_another_token_of_the_group_uses_it(site: Site, version: Version) -> None:
    """H03.FR.04: the station asks for the group, and ours is the one that it was told to reserve for."""
    async with site.station(version) as charger:
        first, second = [await site.token(group_id_token="G-1", group_type="Central") for _ in range(2)]
        one = await reserved(site, charger, first, group_id_token="G-1")
        _, _, _, sent = charger.called.get_nowait()
        if version is Version.V16:
            answer = await charger.call("Authorize", {"idTag": second})
            assert answer["idTagInfo"]["parentIdTag"] == sent["parentIdTag"] == "G-1"
        else:
            answer = await charger.call("Authorize", {"idToken": {"idToken": second, "type": "ISO14443"}})
            assert answer["idTokenInfo"]["groupIdToken"] == sent["groupIdToken"]
        await charge(charger, version, one["id"], second)
        assert (await as_it_is(site, one))["state"] == "Used"


@TELLING
async def test_what_is_told_late_twice_or_of_nothing_is_answered_and_noted(site: Site, version: Version) -> None:
    async with site.station(version) as charger:
        one = await reserved(site, charger, "A")
        await charge(charger, version, one["id"])
        for status in ("Expired", "Removed", "Removed"):
            await tell(charger, one["id"], status)
        for id in (0, one["id"] + 1000, 2**31 - 1, 2**31, 2**70):
            await tell(charger, id, "Expired")
        if version is Version.V201:
            await tell(charger, -1, "Removed")
        assert (await as_it_is(site, one))["state"] == "Used"
        assert len(await site.events("reservation.status", charger)) == (9 if version is Version.V201 else 8)
        assert await site.events("reservation.expired", charger) == []
        assert await site.events("reservation.removed", charger) == []


@TELLING
async def test_another_stations_reservation_is_nobodys(site: Site, version: Version) -> None:
    async with site.station(version) as charger, site.station(version) as other:
        one = await reserved(site, charger, "A")
        await tell(other, one["id"], "Removed")
        await charge(other, version, one["id"])
        assert (await as_it_is(site, one))["state"] == "Reserved"
        unknown = only(await site.events("reservation.unknown", other))
        transaction = only(await site.rest.items("/transactions", station_id=other.identity))
        assert (unknown["id"], unknown["transaction_id"]) == (one["id"], transaction["id"])


@ALL
async def test_numbers_that_mean_no_reservation(site: Site, version: Version) -> None:
    """Some stations send 0 or -1 for none; transactions are taken as ever."""
    async with site.station(version) as charger:
        try:
            await charge(charger, version, -1 if version is not Version.V21 else 0)
        except Refused as refused:  # pragma: no cover - says why
            pytest.fail(str(refused))
        assert len(await site.rest.items("/transactions", station_id=charger.identity)) == 1
        assert await site.events("reservation.unknown", charger) == []


@ALL
async def test_a_status_uses_nothing_up(site: Site, version: Version) -> None:
    """1.6 G2: a connector that leaves Reserved because somebody presented a card; only the start counts."""
    async with site.station(version) as charger:
        one = await reserved(site, charger, "A")
        for status in ("Reserved", "Preparing" if version is Version.V16 else "Occupied", "Available"):
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if version is Version.V16:
                said = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": at}
            else:
                said = {"evseId": 1, "connectorId": 1, "connectorStatus": status, "timestamp": at}
            await charger.call("StatusNotification", said)
            evse = only(await site.rest.items(f"/stations/{charger.identity}/evses"))
            assert only(evse["connectors"])["status"] == status
            assert (await as_it_is(site, one))["state"] == "Reserved"


@ALL
async def test_an_answer_that_breaks_the_standard_leaves_it_open(site: Site, version: Version) -> None:
    """The station may have the reservation, so it is not said to be refused."""
    async with site.station(version) as charger:
        charger.answers["ReserveNow"] = {"status": "Perhaps"}
        expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        terms = {"station_id": charger.identity, "id_token": "A", "evse_id": 1, "expires_at": expires_at}
        answer = await site.rest.ask("POST", "/reservations", terms)
        assert answer.status == 202
        one = answer.json
        assert one["state"] == "Requested" and one["problem"]
        await charge(charger, version, one["id"])
        assert (await as_it_is(site, one))["state"] == "Used"


@ALL
async def test_a_station_that_does_not_name_the_reservation(site: Site, version: Version) -> None:
    """Token and place tell it; another token, another place or a token that is refused do not (1.6 5.13, H03.FR.09)."""
    group = {"group_id_token": "G-2", "group_type": "Central", "allow_concurrent": True}
    token, member = [await site.token(**group) for _ in range(2)]
    async with site.station(version) as charger:
        one = await reserved(site, charger, token)
        other = await reserved(site, charger, "nobody", evse_id=3)
        await charge(charger, version, None, token, evse_id=2)
        assert (await as_it_is(site, one))["state"] == "Reserved"
        await charge(charger, version, None, "nobody", evse_id=3)
        assert (await as_it_is(site, other))["state"] == "Reserved"
        await charge(charger, version, None, token, evse_id=1)
        after = await as_it_is(site, one)
        transactions = await site.rest.items("/transactions", station_id=charger.identity, id_token=token)
        (transaction,) = [each for each in transactions if each["evse_id"] == 1]
        assert (after["state"], after["reason"], after["transaction_id"]) == ("Used", "Presumed", transaction["id"])
        assert transaction["reservation_id"] is None
    async with site.station(version) as charger:
        for_group = await reserved(site, charger, token, group_id_token="g-2")
        await charge(charger, version, None, member)
        assert (await as_it_is(site, for_group))["state"] == "Used"


@TELLING
async def test_named_later_than_at_the_start(site: Site, version: Version) -> None:
    """E01.FR.13: the next message does it; a cable that comes first does not use anything up."""
    token = await site.token()
    async with site.station(version) as charger:
        one = await reserved(site, charger, token)
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        info = {"transactionId": f"T-{charger.identity}"}
        event: dict[str, Any] = {"timestamp": at, "transactionInfo": info, "evse": {"id": 1, "connectorId": 1}}
        plugged = {**event, "eventType": "Started", "triggerReason": "CablePluggedIn", "seqNo": 0}
        await charger.call("TransactionEvent", plugged)
        assert (await as_it_is(site, one))["state"] == "Reserved"
        presented = {**event, "eventType": "Updated", "triggerReason": "Authorized", "seqNo": 1}
        presented["idToken"] = {"idToken": token, "type": "ISO14443"}
        await charger.call("TransactionEvent", presented)
        assert (await as_it_is(site, one))["reason"] == "Presumed"
        named = {**event, "eventType": "Updated", "triggerReason": "ChargingStateChanged", "seqNo": 2}
        await charger.call("TransactionEvent", {**named, "reservationId": one["id"]})
        after = await as_it_is(site, one)
        assert (after["state"], after["reason"]) == ("Used", None)
        assert len(await site.events("reservation.used", charger)) == 1
