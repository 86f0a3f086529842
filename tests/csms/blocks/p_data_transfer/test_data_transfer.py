"""Vendors' messages of every version: who gets them, and what a bad handler can do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from msgspec import UNSET
from tests.csms.fakes import START, World

from voltbridge.csms.blocks.p_data_transfer import v16 as p_v16
from voltbridge.csms.blocks.p_data_transfer import v21 as p_v21
from voltbridge.csms.blocks.p_data_transfer import v201 as p_v201
from voltbridge.csms.blocks.p_data_transfer import vendors as vendors_module
from voltbridge.csms.blocks.p_data_transfer.service import DataTransferOutcome, DataTransferService, DataTransferStatus
from voltbridge.csms.blocks.p_data_transfer.vendors import VendorAnswer, Vendors
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.protocol import v16, v21, v201

ACCEPTED, REJECTED = DataTransferStatus.ACCEPTED, DataTransferStatus.REJECTED


class Counter:
    """A CSMS where the vendor com.example handles Echo, Refuse, Fail, Hang and Nonsense."""

    def __init__(self) -> None:
        self.world = World()
        self.vendors = Vendors()
        self.seen: list[tuple[StationReport, Any]] = []
        for message_id in ("Echo", "Refuse", "Fail", "Hang", "Nonsense", "NotJson"):
            self.vendors.add("com.example", message_id, getattr(self, message_id.lower()))
        self.service = DataTransferService(self.vendors, self.world.events, self.world.clock, handler_timeout_s=10)
        settings = StationSettings("CS1", RegistrationStatus.ACCEPTED, START)
        self.live = LiveStation("CS1", settings, StationReport("CS1", vendor="Example"))

    async def echo(self, station: StationReport, data: Any) -> VendorAnswer:
        self.seen.append((station, data))
        return VendorAnswer(accepted=True, data=data)

    async def refuse(self, station: StationReport, data: Any) -> VendorAnswer:
        return VendorAnswer(accepted=False, data="why not")

    async def fail(self, station: StationReport, data: Any) -> VendorAnswer:
        raise LookupError("the vendor's own bug, with a secret in it")

    async def hang(self, station: StationReport, data: Any) -> VendorAnswer:
        await asyncio.Event().wait()
        raise AssertionError

    async def nonsense(self, station: StationReport, data: Any) -> Any:
        return "OK"

    async def notjson(self, station: StationReport, data: Any) -> VendorAnswer:
        return VendorAnswer(accepted=True, data=object())

    async def receive(self, vendor_id: str, message_id: str | None, data: Any = None) -> DataTransferOutcome:
        return await self.service.receive(self.live, vendor_id, message_id, data)


def run(test: Callable[[Counter], Awaitable[None]]) -> None:
    async def body() -> None:
        await test(Counter())

    asyncio.run(body())


@pytest.mark.parametrize(
    ("vendor_id", "message_id", "expected"),
    [
        ("com.unknown", "Echo", DataTransferStatus.UNKNOWN_VENDOR_ID),
        ("com.unknown", None, DataTransferStatus.UNKNOWN_VENDOR_ID),
        ("com.example", "Other", DataTransferStatus.UNKNOWN_MESSAGE_ID),
        ("com.example", None, DataTransferStatus.UNKNOWN_MESSAGE_ID),
        ("com.example", "Echo", ACCEPTED),
        ("COM.Example", "eCHO", ACCEPTED),
        ("com.example", "Refuse", REJECTED),
    ],
)
def test_who_takes_a_message(vendor_id: str, message_id: str | None, expected: DataTransferStatus) -> None:
    async def body(counter: Counter) -> None:
        outcome = await counter.receive(vendor_id, message_id)
        assert outcome.status is expected
        if expected not in (ACCEPTED, REJECTED):
            assert outcome.data is None
        (event,) = counter.world.emitted("data_transfer.received")
        assert (event["vendor_id"], event["message_id"], event["status"]) == (vendor_id, message_id, expected.value)

    run(body)


def test_the_handler_gets_the_station_and_the_data() -> None:
    async def body(counter: Counter) -> None:
        data = {"deep": [1, None, "x"]}
        assert await counter.receive("com.example", "Echo", data) == DataTransferOutcome(ACCEPTED, data)
        assert counter.seen == [(counter.live.report, data)]
        assert counter.world.emitted("data_transfer.received")[0]["data"] == data

    run(body)


def test_a_handler_without_a_message_id_takes_the_rest() -> None:
    async def body(counter: Counter) -> None:
        counter.vendors.add("com.example", None, counter.echo)
        assert (await counter.receive("com.example", "Whatever", 1)).status is ACCEPTED
        assert (await counter.receive("com.example", None, 2)).status is ACCEPTED
        assert (await counter.receive("com.example", "Refuse", 3)).status is REJECTED
        assert [data for _, data in counter.seen] == [1, 2]

    run(body)


def test_two_handlers_for_one_message_are_a_mistake() -> None:
    vendors = Counter().vendors
    with pytest.raises(ValueError, match="ECHO"):
        vendors.add("Com.Example", "ECHO", Counter().echo)


@pytest.mark.parametrize("message_id", ["Fail", "Nonsense", "NotJson"])
def test_a_failing_handler_is_a_rejection_and_an_event(message_id: str) -> None:
    async def body(counter: Counter) -> None:
        assert await counter.receive("com.example", message_id) == DataTransferOutcome(REJECTED)
        (event,) = counter.world.emitted("data_transfer.received")
        assert event["problem"].startswith("the handler failed")
        assert "secret" not in event["problem"]
        assert (await counter.receive("com.example", "Echo")).status is ACCEPTED

    run(body)


def test_a_handler_that_hangs_is_given_up() -> None:
    async def body(counter: Counter) -> None:
        waiting = asyncio.ensure_future(counter.receive("com.example", "Hang"))
        await asyncio.sleep(0)
        counter.world.clock.advance(9.9)
        await asyncio.sleep(0)
        assert not waiting.done()
        counter.world.clock.advance(0.1)
        assert await waiting == DataTransferOutcome(REJECTED)
        assert counter.world.emitted("data_transfer.received")[0]["problem"] == "the handler took too long"

    run(body)


@pytest.mark.parametrize(
    ("answer", "on_the_wire"),
    [("text", "text"), ({"a": 1}, '{"a":1}'), (5, "5"), (None, UNSET)],
)
def test_1_6_carries_text_only(answer: Any, on_the_wire: Any) -> None:
    async def body(counter: Counter) -> None:
        async def give(station: StationReport, data: Any) -> VendorAnswer:
            return VendorAnswer(accepted=True, data=answer)

        counter.vendors.add("com.example", "Give", give)
        request = v16.DataTransferRequest(vendor_id="com.example", message_id="Give", data="as text")
        response = await p_v16.data_transfer(counter.service, counter.live, request)
        assert response == v16.DataTransferResponse(status=v16.DataTransferStatus.ACCEPTED, data=on_the_wire)

    run(body)


@pytest.mark.parametrize("data", ["text", {"a": [1, {"b": None}]}, [1, 2], 5, False])
def test_2x_carries_any_json(data: Any) -> None:
    async def body(counter: Counter) -> None:
        old = v201.DataTransferRequest(vendor_id="com.example", message_id="Echo", data=data)
        assert await p_v201.data_transfer(counter.service, counter.live, old) == v201.DataTransferResponse(
            status=v201.DataTransferStatusEnumType.ACCEPTED, data=data
        )
        new = v21.DataTransferRequest(vendor_id="com.example", message_id="Echo", data=data)
        assert await p_v21.data_transfer(counter.service, counter.live, new) == v21.DataTransferResponse(
            status=v21.DataTransferStatusEnumType.ACCEPTED, data=data
        )

    run(body)


def test_without_any_handler_every_version_says_unknown_vendor() -> None:
    async def body(counter: Counter) -> None:
        service = DataTransferService(Vendors(), counter.world.events, counter.world.clock)
        answers = (
            await p_v16.data_transfer(service, counter.live, v16.DataTransferRequest(vendor_id="x")),
            await p_v201.data_transfer(service, counter.live, v201.DataTransferRequest(vendor_id="x")),
            await p_v21.data_transfer(service, counter.live, v21.DataTransferRequest(vendor_id="x")),
        )
        assert [answer.status.value for answer in answers] == ["UnknownVendorId"] * 3
        assert {answer.data for answer in answers} == {UNSET}

    run(body)


def register_for_the_test(vendors: Vendors) -> None:
    vendors.add("org.installed", None, Counter().echo)


def test_installed_packages_register_their_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    entry_point = EntryPoint("test", f"{__name__}:register_for_the_test", vendors_module.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda self: register_for_the_test)

    def installed(*, group: str) -> EntryPoints:
        return EntryPoints([entry_point] if group == "voltbridge.data_transfer" else [])

    monkeypatch.setattr(vendors_module, "entry_points", installed)
    assert Vendors.installed().knows("org.installed")
