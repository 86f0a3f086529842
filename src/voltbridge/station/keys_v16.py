"""The configuration keys of 1.6, as views onto the variables of the device model.

A key is one variable, or several that 1.6 does not tell apart (its sample interval serves running and ended
transactions), or something that never changes. Names compare without regard to case (1.6 CiString). Keys: 1.6 edition
2, chapter 9; security whitepaper edition 3, chapter 7; Signed Meter Values in OCPP, 3.3; the network profiles of
back-ported URL migration; and those of a charge controller's own (``BackendCtrlr``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from voltbridge.domain.device_model import Attribute, DataType, Mutability, WriteStatus
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.device_model import DeviceModel, Written, parse_name
from voltbridge.station.measurands import without_phases

__all__ = ["KEYS", "KeyDefinition", "KeyValue", "keys_of", "read_key", "write_key"]

_LONGEST_VALUE: Final = 500


def _same(value: str) -> str:
    return value


def _all_of_it(value: str, model: DeviceModel) -> str:
    del model
    return value


@dataclass(frozen=True, slots=True)
class KeyDefinition:
    """A key: the variables it shows (the first) and sets (all), or a fixed text, or one told by the configuration."""

    name: str
    variables: tuple[str, ...] = ()
    fixed: str | Callable[[StationConfiguration], str] = ""
    to_key: Callable[[str], str] = _same
    from_key: Callable[[str], str] = _same
    read_only: bool | None = None
    """None: as the variable is."""
    judged: Callable[[str, DeviceModel], str] = _all_of_it
    """What of a value has to fit the variables."""
    form: str = ""
    """A regular expression that values must match, where the variable is less particular."""
    unset: Callable[[StationConfiguration], str] | None = None
    """What is told while nobody has set the variable."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key as GetConfiguration tells it. No value where it cannot be read."""

    name: str
    read_only: bool
    value: str | None


def _rate_units(value: str) -> str:
    names = {"A": "Current", "W": "Power"}
    return ",".join(names[unit] for unit in value.split(",") if unit in names)


def _protocols(value: str) -> str:
    """Errata 3.90 allows no others."""
    return ",".join(name for name in value.split(",") if name in ("FTP", "FTPS", "HTTP", "HTTPS"))


def _profiles_to_key(value: str) -> str:
    return ",".join(f"NetworkConnectionProfile{slot}" for slot in value.split(",") if slot)


def _profiles_from_key(value: str) -> str:
    """A text with blanks is taken by no variable: the slots must be named without any (URL migration, step 3)."""
    if any(character.isspace() for character in value):
        return "blank"
    return ",".join(item.removeprefix("NetworkConnectionProfile") for item in value.split(","))


_ROTATION: Final = r"\d+\.(NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)"


def _rotations(station: StationConfiguration) -> str:
    """9.1.7: nobody has told the order of the phases, where there is more than one."""
    evses = [station.evses[evse_id - 1] for evse_id, _ in station.connectors]
    told = ["NotApplicable" if evse.direct_current or evse.phases == 1 else "Unknown" for evse in evses]
    return ",".join(f"{number}.{rotation}" for number, rotation in enumerate(told, 1))


def _profiles_in_use(value: str, model: DeviceModel) -> str:
    """Without profiles that are empty yet, or empty again, but the first one: it is what the station goes by."""
    first, *others = slots = value.split(",")
    if len(set(slots)) < len(slots):
        return value
    empty = {slot for slot in ("1", "2") if not model.get(f"OCPP16Ctrlr.NetworkConnectionProfile{slot}")}
    return ",".join([first, *(slot for slot in others if slot not in empty)])


def _measurands(name: str, variable: str) -> KeyDefinition:
    return KeyDefinition(name, (variable,), judged=lambda value, _: without_phases(value))


def _key(name: str, *variables: str, read_only: bool | None = None) -> KeyDefinition:
    return KeyDefinition(name, variables, read_only=read_only)


