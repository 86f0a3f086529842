"""Features that a station may lack, and the requests of the CSMS that belong to each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["FEATURES"]

FEATURES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "ChangeAvailability": frozenset({"ChangeAvailability"}),
        "ClearCache": frozenset({"ClearCache"}),
        "CostUpdated": frozenset({"CostUpdated"}),
        "CustomerInformation": frozenset({"CustomerInformation"}),
        "DataTransfer": frozenset({"DataTransfer"}),
        "DisplayMessage": frozenset({"ClearDisplayMessage", "GetDisplayMessages", "SetDisplayMessage"}),
        "FirmwareManagement": frozenset({"GetDiagnostics", "SignedUpdateFirmware", "UpdateFirmware"}),
        "LocalAuthListManagement": frozenset({"GetLocalListVersion", "SendLocalList"}),
        "Logs": frozenset({"GetLog"}),
        "Monitoring": frozenset(
            {
                "ClearVariableMonitoring",
                "GetMonitoringReport",
                "SetMonitoringBase",
                "SetMonitoringLevel",
                "SetVariableMonitoring",
            }
        ),
        "NetworkProfiles": frozenset({"SetNetworkProfile"}),
        "RemoteTrigger": frozenset({"ExtendedTriggerMessage", "TriggerMessage"}),
        "Reservation": frozenset({"CancelReservation", "ReserveNow"}),
        "SmartCharging": frozenset(
            {"ClearChargingProfile", "GetChargingProfiles", "GetCompositeSchedule", "SetChargingProfile"}
        ),
        "TransactionStatus": frozenset({"GetTransactionStatus"}),
        "UnlockConnector": frozenset({"UnlockConnector"}),
    }
)
"""By name."""
