"""Costs over in-memory stores: any order of messages, restarts, and when CostUpdated is sent and when it is not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.csms.blocks.charging import V16, V201, Charging, stamp
from tests.csms.fakes import FakeCalls, FakeConnected

from voltbridge.csms.blocks.i_tariff_and_cost import v201
from voltbridge.csms.blocks.i_tariff_and_cost.costs import TransactionCosts
from voltbridge.csms.blocks.i_tariff_and_cost.displays import Displays
from voltbridge.csms.blocks.i_tariff_and_cost.service import TariffService
from voltbridge.csms.blocks.i_tariff_and_cost.updates import CostUpdates
from voltbridge.domain.device_model import Attribute, ReadResult, StationVariable
from voltbridge.domain.errors import InUse, NotFound
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.prices import Price
from voltbridge.domain.station_calls import CallFailed, CallRefused, CallTimedOut
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tariffs import Tariff, TariffAssignment, TariffElement
from voltbridge.domain.transactions import Transaction
from voltbridge.protocol import v201 as wire
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio

TARIFF = Tariff(
    "day",
    "EUR",
    tax_percent=Decimal(20),
    energy=TariffElement((Price(Decimal("0.50")),)),
    charging_time=TariffElement((Price(Decimal("0.10")),)),
    idle_time=TariffElement((Price(Decimal("0.20")),)),
    cost_update_interval_s=60,
)


class FakeTariffs:
    """The stored tariffs."""

    def __init__(self, *tariffs: Tariff) -> None:
        self.tariffs = {tariff.id: tariff for tariff in tariffs}
        self.assignments = {tariff.id: TariffAssignment(tariff.id, tariff.id) for tariff in tariffs}

    async def all(self) -> tuple[Sequence[Tariff], Sequence[TariffAssignment]]:
        return list(self.tariffs.values()), list(self.assignments.values())

    async def put(self, tariff: Tariff) -> bool:
        added = tariff.id not in self.tariffs
        self.tariffs[tariff.id] = tariff
        return added

    async def delete(self, id: str) -> None:
        del self.tariffs[id]

    async def assign(self, assignment: TariffAssignment) -> bool:
        added = assignment.id not in self.assignments
        self.assignments[assignment.id] = assignment
        return added

    async def withdraw(self, id: str) -> None:
        del self.assignments[id]


class NoVariables:
    """A device model that nobody may ask while messages of transactions come: they read no database."""

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]:
        raise AssertionError(f"the device model of {station_id} was asked")

    async def read_by(self, live: LiveStation, call: Any, attributes: Sequence[Attribute]) -> Sequence[ReadResult]:
        raise AssertionError(f"{live.station_id} was asked")


@dataclass
class Priced:
    """Blocks C, E, J and I."""

    tariff: Tariff = TARIFF
    charging: Charging = field(default_factory=Charging)
    calls: FakeCalls = field(default_factory=FakeCalls)
    book: FakeTariffs = field(init=False)
    tariffs: TariffService = field(init=False)
    updates: CostUpdates = field(init=False)
    costs: TransactionCosts = field(init=False)

    def __post_init__(self) -> None:
        self.book = FakeTariffs(self.tariff)

    async def begin(self, version: Version = V201) -> LiveStation:
        """Start with empty memory and what is stored; the station connects."""
        charging, world = self.charging, self.charging.world
        charging.restart()
        displays = Displays(NoVariables(), self.calls, world.clock)
        self.tariffs = TariffService(self.book, displays, frozenset(), world.events, world.clock)
        await self.tariffs.start()
        self.updates = CostUpdates(self.calls, charging.connected, world.clock, {V201: v201})
        self.costs = TransactionCosts(self.tariffs, displays, self.updates, world.journal, world.events, world.clock)
        charging.transactions.price_by(self.costs)
        live = charging.connect()
        live.report = replace(live.report, protocol=version.value)
        return live

    async def event(
        self,
        live: LiveStation,
        type: str,
        sequence: int,
        minute: float,
        state: str | None = None,
        wh: float | None = None,
        transaction_id: str = "T",
        evse_id: int = 1,
    ) -> Any:
        more: dict[str, Any] = {}
        if wh is not None:
            more["meterValue"] = [{"timestamp": stamp(minute), "sampledValue": [{"value": wh}]}]
        return await self.charging.send(
            live,
            V201,
            "TransactionEvent",
            eventType=type,
            timestamp=stamp(minute),
            triggerReason="ChargingStateChanged",
            seqNo=sequence,
            transactionInfo={"transactionId": transaction_id, **({"chargingState": state} if state else {})},
            evse={"id": evse_id},
            **more,
        )

    def stored(self) -> Transaction:
        (transaction,) = self.charging.stored()
        return transaction

    async def told(self) -> list[float]:
        """The totals of the CostUpdated sent so far."""
        await asyncio.gather(*self.updates._tasks)
        return [one.total_cost for _, _, one in self.calls.sent if isinstance(one, wire.CostUpdatedRequest)]


STATES = st.sampled_from(["Charging", "SuspendedEV", "SuspendedEVSE", "EVConnected", None])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), STATES, st.none() | st.integers(0, 9)), max_size=6),
    st.integers(0, 2**32),
)
def test_any_order_with_repetitions_and_restarts_comes_to_the_same(
    between: list[tuple[int, str | None, int | None]], seed: int
) -> None:
    minute, wh = 0, 0
    messages: list[tuple[Any, ...]] = [("Started", 0, 0, "Charging", 0.0)]
    for sequence, (minutes, state, more) in enumerate(between, start=1):
        minute, wh = minute + minutes, wh + (more or 0) * 100
        messages.append(("Updated", sequence, minute, state, None if more is None else float(wh)))
    messages.append(("Ended", len(messages), minute + 5, None, float(wh)))
    chance = random.Random(seed)
    mixed = messages + chance.sample(messages, chance.randrange(len(messages)))
    chance.shuffle(mixed)

    async def played(order: list[tuple[Any, ...]], restarts: frozenset[int]) -> Any:
        priced = Priced()
        live = await priced.begin()
        for index, message in enumerate(order):
            if index in restarts:
                priced.charging.transactions.flush(live)
                live = await priced.begin()
            await priced.event(live, *message)
        cost = priced.stored().cost
        assert cost is not None
        await priced.updates.close()
        return replace(cost, note=None)

    restarts = frozenset(chance.sample(range(len(mixed)), min(2, len(mixed))))
    assert asyncio.run(played(mixed, restarts)) == asyncio.run(played(messages, frozenset()))


async def test_an_update_is_sent_at_the_interval_and_only_when_the_cost_has_changed() -> None:
    priced = Priced()
    clock = priced.charging.world.clock
    priced.calls.answers[wire.CostUpdatedRequest] = wire.CostUpdatedResponse()
    live = await priced.begin()
    assert (await priced.event(live, "Started", 0, 0, "Charging", 0.0))["totalCost"] == 0
    clock.advance(59)
    assert await priced.told() == []
    clock.advance(1)
    assert await priced.told() == [0.12]  # a minute of charging, by our clock
    clock.advance(60)
    assert await priced.told() == [0.12, 0.24]
    assert (await priced.event(live, "Updated", 1, 3, "SuspendedEVSE"))["totalCost"] == 0.36
    clock.advance(600)
    assert await priced.told() == [0.12, 0.24]  # nothing costs anything now, and the answer told the total
    assert (await priced.event(live, "Ended", 2, 13, None, 0.0))["totalCost"] == 0.36
    clock.advance(600)
    assert await priced.told() == [0.12, 0.24]
    await priced.updates.close()


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
async def test_a_station_that_does_not_know_the_message_is_asked_once(code: str) -> None:
    priced = Priced()
    clock = priced.charging.world.clock
    priced.calls.answers[wire.CostUpdatedRequest] = CallRefused(code)
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    for minute in range(1, 4):
        clock.advance(60)
        assert len(await priced.told()) == 1
        await priced.event(live, "Updated", minute, minute)
    await priced.updates.close()


async def test_a_station_that_does_not_know_the_message_is_asked_once_for_all_its_transactions() -> None:
    priced = Priced()
    clock = priced.charging.world.clock
    priced.calls.answers[wire.CostUpdatedRequest] = CallRefused("NotImplemented")
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    clock.advance(30)
    await priced.event(live, "Started", 0, 0.5, "Charging", 0.0, transaction_id="U", evse_id=2)
    for _ in range(8):
        clock.advance(15)
        await priced.told()
    assert len(await priced.told()) == 1
    await priced.updates.close()


@pytest.mark.parametrize("failure", [CallTimedOut("CP1", "CostUpdated", 30), CallRefused("InternalError")])
async def test_what_was_not_taken_is_told_at_the_next_interval(failure: CallFailed) -> None:
    priced = Priced()
    clock = priced.charging.world.clock
    priced.calls.answers[wire.CostUpdatedRequest] = failure
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    clock.advance(60)
    assert await priced.told() == [0.12]
    priced.calls.answers[wire.CostUpdatedRequest] = wire.CostUpdatedResponse()
    clock.advance(60)
    assert await priced.told() == [0.12, 0.24]
    await priced.updates.close()


async def test_a_station_that_is_away_is_told_once_it_is_back() -> None:
    priced = Priced()
    clock, connected = priced.charging.world.clock, priced.charging.connected
    assert isinstance(connected, FakeConnected)
    priced.calls.answers[wire.CostUpdatedRequest] = wire.CostUpdatedResponse()
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    del connected.stations["CP1"]
    clock.advance(600)
    assert await priced.told() == []
    live = priced.charging.connect()
    live.report = replace(live.report, protocol=V201.value)
    assert (await priced.event(live, "Updated", 1, 11))["totalCost"] == 1.32
    clock.advance(60)
    assert await priced.told() == [1.44]
    await priced.updates.close()


async def test_after_the_close_nothing_is_sent() -> None:
    priced = Priced()
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    await priced.updates.close()
    priced.charging.world.clock.advance(600)
    assert await priced.told() == []


async def test_the_oldest_version_is_never_sent_one() -> None:
    priced = Priced()
    live = await priced.begin(V16)
    start = {"connectorId": 1, "idTag": "04AB", "meterStart": 0, "timestamp": stamp(0)}
    await priced.charging.send(live, V16, "StartTransaction", **start)
    priced.charging.world.clock.advance(600)
    assert priced.calls.sent == []
    cost = priced.stored().cost
    assert cost is not None and cost.total == 0


async def test_a_status_of_the_oldest_version_is_a_charging_state() -> None:
    priced = Priced()
    live = await priced.begin(V16)
    clock = priced.charging.world.clock
    start = {"connectorId": 1, "idTag": "04AB", "meterStart": 0, "timestamp": stamp(0)}
    started = await priced.charging.send(live, V16, "StartTransaction", **start)
    priced.costs.status(live, 1, ConnectorStatus.CHARGING, clock.now())
    # What the station told is stored, whether or not a reading follows before we end.
    live = await priced.begin(V16)
    stop = {"transactionId": started["transactionId"], "meterStop": 0, "timestamp": stamp(10)}
    await priced.charging.send(live, V16, "StopTransaction", **stop)
    cost = priced.stored().cost
    assert cost is not None
    assert (cost.total, cost.problems) == (Decimal("1.20"), ())


async def test_readings_behind_the_row_are_made_up_for_at_the_start() -> None:
    """As after a crash: the meter values are stored, the row is older."""
    priced = Priced()
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "SuspendedEVSE", 0.0)
    before = priced.stored()
    value = {"timestamp": stamp(2), "sampledValue": [{"value": 2000.0}]}
    await priced.charging.send(live, V201, "MeterValues", evseId=1, meterValue=[value])
    assert priced.stored() == before
    await priced.begin()
    await priced.charging.transactions.recover()
    cost = priced.stored().cost
    assert cost is not None and cost.total == Decimal("1.20")


async def test_a_transaction_closed_by_hand_has_a_final_cost() -> None:
    priced = Priced()
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    await priced.event(live, "Updated", 1, 10, None, 1000.0)
    closed = await priced.charging.transactions.close(priced.stored().id, "the cable was cut")
    assert closed.cost is not None
    assert (closed.cost.total, closed.cost.final) == (Decimal("1.80"), True)
    assert (await priced.event(live, "Ended", 2, 20, None, 2000.0))["totalCost"] == 3.6
    cost = priced.stored().cost
    assert cost is not None and cost.note == "corrected after the end; it was 1.80 EUR"


async def test_tariffs_are_told_apart_by_who_uses_them() -> None:
    priced = Priced()
    await priced.begin()
    with pytest.raises(InUse):
        await priced.tariffs.delete("day")
    await priced.tariffs.withdraw("day")
    await priced.tariffs.delete("day")
    with pytest.raises(NotFound):
        await priced.tariffs.delete("day")
    assert priced.tariffs.tariff_for("CP1", None, None) is None


async def test_a_slow_station_is_told_one_cost_at_a_time() -> None:
    priced = Priced()
    clock = priced.charging.world.clock
    answered = asyncio.Event()

    class SlowCalls(FakeCalls):
        async def call(self, *arguments: Any, **more: Any) -> Any:
            self.sent.append(arguments[:3])
            await answered.wait()
            return wire.CostUpdatedResponse()

    priced.calls = SlowCalls()
    live = await priced.begin()
    await priced.event(live, "Started", 0, 0, "Charging", 0.0)
    clock.advance(60)
    await asyncio.sleep(0)
    await priced.event(live, "Updated", 1, 1)
    clock.advance(600)
    await asyncio.sleep(0)
    assert len(priced.calls.sent) == 1
    answered.set()
    assert await priced.told() == [0.12]
    clock.advance(60)
    assert await priced.told() == [0.12, 1.44]
    await priced.updates.close()


async def test_late_readings_that_come_together_correct_a_cost_step_by_step() -> None:
    priced = Priced()
    live = await priced.begin(V16)
    send = priced.charging.send
    begun = await send(live, V16, "StartTransaction", connectorId=1, idTag="A", meterStart=0, timestamp=stamp(0))
    number = begun["transactionId"]
    await send(live, V16, "StopTransaction", transactionId=number, meterStop=1000, timestamp=stamp(10))
    read = ((11, 2000), (12, 3000), (13, 4000))
    values = [{"timestamp": stamp(minute), "sampledValue": [{"value": str(wh)}]} for minute, wh in read]
    await send(live, V16, "MeterValues", connectorId=1, transactionId=number, meterValue=values)
    told = priced.charging.world.emitted("transaction.cost_corrected")
    assert [(one["former_total"], one["cost"]["total"]) for one in told] == [("1.80", "3.00"), ("3.00", "3.60")]
