"""P01 and CustomData: what belongs to other vendors."""

from __future__ import annotations

from typing import Any, Final

from voltbridge.conformance.failure import NotApplicable
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.profiles import charging_profile, set_profile

__all__: list[str] = []

_DURATION_S: Final = 300
_VENDOR: Final = "org.openchargealliance.octt"
_CUSTOM: Final[dict[str, Any]] = {"vendorId": _VENDOR, "octtTest": "voltbridge"}


@station_case("TC_P_01_CS")
async def unknown(csms: SimulatedCsms) -> None:
    """A DataTransferRequest of a vendor the station does not know."""
    request = {"vendorId": _VENDOR, "messageId": csms.configuration.data_transfer_message_id}
    response = await csms.call(2, "DataTransfer", request)
    response.expect("status", "UnknownVendorId", "UnknownMessageId", "Rejected")


@station_case("TC_P_03_CS")
async def custom_data(csms: SimulatedCsms) -> None:
    """Requests with customData are as good as those without."""
    threshold: dict[str, Any] = {
        "component": {"name": "OCPPCommCtrlr", "customData": _CUSTOM},
        "variable": {"name": "OfflineThreshold", "customData": _CUSTOM},
        "attributeType": "Actual",
        "customData": _CUSTOM,
    }
    before = await csms.value("OCPPCommCtrlr", "OfflineThreshold")
    if before is not None:
        csms.changed["OCPPCommCtrlr", "OfflineThreshold", "", None] = before
    request = {"setVariableData": [{**threshold, "attributeValue": "200"}], "customData": _CUSTOM}
    response = await csms.call(2, "SetVariables", request)
    response.expect("setVariableResult.0.attributeStatus", "Accepted")
    response = await csms.call(4, "GetVariables", {"getVariableData": [threshold], "customData": _CUSTOM})
    response.expect("getVariableResult.0.attributeStatus", "Accepted")
    response.expect("getVariableResult.0.attributeType", "Actual", ABSENT)
    response.expect("getVariableResult.0.attributeValue", "200")


@station_case("TC_P_04_CS")
async def custom_data_in_profile(csms: SimulatedCsms) -> None:
    """A charging profile with customData is as good as one without."""
    if await csms.value("SmartChargingCtrlr", "Enabled") is None:
        raise NotApplicable("the station has no smart charging")
    profile = charging_profile(csms, duration=_DURATION_S, customData=_CUSTOM)
    (schedule,) = profile["chargingSchedule"]
    (period,) = schedule["chargingSchedulePeriod"]
    period |= {"limit": 6.0 if schedule["chargingRateUnit"] == "A" else 6000.0, "customData": _CUSTOM}
    await set_profile(csms, 2, csms.evse_id, profile)
