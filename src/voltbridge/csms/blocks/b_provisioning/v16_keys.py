"""The standard configuration keys of 1.6, each with the variable of the device model that means the same.

Keys come from 1.6 edition 2 (9, errata 3.83 and 3.90), the security whitepaper (7) and the paper on plug
and charge. Where 2.x has no such variable, one of the same component is named here. Every other key is a vendor's
own and becomes a variable of the component ``VendorCtrlr`` under its own name, so that no key is ever lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    Component,
    DataType,
    Mutability,
    Variable,
)

__all__ = ["KEYS", "VENDOR_COMPONENT", "ConfigurationKey", "attribute_of", "key_of"]

VENDOR_COMPONENT: Final = "VendorCtrlr"
"""Holds the keys that no specification knows."""

_READ_ONLY: Final = Mutability.READ_ONLY
_READ_WRITE: Final = Mutability.READ_WRITE
_BOOLEAN, _INTEGER, _STRING, _LIST = DataType.BOOLEAN, DataType.INTEGER, DataType.STRING, DataType.MEMBER_LIST


@dataclass(frozen=True, slots=True)
class ConfigurationKey:
    """A standard key: what it is called in the device model, and what it holds."""

    name: str
    variable: Variable
    characteristics: Characteristics
    mutability: Mutability


def _key(
    name: str,
    path: str,
    data_type: DataType,
    unit: str | None = None,
    mutability: Mutability = _READ_WRITE,
    min_limit: float | None = None,
    max_limit: float | None = None,
) -> ConfigurationKey:
    """``path`` is component.variable or component.variable[instance]."""
    component, _, rest = path.partition(".")
    variable, _, instance = rest.rstrip("]").partition("[")
    if data_type is _INTEGER and min_limit is None:
        min_limit = 0
    return ConfigurationKey(
        name,
        Variable(Component(component), variable, instance or None),
        Characteristics(data_type, unit, min_limit, max_limit, supports_monitoring=False),
        mutability,
    )


_TABLE: Final = (
    # Core (9.1)
    _key("AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled", _BOOLEAN),
    _key("AuthorizationCacheEnabled", "AuthCacheCtrlr.Enabled", _BOOLEAN),
    _key("AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart", _BOOLEAN),
    _key("BlinkRepeat", "ChargingStation.BlinkRepeat", _INTEGER),
    _key("ClockAlignedDataInterval", "AlignedDataCtrlr.Interval", _INTEGER, "s"),
    _key("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", _INTEGER, "s"),
    _key("ConnectorPhaseRotation", "ChargingStation.PhaseRotation", _LIST),
    _key("ConnectorPhaseRotationMaxLength", "ChargingStation.MaxEntries[PhaseRotation]", _INTEGER, None, _READ_ONLY),
    _key("GetConfigurationMaxKeys", "DeviceDataCtrlr.ItemsPerMessage[GetVariables]", _INTEGER, None, _READ_ONLY),
    _key("HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval", _INTEGER, "s"),
    _key("LightIntensity", "ChargingStation.LightIntensity", _INTEGER, "Percent", _READ_WRITE, 0, 100),
    _key("LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline", _BOOLEAN),
    _key("LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize", _BOOLEAN),
    _key("MaxEnergyOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId", _INTEGER, "Wh"),
    _key("MessageTimeout", "OCPPCommCtrlr.MessageTimeout[Default]", _INTEGER, "s"),
    _key("MeterValuesAlignedData", "AlignedDataCtrlr.Measurands", _LIST),
    _key("MeterValuesAlignedDataMaxLength", "AlignedDataCtrlr.MaxEntries[Measurands]", _INTEGER, None, _READ_ONLY),
    _key("MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands", _LIST),
    _key(
        "MeterValuesSampledDataMaxLength",
        "SampledDataCtrlr.MaxEntries[TxUpdatedMeasurands]",
        _INTEGER,
        None,
        _READ_ONLY,
    ),
    _key("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval", _INTEGER, "s"),
    _key("MinimumStatusDuration", "ChargingStation.MinimumStatusDuration", _INTEGER, "s"),
    _key("NumberOfConnectors", "ChargingStation.NumberOfConnectors", _INTEGER, None, _READ_ONLY),
    _key("ResetRetries", "OCPPCommCtrlr.ResetRetries", _INTEGER),
    _key("StopTransactionOnEVSideDisconnect", "TxCtrlr.StopTxOnEVSideDisconnect", _BOOLEAN),
    _key("StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId", _BOOLEAN),
    _key("StopTxnAlignedData", "AlignedDataCtrlr.TxEndedMeasurands", _LIST),
    _key("StopTxnAlignedDataMaxLength", "AlignedDataCtrlr.MaxEntries[TxEndedMeasurands]", _INTEGER, None, _READ_ONLY),
    _key("StopTxnSampledData", "SampledDataCtrlr.TxEndedMeasurands", _LIST),
    _key("StopTxnSampledDataMaxLength", "SampledDataCtrlr.MaxEntries[TxEndedMeasurands]", _INTEGER, None, _READ_ONLY),
    _key("SupportedFeatureProfiles", "OCPPCommCtrlr.SupportedFeatureProfiles", _LIST, None, _READ_ONLY),
    _key(
        "SupportedFeatureProfilesMaxLength",
        "OCPPCommCtrlr.MaxEntries[SupportedFeatureProfiles]",
        _INTEGER,
        None,
        _READ_ONLY,
    ),
    _key("SupportedFileTransferProtocols", "OCPPCommCtrlr.FileTransferProtocols", _LIST, None, _READ_ONLY),
    _key("TransactionMessageAttempts", "OCPPCommCtrlr.MessageAttempts[TransactionEvent]", _INTEGER),
    _key("TransactionMessageRetryInterval", "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", _INTEGER, "s"),
    _key("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr.UnlockOnEVSideDisconnect", _BOOLEAN),
    _key("WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval", _INTEGER, "s"),
    # Local authorization list (9.2)
    _key("LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled", _BOOLEAN),
    _key("LocalAuthListMaxLength", "LocalAuthListCtrlr.MaxEntries", _INTEGER, None, _READ_ONLY),
    _key("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage", _INTEGER, None, _READ_ONLY),
    # Reservation (9.3)
    _key("ReserveConnectorZeroSupported", "ReservationCtrlr.NonEvseSpecific", _BOOLEAN, None, _READ_ONLY),
    # Smart charging (9.4)
    _key("ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel", _INTEGER, None, _READ_ONLY),
    _key("ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr.RateUnit", _LIST, None, _READ_ONLY),
    _key("ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule", _INTEGER, None, _READ_ONLY),
    _key("ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr.Phases3to1", _BOOLEAN, None, _READ_ONLY),
    _key("MaxChargingProfilesInstalled", "SmartChargingCtrlr.MaxEntries[ChargingProfiles]", _INTEGER, None, _READ_ONLY),
    # Security whitepaper (7)
    _key("AdditionalRootCertificateCheck", "SecurityCtrlr.AdditionalRootCertificateCheck", _BOOLEAN, None, _READ_ONLY),
    _key("AuthorizationKey", "SecurityCtrlr.BasicAuthPassword", _STRING, None, Mutability.WRITE_ONLY, None, 40),
    _key("CertificateSignedMaxChainSize", "SecurityCtrlr.MaxCertificateChainSize", _INTEGER, None, _READ_ONLY),
    _key("CertificateStoreMaxLength", "SecurityCtrlr.MaxEntries[Certificates]", _INTEGER, None, _READ_ONLY),
    _key("CpoName", "SecurityCtrlr.OrganizationName", _STRING),
    _key("SecurityProfile", "SecurityCtrlr.SecurityProfile", _INTEGER, None, _READ_WRITE, 0, 3),
    # Plug and charge
    _key("CentralContractValidationAllowed", "ISO15118Ctrlr.CentralContractValidationAllowed", _BOOLEAN),
    _key("CertSigningRepeatTimes", "SecurityCtrlr.CertSigningRepeatTimes", _INTEGER),
    _key("CertSigningWaitMinimum", "SecurityCtrlr.CertSigningWaitMinimum", _INTEGER, "s"),
    _key("ContractValidationOffline", "ISO15118Ctrlr.ContractValidationOffline", _BOOLEAN),
    _key("ISO15118PnCEnabled", "ISO15118Ctrlr.PnCEnabled", _BOOLEAN),
)

KEYS: Final[Mapping[str, ConfigurationKey]] = MappingProxyType({key.name.casefold(): key for key in _TABLE})
"""By the key's name in lower case: keys have no case."""

_BY_VARIABLE: Final = {key.variable.key: key for key in _TABLE}


def attribute_of(key: str) -> tuple[Attribute, ConfigurationKey | None]:
    """What a key is in the device model; the second value for standard keys."""
    standard = KEYS.get(key.casefold())
    if standard is not None:
        return Attribute(standard.variable), standard
    return Attribute(Variable(Component(VENDOR_COMPONENT), key)), None


def key_of(attribute: Attribute) -> str | None:
    """The key that is this attribute, None when there cannot be one."""
    if attribute.type is not AttributeType.ACTUAL:
        return None
    variable = attribute.variable
    standard = _BY_VARIABLE.get(variable.key)
    if standard is not None:
        return standard.name
    if Variable(Component(VENDOR_COMPONENT), variable.name).key != variable.key:
        return None
    return variable.name
