"""The door to the stations: what is checked, what leaves, and what comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from voltbridge.csms.live import LiveStations
from voltbridge.csms.station_calls import InvalidCall, StationCalls
from voltbridge.domain.station_calls import CallTimedOut, StationCall, StationNotConnected
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16, v21, v201
from voltbridge.protocol.errors import ViolationKind
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio


class Bus:
    """Takes calls down and answers them all alike."""

    def __init__(self, answer: bytes | Exception = b"{}") -> None:
        self.answer = answer
        self.calls: list[tuple[str, StationCall]] = []

    async def call(self, station_id: str, call: StationCall) -> bytes:
        self.calls.append((station_id, call))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def live(version: Version) -> LiveStation:
    settings = StationSettings("CS1", RegistrationStatus.ACCEPTED, datetime(2025, 6, 1, tzinfo=UTC))
    return LiveStation("CS1", settings, StationReport("CS1", protocol=version.value))


def door(bus: Bus, version: Version | None) -> StationCalls:
    stations = LiveStations()
    if version is not None:
        stations.add(live(version))
    return StationCalls(bus, stations, 12.0)


async def test_a_raw_call_leaves_compact_and_in_the_schemas_order() -> None:
    bus = Bus(b'{ "status" : "Accepted" }')
    body = b'{ "idTag": "TAG",\n "connectorId": 99 }'
    answer = await door(bus, Version.V16).call_raw("CS1", "RemoteStartTransaction", body)
    assert answer == b'{ "status" : "Accepted" }', "verbatim"
    assert bus.calls == [("CS1", StationCall("RemoteStartTransaction", b'{"connectorId":99,"idTag":"TAG"}', 12.0))]


async def test_a_raw_call_is_of_the_stations_own_version() -> None:
    bus = Bus()
    with pytest.raises(InvalidCall) as refused:
        await door(bus, Version.V16).call_raw("CS1", "GetBaseReport", b'{"requestId":1,"reportBase":"FullInventory"}')
    assert refused.value.kind is ViolationKind.UNKNOWN_ACTION
    assert "1.6" in refused.value.detail
    await door(bus, Version.V201).call_raw("CS1", "GetBaseReport", b'{"requestId":1,"reportBase":"FullInventory"}')
    assert [call.action for _, call in bus.calls] == ["GetBaseReport"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"type":"Softly"}', "$.type"),
        (b"{}", "$.type"),
        (b'{"type":"Soft","now":true}', "$.now"),
        (b"", "$"),
        (b"[]", "$"),
    ],
)
async def test_a_raw_call_that_breaks_the_schema_is_not_sent(body: bytes, path: str) -> None:
    bus = Bus()
    with pytest.raises(InvalidCall) as refused:
        await door(bus, Version.V16).call_raw("CS1", "Reset", body)
    assert refused.value.path == path
    assert bus.calls == []


@pytest.mark.parametrize("action", ["BootNotification", "Nonsense", ""])
async def test_what_a_csms_does_not_send_is_refused(action: str) -> None:
    with pytest.raises(InvalidCall, match="a CSMS has no message"):
        await door(Bus(), Version.V201).call_raw("CS1", action, b"{}")


async def test_a_station_that_is_not_connected_is_said_so_first() -> None:
    with pytest.raises(StationNotConnected):
        await door(Bus(), None).call_raw("CS1", "Nonsense", b"")


async def test_a_typed_call_brings_a_typed_response() -> None:
    bus = Bus(b'{"status":"Accepted"}')
    response = await door(bus, Version.V201).call("CS1", Version.V201, v201.ClearCacheRequest(), timeout_s=3)
    assert response == v201.ClearCacheResponse(status=v201.ClearCacheStatusEnumType.ACCEPTED)
    assert bus.calls == [("CS1", StationCall("ClearCache", b"{}", 3))]


async def test_a_typed_call_may_name_the_live_station() -> None:
    bus = Bus(b'{"status":"Accepted"}')
    await door(bus, Version.V16).call(live(Version.V16), Version.V16, v16.ClearCacheRequest())
    assert bus.calls[0][0] == "CS1"


async def test_a_typed_call_of_the_wrong_version_or_content_is_not_sent() -> None:
    bus = Bus()
    calls = door(bus, Version.V201)
    with pytest.raises(InvalidCall):
        await calls.call("CS1", Version.V201, v21.ClearCacheRequest())
    with pytest.raises(InvalidCall) as refused:
        await calls.call("CS1", Version.V201, v201.DataTransferRequest(vendor_id="v" * 256))
    assert refused.value.path == "$.vendorId"
    assert bus.calls == []


async def test_a_response_the_owner_has_forgiven_is_read_as_generously() -> None:
    bus = Bus(b'{"status":"Accepted","extra":1}')
    response = await door(bus, Version.V201).call("CS1", Version.V201, v201.ClearCacheRequest())
    assert response == v201.ClearCacheResponse(status=v201.ClearCacheStatusEnumType.ACCEPTED)


async def test_failures_of_the_bus_are_passed_on() -> None:
    failure = CallTimedOut("CS1", "ClearCache", 12.0)
    with pytest.raises(CallTimedOut) as caught:
        await door(Bus(failure), Version.V16).call_raw("CS1", "ClearCache", b"{}")
    assert caught.value is failure
