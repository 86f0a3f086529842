"""Who is let in, who takes over, how many there may be, and how it all stops."""

from __future__ import annotations

import asyncio
import base64
import json

import aiohttp
import pytest
from tests.csms.gateway.site import PATIENCE, TEXT, Holding, Site, refusal, site

from voltbridge.csms.gateway.limits import Limits
from voltbridge.domain.admission import AdmissionRequest, Credentials, Refused
from voltbridge.domain.errors import NotFound, StorageUnavailable
from voltbridge.domain.station_calls import StationCall, StationNotConnected
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

RESET = StationCall("Reset", b'{"type":"Soft"}', 30.0)


async def settle() -> None:
    """Let everything run that is ready to run, sockets included."""
    for _ in range(20):
        await asyncio.sleep(0.001)


# Admission


@pytest.mark.parametrize("version", Version)
async def test_a_station_is_upgraded_to_the_version_it_prefers(version: Version) -> None:
    async with site() as place:
        station = await place.connect("CS1", "ocpp9", version.value)
        assert station.headers["sec-websocket-protocol"] == version.value
        assert (await station.ask("Heartbeat"))[0] == 3
        assert place.gateway.counters.connected[version] == 1


async def test_admission_is_told_everything_known_before_the_upgrade() -> None:
    async with site() as place:
        credentials = base64.b64encode(b"RDAM 123:\x00\xffpw").decode()
        await place.connect("RDAM%20123", headers=[("Authorization", f"Basic {credentials}")])
        assert place.admission.asked == [
            AdmissionRequest("RDAM 123", Credentials("RDAM 123", b"\x00\xffpw"), "127.0.0.1", False)
        ]


async def test_who_is_not_admitted_is_not_upgraded_and_not_told_why() -> None:
    async with site() as place:
        place.admission.answer = Refused(401, "the password is wrong")
        station = await place.ask()
        assert station.status == 401
        assert station.headers["www-authenticate"] == 'Basic realm="OCPP"'
        assert b"wrong" not in station.body.replace(b"missing or wrong", b"")
        await station.end()

        place.admission.answer = Refused(404, "the inbox is full")
        station = await place.ask()
        assert station.status == 404
        assert b"inbox" not in station.body
        assert place.desk.log == []
        assert place.gateway.counters.refused_connections == {401: 1, 404: 1}


@pytest.mark.parametrize("target", ["/ocpp/", "/", "/ocpp/a%2Fb", "/ocpp/1.6/CS1", "/ocpp/" + "x" * 49])
async def test_a_bad_identity_is_not_found_before_anybody_is_asked(target: str) -> None:
    async with site() as place:
        station = await place.ask(target=target)
        assert station.status == 404
        assert place.admission.asked == []


async def test_a_station_that_gives_up_while_it_is_being_let_in_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as place:
        place.admission.gate.clear()
        asking = asyncio.ensure_future(place.ask())
        async with asyncio.timeout(PATIENCE):
            while not place.admission.asked:
                await settle()
        place.stations[0].drop()
        with pytest.raises((OSError, EOFError)):
            await asking
        await settle()
        place.admission.gate.set()
        await place.desk.logged("close CS1: the connection was lost")
        await settle()
        assert [record.getMessage() for record in caplog.records if record.name == "aiohttp.server"] == []


async def test_without_a_common_subprotocol_nothing_is_upgraded() -> None:
    async with site() as place:
        assert (await place.ask("CS1", "ocpp0.1")).status == 400
        assert (await place.ask(plain=True)).status == 400
        assert (await place.ask("CS1", "ocpp0.1", "ocpp1.6")).status == 101
        assert len(place.admission.asked) == 1


