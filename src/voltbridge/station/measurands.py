"""Measurands as the configuration keys of 1.6 name them: alone, or with a phase behind (``Voltage.L1``; 1.6 9.1.15).

2.x names no phases there. A measurand alone means all its phases (errata 3.14.3).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = ["split_phase", "without_phases"]

_PHASES: Final = frozenset({"L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"})
_OF_PHASES: Final = ("Current.", "Energy.", "Power.", "Voltage")


@lru_cache(maxsize=1024)
def split_phase(name: str) -> tuple[str, frozenset[str] | None]:
    """The measurand, and the phases that are meant; None: all. The voltage of a phase is that to neutral."""
    measurand, _, phase = name.rpartition(".")
    if phase not in _PHASES or not measurand.startswith(_OF_PHASES):
        return name, None
    return measurand, frozenset({phase, f"{phase}-N"}) if phase in ("L1", "L2", "L3") else frozenset({phase})


def without_phases(names: str) -> str:
    """A list of measurands without their phases. What stands twice in it still does; each phase may stand once."""
    items = [item.strip() for item in names.split(",")]
    if len(set(items)) < len(items):
        return names
    return ",".join(dict.fromkeys(split_phase(item)[0] for item in items))
