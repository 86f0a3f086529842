"""Meter values of 2.0.1 and 2.1."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.csms.blocks.charging import V21, V201, Charging, stamp

from voltbridge.domain.metering import SampledValue
from voltbridge.domain.units import DEFAULT_UNITS
from voltbridge.protocol import v21, v201
from voltbridge.protocol.versions import Version

pytestmark = pytest.mark.anyio
REGISTER = "Energy.Active.Import.Register"
both = pytest.mark.parametrize("version", [V201, V21])


async def read(version: Version, **value: Any) -> SampledValue:
    charging = Charging()
    payload = {"evseId": 1, "meterValue": [{"timestamp": stamp(0), "sampledValue": [value]}]}
    assert await charging.send(charging.connect(), version, "MeterValues", **payload) == {}
    (record,) = charging.records()
    return record.values[0]


@both
@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ({"value": 1500}, SampledValue(REGISTER, 1500.0, "Wh")),
        ({"value": 0.0}, SampledValue(REGISTER, 0.0, "Wh")),
        (
            {"value": 1.001, "unitOfMeasure": {"unit": "kWh"}},
            SampledValue(REGISTER, 1001.0, "Wh", raw="1.001", raw_unit="kWh"),
        ),
        (
            {"value": 1.001, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}},
            SampledValue(REGISTER, 1001.0, "Wh", raw="1.001", raw_unit="Wh*10^3"),
        ),
        (
            {"value": 1.001, "unitOfMeasure": {"multiplier": 3}},
            SampledValue(REGISTER, 1001.0, "Wh", raw="1.001", raw_unit="*10^3"),
        ),
        (
            {"value": 5.0, "unitOfMeasure": {"unit": "Wh", "multiplier": 9999}},
            SampledValue(REGISTER, None, "Wh", raw="5.0", raw_unit="Wh*10^9999"),
        ),
        (
            {"value": 5.0, "unitOfMeasure": {"unit": "kWh", "multiplier": -3}},
            SampledValue(REGISTER, 5.0, "Wh", raw="5.0", raw_unit="kWh*10^-3"),
        ),
        ({"value": 3.0, "unitOfMeasure": {"unit": "Smoot"}}, SampledValue(REGISTER, 3.0, "Smoot")),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
async def test_a_value_is_normalised_and_kept_raw_where_that_changes_it(
    version: Version, value: dict[str, Any], normal: SampledValue
) -> None:
    assert await read(version, **value) == normal


@pytest.mark.parametrize(
    ("version", "name"),
    [(V201, each.value) for each in v201.MeasurandEnumType] + [(V21, each.value) for each in v21.MeasurandEnumType],
)
async def test_every_measurand_has_its_unit(version: Version, name: str) -> None:
    assert await read(version, value=5, measurand=name) == SampledValue(name, 5.0, DEFAULT_UNITS.get(name))


@both
async def test_signed_data_is_kept_as_it_came_beside_the_number(version: Version) -> None:
    signed = {"signedMeterData": "QUJD", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "UEs="}
    value = await read(version, value=12.5, context="Transaction.End", signedMeterValue=signed)
    assert (value.value, value.context) == (12.5, "Transaction.End")
    assert value.signed is not None
    assert json.loads(value.signed) == signed


@both
async def test_clock_aligned_values_of_an_evse_that_charges_are_its_transactions(version: Version) -> None:
    charging = Charging()
    live = charging.connect()

    async def aligned(evse_id: int, minute: float, wh: float) -> None:
        value = {"value": wh, "context": "Sample.Clock"}
        meter_value = [{"timestamp": stamp(minute), "sampledValue": [value]}]
        await charging.send(live, version, "MeterValues", evseId=evse_id, meterValue=meter_value)

    begin = {"timestamp": stamp(1), "sampledValue": [{"value": 10.0, "context": "Transaction.Begin"}]}
    await charging.send(
        live,
        version,
        "TransactionEvent",
        eventType="Started",
        timestamp=stamp(1),
        triggerReason="CablePluggedIn",
        seqNo=0,
        transactionInfo={"transactionId": "T1"},
        evse={"id": 1},
        meterValue=[begin],
    )
    for evse_id, minute, wh in [(1, 15, 400.0), (2, 15, 9.0), (0, 15, 7777.0), (1, 0, 3.0)]:
        await aligned(evse_id, minute, wh)
    (running,) = await charging.shown()
    assert (running.energy_wh, running.energy_problems) == (390, ())
    owned = [(each.evse_id, each.at_ms) for each in charging.records() if each.transaction_id == running.id]
    assert len(owned) == 2 and {evse_id for evse_id, _ in owned} == {1}
