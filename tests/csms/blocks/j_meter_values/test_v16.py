"""Meter values of 1.6: every kind of reading, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.csms.blocks.charging import V16, Charging, stamp

from voltbridge.csms.blocks.j_meter_values import v16 as j16
from voltbridge.domain.metering import MeterRecord, SampledValue
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.units import DEFAULT_UNITS
from voltbridge.protocol import v16

pytestmark = pytest.mark.anyio
REGISTER = "Energy.Active.Import.Register"


async def read(**value: str) -> SampledValue:
    charging = Charging()
    payload = {"connectorId": 0, "meterValue": [{"timestamp": stamp(0), "sampledValue": [value]}]}
    await charging.send(charging.connect(), V16, "MeterValues", **payload)
    (record,) = charging.records()
    return record.values[0]


async def meter(
    charging: Charging, live: LiveStation, minute: float, wh: float, connector: int = 1, **more: Any
) -> None:
    sample = {"timestamp": stamp(minute), "sampledValue": [{"value": str(wh)}]}
    await charging.send(live, V16, "MeterValues", connectorId=connector, meterValue=[sample], **more)


async def test_a_bare_value_is_the_active_import_register_in_wh() -> None:
    assert await read(value="1500") == SampledValue(REGISTER, 1500.0, "Wh")


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ({"value": "1.001", "unit": "kWh"}, SampledValue(REGISTER, 1001.0, "Wh", raw="1.001", raw_unit="kWh")),
        ({"value": "7.36", "unit": "kW"}, SampledValue(REGISTER, 7360.0, "W", raw="7.36", raw_unit="kW")),
        ({"value": "21", "unit": "Celcius"}, SampledValue(REGISTER, 21.0, "Celsius", raw="21", raw_unit="Celcius")),
        (
            {"value": "68", "unit": "Fahrenheit"},
            SampledValue(REGISTER, 20.0, "Celsius", raw="68", raw_unit="Fahrenheit"),
        ),
        ({"value": "n/a"}, SampledValue(REGISTER, None, "Wh", raw="n/a")),
        ({"value": "12,5", "unit": "Wh"}, SampledValue(REGISTER, None, "Wh", raw="12,5", raw_unit="Wh")),
        ({"value": "NaN"}, SampledValue(REGISTER, None, "Wh", raw="NaN")),
        ({"value": "1_0"}, SampledValue(REGISTER, None, "Wh", raw="1_0")),
        (
            {"value": "1234567.123456789"},
            SampledValue(REGISTER, 1234567.123456789, "Wh", raw="1234567.123456789"),
        ),
        ({"value": "00FF", "format": "SignedData"}, SampledValue(REGISTER, None, "Wh", signed="00FF")),
        ({"value": "5", "format": "Raw"}, SampledValue(REGISTER, 5.0, "Wh")),
    ],
    ids=lambda value: value["value"] if isinstance(value, dict) else "",
)
async def test_a_value_is_normalised_and_kept_raw_where_that_changes_it(
    value: dict[str, str], normal: SampledValue
) -> None:
    assert await read(**value) == normal


@pytest.mark.parametrize("name", [each.value for each in v16.Measurand])
async def test_every_measurand_has_its_unit(name: str) -> None:
    assert await read(value="5", measurand=name) == SampledValue(name, 5.0, DEFAULT_UNITS.get(name))


async def test_phases_contexts_and_places_are_kept() -> None:
    for phase in v16.Phase:
        assert (await read(value="5", phase=phase.value)).phase == phase.value
    for context in v16.ReadingContext:
        assert (await read(value="5", context=context.value)).context == context.value
    for location in v16.Location:
        assert (await read(value="5", location=location.value)).location == location.value


async def test_many_kinds_of_values_cost_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(j16, "_MOST_KINDS", 3)
    monkeypatch.setattr(j16, "_kinds", {})
    for phase in v16.Phase:
        await read(value="5", phase=phase.value)
        assert len(j16._kinds) <= 3


async def test_values_without_a_transaction_are_of_the_one_running_there() -> None:
    charging = Charging()
    live = charging.connect()
    await meter(charging, live, 1, 5)
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 10, "timestamp": stamp(2)}
    await charging.send(live, V16, "StartTransaction", **start)
    await meter(charging, live, 3, 110)
    await meter(charging, live, 3, 110, connector=2)
    await meter(charging, live, 1.5, 7)
    (running,) = await charging.shown()
    assert (running.energy_wh, running.energy_problems) == (100, ())
    owners = [(each.evse_id, each.transaction_id) for each in charging.records()]
    assert sorted(owners, key=repr) == [(1, running.id), (1, None), (1, None), (2, None)]


@pytest.mark.parametrize("named", [{}, {"transactionId": 1}, {"transactionId": 99}, {"transactionId": -1}])
async def test_the_stations_own_meter_is_no_transactions_energy(named: dict[str, int]) -> None:
    charging = Charging()
    live = charging.connect()
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 10, "timestamp": stamp(0)}
    await charging.send(live, V16, "StartTransaction", **start)
    await meter(charging, live, 3, 99_999, connector=0, **named)
    (running,) = await charging.shown()
    assert running.energy_wh == 0
    (record,) = charging.records()
    assert (record.evse_id, record.connector_id) == (0, None)
    assert record.transaction_id == (running.id if named == {"transactionId": 1} else None)


async def test_a_repeated_message_is_recognised() -> None:
    charging = Charging()
    live = charging.connect()
    for connector in (1, 1, 2, 2):
        await meter(charging, live, 1, 0.0, connector=connector)
    await meter(charging, live, 1, 0.1)
    await meter(charging, live, 2, 0.0)
    assert len(charging.world.journal.of(MeterRecord)) == 6
    assert len(charging.records()) == 4
    assert all(0 <= each.key < 2**63 for each in charging.records())


async def test_samples_repeated_by_the_stop_add_nothing() -> None:
    charging = Charging()
    live = charging.connect()
    start = {"connectorId": 1, "idTag": "CARD1", "meterStart": 10, "timestamp": stamp(0)}
    await charging.send(live, V16, "StartTransaction", **start)
    await meter(charging, live, 3, 110, transactionId=1)
    again = {"timestamp": stamp(3), "sampledValue": [{"value": "110"}]}
    stop = {"transactionId": 1, "meterStop": 200, "timestamp": stamp(4), "transactionData": [again]}
    await charging.send(live, V16, "StopTransaction", **stop)
    assert len(charging.records()) == 1


async def test_a_message_without_values_is_answered() -> None:
    charging = Charging()
    live = charging.connect()
    for named in ({}, {"transactionId": 5}):
        assert await charging.send(live, V16, "MeterValues", connectorId=1, meterValue=[], **named) == {}
    assert charging.stored() == []
