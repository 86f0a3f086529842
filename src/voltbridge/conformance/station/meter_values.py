"""Meter values of a station: taken out of its messages, and what has to hold of them (Part 6, block J)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = ["REGISTER", "Values", "complete", "evenly_spaced", "measurands", "meter_values", "moments", "signed"]

REGISTER: Final = "Energy.Active.Import.Register"
"""The measurand of a sampled value that names none."""

_DEVIATION: Final = timedelta(seconds=4)
"""What certification allows times to differ by (Part 6, 2.1)."""


@dataclass(frozen=True, slots=True)
class Values:
    """One meterValue of a message."""

    source: object
    """Whose it is: an EVSE id, 0 for the main meter; or a transaction's id."""
    message: Received
    at: datetime
    samples: Sequence[Received]

    @property
    def context(self) -> Any:
        """Of the first sampled value."""
        return self.samples[0].at("context")


def meter_values(messages: Iterable[Received]) -> list[Values]:
    """Every meterValue of these MeterValuesRequests or TransactionEventRequests.

    Raises StepFailed when one says that another measurand than SoC is measured in the car (errata).
    """
    found = []
    for message in messages:
        values = message.at("meterValue")
        step = message.step.strip() or "meter values"
        source = message.at("evseId")
        if source is ABSENT:
            source = message.at("transactionInfo.transactionId")
        for number, one in enumerate([] if values is ABSENT else values):
            name = f"{message.name}.meterValue[{number}]"
            samples = [Received(step, f"{name}.sampledValue", each) for each in one["sampledValue"]]
            for sample in samples:
                if sample.at("location") == "EV" and sample.at("measurand") != "SoC":
                    raise StepFailed(step, f"{name} with location EV for SoC only", str(sample.payload))
            found.append(Values(source, message, datetime.fromisoformat(one["timestamp"]), samples))
    return found


async def measurands(csms: SimulatedCsms, component: str, variable: str) -> frozenset[str]:
    """The measurands a variable lists."""
    listed = await csms.value(component, variable) or ""
    return frozenset(one.strip() for one in listed.split(",") if one.strip())


def complete(csms: SimulatedCsms, step: int | str, values: Iterable[Values], wanted: frozenset[str]) -> None:
    """Raises StepFailed unless each source tells each of these measurands at each moment, in one message or more."""
    told: dict[tuple[object, datetime], set[str]] = {}
    for one in values:
        of_moment = told.setdefault((one.source, one.at), set())
        of_moment |= {REGISTER if each.at("measurand") is ABSENT else each.at("measurand") for each in one.samples}
    for (source, at), names in told.items():
        if not wanted <= names:
            missing = ", ".join(sorted(wanted - names))
            raise StepFailed(csms.step(step), f"{missing} of {source} at {at}", ", ".join(sorted(names)))


def moments(values: Iterable[Values]) -> list[datetime]:
    """The different times at which values were taken, in order."""
    return sorted({one.at for one in values})


def evenly_spaced(csms: SimulatedCsms, step: int | str, times: Sequence[datetime], interval_s: float) -> None:
    """Raises StepFailed unless such an interval is between each moment and the next, and there are two at least."""
    if len(times) < 2:
        raise StepFailed(csms.step(step), f"meter values every {interval_s:g} s", f"{len(times)} of them")
    for one, next_one in pairwise(times):
        if abs(next_one - one - timedelta(seconds=interval_s)) > _DEVIATION:
            raise StepFailed(csms.step(step), f"{interval_s:g} s between meter values", f"{one} and {next_one}")


async def signed(csms: SimulatedCsms, values: Iterable[Values]) -> None:
    """Raises StepFailed unless the values are signed, with the public key where the station is to tell it."""
    when = await csms.value("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue")
    keys: list[str] = []
    for one in values:
        sample = one.samples[0]
        key = sample.at("signedMeterValue.publicKey")
        if key is ABSENT:
            raise StepFailed(sample.step, f"{sample.name}.signedMeterValue with a publicKey", "no such field")
        keys.append(key)
    told = [key for key in keys if key]
    expected = {"EveryMeterValue": len(keys), "Never": 0}.get(when or "Never")
    if expected is not None and len(told) != expected:
        raise StepFailed(csms.step("end"), f"{expected} public keys ({when})", f"{len(told)} of {len(keys)}")
