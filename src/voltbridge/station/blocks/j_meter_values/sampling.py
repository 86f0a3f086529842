"""Which of a meter's readings are told (2.0.1 J; 1.6 3.16).

Registers are told as read. Nothing is computed but the energy of an interval, which is what a register has risen by
since the sample before of the same series.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from voltbridge.station.measurands import split_phase
from voltbridge.station.readings import MeterReading, Reading, SignedReading

__all__ = ["Intervals", "next_aligned", "register_wh", "sample", "thinned"]

_REGISTER: Final = "Energy.Active.Import.Register"
_INTERVALS: Final = {
    f"Energy.{kind}.Register": f"Energy.{kind}.Interval"
    for kind in ("Active.Import", "Active.Export", "Reactive.Import", "Reactive.Export")
}
_Registers = dict[tuple[str, str | None, str], float]


class Intervals:
    """The registers as they were at the last sample of each series, such as those of the clock."""

    __slots__ = ("_before", "_origin")

    def __init__(self) -> None:
        self._origin: _Registers = {}
        self._before: dict[str, _Registers] = {}

    def begin(self, readings: Iterable[Reading]) -> None:
        """Intervals begin here."""
        self._origin = _registers(readings)
        self._before.clear()

    def completed(self, series: str, readings: Sequence[Reading]) -> Sequence[Reading]:
        """The readings, and the energies of the interval that ends here."""
        before, now = self._before.get(series, self._origin), _registers(readings)
        self._before[series] = now
        units = {reading.measurand: reading.unit for reading in readings}
        return (
            *readings,
            *(
                Reading(value - before[key], _INTERVALS[key[0]], key[1], key[2], units[key[0]])
                for key, value in now.items()
                if key in before
            ),
        )


def _registers(readings: Iterable[Reading]) -> _Registers:
    return {
        (reading.measurand, reading.phase, reading.location): reading.value
        for reading in readings
        if reading.measurand in _INTERVALS
    }


def sample(
    readings: Sequence[Reading],
    measurands: Iterable[str],
    at: datetime,
    context: str,
    *,
    signed: bool = False,
    public_key: bool = False,
    without_phases: bool = False,
) -> MeterReading | None:
    """The readings of these measurands (``measurands``), in their order; None when there is none.

    ``signed``: with their signatures, where the meter signs (J02.FR.21), and with the key that verifies them.
    ``without_phases``: no registers per phase.
    """
    chosen = tuple(
        reading
        if reading.signed is None
        else msgspec.structs.replace(reading, signed=_told(reading.signed, signed, public_key))
        for measurand, phases in map(split_phase, measurands)
        for reading in readings
        if reading.measurand == measurand
        and (phases is None or reading.phase in phases)
        and not (without_phases and reading.phase is not None and measurand == _REGISTER)
    )
    return MeterReading(at, chosen, context) if chosen else None


def _told(signed: SignedReading, wanted: bool, public_key: bool) -> SignedReading | None:
    if not wanted:
        return None
    return signed if public_key else msgspec.structs.replace(signed, public_key="")


def register_wh(readings: Iterable[Reading]) -> float | None:
    """The energy register of the outlet, of all phases together; None when the meter does not tell it."""
    for reading in readings:
        if reading.measurand == _REGISTER and reading.phase is None and reading.location == "Outlet":
            return reading.value
    return None


def thinned(samples: Sequence[MeterReading], most: int) -> list[MeterReading]:
    """At most so many, leaving out every second one but the first and the last (E06.FR.13, J02.FR.20)."""
    kept = list(samples)
    while len(kept) > max(most, 2):
        kept = [each for number, each in enumerate(kept) if number % 2 == 0 or number == len(kept) - 1]
        if len(kept) == 3 and most < 3:
            kept = [kept[0], kept[-1]]
    return kept


def next_aligned(now: datetime, interval_s: int) -> datetime:
    """The next moment that is a multiple of the interval after midnight UTC; midnight begins anew (1.6 9.1.5)."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = int((now - midnight).total_seconds() // interval_s) + 1
    moment = midnight + timedelta(seconds=passed * interval_s)
    tomorrow = midnight + timedelta(days=1)
    return min(moment, tomorrow).astimezone(UTC)
