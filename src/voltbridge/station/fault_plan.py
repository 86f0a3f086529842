"""What breaks in a fleet by itself: how often, for how long, at which stations."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Annotated, Any, Final

import msgspec
import structlog

from voltbridge.station.assembly import Station
from voltbridge.station.breakdowns import FAULTS, ImpossibleFault, inflict
from voltbridge.station.yaml_files import FieldError

__all__ = ["FaultPlan", "live_with"]

_log = structlog.stdlib.get_logger(__name__)

_DAY_S: Final = 86_400.0
_Minutes = Annotated[float, msgspec.Meta(gt=0, le=1440)]


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"arguments": "with"}):
    """One fault that comes again and again, at random; the seed of the fleet repeats it."""

    fault: str
    a_day: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 1.0
    """At each station, on average."""
    minutes: tuple[_Minutes, _Minutes] = (5.0, 60.0)
    """How long it lasts, least and most."""
    groups: tuple[str, ...] = ()
    """At stations of these groups; none: at all."""
    arguments: Mapping[str, Any] = {}
    """Of the fault. Without ``evse`` it is any of the station's."""

    def __post_init__(self) -> None:
        """Raises ValueError for a fault there is not, or arguments it does not have."""
        if self.fault not in FAULTS:
            raise FieldError("fault", f"there is no fault {self.fault}: {', '.join(FAULTS)}")
        if "seconds" in self.arguments:
            raise FieldError("with.seconds", "how long it lasts is said by minutes")
        try:
            msgspec.convert(dict(self.arguments), FAULTS[self.fault].arguments)
        except msgspec.ValidationError as error:
            raise FieldError("with", str(error).replace(" - at `$.", " at `")) from error
        if self.minutes[0] > self.minutes[1]:
            raise FieldError("minutes", "the least is more than the most")


async def live_with(plan: FaultPlan, station: Station, random: Random) -> None:
    """Break it at one station, for ever."""
    fields = FAULTS[plan.fault].arguments.__struct_fields__
    while True:
        await station.clock.sleep(random.expovariate(plan.a_day / _DAY_S))
        seconds = 60 * random.uniform(*plan.minutes)
        told = dict(plan.arguments)
        if "evse" in fields:
            told.setdefault("evse", random.randint(1, len(station.configuration.evses)))
        if "seconds" in fields:
            told["seconds"] = seconds
        try:
            inflict(station, plan.fault, told)
        except (RuntimeError, ImpossibleFault) as error:  # it restarts, or is not connected
            _log.debug("a fault did not come", fault=plan.fault, reason=str(error))
            continue
        _log.info("a fault", station=station.configuration.identity, fault=plan.fault)
        await station.clock.sleep(seconds)
