"""Events are told once they are durable, in order, and never when they were lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from tests.csms.fakes import START, World

from voltbridge.csms.events import message_data
from voltbridge.csms.journal import Fact, StorageUnavailable
from voltbridge.domain.events import Event, LiveEvent
from voltbridge.protocol import v201
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import CustomDataType


def run(test: Callable[[World], Awaitable[None]]) -> None:
    async def body() -> None:
        await test(World())

    asyncio.run(body())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_an_event_is_told_only_after_the_commit() -> None:
    async def body(world: World) -> None:
        world.journal.held = True
        event = world.events.emit("station.boot", "CS1", vendor="Acme")
        await settle()
        assert world.journal.facts == [event]
        assert world.bus.published == []
        world.journal.commit()
        await world.events.told()
        assert world.bus.published == [event]
        assert (event.type, event.station_id, event.data, event.at) == (
            "station.boot",
            "CS1",
            {"vendor": "Acme"},
            START,
        )

    run(body)


def test_events_emitted_while_a_batch_commits_follow_it_in_order() -> None:
    async def body(world: World) -> None:
        world.journal.held = True
        first = [world.events.emit("a", "CS1", n=n) for n in range(3)]
        await settle()
        later = [world.events.emit("a", "CS1", n=n) for n in range(3, 6)]
        world.journal.commit()
        await settle()
        assert world.bus.published == first
        world.journal.commit()
        await world.events.told()
        assert world.bus.published == first + later
        ids = [event.id for event in world.bus.published if isinstance(event, Event)]
        assert ids == sorted(set(ids))

    run(body)


def test_lost_events_are_never_told_and_the_rest_of_the_batch_is() -> None:
    async def body(world: World) -> None:
        world.journal.held = True
        world.events.emit("a", "CS1")
        kept = world.events.emit("a", "CS2")
        await settle()
        world.journal.lose("CS1")
        await world.events.told()
        assert world.bus.published == [kept]
        world.journal.held = False
        again = world.events.emit("a", "CS1")
        await world.events.told()
        assert world.bus.published == [kept, again]

    run(body)


def test_events_of_a_second_batch_lost_with_the_first_are_never_told() -> None:
    async def body(world: World) -> None:
        world.journal.held = True
        world.events.emit("a", "CS1", n=1)
        await settle()
        # The writer hangs: this one is in the batch behind, and both batches are given up together.
        world.events.emit("a", "CS1", n=2)
        kept = world.events.emit("a", "CS2", n=3)
        world.journal.lose("CS1")
        world.journal.held = False
        await world.events.told()
        assert world.bus.published == [kept]

    run(body)


def test_what_a_station_says_after_a_loss_is_told_though_the_loss_is_heard_later() -> None:
    async def body(world: World) -> None:
        world.journal.held = True
        world.events.emit("a", "CS1", n=1)
        await settle()
        world.journal.lose("CS1")
        after = world.events.emit("a", "CS1", n=2)  # before the teller has woken up
        world.journal.held = False
        await world.events.told()
        assert world.bus.published == [after]

    run(body)


def test_an_event_the_journal_does_not_take_is_refused_and_never_told() -> None:
    async def body(world: World) -> None:
        def refuse(fact: Fact) -> None:
            raise StorageUnavailable("full")

        world.journal.put = refuse  # type: ignore[method-assign]
        with pytest.raises(StorageUnavailable):
            world.events.emit("a", "CS1")
        await world.events.told()
        assert world.bus.published == []

    run(body)


def test_live_events_go_out_at_once_and_only_to_listeners() -> None:
    async def body(world: World) -> None:
        world.events.emit_live("meter_values", "CS1", power_w=11000)
        assert world.bus.published == [LiveEvent("meter_values", START, "CS1", {"power_w": 11000})]
        assert world.journal.facts == []
        world.bus.has_subscribers = False
        world.events.emit_live("meter_values", "CS1", power_w=11001)
        assert len(world.bus.published) == 1

    run(body)


def test_a_message_becomes_plain_data_with_snake_case_names() -> None:
    request = v201.NotifyEventRequest(
        generated_at=DateTime("2026-03-01T12:00:00Z"),
        seq_no=0,
        event_data=[
            v201.EventDataType(
                event_id=1,
                timestamp=DateTime("2026-03-01T12:00:00Z"),
                trigger=v201.EventTriggerEnumType.DELTA,
                actual_value="true",
                component=v201.ComponentType(name="Connector", evse=v201.EVSEType(id=1, connector_id=2)),
                variable=v201.VariableType(name="Problem"),
                event_notification_type=v201.EventNotificationEnumType.HARD_WIRED_MONITOR,
                custom_data=CustomDataType(vendorId="com.example", someThing={"keepMe": [1, None]}),
            )
        ],
    )
    data = message_data(request)
    assert json.loads(json.dumps(data)) == data
    assert data == {
        "generated_at": "2026-03-01T12:00:00Z",
        "seq_no": 0,
        "event_data": [
            {
                "event_id": 1,
                "timestamp": "2026-03-01T12:00:00Z",
                "trigger": "Delta",
                "actual_value": "true",
                "component": {"name": "Connector", "evse": {"id": 1, "connector_id": 2}},
                "variable": {"name": "Problem"},
                "event_notification_type": "HardWiredMonitor",
                "custom_data": {"vendorId": "com.example", "someThing": {"keepMe": [1, None]}},
            }
        ],
    }
    assert type(data["event_data"][0]["trigger"]) is str
    assert type(data["generated_at"]) is str
