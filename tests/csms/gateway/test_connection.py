"""A connection's messages: in order, one worker, answered, logged, counted, and bounded."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from tests.csms.gateway.site import BINARY, CLOSE, PING, PONG, TEXT, Holding, Site, frame, refusal, site

from voltbridge.csms.gateway.limits import Limits
from voltbridge.domain.messages import DeviationCount, MessageDirection
from voltbridge.domain.station_calls import CallRefused, CallTimedOut, StationCall, StationNotConnected, TooManyCalls
from voltbridge.domain.stations import LiveStation, Strictness
from voltbridge.protocol import v16
from voltbridge.protocol.structs import Payload

pytestmark = pytest.mark.anyio

CALM = Limits(ping_interval_s=0)
RESET = StationCall("Reset", b'{"type":"Soft"}', 30.0)
TAG = {"idTag": "T"}


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


def tolerant(place: Site) -> None:
    place.desk.strictness = Strictness.TOLERANT


# Order


async def test_messages_are_answered_one_after_the_other_in_the_order_of_their_arrival() -> None:
    async with site() as place:
        holding = place.desk.answers["Authorize"] = Holding(
            v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED))
        )
        station = await place.connect()
        first = station.call("Authorize", TAG)
        await holding.begun.wait()
        rest = [station.call("Heartbeat") for _ in range(5)]
        await settle()
        assert place.desk.log == ["open CS1", "Authorize CS1"]
        holding.release.set()
        answers = [await station.message() for _ in range(6)]
        assert [answer[1] for answer in answers] == [first, *rest]


async def test_a_handler_calls_its_own_station_and_waits() -> None:
    async with site() as place:

        async def ask_back(live: LiveStation, request: Payload) -> Payload:
            answer = json.loads(await place.bus.call(live.station_id, RESET))
            status = "Accepted" if answer["status"] == "Accepted" else "Invalid"
            return v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status=v16.AuthorizationStatus(status)))

        place.desk.answers["Authorize"] = ask_back
        station = await place.connect()
        authorize = station.call("Authorize", TAG)
        reset = await station.message()
        assert reset[2] == "Reset"
        station.result(reset[1], {"status": "Accepted"})
        assert await station.message() == [3, authorize, {"idTagInfo": {"status": "Accepted"}}]


async def test_calls_of_both_sides_cross() -> None:
    async with site() as place:
        station = await place.connect()
        calling = asyncio.ensure_future(place.bus.call("CS1", RESET))
        heartbeat = station.call("Heartbeat")
        frames = [await station.message(), await station.message()]
        assert sorted(frame[0] for frame in frames) == [2, 3]
        (reset,) = (frame for frame in frames if frame[0] == 2)
        assert [frame[1] for frame in frames if frame[0] == 3] == [heartbeat]
        station.result(reset[1], {"status": "Rejected"})
        assert await calling == b'{"status": "Rejected"}'


async def test_one_stations_slow_handler_delays_no_other_station() -> None:
    async with site() as place:
        holding = place.desk.answers["Authorize"] = Holding(None)
        slow, quick = await place.connect("CS1"), await place.connect("CS2")
        slow.call("Authorize", TAG)
        await holding.begun.wait()
        assert (await quick.ask("Heartbeat"))[0] == 3
        holding.release.set()


async def test_what_follows_a_message_starts_after_its_reply_has_left() -> None:
    async with site() as place:

        async def follow() -> None:
            await place.bus.call("CS1", RESET)

        async def answer(live: LiveStation, request: Payload) -> Payload:
            live.followups.append(follow)
            return v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED))

        place.desk.answers["Authorize"] = answer
        station = await place.connect()
        authorize = station.call("Authorize", TAG)
        assert (await station.message())[:2] == [3, authorize]
        reset = await station.message()
        assert reset[2] == "Reset"
        heartbeat = station.call("Heartbeat")
        assert (await station.message())[:2] == [3, heartbeat], "what follows does not hold the station up"
        assert place.desk.lives["CS1"].followups == []


# Refusals


async def test_a_handlers_refusal_is_a_callerror_in_the_versions_spelling() -> None:
    async with site() as place:
        place.desk.answers["Authorize"] = refusal("OccurrenceConstraintViolation", "no")
        old, new = await place.connect("CS1", "ocpp1.6"), await place.connect("CS2", "ocpp2.0.1")
        assert (await old.ask("Authorize", TAG))[2:] == ["OccurenceConstraintViolation", "no", {}]
        request = {"idToken": {"idToken": "T", "type": "ISO14443"}}
        assert (await new.ask("Authorize", request))[2:] == ["OccurrenceConstraintViolation", "no", {}]


async def test_a_handler_that_fails_is_an_internal_error_and_nothing_of_it_is_told() -> None:
    async with site() as place:

        async def fail(live: LiveStation, request: Payload) -> Payload:
            raise ValueError("the secret of the house")

        async def wrong(live: LiveStation, request: Payload) -> Payload:
            return v16.MeterValuesResponse()

        station = await place.connect()
        for answer in (fail, wrong):
            place.desk.answers["Authorize"] = answer
            refused = await station.ask("Authorize", TAG)
            assert refused[0] == 4
            assert refused[2] == "InternalError"
            assert "secret" not in refused[3]
        assert (await station.ask("Heartbeat"))[0] == 3


@pytest.mark.parametrize(
    ("protocol", "text", "reply"),
    [
        ("ocpp1.6", '[2,"a","Heartbeat",{"x":1}]', [4, "a", "FormationViolation"]),
        ("ocpp1.6", '[2,"a","Authorize",{}]', [4, "a", "OccurenceConstraintViolation"]),
        ("ocpp1.6", '[2,"a","Authorize",{"idTag":1}]', [4, "a", "TypeConstraintViolation"]),
        ("ocpp1.6", '[2,"a","Authorize",{"idTag":"123456789012345678901"}]', [4, "a", "PropertyConstraintViolation"]),
        ("ocpp1.6", '[2,"a","Nonsense",{}]', [4, "a", "NotImplemented"]),
        ("ocpp1.6", '[2,"a","Reset",{}]', [4, "a", "NotSupported"]),
        ("ocpp1.6", '[2,"a","Heartbeat"', [4, "a", "FormationViolation"]),
        ("ocpp1.6", "{}", None),
        ("ocpp1.6", '[9,"a",{}]', None),
        ("ocpp1.6", '[3,"a",{}]', None),
        ("ocpp2.0.1", '[2,"a","Authorize",{}]', [4, "a", "OccurrenceConstraintViolation"]),
        ("ocpp2.0.1", '[2,"a","Heartbeat",{"x":1}]', [4, "a", "FormatViolation"]),
        ("ocpp2.0.1", '[2,"a","Heartbeat"', [4, "a", "RpcFrameworkError"]),
        ("ocpp2.0.1", "{}", [4, "-1", "RpcFrameworkError"]),
        ("ocpp2.0.1", '[9,"a",{}]', [4, "a", "MessageTypeNotSupported"]),
        ("ocpp2.1", '[9,"a",{}]', None),
        ("ocpp2.1", "no json", [4, "-1", "RpcFrameworkError"]),
        ("ocpp2.1", '[6,"a","NotifyPeriodicEventStream",{}]', None),
    ],
)
async def test_what_breaks_the_protocol_is_answered_as_the_version_says(
    protocol: str, text: str, reply: list[Any] | None
) -> None:
    async with site() as place:
        station = await place.connect("CS1", protocol)
        station.text(text)
        if reply is not None:
            assert (await station.message())[:3] == reply
        assert (await station.ask("Heartbeat"))[0] == 3, "and the connection goes on"
        assert place.desk.log == ["open CS1", "Heartbeat CS1", "done Heartbeat CS1"]


async def test_a_second_message_of_an_id_being_handled_is_not_handled_twice() -> None:
    async with site() as place:
        holding = place.desk.answers["Authorize"] = Holding(
            v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED))
        )
        station = await place.connect()
        station.call("Authorize", TAG, "same")
        await holding.begun.wait()
        station.call("Authorize", TAG, "same")
        station.call("Authorize", {"idTag": "OTHER"}, "same")
        assert (await station.message())[:2] == [4, "same"], "another message under the same id"
        holding.release.set()
        assert (await station.message())[:2] == [3, "same"]
        assert place.desk.log.count("Authorize CS1") == 1
        assert (await station.ask("Heartbeat"))[0] == 3


# Calls to the station


async def test_calls_wait_for_each_other_and_each_gets_its_own_answer() -> None:
    async with site() as place:
        station = await place.connect()
        calls = [asyncio.ensure_future(place.bus.call("CS1", RESET)) for _ in range(3)]
        for number in range(3):
            call = await station.message()
            assert call[2:] == ["Reset", {"type": "Soft"}]
            await settle()
            assert not calls[number].done()
            station.result(call[1], {"status": "Accepted" if number != 1 else "Rejected"})
        assert [json.loads(await call)["status"] for call in calls] == ["Accepted", "Rejected", "Accepted"]
        assert [call.action for call in place.desk.called] == ["Reset"] * 3


async def test_a_stations_callerror_is_passed_on_as_it_is() -> None:
    async with site() as place:
        station = await place.connect()
        calling = asyncio.ensure_future(place.bus.call("CS1", RESET))
        call = await station.message()
        station.text(json.dumps([4, call[1], "VendorError", "out of order", {"code": 7}]))
        with pytest.raises(CallRefused) as refused:
            await calling
        failure = refused.value
        assert (failure.code, failure.description, failure.details, failure.local) == (
            "VendorError",
            "out of order",
            {"code": 7},
            False,
        )


async def test_a_response_that_breaks_the_schema_is_our_own_refusal() -> None:
    async with site() as place:
        station = await place.connect("CS1", "ocpp2.1")
        call = StationCall("ClearCache", b"{}", 30.0)
        calling = asyncio.ensure_future(place.bus.call("CS1", call))
        frame = await station.message()
        station.result(frame[1], {"status": "Perhaps"})
        with pytest.raises(CallRefused) as refused:
            await calling
        assert refused.value.local
        assert refused.value.code == "PropertyConstraintViolation"
        assert (await station.message())[:3] == [5, frame[1], "PropertyConstraintViolation"]


async def test_a_station_that_does_not_answer_times_out_and_the_next_call_leaves() -> None:
    async with site() as place:
        station = await place.connect()
        first = asyncio.ensure_future(place.bus.call("CS1", StationCall("Reset", b'{"type":"Soft"}', 5.0)))
        second = asyncio.ensure_future(place.bus.call("CS1", StationCall("ClearCache", b"{}", 7.0)))
        late = (await station.message())[1]
        place.clock.advance(4.9)
        await settle()
        assert not first.done()
        place.clock.advance(0.2)
        with pytest.raises(CallTimedOut) as timed_out:
            await first
        assert timed_out.value.timeout_s == 5.0
        call = await station.message()
        assert call[2] == "ClearCache"
        station.result(late, {"status": "Accepted"})
        await settle()
        assert not second.done(), "a late reply is never taken for another"
        place.clock.advance(6.8)
        await settle()
        assert not second.done(), "its time began when it was sent"
        station.result(call[1], {"status": "Accepted"})
        assert await second == b'{"status": "Accepted"}'


async def test_calls_end_with_the_connection() -> None:
    async with site() as place:
        station = await place.connect()
        calls = [asyncio.ensure_future(place.bus.call("CS1", RESET)) for _ in range(2)]
        await station.message()
        station.drop()
        may_have_been_sent = []
        for call in calls:
            with pytest.raises(StationNotConnected) as failure:
                await call
            may_have_been_sent.append(failure.value.may_have_been_sent)
        assert may_have_been_sent == [True, False], "the second still waited for the first"
        await place.desk.logged("close CS1: the connection was lost")
        with pytest.raises(StationNotConnected):
            await place.bus.call("CS1", RESET)


async def test_a_caller_that_gives_up_withdraws_a_call_that_has_not_left() -> None:
    async with site() as place:
        station = await place.connect()
        first = asyncio.ensure_future(place.bus.call("CS1", RESET))
        second = asyncio.ensure_future(place.bus.call("CS1", StationCall("ClearCache", b"{}", 7.0)))
        call = await station.message()
        second.cancel()
        await settle()
        station.result(call[1], {"status": "Accepted"})
        await first
        assert (await station.ask("Heartbeat"))[0] == 3, "nothing came in between"


async def test_too_many_calls_to_one_station_are_refused() -> None:
    async with site(Limits(waiting_calls=2, ping_interval_s=0)) as place:
        station = await place.connect()
        calls = [asyncio.ensure_future(place.bus.call("CS1", RESET)) for _ in range(3)]
        await station.message()
        with pytest.raises(TooManyCalls, match="CS1: too many calls are waiting"):
            await place.bus.call("CS1", RESET)
        station.drop()
        await asyncio.gather(*calls, return_exceptions=True)


# The message log


async def test_every_frame_is_logged_in_both_directions_as_it_was() -> None:
    async with site() as place:
        station = await place.connect("CS1", "ocpp2.0.1")
        station.text('[2, "s1", "Heartbeat", {}]')
        answer = await station.receive()
        calling = asyncio.ensure_future(place.bus.call("CS1", StationCall("ClearCache", b"{}", 30.0)))
        call = await station.message()
        station.result(call[1], {"status": "Accepted"})
        await calling
        station.text("garbage")
        await station.message()
        station.text('[3,"nothing",{}]')
        await station.ask("Nonsense")
        log = [(one.direction, one.kind, one.message_id, one.action) for one in place.records()]
        received, sent = MessageDirection.RECEIVED, MessageDirection.SENT
        assert log == [
            (received, 2, "s1", "Heartbeat"),
            (sent, 3, "s1", "Heartbeat"),
            (sent, 2, call[1], "ClearCache"),
            (received, 3, call[1], "ClearCache"),
            (received, 0, None, None),
            (sent, 4, None, None),
            (received, 3, "nothing", None),
            (received, 2, "s1", "Nonsense"),
            (sent, 4, "s1", "Nonsense"),
        ]
        frames = [one.frame for one in place.records()]
        assert frames[0] == '[2, "s1", "Heartbeat", {}]'
        assert frames[1] == answer[1].decode()
        assert frames[4] == "garbage"
        assert all(one.station_id == "CS1" for one in place.records())
        assert all(one.at_ms == place.clock.now_ms() for one in place.records())


async def test_secrets_are_not_logged() -> None:
    async with site() as place:
        station = await place.connect()
        body = b'{"key":"AuthorizationKey","value":"00112233445566778899AABBCCDDEEFF"}'
        calling = asyncio.ensure_future(place.bus.call("CS1", StationCall("ChangeConfiguration", body, 30.0)))
        call = await station.message()
        assert call[3]["value"] == "00112233445566778899AABBCCDDEEFF"
        station.result(call[1], {"status": "Accepted"})
        await calling
        assert "0011" not in "".join(one.frame for one in place.records())
        assert "AuthorizationKey" in place.records()[0].frame


async def test_garbage_is_logged_only_in_part() -> None:
    async with site() as place:
        station = await place.connect("CS1", "ocpp2.0.1")
        station.text("x" * 100_000)
        await station.message()
        assert len(place.records()[0].frame) < 5000


# Deviations


async def test_deviations_are_counted_by_kind_of_charger_and_place_forgiven_and_refused_alike() -> None:
    async with site() as place:
        strict = await place.connect("CS1")
        tolerant(place)
        lenient = await place.connect("CS2")
        odd = {"connectorId": "1", "errorCode": "NoError", "status": "Available"}
        assert (await strict.ask("StatusNotification", odd))[0] == 4
        for _ in range(3):
            assert (await lenient.ask("StatusNotification", odd))[0] == 3
        assert [len(found) for found in place.desk.deviations] == [1, 1, 1]
        place.clock.advance(60)
        (row,) = place.journal.of(DeviationCount)
        assert (row.vendor, row.model, row.firmware_version) == ("V", "M", "1.0")
        assert (row.action, row.path, row.kind, row.count) == ("StatusNotification", "$.connectorId", "type", 4)
        assert row.last_station_id == "CS2"


async def test_padding_around_frames_is_counted_forgiven_or_refused() -> None:
    async with site() as place:
        strict = await place.connect("CS1")
        tolerant(place)
        lenient = await place.connect("CS2")
        for station, answer in ((strict, 4), (lenient, 3)):
            station.text('[2,"padded","Heartbeat",{}]\0')
            assert (await station.message())[:2] == [answer, "padded"]
        lenient.text('\ufeff[2,"marked","Heartbeat",{}]\r\n\0\0')
        assert (await lenient.message())[:2] == [3, "marked"]
        place.clock.advance(60)
        refused, forgiven = sorted(place.journal.of(DeviationCount), key=lambda row: row.action)
        assert (refused.action, refused.path, refused.kind, refused.count) == ("", "$", "frame", 1)
        assert (forgiven.action, forgiven.path, forgiven.kind, forgiven.count) == ("Heartbeat", "$", "frame", 2)
        assert (
            forgiven.example
            == r"3 bytes (b'\xef\xbb\xbf') before and 4 bytes (b'\r\n\x00\x00') behind the JSON: dropped"
        )


async def test_what_salvage_made_of_a_reason_is_counted_with_the_word_of_the_vendor() -> None:
    async with site() as place:
        place.desk.strictness = Strictness.SALVAGE
        station = await place.connect()
        stop = {"meterStop": 1, "timestamp": "2025-06-01T00:00:00Z", "transactionId": 1, "reason": "RelayOpened"}
        assert (await station.ask("StopTransaction", stop))[0] == 3
        place.clock.advance(60)
        (row,) = place.journal.of(DeviationCount)
        assert (row.vendor, row.model, row.firmware_version) == ("V", "M", "1.0")
        assert (row.action, row.path, row.count) == ("StopTransaction", "$.reason", 1)
        assert row.example == '"RelayOpened" is not one of 11 values: taken as Other'


async def test_places_in_lists_count_as_one() -> None:
    async with site() as place:
        tolerant(place)
        station = await place.connect()
        values = [{"timestamp": "2025-06-01T00:00:00", "sampledValue": [{"value": "1"}]}] * 3
        assert (await station.ask("MeterValues", {"connectorId": 1, "meterValue": values}))[0] == 3
        place.clock.advance(60)
        (row,) = place.journal.of(DeviationCount)
        assert (row.path, row.count) == ("$.meterValue[].timestamp", 3)


async def test_what_was_counted_is_written_down_at_the_end() -> None:
    async with site() as place:
        station = await place.connect()
        await station.ask("Heartbeat", {"x": 1})
        stopping = asyncio.ensure_future(place.stop())
        await station.closing()
        await stopping
        assert [row.path for row in place.journal.of(DeviationCount)] == ["$.x"]


async def test_a_stations_strictness_holds_at_once_when_it_is_changed() -> None:
    async with site() as place:
        station = await place.connect()
        odd = {"connectorId": "1", "errorCode": "NoError", "status": "Available"}
        assert (await station.ask("StatusNotification", odd))[0] == 4
        live = place.desk.lives["CS1"]
        live.settings = replace(live.settings, strictness=Strictness.TOLERANT)
        assert (await station.ask("StatusNotification", odd))[0] == 3


# Frames


async def test_a_message_in_fragments_is_one_message_and_pings_may_come_between() -> None:
    async with site() as place:
        station = await place.connect()
        station.frame(TEXT, b'[2,"1","Hea', fin=False)
        station.frame(PING, b"now")
        station.frame(0, b"", fin=False)
        station.frame(0, b'rtbeat",{}]')
        assert await station.receive() == (0x80 | PONG, b"now")
        assert (await station.message())[:2] == [3, "1"]


async def test_bytes_may_arrive_one_by_one() -> None:
    async with site() as place:
        station = await place.connect()
        for byte in frame(TEXT, b'[2,"1","Heartbeat",{}]'):
            station.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await station.message())[:2] == [3, "1"]


async def test_many_messages_in_one_packet_are_all_answered() -> None:
    async with site() as place:
        station = await place.connect()
        station.write(b"".join(frame(TEXT, b'[2,"%d","Heartbeat",{}]' % number) for number in range(20)))
        assert [(await station.message())[1] for _ in range(20)] == [str(number) for number in range(20)]


async def test_a_message_right_behind_the_upgrade_request_is_answered() -> None:
    async with site() as place:
        place.admission.gate.clear()
        station = await place.socket()
        asking = asyncio.ensure_future(station.upgrade("/ocpp/CS1", [("Sec-WebSocket-Protocol", "ocpp1.6")]))
        await settle()
        station.write(frame(TEXT, b'[2,"1","Heartbeat",{}]'))
        await settle()
        place.admission.gate.set()
        await asking
        assert (await station.message())[:2] == [3, "1"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x83\x80\x00\x00\x00\x00", 1002),  # an opcode that does not exist
        (b"\xf1\x80\x00\x00\x00\x00", 1002),  # reserved bits
        (b"\xc1\x80\x00\x00\x00\x00", 1002),  # compressed without having agreed
        (b"\x09\x80\x00\x00\x00\x00", 1002),  # a fragmented ping
        (b"\x80\x80\x00\x00\x00\x00", 1002),  # a continuation of nothing
        (b"\x88\x81\x00\x00\x00\x00x", 1002),  # a close with half a code
        (b"\x88\x82\x00\x00\x00\x00\x03\xed", 1002),  # a close with the code 1005
        (b"\x81\x81\x00\x00\x00\x00\xff", 1007),  # text that is no UTF-8
        (b"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00", 1009),  # a length of 2 GB
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009),  # a length beyond 63 bits
    ],
)
async def test_what_breaks_websocket_closes_the_connection(data: bytes, code: int) -> None:
    async with site() as place:
        station, other = await place.connect("CS1"), await place.connect("CS2")
        station.write(data)
        assert (await station.closing())[0] == code
        await station.end()
        await place.desk.logged("close CS1")
        assert (await other.ask("Heartbeat"))[0] == 3


async def test_a_text_frame_within_a_fragmented_message_closes() -> None:
    async with site() as place:
        station = await place.connect()
        station.frame(TEXT, b"[2,", fin=False)
        station.frame(TEXT, b"[2,")
        assert (await station.closing())[0] == 1002


async def test_a_binary_frame_is_refused_by_the_letter_and_forgiven_otherwise() -> None:
    async with site() as place:
        strict = await place.connect("CS1")
        strict.frame(BINARY, b'[2,"1","Heartbeat",{}]')
        assert (await strict.closing())[0] == 1003
        tolerant(place)
        lenient = await place.connect("CS2")
        lenient.frame(BINARY, b'[2,"1","Heartbeat",{}]')
        assert (await lenient.message())[:2] == [3, "1"]
        place.clock.advance(60)
        assert sum(row.count for row in place.journal.of(DeviationCount)) == 2


async def test_a_close_of_the_station_is_repeated_and_ends_the_connection() -> None:
    async with site() as place:
        station = await place.connect()
        station.frame(CLOSE, (1001).to_bytes(2) + b"going")
        assert await station.receive() == (0x80 | CLOSE, (1001).to_bytes(2))
        await station.end()
        await place.desk.logged("close CS1: the station closed the connection (1001)")
        assert not place.bus.is_connected("CS1")


async def test_a_close_without_a_code_is_answered_without_one() -> None:
    async with site() as place:
        station = await place.connect()
        station.frame(CLOSE, b"")
        assert await station.receive() == (0x80 | CLOSE, b"")
        await station.end()


async def test_a_station_that_does_not_answer_our_close_is_cut_after_a_while() -> None:
    async with site() as place:
        station = await place.connect()
        place.bus.announce("disconnect", "CS1")
        assert (await station.receive())[0] == 0x80 | CLOSE
        await settle()
        assert "close" not in place.desk.log[-1]
        place.clock.advance(place.gateway.limits.closing_s + 0.1)
        await station.end()
        await place.desk.logged("close CS1: disconnected by the operator")


# Deflate


async def test_large_messages_are_compressed_and_small_ones_are_not() -> None:
    async with site(Limits(compress_from_bytes=200, ping_interval_s=0)) as place:
        station = await place.connect("CS1", headers=[("Sec-WebSocket-Extensions", "permessage-deflate")])
        assert station.headers["sec-websocket-extensions"] == (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        )
        assert (await station.ask("Heartbeat"))[0] == 3
        place.desk.answers["Authorize"] = refusal("InternalError", "long " * 50)
        for _ in range(2):
            station.call("Authorize", TAG, "1")
            first, payload = await station.receive()
            assert first == 0xC0 | TEXT
            text = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
            assert json.loads(text)[2:4] == ["InternalError", ("long " * 50)[:255]]


async def test_compressed_messages_are_read_also_in_fragments() -> None:
    async with site() as place:
        offer = "permessage-deflate; client_max_window_bits"
        station = await place.connect("CS1", headers=[("Sec-WebSocket-Extensions", offer)])
        compressor = zlib.compressobj(wbits=-12)
        for number in range(3):
            data = compressor.compress(b'[2,"%d","Heartbeat",{}]' % number) + compressor.flush(zlib.Z_SYNC_FLUSH)
            data = data.removesuffix(b"\x00\x00\xff\xff")
            station.frame(TEXT, data[:5], fin=False, rsv1=True)
            station.frame(PING, b"")
            station.frame(0, data[5:])
            assert (await station.receive())[0] == 0x80 | PONG
            assert (await station.message())[:2] == [3, str(number)]
        station.text('[2,"plain","Heartbeat",{}]')
        assert (await station.message())[:2] == [3, "plain"]


@pytest.mark.parametrize(
    ("data", "code"), [(zlib.compress(b"\x00" * 50_000_000, wbits=-15), 1009), (b"\xff\xff\xff\xff", 1007)]
)
async def test_a_bomb_or_garbage_in_deflate_closes_the_connection(data: bytes, code: int) -> None:
    async with site() as place:
        station = await place.connect("CS1", headers=[("Sec-WebSocket-Extensions", "permessage-deflate")])
        station.frame(TEXT, data, rsv1=True)
        assert (await station.closing())[0] == code


async def test_answers_of_one_turn_leave_in_order_and_a_lost_connection_disturbs_no_other() -> None:
    async with site() as place:
        stations = [await place.connect(f"CS{number}") for number in range(6)]
        for _ in range(10):
            lost = await place.connect("LOST")
            calls = b"".join(frame(TEXT, b'[2,"%d","Heartbeat",{}]' % number) for number in range(3))
            for station in [*stations, lost]:
                station.write(calls)
            lost.drop()
            for station in stations:
                assert [(await station.message())[1] for _ in range(3)] == ["0", "1", "2"]


# Bounds


async def test_a_message_beyond_the_limit_closes_with_1009() -> None:
    async with site(Limits(message_bytes=1000, ping_interval_s=0)) as place:
        station = await place.connect("CS1")
        station.text('[2,"1","Heartbeat",{}]' + " " * 900)
        assert (await station.message())[0] == 3
        station.text(" " * 1001)
        assert (await station.closing())[0] == 1009

        station = await place.connect("CS1")
        for _ in range(11):
            station.frame(TEXT if _ == 0 else 0, b" " * 100, fin=False)
        assert (await station.closing())[0] == 1009

        station = await place.connect("CS1")
        station.frame(TEXT, b"", fin=False)
        for _ in range(100):
            station.frame(0, b"", fin=False)
        assert (await station.closing())[0] == 1009, "empty fragments are not free"


async def test_what_comes_too_fast_waits_and_nothing_is_lost() -> None:
    async with site(Limits(messages_per_s=10, message_burst=5, ping_interval_s=0)) as place:
        station = await place.connect("CS1")
        for _ in range(30):
            station.call("Heartbeat")
            await asyncio.sleep(0.001)
        await settle()
        assert place.desk.log.count("Heartbeat CS1") < 30
        other = await place.connect("CS2")
        assert (await other.ask("Heartbeat"))[0] == 3

        async def answered(call: str) -> None:
            receiving = asyncio.ensure_future(station.message())
            while not receiving.done():
                await asyncio.wait([receiving], timeout=0.005)
                place.clock.advance(0.05)
            assert (await receiving)[:2] == [3, call]

        for number in range(30):
            await answered(f"s{number + 1}")
        await answered(station.call("Heartbeat"))
        assert place.clock.monotonic() > 2.4, "thirty at ten a second, five of them at once"
        assert place.gateway.counters.throttled > 0


async def test_a_flood_is_held_back_while_a_handler_works() -> None:
    limits = Limits(inbox_messages=8, unanswered_calls=1000, ping_interval_s=0)
    async with site(limits) as place:
        holding = place.desk.answers["Authorize"] = Holding(
            v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED))
        )
        station = await place.connect()
        total = 400
        for number in range(total):
            station.call("Authorize", TAG)
            if number % 20 == 0:
                await asyncio.sleep(0.001)
        await holding.begun.wait()
        await settle()
        assert len(place.records(MessageDirection.RECEIVED)) < total
        holding.release.set()
        assert [(await station.message())[1] for _ in range(total)] == [f"s{number + 1}" for number in range(total)]


async def test_calls_beyond_those_that_may_wait_are_refused_and_the_rest_is_served() -> None:
    async with site(Limits(unanswered_calls=3, ping_interval_s=0)) as place:
        holding = place.desk.answers["Authorize"] = Holding(
            v16.AuthorizeResponse(id_tag_info=v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED))
        )
        station = await place.connect()
        for _ in range(5):
            station.call("Authorize", TAG)
        refused = [await station.message() for _ in range(2)]
        assert [frame[:3] for frame in refused] == [[4, "s4", "GenericError"], [4, "s5", "GenericError"]]
        holding.release.set()
        assert [(await station.message())[1] for _ in range(3)] == ["s1", "s2", "s3"]


async def test_a_station_that_does_not_read_is_cut_and_others_do_not_notice() -> None:
    async with site(Limits(unsent_bytes=200_000, ping_interval_s=0)) as place:
        station, other = await place.connect("CS1"), await place.connect("CS2")
        station.stop_reading()
        body = json.dumps({"vendorId": "x" * 255, "data": "y" * 100_000}).encode()
        calls = []
        for _ in range(200):
            calls.append(asyncio.ensure_future(place.bus.call("CS1", StationCall("DataTransfer", body, 1.0))))
            await asyncio.sleep(0)
            place.clock.advance(1.1)
            if any(entry.startswith("close CS1") for entry in place.desk.log):
                break
        await place.desk.logged("close CS1: the station does not read what is sent to it")
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {CallTimedOut, StationNotConnected}
        assert (await other.ask("Heartbeat"))[0] == 3


async def test_a_station_that_closes_without_reading_what_was_sent_is_not_waited_for() -> None:
    async with site(Limits(connections_per_address=1, unsent_bytes=100_000_000, ping_interval_s=0)) as place:
        station = await place.connect("CS1")
        station.stop_reading()
        body = json.dumps({"vendorId": "x", "data": "y" * 1_000_000}).encode()
        for _ in range(12):
            call = asyncio.ensure_future(place.bus.call("CS1", StationCall("DataTransfer", body, 1.0)))
            await asyncio.sleep(0)
            place.clock.advance(1.1)
            await asyncio.gather(call, return_exceptions=True)
        station.frame(CLOSE, b"")
        await place.desk.logged("close CS1")
        await settle()
        assert (await place.ask("CS2")).status == 429
        place.clock.advance(place.gateway.limits.closing_s + 0.1)
        await settle()
        assert (await place.ask("CS2")).status == 101


# Pings


async def test_a_silent_station_is_pinged_and_stays_while_it_answers() -> None:
    async with site(Limits(ping_interval_s=60, ping_timeout_s=30)) as place:
        station = await place.connect()
        for _ in range(3):
            place.clock.advance(61)
            assert await station.receive() == (0x80 | PING, b"")
            station.frame(PONG, b"")
            await settle()
        assert place.bus.is_connected("CS1")


async def test_a_station_that_answers_no_ping_is_cut() -> None:
    async with site(Limits(ping_interval_s=60, ping_timeout_s=30)) as place:
        station, other = await place.connect("CS1"), await place.connect("CS2")
        place.clock.advance(61)
        for each in (station, other):
            assert (await each.receive())[0] == 0x80 | PING
        other.frame(PONG, b"")
        await settle()
        place.clock.advance(36)
        await station.end()
        await place.desk.logged("close CS1: the station does not answer pings")
        assert place.bus.is_connected("CS2")


async def test_a_station_that_talks_is_not_pinged() -> None:
    async with site(Limits(ping_interval_s=60, ping_timeout_s=30)) as place:
        station = await place.connect()
        for _ in range(10):
            place.clock.advance(50)
            assert (await station.ask("Heartbeat"))[0] == 3


async def test_pings_can_be_turned_off() -> None:
    async with site(CALM) as place:
        station = await place.connect()
        place.clock.advance(100_000)
        assert (await station.ask("Heartbeat"))[0] == 3
