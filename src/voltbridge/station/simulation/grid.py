"""The mains and the weather: functions of the moment alone, so that whoever looks, and how often, changes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import Final, Self

__all__ = ["Grid"]

_STEP_S: Final = 120.0
"""What wanders goes straight from one value to the next in this time."""
_WARMEST_HOUR: Final = 15.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Without arguments it is ideal: nothing ever changes. Shares are of the nominal value, temperatures in Celsius."""

    seed: int = 0
    voltage_share: float = 0.0
    """How far the voltage of each phase wanders."""
    frequency_hz: float = 50.0
    frequency_wander_hz: float = 0.0
    ambient_c: float = 25.0
    """The mean of a day."""
    ambient_swing_c: float = 0.0
    """How much warmer than that the warmest hour is, and how much colder the coldest."""

    @classmethod
    def lively(cls, seed: int, *, ambient_c: float = 12.0) -> Self:
        """As a grid in a town is, on a day of spring."""
        return cls(seed, 0.015, 50.0, 0.02, ambient_c, 7.0)

    def voltage_v(self, nominal_v: float, phase: int, at: datetime) -> float:
        """Of a phase (1 to 3) against neutral."""
        if not self.voltage_share:
            return nominal_v
        return nominal_v * (1.0 + self.voltage_share * self._wander(f"L{phase}", at))

    def frequency(self, at: datetime) -> float:
        """In hertz."""
        return self.frequency_hz + (self.frequency_wander_hz * self._wander("Hz", at))

    def ambient(self, at: datetime) -> float:
        """The temperature outside."""
        if not self.ambient_swing_c:
            return self.ambient_c
        utc = at.astimezone(UTC)
        hour = utc.hour + utc.minute / 60 + utc.second / 3600
        return self.ambient_c + self.ambient_swing_c * math.cos((hour - _WARMEST_HOUR) / 24 * 2 * math.pi)

    def _wander(self, what: str, at: datetime) -> float:
        """From -1 to 1."""
        place, share = divmod(at.timestamp() / _STEP_S, 1.0)
        return _noise(self.seed, what, int(place)) * (1 - share) + _noise(self.seed, what, int(place) + 1) * share


@lru_cache(maxsize=4096)
def _noise(seed: int, what: str, place: int) -> float:
    return Random(f"{seed}/{what}/{place}").uniform(-1.0, 1.0)
