"""Stations with each quirk before our own CSMS, by each policy: it goes on, and the energy is right where it can be."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.station.personality.test_quirks import SIGHTS
from tests.support.process import Up
from tests.support.rest import Rest

from voltbridge.conformance.patience import within
from voltbridge.domain.stations import Strictness
from voltbridge.protocol.versions import Version
from voltbridge.station import Station, StationConfiguration
from voltbridge.station.network import Network
from voltbridge.station.personality import QUIRKS
from voltbridge.station.quirk import Quirk
from voltbridge.station.virtual_clock import VirtualClock, held, run

_TOKEN = "04A1B2C3D4E501"
_AT_ONCE = 8
_PATIENCE_S = 200.0


class Outcome(StrEnum):
    """What the CSMS knows of a visit."""

    RIGHT = "one transaction, over, with the energy of the meter"
    OPEN = "a transaction whose end was refused; the energy of what it took before"
    OTHER = "one transaction, over, with another energy: what the station said cannot be told from the truth"
    NOTHING = "no transaction"
    REFUSED = "the station is not taken"


STRICT, TOLERANT, SALVAGE = Strictness.STRICT, Strictness.TOLERANT, Strictness.SALVAGE
OUTCOMES: dict[tuple[str, Strictness], Outcome] = {
    # A reason or a measurand that the standard does not have means nothing that could be guessed; salvage closes both.
    ("stop-reason", TOLERANT): Outcome.OPEN,
    ("stop-reason", STRICT): Outcome.OPEN,
    ("unknown-measurands", TOLERANT): Outcome.OPEN,
    ("unknown-measurands", STRICT): Outcome.OPEN,
    ("empty-meter-values", STRICT): Outcome.OPEN,
    ("meter-values-written", STRICT): Outcome.OPEN,
    # Nothing but the samples tells energy in 2.x: a thousandth of it looks like any other, and no sample tells none.
    ("meter-unit", STRICT): Outcome.OTHER,
    ("meter-values-written", SALVAGE): Outcome.OTHER,
    # Every event of a transaction breaks the schema.
    ("timestamps", STRICT): Outcome.NOTHING,
    ("numbers-as-text", STRICT): Outcome.NOTHING,
    # And here every message does, the boot first.
    ("unknown-fields", STRICT): Outcome.REFUSED,
    ("message-ids", STRICT): Outcome.REFUSED,
    ("frame-padding", STRICT): Outcome.REFUSED,
}
"""Where it is not RIGHT."""
SALVAGED = ("stop-reason", "empty-meter-values", "unknown-measurands", "meter-values-written", "frame-padding")
CASES = [
    *((name, TOLERANT) for name in QUIRKS),
    *((name, STRICT) for name, kind in QUIRKS.items() if kind.breaks_schema),
    *((name, SALVAGE) for name in SALVAGED),
]
ARGUMENTS = {name: arguments for name, (arguments, _) in SIGHTS.items()} | {
    "id-tokens": {"capitals": "lower"},
    "frame-padding": {"before": "\ufeff", "after": "\n\x00"},
    "clock-drifts": {"seconds_a_day": 600},
}
BEFORE_STRICT: dict[str, dict[str, Any]] = {
    # A refusal under no readable id would leave the station waiting, in the seconds of the wall.
    "frame-padding": {"after": "\x00"},
}


def outcome(found: list[Any], meter_wh: float) -> Outcome:
    if not found:
        return Outcome.NOTHING
    (one,) = found
    if one["stopped_at"] is None:
        return Outcome.OPEN
    known = one["energy_wh"] is not None and abs(one["energy_wh"] - meter_wh) <= 1
    return Outcome.RIGHT if known else Outcome.OTHER


async def visited(rest: Rest, network: Network, port: int, name: str, version: Version, quirk: Quirk) -> Outcome:
    """What came of one visit of a vehicle."""
    clock = network.clock
    configuration = StationConfiguration(
        name,
        f"ws://127.0.0.1:{port}/ocpp",
        versions=(version,),
        variables={"ClockCtrlr.TimeSource": "RealTimeClock", "SampledDataCtrlr.TxUpdatedInterval": "300"},
        quirks=(quirk,),
    )
    async with Station(configuration, network=network) as station:
        try:
            async with within(60, clock):
                await station.connected()
        except TimeoutError:
            return Outcome.REFUSED
        async with within(86_400, clock), station.plug_in() as visit:
            await visit.swipe(_TOKEN)
            await visit.charging()
            await visit.charged(kwh=5)
        await station.engine.outbox.idle()
        meter_wh = station.hardware.read()[0].value
        for _ in range(10):
            with held(clock):
                found = await rest.items("/transactions", station_id=name)
            if found and all(each["stopped_at"] for each in found):
                break
            await clock.sleep(1)
        return outcome(found, meter_wh)


def test_the_csms_lives_with_every_quirk(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        up = runner.run(Up.start(tmp_path, onboarding="accept"))
        try:
            came = run(lambda clock: live(clock, up))
        finally:
            runner.run(up.stop())
    expected = {case: OUTCOMES.get(case, Outcome.RIGHT) for case in CASES}
    assert {case: told for case, told in came.items() if told is not expected[case]} == {}
    assert not [line for line in up.said if "Traceback" in line]


async def live(clock: VirtualClock, up: Up) -> dict[tuple[str, Strictness], Outcome]:
    limit = asyncio.Semaphore(_AT_ONCE)
    async with Rest(up.http_port, up.admin_key) as rest, Network(clock) as network, asyncio.timeout(_PATIENCE_S):
        with held(clock):
            await rest.post("/tokens", {"id_token": _TOKEN, "type": "ISO14443", "allow_concurrent": True})

        async def one(name: str, strictness: Strictness) -> Outcome:
            versions = QUIRKS[name].versions
            version = Version.V16 if Version.V16 in versions and strictness is TOLERANT else Version.V201
            version = version if version in versions else Version.V16
            async with limit:
                identity = f"{name}-{strictness.value}"
                with held(clock):
                    await rest.post("/stations", {"station_id": identity, "strictness": strictness.value})
                arguments = BEFORE_STRICT.get(name, ARGUMENTS[name]) if strictness is STRICT else ARGUMENTS[name]
                return await visited(rest, network, up.ocpp_port, identity, version, QUIRKS[name](**arguments))

        told = await asyncio.gather(*(one(*case) for case in CASES))
        return dict(zip(CASES, told, strict=True))
