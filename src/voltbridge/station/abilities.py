"""What the station is able to do, as its variables tell it: that for which it has handlers and hardware."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.device_model import DeviceModel
from voltbridge.station.dispatch import ROUTES

__all__ = ["provide_abilities"]

_AVAILABLE: Final = {
    "DisplayMessageCtrlr.Available": "SetDisplayMessage",
    "LocalAuthListCtrlr.Available": "SendLocalList",
    "MonitoringCtrlr.Available": "SetVariableMonitoring",
    "ReservationCtrlr.Available": "ReserveNow",
    "SmartChargingCtrlr.Available": "SetChargingProfile",
}

_FEATURE_PROFILES: Final = {
    "FirmwareManagement": "UpdateFirmware",
    "LocalAuthListManagement": "SendLocalList",
    "Reservation": "ReserveNow",
    "SmartCharging": "SetChargingProfile",
    "RemoteTrigger": "TriggerMessage",
}


def provide_abilities(model: DeviceModel, configuration: StationConfiguration, version: Callable[[], Version]) -> None:
    """Let the variables tell it. ``version``: the one spoken now, or last."""
    lacks = configuration.lacks
    for name, action in _AVAILABLE.items():
        model.provide(name, partial(_routed, lacks, action))
    for instance in ("Cost", "Tariff"):
        model.provide(f"TariffCostCtrlr.Available[{instance}]", lambda: _prices(lacks, version()))
        model.limit_to(f"TariffCostCtrlr.Enabled[{instance}]", lambda: _prices(lacks, version()) == "true")
    model.provide("OCPP16Ctrlr.SupportedFeatureProfiles", partial(_feature_profiles, lacks))
    if not any(evse.signed_meter for evse in configuration.evses):
        model.add_check("TxCtrlr.TxStartPoint", _without_signatures)


def _routed(lacks: frozenset[str], action: str) -> str:
    return "true" if action not in lacks and any(route.action == action for route in ROUTES) else "false"


def _prices(lacks: frozenset[str], version: Version) -> str:
    """Whether the station takes tariffs to calculate with or, in a version without, prices to show to drivers."""
    return _routed(lacks, "SetDefaultTariff" if "SetDefaultTariff" in actions(version) else "CostUpdated")


def _feature_profiles(lacks: frozenset[str]) -> str:
    """1.6: the profiles of which the station takes the messages."""
    own = {route.action for route in ROUTES if route.version is Version.V16} - lacks
    return ",".join(["Core", *(profile for profile, action in _FEATURE_PROFILES.items() if action in own)])


def _without_signatures(value: str) -> str | None:
    """A transaction that waits for signed values of a meter that does not sign would never start."""
    return "no meter of this station signs" if "DataSigned" in value.split(",") else None