async def test_a_browser_is_told_what_this_port_is_for() -> None:
    async with site() as place:
        station = await place.socket()
        await station.request(b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert station.status == 426
        assert b"WebSocket" in station.body
        await station.end()


async def test_an_admission_that_cannot_decide_asks_to_come_again() -> None:
    async with site() as place:
        place.admission.answer = StorageUnavailable()
        station = await place.ask()
        assert station.status == 503
        assert int(station.headers["retry-after"]) > 0


async def test_an_admission_that_takes_too_long_asks_to_come_again() -> None:
    async with site() as place:
        place.admission.gate.clear()
        asking = asyncio.ensure_future(place.ask())
        await settle()
        place.clock.advance(place.gateway.limits.handshake_s + 1)
        assert (await asking).status == 503


@pytest.mark.parametrize(("failure", "status"), [(NotFound("station", "CS1"), 404), (StorageUnavailable(), 503)])
async def test_a_station_whose_state_cannot_be_read_is_not_upgraded(failure: Exception, status: int) -> None:
    async with site() as place:
        place.desk.failure = failure
        assert (await place.ask()).status == status
        assert not place.bus.is_connected("CS1")
        place.desk.failure = None
        await place.connect()
        assert place.bus.is_connected("CS1")


async def test_a_request_that_is_never_finished_is_ended() -> None:
    async with site(Limits(handshake_s=0.1)) as place:
        station = await place.socket()
        station.write(b"GET /ocpp/CS1 HTTP/1.1\r\nHost:")
        await asyncio.wait_for(station.end(), PATIENCE)


async def test_bytes_that_are_no_http_are_answered_and_ended() -> None:
    async with site() as place:
        station = await place.socket()
        await station.request(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert station.status == 400
        await station.end()
        await place.connect()


# Limits


async def test_too_many_connections_from_one_address_are_refused() -> None:
    async with site(Limits(connections_per_address=2, ping_interval_s=0)) as place:
        first = await place.connect("CS1")
        await place.connect("CS2")
        third = await place.ask("CS3")
        assert third.status == 429
        first.drop()
        await place.desk.logged("close CS1")
        await settle()
        assert (await place.ask("CS3")).status == 101


async def test_too_many_connections_in_all_are_refused() -> None:
    async with site(Limits(connections=1, ping_interval_s=0)) as place:
        await place.connect("CS1")
        assert (await place.ask("CS2")).status == 503


async def test_sockets_far_beyond_the_limit_are_cut_unheard() -> None:
    async with site(Limits(connections_per_address=1, ping_interval_s=0)) as place:
        idle = [await place.socket() for _ in range(300)]
        await asyncio.wait_for(idle[-1].end(), PATIENCE)


# Taking over


async def test_a_newer_connection_replaces_the_older() -> None:
    async with site() as place:
        old = await place.connect()
        new = await place.connect()
        assert await old.closing() == (1000, "replaced by a newer connection")
        await old.end()
        assert (await new.ask("Heartbeat"))[0] == 3
        assert place.desk.log[:3] == ["open CS1", "close CS1: replaced by a newer connection", "open CS1"]
        assert place.bus.is_connected("CS1")
        assert place.gateway.counters.replaced_connections == 1


async def test_a_dead_connection_is_replaced_without_waiting_for_its_goodbye() -> None:
    async with site() as place:
        dead = await place.connect()
        dead.stop_reading()
        new = await place.connect()
        assert (await new.ask("Heartbeat"))[0] == 3


async def test_what_the_older_connection_brought_is_handled_once_before_the_newer_is_heard() -> None:
    async with site() as place:
        holding = place.desk.answers["StatusNotification"] = Holding(v16.StatusNotificationResponse())
        old = await place.connect()
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        old.call("StatusNotification", status)
        await holding.begun.wait()
        old.call("Heartbeat")
        await settle()
        replacing = asyncio.ensure_future(place.connect())
        await settle()
        assert not replacing.done(), "the older one still works"
        holding.release.set()
        new = await replacing
        await new.ask("Heartbeat")
        assert place.desk.log == [
            "open CS1",
            "StatusNotification CS1",
            "done StatusNotification CS1",
            "Heartbeat CS1",
            "done Heartbeat CS1",
            "close CS1: replaced by a newer connection",
            "open CS1",
            "Heartbeat CS1",
            "done Heartbeat CS1",
        ]
        assert (await old.closing())[0] == 1000, "no reply went to the connection that was given up"


async def test_calls_through_the_older_connection_fail() -> None:
    async with site() as place:
        old = await place.connect()
        calling = asyncio.ensure_future(place.bus.call("CS1", RESET))
        queued = asyncio.ensure_future(place.bus.call("CS1", RESET))
        assert (await old.message())[2] == "Reset"
        await place.connect()
        for call in (calling, queued):
            with pytest.raises(StationNotConnected, match="newer connection"):
                await call


async def test_a_connection_stuck_in_its_handler_keeps_newer_ones_waiting_for_a_while() -> None:
    async with site() as place:
        holding = place.desk.answers["Heartbeat"] = Holding(None)
        old = await place.connect()
        old.call("Heartbeat")
        await holding.begun.wait()
        second = asyncio.ensure_future(place.ask())
        await settle()
        place.clock.advance(place.gateway.limits.takeover_s + 1)
        assert (await second).status == 503
        third = asyncio.ensure_future(place.ask())
        await settle()
        assert not third.done(), "it still waits for the first one"
        place.desk.answers.clear()
        holding.release.set()
        assert (await third).status == 101
        opened = [entry for entry in place.desk.log if entry.startswith("open")]
        assert len(opened) == 2


async def test_of_many_connections_at_once_the_newest_stays() -> None:
    async with site() as place:
        stations = await asyncio.gather(*(place.ask() for _ in range(10)))
        upgraded = [station for station in stations if station.status == 101]
        assert {station.status for station in stations} <= {101, 503}
        calling = asyncio.ensure_future(place.bus.call("CS1", RESET))
        firsts = await asyncio.gather(*(station.receive() for station in upgraded))
        served = [index for index, (first, _) in enumerate(firsts) if first == 0x80 | TEXT]
        assert len(served) == 1, "all others were closed"
        unique_id = json.loads(firsts[served[0]][1])[1]
        upgraded[served[0]].result(unique_id, {"status": "Accepted"})
        assert await calling == b'{"status": "Accepted"}'
        opens = sum(entry.startswith("open") for entry in place.desk.log)
        assert opens == sum(entry.startswith("close") for entry in place.desk.log) + 1


async def test_the_operator_disconnects_and_deletes() -> None:
    async with site() as place:
        first = await place.connect("CS1")
        second = await place.connect("CS2")
        third = await place.connect("CS3")
        place.bus.announce("disconnect", "CS1")
        place.bus.announce("deleted", "CS2")
        place.bus.announce("deleted", "CS9")
        assert await first.closing() == (1000, "disconnected by the operator")
        assert await second.closing() == (1000, "the station was deleted")
        assert (await third.ask("Heartbeat"))[0] == 3


# Stopping


async def stop(place: Site, timeout_s: float = 5.0) -> asyncio.Future[None]:
    stopping = asyncio.ensure_future(place.stop(timeout_s))
    await settle()
    return stopping


async def test_idle_stations_are_sent_to_come_again_when_the_server_stops() -> None:
    async with site() as place:
        stations = [await place.connect(f"CS{number}") for number in range(5)]
        stopping = await stop(place)
        for station in stations:
            assert await station.closing() == (1012, "the server restarts")
        await stopping
        assert sum(entry.startswith("close") for entry in place.desk.log) == 5


async def test_what_is_being_handled_is_finished_and_answered_before_the_server_stops() -> None:
    async with site() as place:
        holding = place.desk.answers["Heartbeat"] = Holding(None)
        station = await place.connect()
        unique_id = station.call("Heartbeat")
        await holding.begun.wait()
        stopping = await stop(place)
        assert not stopping.done()
        late = station.call("Heartbeat")
        await settle()
        place.desk.answers.clear()
        holding.response = v16.HeartbeatResponse(current_time=DateTime("2025-06-01T00:00:00Z"))
        holding.release.set()
        assert (await station.message())[1] == unique_id
        assert (await station.closing())[0] == 1012
        await stopping
        assert place.desk.log.count("Heartbeat CS1") == 1, "what came later was not taken, so it will come again"
        assert late not in [record.message_id for record in place.records()]


async def test_calls_that_wait_for_a_station_are_waited_for_and_no_new_ones_are_made() -> None:
    async with site() as place:
        station = await place.connect()
        calling = asyncio.ensure_future(place.bus.call("CS1", RESET))
        call = await station.message()
        stopping = await stop(place)
        assert not stopping.done()
        with pytest.raises(StationNotConnected):
            await place.bus.call("CS1", RESET)
        station.result(call[1], {"status": "Accepted"})
        assert await calling == b'{"status": "Accepted"}'
        assert (await station.closing())[0] == 1012
        await stopping


async def test_new_stations_are_told_to_come_again_while_the_server_stops() -> None:
    async with site() as place:
        holding = place.desk.answers["Heartbeat"] = Holding(None)
        station = await place.connect()
        station.call("Heartbeat")
        await holding.begun.wait()
        stopping = await stop(place)
        refused = await place.ask("CS2")
        assert refused.status == 503
        assert "retry-after" in refused.headers
        assert not place.gateway.listening
        holding.release.set()
        await station.closing()
        await stopping


async def test_a_stop_does_not_wait_for_ever() -> None:
    async with site() as place:
        holding = place.desk.answers["Heartbeat"] = Holding(None)
        station = await place.connect()
        station.call("Heartbeat")
        await holding.begun.wait()
        stopping = await stop(place, 5.0)
        place.clock.advance(5.1)
        await asyncio.wait_for(station.end(), PATIENCE)
        place.clock.advance(10)
        await asyncio.wait_for(stopping, PATIENCE)
        holding.release.set()


async def test_a_second_stop_hastens_the_first() -> None:
    async with site() as place:
        holding = place.desk.answers["Heartbeat"] = Holding(None)
        station = await place.connect()
        station.call("Heartbeat")
        await holding.begun.wait()
        stopping = await stop(place, 1000.0)
        hastening = asyncio.ensure_future(place.stop(0))
        await settle()
        place.clock.advance(0.1)
        await asyncio.wait_for(asyncio.gather(stopping, hastening), PATIENCE)
        assert "done Heartbeat CS1" not in place.desk.log
        assert place.desk.log[-1].startswith("close CS1")


async def test_a_station_that_is_just_connecting_when_the_server_stops_is_sent_away() -> None:
    async with site() as place:
        place.admission.gate.clear()
        asking = asyncio.ensure_future(place.ask())
        await settle()
        stopping = await stop(place)
        place.admission.gate.set()
        assert (await asking).status == 503
        await stopping


async def test_after_a_stop_nobody_listens() -> None:
    async with site() as place:
        port = place.gateway.port
        await place.stop()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)


# Clients others wrote


async def test_aiohttps_client_talks_to_it_with_and_without_deflate() -> None:
    async with site(Limits(compress_from_bytes=10, ping_interval_s=0)) as place:
        place.desk.answers["Authorize"] = refusal("InternalError", "nothing " * 30)
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{place.gateway.port}/ocpp/CS1"
            for compress in (0, 15, 10):
                async with session.ws_connect(url, protocols=["ocpp1.6"], compress=compress) as socket:
                    assert bool(socket.compress) is bool(compress)
                    for number in range(3):
                        await socket.send_str(f'[2,"{number}","Authorize",{{"idTag":"{"T" * number}"}}]')
                        answer = await socket.receive_json()
                        assert answer == [4, str(number), "InternalError", "nothing " * 30, {}]
