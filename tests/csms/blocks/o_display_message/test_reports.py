"""Reports of messages on displays, and what is set while one is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.csms.fakes import START, FakeStations, World

from voltbridge.csms.blocks.o_display_message.service import DisplayMessageService
from voltbridge.csms.commands.kinds import Answer
from voltbridge.domain.display_messages import (
    DisplayMessage,
    MessageContent,
    MessageCriteria,
    MessagePriority,
    MessageStatus,
)
from voltbridge.domain.stations import RegistrationStatus, StationSettings
from voltbridge.domain.transactions import Transaction, TransactionState

pytestmark = pytest.mark.anyio


class Waiting:
    """Transactions that are over, told when ``told`` is set."""

    def __init__(self) -> None:
        self.asked, self.told = asyncio.Event(), asyncio.Event()

    async def find(self, station_id: str, transaction_id: str) -> Any:
        self.asked.set()
        await self.told.wait()
        return over(transaction_id)


def over(transaction_id: str) -> Transaction:
    return Transaction(
        id=1,
        station_id="CP1",
        transaction_id=transaction_id,
        state=TransactionState.ENDED,
        created_at=START,
        updated_at=START,
    )


class Messages:
    """What is known of one station, by id."""

    def __init__(self) -> None:
        self.known: dict[int, DisplayMessage] = {}

    async def of_station(self, station_id: str) -> Sequence[DisplayMessage]:
        return list(self.known.values())

    async def put(self, messages: Sequence[DisplayMessage]) -> None:
        self.known |= {one.id: one for one in messages}

    async def forget(self, station_id: str, ids: Sequence[int]) -> None:
        self.known = {id: one for id, one in self.known.items() if id not in ids}


async def test_what_was_set_after_a_report_was_asked_for_is_not_missing_in_it() -> None:
    world, messages = World(), Messages()
    nothing: Any = None
    service = DisplayMessageService(
        messages, FakeStations(), nothing, nothing, nothing, world.events, world.clock, words={}
    )
    before = DisplayMessage(
        "CP1",
        1,
        MessagePriority.NORMAL_CYCLE,
        MessageContent("Hello"),
        status=MessageStatus.ACCEPTED,
        noted_at=START,
    )
    service.report_expected("CP1", 5, MessageCriteria())
    world.clock.advance(1)
    await messages.put([before, replace(before, id=2, noted_at=START + timedelta(seconds=1))])
    await service.report_answered("CP1", 5, Answer(False, "Unknown"))
    assert {id: one.status for id, one in messages.known.items()} == {
        1: MessageStatus.NOT_REPORTED,
        2: MessageStatus.ACCEPTED,
    }


async def test_what_is_set_anew_while_the_old_one_is_seen_to_have_ended_stays() -> None:
    world, messages, transactions = World(), Messages(), Waiting()
    stations = FakeStations()
    stations.settings["CP1"] = StationSettings("CP1", RegistrationStatus.ACCEPTED, START)
    nothing: Any = None
    service = DisplayMessageService(
        messages, stations, transactions, nothing, nothing, world.events, world.clock, words={}
    )
    content = MessageContent("Hello")
    former = DisplayMessage("CP1", 1, MessagePriority.NORMAL_CYCLE, content, status=MessageStatus.ACCEPTED)
    await messages.put([replace(former, transaction_id="t-1")])
    looking = asyncio.ensure_future(service.list("CP1"))
    await asyncio.wait_for(transactions.asked.wait(), 30)
    setting = asyncio.ensure_future(service._accepted(replace(former, message=MessageContent("Anew")), []))
    for _ in range(5):
        await asyncio.sleep(0)
    transactions.told.set()
    await asyncio.wait_for(asyncio.gather(looking, setting), 30)
    kept = messages.known[1]
    assert (kept.message.content, kept.status) == ("Anew", MessageStatus.ACCEPTED)
