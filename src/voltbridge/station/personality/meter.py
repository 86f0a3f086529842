"""Quirks of meters and of the values they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any, ClassVar, Literal

from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import Quirk, Request, Situation

__all__ = [
    "EmptyMeterValues",
    "MeterUnit",
    "MeterValuesWritten",
    "RegisterByPhase",
    "RegisterResetsOnReboot",
    "UnknownMeasurands",
]

_REGISTER = "Energy.Active.Import.Register"
_THOUSANDTH = {"Wh": "kWh", "W": "kW", "varh": "kvarh", "VAh": "kVAh"}


def _meter_values(request: Request) -> Iterator[dict[str, Any]]:
    for field in ("meterValue", "transactionData"):
        yield from request.payload.get(field, ())


def _samples(request: Request) -> Iterator[dict[str, Any]]:
    for value in _meter_values(request):
        yield from value["sampledValue"]


def _unit_of(sample: dict[str, Any], version: Version) -> str:
    """Where none is told it is Wh."""
    told = sample if version is Version.V16 else sample.get("unitOfMeasure", {})
    unit: str = told.get("unit", "Wh")
    return unit


def _name_unit(sample: dict[str, Any], version: Version, unit: str | None) -> None:
    told = sample if version is Version.V16 else sample.setdefault("unitOfMeasure", {})
    if unit is None:
        told.pop("unit", None)
    else:
        told["unit"] = unit
    if not sample.get("unitOfMeasure", True):
        del sample["unitOfMeasure"]


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


_WRITTEN: dict[str, Callable[[float, str], Any]] = {
    "whole": lambda value, unit: round(value),
    "two decimals": lambda value, unit: f"{value:.2f}",
    "comma": lambda value, unit: f"{value:.1f}".replace(".", ","),
    "number": lambda value, unit: value,
    "text": lambda value, unit: f"{value:.1f}",
    "with unit": lambda value, unit: f"{value:.1f} {unit}",
}


class MeterValuesWritten(Quirk, frozen=True, kw_only=True, rename={"form": "as"}):
    """Values are written otherwise: 1.6 wants texts, 2.x numbers."""

    breaks_schema: ClassVar[bool] = True
    form: Literal["whole", "two decimals", "comma", "number", "text", "with unit"] = "two decimals"

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for sample in _samples(request):
            if _is_number(sample["value"]):
                value = _WRITTEN[self.form](float(sample["value"]), _unit_of(sample, at.version))
                # A whole number is one in either version, as that version writes numbers.
                sample["value"] = str(value) if self.form == "whole" and at.version is Version.V16 else value
        return (request,)


class MeterUnit(Quirk, frozen=True, kw_only=True):
    """Units are other than the values, missing, or written otherwise. In kWh and kW by the standard: "thousands"."""

    breaks_schema: ClassVar[bool] = True
    form: Literal["kWh called Wh", "thousands", "missing", "lower case"] = "kWh called Wh"

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for sample in _samples(request):
            unit = _unit_of(sample, at.version)
            if self.form == "missing":
                _name_unit(sample, at.version, None)
            elif self.form == "lower case":
                _name_unit(sample, at.version, unit.lower())
            elif unit in _THOUSANDTH and _is_number(sample["value"]):
                value = float(sample["value"]) / 1000
                sample["value"] = f"{value:.3f}" if at.version is Version.V16 else value
                _name_unit(sample, at.version, unit if self.form == "kWh called Wh" else _THOUSANDTH[unit])
        return (request,)


class RegisterByPhase(Quirk, frozen=True, kw_only=True):
    """The register of each phase comes before the one of all, under the same measurand."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for value in _meter_values(request):
            samples = []
            for sample in value["sampledValue"]:
                if sample.get("measurand", _REGISTER) == _REGISTER and "phase" not in sample:
                    for phase in ("L1", "L2", "L3"):
                        third = float(sample["value"]) / 3
                        written = f"{third:.0f}" if isinstance(sample["value"], str) else round(third, 1)
                        samples.append(deepcopy(sample) | {"value": written, "phase": phase})
                samples.append(sample)
            value["sampledValue"] = samples
        return (request,)


class EmptyMeterValues(Quirk, frozen=True, kw_only=True):
    """Beside each meter value stands one without any sample."""

    breaks_schema: ClassVar[bool] = True

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for field in ("meterValue", "transactionData"):
            values = request.payload.get(field)
            if values:
                values.append({"timestamp": values[-1]["timestamp"], "sampledValue": []})
        return (request,)


class UnknownMeasurands(Quirk, frozen=True, kw_only=True):
    """Each meter value has a sample of a measurand that the standard does not have."""

    breaks_schema: ClassVar[bool] = True

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        for value in _meter_values(request):
            told = "7" if at.version is Version.V16 else 7
            value["sampledValue"].append({"value": told, "measurand": "Vendor.Relay.Cycles"})
        return (request,)


class RegisterResetsOnReboot(Quirk, frozen=True, kw_only=True):
    """The meter begins at 0 again whenever the controller restarts."""

    def say(self, request: Request, at: Situation) -> Iterable[Request]:
        if at.starts > 1:
            payload = request.payload
            place = self._place(payload, at)
            for field in ("meterStart", "meterStop"):
                if field in payload:
                    payload[field] = round(self._since(payload[field], place, at))
            for sample in _samples(request):
                if sample.get("measurand", _REGISTER) == _REGISTER and _is_number(sample["value"]):
                    scale = 1000 if _unit_of(sample, at.version) == "kWh" else 1
                    since = self._since(float(sample["value"]) * scale, place, at) / scale
                    sample["value"] = f"{since:g}" if isinstance(sample["value"], str) else since
        return (request,)

    def answered(self, request: Request, answer: dict[str, Any], at: Situation) -> dict[str, Any]:
        if request.action == "StartTransaction":
            at.memory[answer.get("transactionId")] = request.payload["connectorId"]
        return answer

    @staticmethod
    def _since(register: float, place: Any, at: Situation) -> float:
        """What has been counted since the start: since the first register told after it."""
        first: float = at.memory.setdefault((at.starts, place), register)
        return max(0.0, register - first)

    @staticmethod
    def _place(payload: dict[str, Any], at: Situation) -> Any:
        """The meter, as far as the message tells which; events of a transaction name their EVSE in the first only."""
        if "transactionInfo" in payload:
            key = payload["transactionInfo"]["transactionId"]
            if "evse" in payload:
                at.memory[key] = payload["evse"]["id"]
            return at.memory.get(key)
        if "connectorId" in payload or "evseId" in payload:
            return payload.get("connectorId", payload.get("evseId"))
        return at.memory.get(payload.get("transactionId"))
