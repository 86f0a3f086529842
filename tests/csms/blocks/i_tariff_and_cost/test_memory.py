"""What is remembered of displays holds no station that has gone."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from weakref import ref

import pytest
from tests.csms.fakes import START, FakeConnected, World

from voltbridge.csms.blocks.i_tariff_and_cost import v201
from voltbridge.csms.blocks.i_tariff_and_cost.displays import Display, Displays
from voltbridge.csms.blocks.i_tariff_and_cost.updates import CostUpdates
from voltbridge.domain.station_calls import CallRefused
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.domain.transactions import Transaction, TransactionState
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio


class Unknowing:
    """Nothing is known of any station, and none knows the message."""

    async def known(self, station_id: str, attributes: Any) -> Mapping[str, Any]:
        return {}

    async def read_by(self, live: LiveStation, call: Any, attributes: Any) -> Any:
        return None

    async def call(
        self, station: LiveStation | str, version: Version, request: Any, timeout_s: float | None = None
    ) -> Any:
        raise CallRefused("NotImplemented", "", {})


def connected() -> LiveStation:
    settings = StationSettings("CP1", RegistrationStatus.ACCEPTED, START)
    live = LiveStation("CP1", settings, StationReport("CP1", protocol="ocpp2.0.1"))
    live.transactions["t-1"] = Transaction(
        id=1, transaction_id="t-1", station_id="CP1", state=TransactionState.ACTIVE, created_at=START, updated_at=START
    )
    return live


async def test_what_is_known_of_a_display_goes_with_its_connection() -> None:
    world, live = World(), connected()
    displays = Displays(Unknowing(), Unknowing(), world.clock)
    assert await displays.of(live) == Display()
    displays.ask_after(live)
    displays.ask_after(live)
    assert len(live.followups) == 1, "once on each connection"
    await live.followups.pop()()
    gone = ref(live)
    del live
    gc.collect()
    assert gone() is None


async def test_that_a_station_takes_no_costs_goes_with_its_connection() -> None:
    world, stations, live = World(), FakeConnected(), connected()
    stations.stations["CP1"] = live
    updates = CostUpdates(Unknowing(), stations, world.clock, {Version.V201: v201})
    updates.total_by(lambda live, transaction: Decimal(1))
    updates.running(live, live.transactions["t-1"], 60)
    world.clock.advance(60)
    (task,) = updates._tasks
    await task
    updates.running(live, live.transactions["t-1"], 60)
    assert world.clock.timers == 0, "it is not told again on this connection"
    stations.stations.clear()
    gone = ref(live)
    del live, task
    gc.collect()
    assert gone() is None
    back = connected()
    updates.running(back, back.transactions["t-1"], 60)
    assert world.clock.timers == 1
    await updates.close()