_CORE: Final = (
    _key("AllowOfflineTxForUnknownId", "AuthCtrlr.OfflineTxForUnknownIdEnabled"),
    _key("AuthorizationCacheEnabled", "AuthCacheCtrlr.Enabled"),
    _key("AuthorizeRemoteTxRequests", "AuthCtrlr.AuthorizeRemoteStart"),
    _key("ClockAlignedDataInterval", "AlignedDataCtrlr.Interval", "AlignedDataCtrlr.TxEndedInterval"),
    _key("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut"),
    KeyDefinition(
        "ConnectorPhaseRotation",
        ("OCPP16Ctrlr.ConnectorPhaseRotation",),
        form=rf"{_ROTATION}( *, *{_ROTATION})*",
        unset=_rotations,
    ),
    KeyDefinition("ConnectorPhaseRotationMaxLength", fixed=lambda station: str(len(station.connectors) + 1)),
    KeyDefinition("GetConfigurationMaxKeys", fixed="100"),
    _key("HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval"),
    _key("LocalAuthorizeOffline", "AuthCtrlr.LocalAuthorizeOffline"),
    _key("LocalPreAuthorize", "AuthCtrlr.LocalPreAuthorize"),
    _key("MaxEnergyOnInvalidId", "TxCtrlr.MaxEnergyOnInvalidId"),
    _measurands("MeterValuesAlignedData", "AlignedDataCtrlr.Measurands"),
    KeyDefinition("MeterValuesAlignedDataMaxLength", fixed="20"),
    _measurands("MeterValuesSampledData", "SampledDataCtrlr.TxUpdatedMeasurands"),
    KeyDefinition("MeterValuesSampledDataMaxLength", fixed="20"),
    _key("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval", "SampledDataCtrlr.TxEndedInterval"),
    _key("MinimumStatusDuration", "OCPP16Ctrlr.MinimumStatusDuration"),
    KeyDefinition("NumberOfConnectors", fixed=lambda station: str(len(station.connectors))),
    _key("ResetRetries", "OCPPCommCtrlr.ResetRetries"),
    _key("StopTransactionOnEVSideDisconnect", "TxCtrlr.StopTxOnEVSideDisconnect"),
    _key("StopTransactionOnInvalidId", "TxCtrlr.StopTxOnInvalidId"),
    _measurands("StopTxnAlignedData", "AlignedDataCtrlr.TxEndedMeasurands"),
    KeyDefinition("StopTxnAlignedDataMaxLength", fixed="20"),
    _measurands("StopTxnSampledData", "SampledDataCtrlr.TxEndedMeasurands"),
    KeyDefinition("StopTxnSampledDataMaxLength", fixed="20"),
    _key("SupportedFeatureProfiles", "OCPP16Ctrlr.SupportedFeatureProfiles"),
    KeyDefinition("SupportedFeatureProfilesMaxLength", fixed="6"),
    _key("TransactionMessageAttempts", "OCPPCommCtrlr.MessageAttempts[TransactionEvent]"),
    _key("TransactionMessageRetryInterval", "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]"),
    _key("UnlockConnectorOnEVSideDisconnect", "OCPPCommCtrlr.UnlockOnEVSideDisconnect"),
    _key("WebSocketPingInterval", "OCPPCommCtrlr.WebSocketPingInterval"),
)

_PROFILES: Final = (
    _key("LocalAuthListEnabled", "LocalAuthListCtrlr.Enabled"),
    KeyDefinition("LocalAuthListMaxLength", fixed="10000"),
    _key("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage"),
    _key("ReserveConnectorZeroSupported", "ReservationCtrlr.NonEvseSpecific"),
    _key("ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel"),
    KeyDefinition("ChargingScheduleAllowedChargingRateUnit", ("SmartChargingCtrlr.RateUnit",), to_key=_rate_units),
    _key("ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule"),
    _key("ConnectorSwitch3to1PhaseSupported", "SmartChargingCtrlr.Phases3to1"),
    KeyDefinition("MaxChargingProfilesInstalled", fixed="100"),
)

_SECURITY: Final = (
    _key("AdditionalRootCertificateCheck", "SecurityCtrlr.AdditionalRootCertificateCheck"),
    _key("AuthorizationKey", "SecurityCtrlr.BasicAuthPassword"),
    _key("CertificateSignedMaxChainSize", "SecurityCtrlr.MaxCertificateChainSize"),
    KeyDefinition("CertificateStoreMaxLength", fixed="100"),
    _key("CpoName", "OCPP16Ctrlr.CpoName"),
    _key("SecurityProfile", "SecurityCtrlr.SecurityProfile", read_only=False),
    KeyDefinition("SupportedFileTransferProtocols", ("OCPPCommCtrlr.FileTransferProtocols",), to_key=_protocols),
)

_SIGNED_VALUES: Final = (
    _key("PublicKeyWithSignedMeterValue", "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"),
    _key("SampledDataSignReadings", "SampledDataCtrlr.SignReadings"),
    _measurands("StartTxnSampledData", "OCPP16Ctrlr.StartTxnSampledData"),
    _key("SampledDataSignStartedReadings", "SampledDataCtrlr.SignStartedReadings"),
    _key("SampledDataSignUpdatedReadings", "SampledDataCtrlr.SignUpdatedReadings"),
    _key("AlignedDataSignReadings", "AlignedDataCtrlr.SignReadings"),
    _key("AlignedDataSignUpdatedReadings", "AlignedDataCtrlr.SignUpdatedReadings"),
)

