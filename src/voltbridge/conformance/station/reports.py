"""Reports of the device model: asked for, put together from their parts, and what must be in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = ["actual", "listed", "report", "required_variables"]

_LISTS: Final = ("OptionList", "MemberList", "SequenceList")

_RO, _RW = False, True
_REQUIRED: Final[Mapping[str, Mapping[str, bool]]] = {
    "AlignedDataCtrlr": {"Interval": _RW, "Measurands": _RW, "TxEndedInterval": _RW, "TxEndedMeasurands": _RW},
    "AuthCtrlr": {"AuthorizeRemoteStart": _RO, "LocalAuthorizeOffline": _RW, "LocalPreAuthorize": _RW},
    "ChargingStation": {"AvailabilityState": _RO, "Available": _RO, "SupplyPhases": _RO},
    "ClockCtrlr": {"DateTime": _RO, "TimeSource": _RW},
    "Connector": {"Available": _RO, "ConnectorType": _RO, "SupplyPhases": _RO},
    "DeviceDataCtrlr": {
        "BytesPerMessage/GetReport": _RO,
        "BytesPerMessage/GetVariables": _RO,
        "BytesPerMessage/SetVariables": _RO,
        "ItemsPerMessage/GetReport": _RO,
        "ItemsPerMessage/GetVariables": _RO,
        "ItemsPerMessage/SetVariables": _RO,
    },
    "DisplayMessageCtrlr": {"DisplayMessages": _RO, "SupportedFormats": _RO, "SupportedPriorities": _RO},
    "EVSE": {"AvailabilityState": _RO, "Available": _RO, "Power": _RO, "SupplyPhases": _RO},
    "LocalAuthListCtrlr": {"BytesPerMessage": _RO, "Entries": _RO, "ItemsPerMessage": _RO},
    "MonitoringCtrlr": {
        "BytesPerMessage/SetVariableMonitoring": _RO,
        "ItemsPerMessage/SetVariableMonitoring": _RO,
    },
    "OCPPCommCtrlr": {
        "FileTransferProtocols": _RO,
        "MessageTimeout/Default": _RO,
        "MessageAttemptInterval/TransactionEvent": _RW,
        "MessageAttempts/TransactionEvent": _RW,
        "NetworkConfigurationPriority": _RW,
        "NetworkProfileConnectionAttempts": _RW,
        "OfflineThreshold": _RW,
        "ResetRetries": _RW,
        "UnlockOnEVSideDisconnect": _RO,
    },
    "SampledDataCtrlr": {
        "TxEndedInterval": _RW,
        "TxEndedMeasurands": _RW,
        "TxStartedMeasurands": _RW,
        "TxUpdatedInterval": _RW,
        "TxUpdatedMeasurands": _RW,
    },
    "SecurityCtrlr": {"CertificateEntries": _RO, "OrganizationName": _RW, "SecurityProfile": _RO},
    "SmartChargingCtrlr": {
        "Entries/ChargingProfiles": _RO,
        "LimitChangeSignificance": _RW,
        "PeriodsPerSchedule": _RO,
        "ProfileStackLevel": _RO,
        "RateUnit": _RO,
    },
    "TariffCostCtrlr": {"Currency": _RW, "TariffFallbackMessage": _RW, "TotalCostFallbackMessage": _RW},
    "TxCtrlr": {
        "EVConnectionTimeOut": _RW,
        "StopTxOnEVSideDisconnect": _RW,
        "StopTxOnInvalidId": _RW,
        "TxStartPoint": _RO,
        "TxStopPoint": _RO,
    },
}
"""Part 2, chapter 2: the required variables by component, with a slash before the instance; whether each is writable.

Where the standard leaves it to the station, the variable counts as not writable.
"""

_OF_A_BLOCK: Final = {
    "DisplayMessageCtrlr",
    "LocalAuthListCtrlr",
    "MonitoringCtrlr",
    "SmartChargingCtrlr",
    "TariffCostCtrlr",
}
"""Components that a station has only with the functional block they belong to."""


async def report(
    csms: SimulatedCsms, base: str | None, criteria: Mapping[str, Any] | None = None, *, step: int = 2
) -> list[Received]:
    """Ask for a base report, or (None) one by criteria; all entries of its parts, which come at the next step.

    Raises StepFailed unless the station accepts it and sends parts numbered from 0 without a gap, up to the last.
    """
    number = csms.next_id()
    if base is not None:
        response = await csms.call(step, "GetBaseReport", {"requestId": number, "reportBase": base})
    else:
        response = await csms.call(step, "GetReport", {"requestId": number, **(criteria or {})})
    response.expect("status", "Accepted")
    if response.at("statusInfo") is not ABSENT:
        response.expect("statusInfo.reasonCode", "NoError")
    entries: list[Received] = []
    part = 0
    more = True
    while more:
        message = await csms.take(step + 1, "NotifyReport")
        message.expect("requestId", number)
        message.expect("seqNo", part)
        for index, entry in enumerate(message.at("reportData") if message.at("reportData") is not ABSENT else []):
            entries.append(Received(message.step, f"NotifyReportRequest.reportData[{index}]", entry))
        more = message.at("tbc") is True
        part += 1
    if not entries:
        raise StepFailed(csms.step(step + 1), "a report of something", "an empty report")
    return entries


def actual(entry: Received) -> str | None:
    """The actual value of an entry, where it tells one."""
    for attribute in entry.at("variableAttribute"):
        if attribute.get("type", "Actual") == "Actual":
            value = attribute.get("value")
            return None if value is None else str(value)
    return None


def listed(entry: Received) -> None:
    """Raises StepFailed unless the entry has characteristics, and the list of its values where they have a list."""
    if entry.at("variableCharacteristics") is ABSENT:
        raise StepFailed(entry.step, f"{entry.name}.variableCharacteristics", "no such field")
    values = entry.at("variableCharacteristics.valuesList")
    if entry.at("variableCharacteristics.dataType") in _LISTS and values in (ABSENT, ""):
        raise StepFailed(entry.step, f"{entry.name}.variableCharacteristics.valuesList", "no such field")


def required_variables(csms: SimulatedCsms, entries: Iterable[Received], *, writable: bool) -> None:
    """Raises StepFailed when a variable that the standard requires is missing.

    Of the components of optional blocks, those are looked at that the station has. ``writable``: only those that
    can be set.
    """
    present: dict[str, set[str]] = {}
    for entry in entries:
        instance = entry.at("variable.instance")
        name = entry.at("variable.name") if instance is ABSENT else f"{entry.at('variable.name')}/{instance}"
        present.setdefault(str(entry.at("component.name")), set()).add(name)
    missing = [
        f"{component}.{variable}"
        for component, variables in _REQUIRED.items()
        if component in present or component not in _OF_A_BLOCK
        for variable, can_be_set in variables.items()
        if (can_be_set or not writable) and variable not in present.get(component, set())
    ]
    if missing:
        raise StepFailed(csms.step(3), "all required variables", f"a report without {', '.join(missing)}")
