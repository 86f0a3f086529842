"""A body that warms up under load and has to go slower when it gets too hot, or is too cold."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Heat"]


@dataclass(slots=True)
class Heat:
    """Temperatures in Celsius. It comes closer to where it will end by two thirds in every ``time_constant_s``."""

    temperature_c: float = 25.0
    rise_c: float = 0.0
    """How much warmer than its surroundings it gets under full load."""
    time_constant_s: float = 1200.0
    derates_from_c: float = 50.0
    """From here on it takes less and less,"""
    derates_to_c: float = 70.0
    """down to ``least_share`` here."""
    cold_from_c: float = -273.0
    """Below this it takes less and less too,"""
    cold_to_c: float = -274.0
    least_share: float = 0.2

    def pass_time(self, seconds: float, ambient_c: float, load: float) -> None:
        """``load``: a share of full load; what is lost as heat goes by its square."""
        end = ambient_c + self.rise_c * load * load
        self.temperature_c = end + (self.temperature_c - end) * math.exp(-seconds / self.time_constant_s)

    @property
    def share(self) -> float:
        """How much of what it could it may take now."""
        if self.temperature_c > self.derates_from_c:
            over = (self.temperature_c - self.derates_from_c) / (self.derates_to_c - self.derates_from_c)
        elif self.temperature_c < self.cold_from_c:
            over = (self.cold_from_c - self.temperature_c) / (self.cold_from_c - self.cold_to_c)
        else:
            return 1.0
        return max(self.least_share, 1.0 - over * (1.0 - self.least_share))