_NETWORK: Final = (
    _key("NetworkConnectionProfile1", "OCPP16Ctrlr.NetworkConnectionProfile1"),
    _key("NetworkConnectionProfile2", "OCPP16Ctrlr.NetworkConnectionProfile2"),
    KeyDefinition(
        "NetworkConfigurationPriority",
        ("OCPPCommCtrlr.NetworkConfigurationPriority",),
        to_key=_profiles_to_key,
        from_key=_profiles_from_key,
        judged=_profiles_in_use,
    ),
    _key("NetworkProfileConnectionTimeoutSec", "OCPP16Ctrlr.NetworkProfileConnectionTimeoutSec"),
)

_BACKEND: Final = tuple(
    _key(name, f"BackendCtrlr.{name}")
    for name in (
        "ConnectionType",
        "InterfaceInUse",
        "WebSocketsProxy",
        "ConnectionStrictness",
        "SslStrictness",
        "ForceHeartbeat",
        "TcpWatchdogTimeout",
        "BackendConnectionTimeout",
        "DisallowChargingIfQueueFull",
        "QueueCapacity",
        "DisplayBackendDisconnectAsError",
        "SendInformativeStatusNotifications",
        "SendErrorStatusNotifications",
        "SendUsbErrorStatusNotifications",
        "SendStatusForWebuiLogin",
        "StatusNotificationStrategy",
        "UnavailableAtFirmwareUpdateBegin",
        "ForceConnectorState",
        "AllowLongGetConfigurationKeys",
        "IntegerValuesForBooleans",
        "EichrechtTransactionMessageAttempts",
        "DataTransferForTariffAndTotalUsage",
        "RetransmitMeterValues",
    )
)

KEYS: Final[Mapping[str, KeyDefinition]] = MappingProxyType(
    {key.name.casefold(): key for key in (*_CORE, *_PROFILES, *_SECURITY, *_SIGNED_VALUES, *_NETWORK, *_BACKEND)}
)
"""By the name in lower case, in the order in which GetConfiguration tells them; stations may lack some."""


def keys_of(model: DeviceModel, configuration: StationConfiguration) -> Mapping[str, KeyDefinition]:
    """The keys of a station: those whose variables it has, and ``MeterPublicKey`` for each connector that has one."""
    meters = [
        _key(f"MeterPublicKey{number}", f"FiscalMetering@{evse_id}.PublicKey")
        for number, (evse_id, _) in enumerate(configuration.connectors, 1)
        if configuration.evses[evse_id - 1].signed_meter
    ]
    known = {name: key for name, key in KEYS.items() if not key.variables or model.has(key.variables[0])}
    return known | {key.name.casefold(): key for key in meters}


def read_key(key: KeyDefinition, model: DeviceModel, configuration: StationConfiguration) -> KeyValue:
    """A key as GetConfiguration tells it: write-only keys without their value, none longer than 1.6 allows (500)."""
    if not key.variables:
        text = key.fixed if isinstance(key.fixed, str) else key.fixed(configuration)
        return KeyValue(key.name, True, text)
    entry = model.find(parse_name(key.variables[0]))
    if entry is None:  # the table names it, so a test finds this before anybody else does
        raise LookupError(key.variables[0])
    mutability = entry.definition.mutability
    read_only = mutability is Mutability.READ_ONLY if key.read_only is None else key.read_only
    if mutability is Mutability.WRITE_ONLY:
        return KeyValue(key.name, False, None)
    value = key.to_key(model.read(Attribute(entry.variable)).value or "")
    if not value and key.unset is not None:
        value = key.unset(configuration)
    if entry.definition.characteristics.data_type is DataType.BOOLEAN and _is_set(model, "IntegerValuesForBooleans"):
        value = "1" if value == "true" else "0"
    if not _is_set(model, "AllowLongGetConfigurationKeys"):
        value = value[:_LONGEST_VALUE]
    return KeyValue(key.name, read_only, value)


def _is_set(model: DeviceModel, name: str) -> bool:
    return model.get(f"BackendCtrlr.{name}") == "true"


def write_key(key: KeyDefinition, value: str, model: DeviceModel) -> Written:
    """Set a key, all its variables or none (ChangeConfiguration)."""
    if not key.variables:
        return Written(WriteStatus.REJECTED, "read-only")
    if key.form and re.fullmatch(key.form, value) is None:
        return Written(WriteStatus.REJECTED, f"must be like {key.form}")
    text = key.from_key(value)
    entry = model.find(parse_name(key.variables[0]))
    if entry is not None and entry.definition.characteristics.data_type is DataType.BOOLEAN:
        text = {"1": "true", "0": "false"}.get(text, text)
    written = Written(WriteStatus.REJECTED, "read-only")
    for name in key.variables:
        # The variables of one key take the same values, so that the first refuses what any would.
        written = model.write(Attribute(parse_name(name)), text, lambda value: key.judged(value, model))
        if not written.status.is_taken:
            break
    return written
