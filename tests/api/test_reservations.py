"""Reservations by REST and by command, with stations of every version that accept, refuse, or say nothing."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.clients import Answer, Api, Station

from voltbridge.app import Running

pytestmark = pytest.mark.anyio

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
ALL = pytest.mark.parametrize("protocol", [V16, V201, V21])
ACCEPTED = {"status": "Accepted"}


def in_minutes(minutes: float) -> str:
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@asynccontextmanager
async def reserving(api: Api, running: Running, protocol: str) -> AsyncIterator[tuple[Station, str]]:
    """A station that accepts reservations, and its identity."""
    identity = f"res-{uuid.uuid4().hex[:8]}"
    await api("POST", "/stations", {"station_id": identity})
    async with Station(running.ocpp_port, identity, protocol) as station:
        station.answers = {"ReserveNow": ACCEPTED, "CancelReservation": ACCEPTED}
        await station.boot()
        yield station, identity


async def reserve(api: Api, identity: str, *, timeout_s: float | None = None, **terms: Any) -> Answer:
    body = {"station_id": identity, "id_token": "TAG-1", "expires_at": in_minutes(30), **terms}
    query = "" if timeout_s is None else f"?timeout_s={timeout_s}"
    return await api("POST", f"/reservations{query}", body)


async def events(api: Api, identity: str, type: str) -> list[Any]:
    return [event["data"] for event in await all_events(api, identity) if event["type"] == type]


async def the_event(api: Api, identity: str, type: str) -> Any:
    """The only one of its type, which may be stored a moment after its cause is told."""
    async with asyncio.timeout(30):
        while not (found := await events(api, identity, type)):
            pass
    (one,) = found
    return one


async def all_events(api: Api, identity: str) -> list[Any]:
    json = {"Authorization": f"Bearer {api.key}", "Accept": "application/json"}
    found = await api.get(f"/events?station_id={identity}&limit=500", headers=json)
    return list(found["items"])


@ALL
async def test_an_evse_for_a_token_and_its_group(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        ends = in_minutes(30)
        answer = await reserve(api, identity, evse_id=2, expires_at=ends, group_id_token="FLEET")
        assert answer.status == 201, answer
        one = answer.body
        assert answer.headers["Location"] == f"/api/v1/reservations/{one['id']}"
        assert (one["state"], one["evse_id"], one["connector_type"]) == ("Reserved", 2, None)
        assert (one["id_token"], one["id_token_type"]) == ("TAG-1", "ISO14443")
        assert (one["group_id_token"], one["group_type"]) == ("FLEET", "Central")
        assert (one["expires_at"], one["ended_at"], one["reason"], one["problem"]) == (ends, None, None, None)
        assert one["reserved_at"] >= one["created_at"]
        ((action, sent),) = station.calls
        assert action == "ReserveNow"
        if protocol == V16:
            wanted = {"connectorId": 2, "expiryDate": ends, "idTag": "TAG-1", "parentIdTag": "FLEET"}
            assert sent == {**wanted, "reservationId": one["id"]}
        else:
            token, group = {"idToken": "TAG-1", "type": "ISO14443"}, {"idToken": "FLEET", "type": "Central"}
            wanted = {"evseId": 2, "expiryDateTime": ends, "idToken": token, "groupIdToken": group}
            assert sent == {**wanted, "id": one["id"]}
        assert await api.get(f"/reservations/{one['id']}") == one
        command = await api.get(f"/commands/{one['command_id']}")
        assert (command["name"], command["state"]) == ("reserve", "Accepted")
        assert command["answer"]["info"] == {"reservation_id": one["id"]}
        told = await the_event(api, identity, "reservation.created")
        assert (told["id"], told["state"], told["command_id"]) == (one["id"], "Reserved", one["command_id"])


@ALL
async def test_any_evse(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        one = (await reserve(api, identity)).body
        assert (one["state"], one["evse_id"]) == ("Reserved", None)
        sent = station.calls[-1][1]
        if protocol == V16:
            assert sent["connectorId"] == 0 and "parentIdTag" not in sent
        else:
            assert sent.keys() == {"id", "expiryDateTime", "idToken"}


async def test_a_type_of_connector(api: Api, running: Running) -> None:
    for protocol, kind in ((V201, "cCCS2"), (V21, "cCCS2"), (V21, "cMCS")):
        async with reserving(api, running, protocol) as (station, identity):
            one = (await reserve(api, identity, connector_type=kind)).body
            assert (one["state"], one["connector_type"]) == ("Reserved", kind)
            assert station.calls[-1][1]["connectorType"] == kind
            assert "evseId" not in station.calls[-1][1]


@pytest.mark.parametrize(
    ("protocol", "terms", "problem"),
    [
        (V16, {"connector_type": "cCCS2"}, "OCPP 1.6 cannot reserve by the type of connector; give an evse_id"),
        (V16, {"id_token": "A" * 21}, "OCPP 1.6 cannot carry this: $.idTag"),
        (V16, {"group_id_token": "A" * 21}, "OCPP 1.6 cannot carry this: $.parentIdTag"),
        (V201, {"connector_type": "cMCS"}, "OCPP 2.0.1 has no connectors of type cMCS; it has cCCS1, cCCS2"),
        (V201, {"type": "VIN"}, "OCPP 2.0.1 has no tokens of type VIN; it has Central"),
        (V201, {"id_token": "A" * 37}, "OCPP 2.0.1 cannot carry this: $.idToken.idToken"),
    ],
)
async def test_what_a_version_cannot_is_said_and_nothing_is_kept_or_sent(
    api: Api, running: Running, protocol: str, terms: dict[str, Any], problem: str
) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        answer = await reserve(api, identity, **terms)
        assert answer.status == 422
        assert answer.body["type"] == "urn:voltbridge:problem:unsupported-command"
        assert answer.body["detail"].startswith(problem)
        by_command = {"id_token": "TAG-1", "expires_at": in_minutes(9), **terms}
        answer = await api("POST", f"/stations/{identity}/commands/reserve", {**by_command, "hold": True})
        assert answer.status == 422 and answer.body["detail"].startswith(problem)
        assert station.calls == []
        assert await api.get(f"/stations/{identity}/reservations") == {"items": [], "next": None}
        assert (await api.get(f"/stations/{identity}/commands"))["items"] == []


@pytest.mark.parametrize(
    ("terms", "status", "path"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "$.expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, 400, "$.expires_at"),
        ({"expires_at": "soon"}, 400, "$.expires_at"),
        ({"expires_at": None}, 400, "$.expires_at"),
        ({"evse_id": 1, "connector_type": "cCCS2"}, 422, "$.connector_type"),
        ({"evse_id": 0}, 400, "$.evse_id"),
        ({"evse_id": "1"}, 400, "$.evse_id"),
        ({"evse_id": 2**31}, 400, "$.evse_id"),
        ({"id_token": ""}, 400, "$.id_token"),
        ({"id_token": "A\u0000"}, 400, "$.id_token"),
        ({"id_token": None}, 400, "$.id_token"),
        ({"type": "Nonsense"}, 400, "$.type"),
        ({"connector_type": "\ud800"}, 400, None),
        ({"connector_id": 1}, 400, "$.connector_id"),
        ({"station_id": ""}, 400, "$.station_id"),
    ],
)
async def test_terms_that_make_no_sense(
    api: Api, running: Running, terms: dict[str, Any], status: int, path: str | None
) -> None:
    async with reserving(api, running, V201) as (station, identity):
        answer = await reserve(api, identity, **terms)
        assert answer.status == status, answer
        if path is not None:
            assert [error["path"] for error in answer.body["errors"]] == [path]
        assert station.calls == []
        assert (await api.get(f"/stations/{identity}/reservations"))["items"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"id_token": "A\u0000", "expires_at": "2099-01-01T00:00:00Z"},
        {"id_token": "A", "expires_at": "2099-01-01T00:00:00"},
        {"id_token": "A", "expires_at": "2099-01-01T00:00:00Z", "reservation_id": 0},
        {"id_token": "A", "expires_at": "2099-01-01T00:00:00Z", "reservation_id": 2**31},
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"id_token": "A"},
    ],
)
async def test_parameters_that_make_no_sense(api: Api, running: Running, parameters: dict[str, Any]) -> None:
    async with reserving(api, running, V21) as (station, identity):
        answer = await api("POST", f"/stations/{identity}/commands/reserve", parameters)
        assert answer.status == 400, answer
        assert station.calls == []


@ALL
@pytest.mark.parametrize("status", ["Faulted", "Occupied", "Rejected", "Unavailable"])
async def test_the_station_refuses(api: Api, running: Running, protocol: str, status: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        info = {} if protocol == V16 else {"statusInfo": {"reasonCode": "Busy", "additionalInfo": "a\u0000b"}}
        station.answers["ReserveNow"] = {"status": status, **info}
        answer = await reserve(api, identity, evse_id=1)
        assert answer.status == 409
        assert answer.body["type"] == "urn:voltbridge:problem:not-reserved"
        assert status in answer.body["detail"]
        one = await api.get(answer.headers["Location"])
        assert one["state"] == "Rejected"
        assert one["reason"] == (status if protocol == V16 else f"{status}: Busy: ab")
        assert one["reserved_at"] is None and one["ended_at"] is not None
        assert await events(api, identity, "reservation.created") == []
        told = await the_event(api, identity, "reservation.rejected")
        assert told["id"] == one["id"]
        assert (await api("DELETE", f"/reservations/{one['id']}")).status == 409


@ALL
async def test_the_station_knows_no_reservations(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        station.answers["ReserveNow"] = ["NotImplemented", "what?", {}]
        answer = await reserve(api, identity)
        assert answer.status == 409 and "NotImplemented" in answer.body["detail"]
        one = await api.get(answer.headers["Location"])
        assert (one["state"], one["reason"]) == ("Rejected", "NotImplemented: what?")


@ALL
async def test_the_station_does_not_answer(api: Api, running: Running, protocol: str) -> None:
    """It may have the reservation: so it can be cancelled, and used."""
    async with reserving(api, running, protocol) as (station, identity):
        del station.answers["ReserveNow"]
        answer = await reserve(api, identity, timeout_s=0.1)
        assert answer.status == 202
        one = answer.body
        assert one["state"] == "Requested" and "no answer to ReserveNow within 0.1 s" in one["problem"]
        told = await the_event(api, identity, "reservation.unanswered")
        assert (told["id"], told["problem"]) == (one["id"], one["problem"])
        cancelled = await api("DELETE", f"/reservations/{one['id']}")
        assert (cancelled.status, cancelled.body["state"]) == (200, "Cancelled")


@ALL
async def test_the_connection_ends_before_the_answer(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        del station.answers["ReserveNow"]
        asking = asyncio.create_task(reserve(api, identity))
        await asyncio.wait_for(station.called.wait(), 30)
        listed = (await api.get(f"/stations/{identity}/reservations"))["items"]
        assert [one["state"] for one in listed] == ["Requested"]
    answer = await asking
    assert answer.status == 202 and answer.body["state"] == "Requested", answer


async def test_a_station_that_is_away_or_unknown(api: Api, running: Running) -> None:
    async with reserving(api, running, V201) as (_, identity):
        pass
    answer = await reserve(api, identity)
    assert (answer.status, answer.body["type"]) == (409, "urn:voltbridge:problem:not-connected")
    assert (await api.get(f"/stations/{identity}/reservations"))["items"] == []
    assert (await reserve(api, "nobody")).status == 404
    assert (await api("GET", "/stations/nobody/reservations")).status == 404
    for path in ("/reservations/999999999", "/reservations/2147483647"):
        assert (await api("GET", path)).status == 404
        assert (await api("DELETE", path)).status == 404
    for path in ("/reservations/0", "/reservations/x", "/reservations/2147483648", "/reservations/-1"):
        assert (await api("GET", path)).status == 400


@ALL
async def test_a_held_reservation_is_made_when_the_station_is_back(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (_, identity):
        pass
    body = {"id_token": "TAG-1", "expires_at": in_minutes(5), "hold": True}
    held = await api("POST", f"/stations/{identity}/commands/reserve", body)
    assert (held.status, held.body["state"]) == (202, "Queued")
    assert (await api.get(f"/stations/{identity}/reservations"))["items"] == []
    async with Station(running.ocpp_port, identity, protocol) as station:
        station.answers["ReserveNow"] = ACCEPTED
        await station.boot()
        async with asyncio.timeout(30):
            while (await api.get(f"/commands/{held.body['id']}"))["state"] != "Accepted":
                pass
        (one,) = (await api.get(f"/stations/{identity}/reservations"))["items"]
        assert (one["state"], one["command_id"]) == ("Reserved", held.body["id"])


@ALL
async def test_cancelled(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        one = (await reserve(api, identity)).body
        answer = await api("DELETE", f"/reservations/{one['id']}")
        assert (answer.status, answer.body["state"]) == (200, "Cancelled")
        assert answer.body["ended_at"] is not None
        assert station.calls[-1] == ("CancelReservation", {"reservationId": one["id"]})
        assert await api.get(f"/reservations/{one['id']}") == answer.body
        told = await the_event(api, identity, "reservation.cancelled")
        assert told["id"] == one["id"]
        again = await api("DELETE", f"/reservations/{one['id']}")
        assert (again.status, again.body["type"]) == (409, "urn:voltbridge:problem:reservation-over")
        assert again.body["detail"] == f"Reservation {one['id']} is Cancelled."
        assert len(station.calls) == 2


@ALL
async def test_nothing_to_cancel(api: Api, running: Running, protocol: str) -> None:
    """H02.FR.01: the station does not have it (any more), so it is not reserved."""
    async with reserving(api, running, protocol) as (station, identity):
        one = (await reserve(api, identity)).body
        station.answers["CancelReservation"] = {"status": "Rejected"}
        answer = await api("DELETE", f"/reservations/{one['id']}")
        assert (answer.status, answer.body["state"], answer.body["reason"]) == (200, "Removed", "NotAtStation")


@ALL
async def test_cancelling_that_comes_to_nothing(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        one = (await reserve(api, identity)).body
        path = f"/reservations/{one['id']}"
        station.answers["CancelReservation"] = ["InternalError", "oh", {}]
        answer = await api("DELETE", path)
        assert answer.status == 502 and "InternalError: oh" in answer.body["detail"]
        del station.answers["CancelReservation"]
        answer = await api("DELETE", f"{path}?timeout_s=0.1")
        assert answer.status == 504 and f"Reservation {one['id']} stays Reserved" in answer.body["detail"]
        assert await api.get(path) == one
    assert (await api("DELETE", path)).status == 409
    assert await api.get(path) == one


@ALL
async def test_a_reservation_nobody_made_here_can_be_cancelled_too(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (station, identity):
        answer = await api("POST", f"/stations/{identity}/commands/cancel_reservation", {"reservation_id": 2**31 - 1})
        assert (answer.status, answer.body["state"]) == (200, "Accepted")
        assert station.calls[-1] == ("CancelReservation", {"reservationId": 2**31 - 1})


@ALL
async def test_changed_under_the_same_id(api: Api, running: Running, protocol: str) -> None:
    """H01.FR.02; 1.6 5.13."""
    async with reserving(api, running, protocol) as (station, identity):
        one = (await reserve(api, identity, evse_id=1)).body
        path = f"/reservations/{one['id']}"
        terms = {"id_token": "TAG-2", "evse_id": 2, "expires_at": in_minutes(90)}
        answer = await api("PUT", path, terms)
        assert answer.status == 200
        changed = answer.body
        assert (changed["id"], changed["state"], changed["id_token"]) == (one["id"], "Reserved", "TAG-2")
        assert (changed["evse_id"], changed["expires_at"]) == (2, terms["expires_at"])
        assert changed["command_id"] != one["command_id"]
        assert station.calls[-1][1]["reservationId" if protocol == V16 else "id"] == one["id"]
        assert [told["evse_id"] for told in await events(api, identity, "reservation.changed")] == [2]

        station.answers["ReserveNow"] = {"status": "Occupied"}
        answer = await api("PUT", path, {**terms, "evse_id": 1})
        assert answer.status == 409 and "Occupied" in answer.body["detail"]
        assert await api.get(path) == changed

        station.answers["ReserveNow"] = ["InternalError", "", {}]
        assert (await api("PUT", path, {**terms, "evse_id": 1})).status == 502
        assert await api.get(path) == changed

        del station.answers["ReserveNow"]
        answer = await api("PUT", f"{path}?timeout_s=0.1", {**terms, "evse_id": 1})
        assert answer.status == 202
        assert (answer.body["state"], answer.body["evse_id"]) == ("Reserved", 2)
        assert "a change was not answered" in answer.body["problem"]

        await api("DELETE", path)
        assert (await api("PUT", path, terms)).status == 409
        by_command = await api("POST", f"/stations/{identity}/commands/reserve", {**terms, "reservation_id": one["id"]})
        assert by_command.body["error"]["code"] == "invalid" and "is over" in by_command.body["error"]["detail"]


async def test_a_reservation_of_another_station_cannot_be_changed(api: Api, running: Running) -> None:
    async with reserving(api, running, V201) as (_, identity), reserving(api, running, V201) as (other, elsewhere):
        one = (await reserve(api, identity)).body
        terms = {"id_token": "A", "expires_at": in_minutes(5), "reservation_id": one["id"]}
        answer = await api("POST", f"/stations/{elsewhere}/commands/reserve", terms)
        assert answer.body["error"]["code"] == "invalid"
        assert other.calls == []
        assert await api.get(f"/reservations/{one['id']}") == one


async def test_an_evse_shows_its_reservations(api: Api, running: Running) -> None:
    async with reserving(api, running, V201) as (station, identity):
        for evse_id in (1, 2):
            said = {"evseId": evse_id, "connectorId": 1, "connectorStatus": "Available", "timestamp": in_minutes(0)}
            await station.call("StatusNotification", said)
        path = f"/stations/{identity}/evses"
        assert [evse["reservation_ids"] for evse in (await api.get(path))["items"]] == [[], []]
        first, second = [(await reserve(api, identity, evse_id=evse_id)).body["id"] for evse_id in (2, 2)]
        await reserve(api, identity)
        assert [evse["reservation_ids"] for evse in (await api.get(path))["items"]] == [[], [first, second]]
        await api("DELETE", f"/reservations/{first}")
        assert [evse["reservation_ids"] for evse in (await api.get(path))["items"]] == [[], [second]]


async def test_lists(api: Api, running: Running) -> None:
    async with reserving(api, running, V201) as (station, identity):
        token = f"T-{identity}"
        ids = [(await reserve(api, identity, id_token=token, evse_id=evse_id)).body["id"] for evse_id in (1, 2, 1)]
        await api("DELETE", f"/reservations/{ids[0]}")
        station.answers["ReserveNow"] = {"status": "Occupied"}
        await reserve(api, identity, id_token="other", evse_id=2)

        async def listed(path: str) -> list[int]:
            return [one["id"] for one in (await api.get(path))["items"]]

        here = f"/stations/{identity}/reservations"
        assert await listed(f"{here}?state=Reserved") == ids[:0:-1]
        assert await listed(f"{here}?evse_id=1") == [ids[2], ids[0]]
        assert await listed(f"/reservations?station_id={identity}&state=Rejected") == [ids[2] + 1]
        assert await listed(f"/reservations?id_token={token.upper()}") == ids[::-1]
        first = await api.get(f"{here}?limit=2")
        rest = await api.get(f"{here}?limit=2&cursor={first['next']}")
        assert [one["id"] for page in (first, rest) for one in page["items"]] == [ids[2] + 1, *ids[::-1]]
        assert rest["next"] is None
        assert (await api("GET", f"{here}?state=Gone")).status == 400
        assert (await api("GET", f"{here}?cursor=zzz")).status == 422
        assert (await api("GET", "/reservations?colour=red")).status == 400


@ALL
async def test_it_survives_a_reboot_and_not_its_station(api: Api, running: Running, protocol: str) -> None:
    async with reserving(api, running, protocol) as (_, identity):
        one = (await reserve(api, identity)).body
    async with Station(running.ocpp_port, identity, protocol) as station:
        await station.boot()
        assert await api.get(f"/reservations/{one['id']}") == one
    assert (await api("DELETE", f"/stations/{identity}")).status == 204
    assert (await api("GET", f"/reservations/{one['id']}")).status == 404
    async with reserving(api, running, protocol) as (_, another):
        assert (await reserve(api, another)).body["id"] > one["id"]


@ALL
async def test_it_ends_with_its_time(api: Api, running: Running, protocol: str) -> None:
    """By our clock: the station says nothing."""
    async with reserving(api, running, protocol) as (_, identity):
        one = (await reserve(api, identity, expires_at=in_minutes(1 / 120))).body
        async with asyncio.timeout(30):
            while (now := await api.get(f"/reservations/{one['id']}"))["state"] == "Reserved":
                pass
        assert now["state"] == "Expired" and now["ended_at"] >= one["expires_at"]
        told = await the_event(api, identity, "reservation.expired")
        assert told["id"] == one["id"]


async def test_a_connector_that_fails_takes_its_reservations_with_it_where_nobody_says_so(
    api: Api, running: Running
) -> None:
    """1.6 5.13 (3); later versions tell by ReservationStatusUpdate."""

    async def fails(station: Station, connector_id: int, status: str) -> None:
        said = {"connectorId": connector_id, "errorCode": "NoError", "status": status}
        await station.call("StatusNotification", said)

    async def states(ids: list[int], *wanted: str) -> None:
        async with asyncio.timeout(30):
            while [(await api.get(f"/reservations/{id}"))["state"] for id in ids] != list(wanted):
                pass

    async with reserving(api, running, V16) as (station, identity):
        ids = [(await reserve(api, identity, **where)).body["id"] for where in ({"evse_id": 1}, {"evse_id": 2}, {})]
        await fails(station, 1, "Reserved")
        await fails(station, 1, "Faulted")
        await states(ids, "Removed", "Reserved", "Reserved")
        assert (await api.get(f"/reservations/{ids[0]}"))["reason"] == "Faulted"
        for status in ("Unavailable", "Reserved"):  # it restarts, and has the reservation still
            await fails(station, 2, status)
        async with asyncio.timeout(30):
            while len(await events(api, identity, "reservation.created")) != 4:
                pass
        await states(ids, "Removed", "Reserved", "Reserved")
        await fails(station, 0, "Unavailable")
        await states(ids, "Removed", "Removed", "Removed")
        another = (await reserve(api, identity, evse_id=2)).body["id"]
        await fails(station, 2, "Available")
        await fails(station, 2, "Reserved")
        await states([*ids, another], "Removed", "Removed", "Removed", "Reserved")
    async with reserving(api, running, V201) as (station, identity):
        one = (await reserve(api, identity, evse_id=1)).body
        said = {"evseId": 1, "connectorId": 1, "connectorStatus": "Faulted", "timestamp": in_minutes(0)}
        await station.call("StatusNotification", said)
        await station.call("Heartbeat", {})
        assert (await api.get(f"/reservations/{one['id']}"))["state"] == "Reserved"


@ALL
async def test_a_remote_start_for_another_token_is_the_stations_business(
    api: Api, running: Running, protocol: str
) -> None:
    """F01.FR.21: the station refuses it; here it is simply sent."""
    async with reserving(api, running, protocol) as (station, identity):
        await reserve(api, identity, evse_id=1)
        action = "RemoteStartTransaction" if protocol == V16 else "RequestStartTransaction"
        station.answers[action] = {"status": "Rejected"}
        started = await api("POST", f"/stations/{identity}/commands/start_transaction", {"id_token": "X", "evse_id": 1})
        assert (started.status, started.body["state"]) == (200, "Rejected")
        assert station.calls[-1][0] == action


async def test_why_the_station_refuses_where_its_settings_tell(api: Api, running: Running) -> None:
    """H01.FR.01, H01.FR.19; 1.6 9.3.1."""
    async with reserving(api, running, V201) as (station, identity):
        station.answers["ReserveNow"] = {"status": "Rejected"}
        await _reports(station, "NonEvseSpecific", "false")
        assert "NonEvseSpecific is false" in (await reserve(api, identity)).body["detail"]
        assert "NonEvseSpecific" not in (await reserve(api, identity, evse_id=1)).body["detail"]
        await _reports(station, "Enabled", "false")
        assert "ReservationCtrlr.Enabled is false" in (await reserve(api, identity, evse_id=1)).body["detail"]
    async with reserving(api, running, V16) as (station, identity):
        key = {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": "false"}
        station.answers["GetConfiguration"] = {"configurationKey": [key]}
        station.answers["ReserveNow"] = {"status": "Rejected"}
        assert (await api("POST", f"/stations/{identity}/commands/report", {})).status == 200
        answer = await reserve(api, identity)
        assert "NonEvseSpecific is false" in answer.body["detail"]


async def _reports(station: Station, variable: str, value: str) -> None:
    told = {
        "component": {"name": "ReservationCtrlr"},
        "variable": {"name": variable},
        "variableAttribute": [{"value": value}],
    }
    report = {"requestId": 1, "generatedAt": in_minutes(0), "seqNo": 0, "reportData": [told]}
    await station.call("NotifyReport", report)


@ALL
async def test_a_key_code_is_shown_nowhere(api: Api, running: Running, protocol: str) -> None:
    """C04.FR.04."""
    async with reserving(api, running, protocol) as (station, identity):
        one = (await reserve(api, identity, id_token="4711-0815", type="KeyCode", evse_id=1)).body
        sent = station.calls[-1][1]
        assert (sent["idTag"] if protocol == V16 else sent["idToken"]["idToken"]) == "4711-0815"
        shown = [one, await all_events(api, identity), await api.get(f"/stations/{identity}/commands")]
        if protocol != V16:  # which has no types, so nothing tells that it is one
            shown.append(await api.get(f"/stations/{identity}/messages"))
        assert "4711-0815" not in str(shown)
        assert (one["id_token"], one["id_token_type"]) == (None, "KeyCode")
