"""A meter: what flows at a moment, the registers that count it, and all it can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

from voltbridge.station.readings import Reading, SignedReading

__all__ = ["Flow", "Meter"]


@dataclass(frozen=True, slots=True)
class Flow:
    """What flows at one moment. Currents that are fed back are negative."""

    volts: tuple[float, ...]
    """Of each phase against neutral; one value of direct current."""
    amperes: tuple[float, ...]
    power_factor: float = 1.0
    direct: bool = False

    @property
    def watts(self) -> tuple[float, ...]:
        """Active power of each phase."""
        return tuple(
            volts * amperes * self.power_factor for volts, amperes in zip(self.volts, self.amperes, strict=True)
        )

    @property
    def power_w(self) -> float:
        """Active power of all phases."""
        return sum(self.watts)

    @property
    def reactive_var(self) -> float:
        """Reactive power of all phases; it goes the way the active power does."""
        return self.power_w * math.sqrt(1.0 - self.power_factor**2) / self.power_factor


@dataclass(slots=True)
class Meter:
    """Registers that only ever rise. Meters count whole watt-hours at best, and so does what is told of these."""

    import_wh: float = 0.0
    export_wh: float = 0.0
    import_varh: float = 0.0
    export_varh: float = 0.0
    phases_wh: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Imported by each phase since the start of the process, for meters that tell it."""

    @property
    def register_wh(self) -> float:
        """What is told of the import register, and signed."""
        return float(int(self.import_wh))

    def count(self, flow: Flow, seconds: float) -> float:
        """This has flowed for so long; the energy, in watt-hours."""
        energy_wh = flow.power_w * seconds / 3600.0
        reactive_varh = flow.reactive_var * seconds / 3600.0
        if energy_wh >= 0:
            self.import_wh += energy_wh
            self.import_varh += reactive_varh
            parts = [*(watts * seconds / 3600.0 for watts in flow.watts), 0.0, 0.0][:3]
            first, second, third = (old + part for old, part in zip(self.phases_wh, parts, strict=True))
            self.phases_wh = first, second, third
        else:
            self.export_wh -= energy_wh
            self.export_varh -= reactive_varh
        return energy_wh

    def readings(self, flow: Flow, *, signed: SignedReading | None, by_phase: bool) -> list[Reading]:
        """All of it, the import register first. Totals are the sum of the phases as they are told."""
        register, export = self.register_wh, float(int(self.export_wh))
        watts = [round(each, 1) for each in flow.watts]
        power = round(sum(watts), 1)
        vars_ = round(flow.reactive_var, 1)
        readings = [
            Reading(register, signed=signed),
            Reading(export, "Energy.Active.Export.Register"),
            Reading(register - export, "Energy.Active.Net"),
            Reading(float(int(self.import_varh)), "Energy.Reactive.Import.Register", unit="varh"),
            Reading(float(int(self.export_varh)), "Energy.Reactive.Export.Register", unit="varh"),
            Reading(max(0.0, power), "Power.Active.Import", unit="W"),
            Reading(max(0.0, -power), "Power.Active.Export", unit="W"),
            Reading(max(0.0, vars_), "Power.Reactive.Import", unit="var"),
            Reading(max(0.0, -vars_), "Power.Reactive.Export", unit="var"),
            Reading(flow.power_factor if power else 0.0, "Power.Factor", unit=""),
        ]
        for number, (volts, amperes) in enumerate(zip(flow.volts, flow.amperes, strict=True), 1):
            phase = None if flow.direct else f"L{number}"
            readings.append(Reading(max(0.0, round(amperes, 2)), "Current.Import", phase, unit="A"))
            readings.append(Reading(max(0.0, -round(amperes, 2)), "Current.Export", phase, unit="A"))
            readings.append(Reading(round(volts, 1), "Voltage", None if flow.direct else f"L{number}-N", unit="V"))
            if by_phase and not flow.direct:
                readings.append(Reading(max(0.0, watts[number - 1]), "Power.Active.Import", phase, unit="W"))
                readings.append(Reading(max(0.0, -watts[number - 1]), "Power.Active.Export", phase, unit="W"))
                readings.append(Reading(float(int(self.phases_wh[number - 1])), phase=phase))
        return readings
