"""A fleet lives fast against our own CSMS while both are killed and the line breaks: the benchmark, made small."""

from __future__ import annotations

from pathlib import Path

import pytest
from benches.agreement import compare
from benches.fleet_week import Plan, live

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]


async def test_killed_on_both_sides_every_transaction_is_there_once_with_the_energy_of_the_meter(
    tmp_path: Path,
) -> None:
    plan = Plan(
        stations=9,
        days=1 / 36,
        rate=120,
        kills=2,
        cuts=60,
        charges=200,
        stay_minutes=(2.0, 6.0),
        interval_s=60,
        seed=3,
        settling_s=90,
    )
    verdict = await live(plan, tmp_path)
    assert verdict["holds"], verdict["problems"]
    assert (verdict["csms_kills"], verdict["fleet_kills"]) == (1, 1)
    assert verdict["cuts"] > 0
    assert verdict["transactions"] > 0
    assert verdict["energy_wh"] == verdict["metered_wh"] > 0


def test_what_is_lost_doubled_or_differs_is_found() -> None:
    good = [_transaction("A", 0, 500), _transaction("B", 500, 900)]
    meters, told = {("CP", 1): 900.0}, {"CP": {"A", "B"}}
    assert compare(good, meters, told).holds
    assert compare(good[:1], meters, told).lost == 1
    assert compare(good[:1], {("CP", 1): 900.0}, {"CP": {"A"}}).differing == 1
    assert compare([*good, good[0]], meters, told).doubled == 1
    assert compare([*good, _transaction("C", 900, 900)], meters, told).doubled == 1
    assert compare([good[0], _transaction("B", 501, 900)], meters, told).differing == 1
    assert compare([good[0], _transaction("B", 500, 900) | {"energy_wh": 399.0}], meters, told).differing == 1
    assert compare([good[0], _transaction("B", 500, 900) | {"state": "Active"}], meters, told).unfinished == 1
    doubted = compare([good[0], _transaction("B", 500, 900) | {"energy_problems": ["odd"]}], meters, told)
    assert (doubted.holds, doubted.doubted) == (True, 1)
    assert compare([good[0], _transaction("B", 500, 900) | {"missing_sequences": ["3"]}], meters, told).unfinished == 1


def _transaction(name: str, first_wh: float, last_wh: float) -> dict[str, object]:
    return {
        "station_id": "CP",
        "evse_id": 1,
        "transaction_id": name,
        "state": "Ended",
        "meter_start_wh": first_wh,
        "meter_last_wh": last_wh,
        "energy_wh": last_wh - first_wh,
        "missing_sequences": [],
        "energy_problems": [],
    }
