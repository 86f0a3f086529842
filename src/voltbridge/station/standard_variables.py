"""The variables every station has, with the values it has when nobody has set any.

Names, types and limits are those of OCPP 2.0.1 and 2.1 (Part 2, Referenced Components and Variables; Appendices). What
1.6 knows and 2.x does not has a variable of the same name in the component ``OCPP16Ctrlr``; what the maker of a charge
controller adds is in ``BackendCtrlr``. 1.6 keys (``keys_v16``) are views onto all of these.
"""

from __future__ import annotations

from typing import Final

from voltbridge.domain.device_model import DataType
from voltbridge.station.definitions import Definition, Scope, define
from voltbridge.station.transfers import SCHEMES

__all__ = ["MEASURANDS", "STANDARD_VARIABLES", "TX_LIMITS", "TX_POINTS"]

_BOOLEAN, _INTEGER, _DECIMAL = DataType.BOOLEAN, DataType.INTEGER, DataType.DECIMAL
_STRING, _OPTION, _MEMBERS, _SEQUENCE = (
    DataType.STRING,
    DataType.OPTION_LIST,
    DataType.MEMBER_LIST,
    DataType.SEQUENCE_LIST,
)
_DATE_TIME = DataType.DATE_TIME
_LARGEST: Final = 2**31 - 1
_DAY: Final = 86_400

MEASURANDS: Final = (
    "Current.Export",
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Export.Interval",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Interval",
    "Energy.Active.Import.Register",
    "Energy.Active.Net",
    "Energy.Reactive.Export.Interval",
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Interval",
    "Energy.Reactive.Import.Register",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Factor",
    "Power.Offered",
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "RPM",
    "SoC",
    "Temperature",
    "Voltage",
)
"""What this engine can sample."""

TX_POINTS: Final = (
    "ParkingBayOccupancy",
    "EVConnected",
    "Authorized",
    "PowerPathClosed",
    "EnergyTransfer",
    "DataSigned",
)
"""When a transaction starts and stops (2.0.1 Part 2, E)."""

TX_LIMITS: Final = ("maxEnergy", "maxCost", "maxTime", "maxSoC")
"""What a transaction can be limited by (2.1 E16)."""

_TX_STOP_POINTS: Final = TX_POINTS[:5]
_REGISTER: Final = "Energy.Active.Import.Register"
_STATES: Final = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")


def _flag(name: str, default: bool, *, writable: bool = True, reboot: bool = False) -> Definition:
    return define(name, _BOOLEAN, "true" if default else "false", writable=writable, reboot=reboot)


def _number(
    name: str,
    default: int,
    low: int = 0,
    high: int | None = _LARGEST,
    *,
    writable: bool = True,
    unit: str | None = None,
    reboot: bool = False,
) -> Definition:
    return define(name, _INTEGER, str(default), writable=writable, unit=unit, low=low, high=high, reboot=reboot)


def _measurands(name: str, default: str = _REGISTER) -> Definition:
    return define(name, _MEMBERS, default, writable=True, values=MEASURANDS, high=1000, max_elements=len(MEASURANDS))


_STATION: Final = (
    define("ChargingStation.AvailabilityState", _OPTION, "Available", values=_STATES),
    _flag("ChargingStation.Available", True, writable=False),
    define("ChargingStation.SupplyPhases", _INTEGER, "3", low=0, high=3),
    define("ChargingStation.Model", _STRING, high=50),
    define("ChargingStation.VendorName", _STRING, high=50),
    define("ChargingStation.SerialNumber", _STRING, high=50),
    define("ChargingStation.FirmwareVersion", _STRING, high=50),
    _flag("ChargingStation.Problem", False, writable=False),
    _flag("ChargingStation.AllowNewSessionsPendingFirmwareUpdate", False),
    define("EVSE.AvailabilityState", _OPTION, "Available", values=_STATES, scope=Scope.EVSE),
    define("EVSE.Available", _BOOLEAN, "true", scope=Scope.EVSE),
    define("EVSE.AllowReset", _BOOLEAN, "true", scope=Scope.EVSE),
    define("EVSE.Power", _DECIMAL, "0", unit="W", low=0, scope=Scope.EVSE, target=True),
    define("EVSE.SupplyPhases", _INTEGER, "3", low=0, high=3, scope=Scope.EVSE),
    define("EVSE.Problem", _BOOLEAN, "false", scope=Scope.EVSE),
    define("EVSE.ISO15118EvseId", _STRING, "", writable=True, high=38, scope=Scope.EVSE),
    define("Connector.AvailabilityState", _OPTION, "Available", values=_STATES, scope=Scope.CONNECTOR),
    define("Connector.Available", _BOOLEAN, "true", scope=Scope.CONNECTOR),
    define("Connector.ConnectorType", _STRING, "sType2", high=20, scope=Scope.CONNECTOR),
    define("Connector.SupplyPhases", _INTEGER, "3", low=0, high=3, scope=Scope.CONNECTOR),
    define("Connector.Problem", _BOOLEAN, "false", scope=Scope.CONNECTOR),
)

_METERING: Final = (
    _flag("AlignedDataCtrlr.Available", True, writable=False),
    _flag("AlignedDataCtrlr.Enabled", True),
    _number("AlignedDataCtrlr.Interval", 0, 0, _DAY, unit="s"),
    _measurands("AlignedDataCtrlr.Measurands"),
    _flag("AlignedDataCtrlr.SendDuringIdle", False),
    _flag("AlignedDataCtrlr.SignReadings", False),
    _flag("AlignedDataCtrlr.SignUpdatedReadings", True),
    _number("AlignedDataCtrlr.TxEndedInterval", 0, 0, _DAY, unit="s"),
    _measurands("AlignedDataCtrlr.TxEndedMeasurands", ""),
    _flag("SampledDataCtrlr.Available", True, writable=False),
    _flag("SampledDataCtrlr.Enabled", True),
    _flag("SampledDataCtrlr.SignReadings", False),
    _flag("SampledDataCtrlr.SignStartedReadings", True),
    _flag("SampledDataCtrlr.SignUpdatedReadings", True),
    _number("SampledDataCtrlr.TxEndedInterval", 0, 0, _DAY, unit="s"),
    _measurands("SampledDataCtrlr.TxEndedMeasurands"),
    _measurands("SampledDataCtrlr.TxStartedMeasurands"),
    _number("SampledDataCtrlr.TxUpdatedInterval", 60, 0, _DAY, unit="s"),
    _measurands("SampledDataCtrlr.TxUpdatedMeasurands"),
    _flag("SampledDataCtrlr.RegisterValuesWithoutPhases", False),
    define("FiscalMetering.PublicKey", _STRING, high=2500, scope=Scope.EVSE),
)

_AUTHORIZATION: Final = (
    _flag("AuthCtrlr.Enabled", True),
    _number("AuthCtrlr.AdditionalInfoItemsPerMessage", 4, writable=False),
    _flag("AuthCtrlr.AuthorizeRemoteStart", False),
    _flag("AuthCtrlr.LocalAuthorizeOffline", True),
    _flag("AuthCtrlr.LocalPreAuthorize", False),
    define("AuthCtrlr.MasterPassGroupId", _STRING, "", writable=True, high=36),
    _flag("AuthCtrlr.OfflineTxForUnknownIdEnabled", False),
    _flag("AuthCtrlr.DisableRemoteAuthorization", False),
    _flag("AuthCacheCtrlr.Available", True, writable=False),
    _flag("AuthCacheCtrlr.Enabled", True),
    _number("AuthCacheCtrlr.LifeTime", 0, unit="s"),
    define("AuthCacheCtrlr.Policy", _OPTION, "LRU", values=("LRU", "LFU", "FIFO", "CUSTOM")),
    define("AuthCacheCtrlr.Storage", _INTEGER, "0", unit="B", low=0, high=1_048_576),
    _flag("AuthCacheCtrlr.DisablePostAuthorize", False),
    _flag("LocalAuthListCtrlr.Available", True, writable=False),
    _flag("LocalAuthListCtrlr.Enabled", True),
    define("LocalAuthListCtrlr.Entries", _INTEGER, "0", low=0, high=10_000),
    _number("LocalAuthListCtrlr.ItemsPerMessage", 500, writable=False),
    _number("LocalAuthListCtrlr.BytesPerMessage", 524_288, writable=False, unit="B"),
    define("LocalAuthListCtrlr.Storage", _INTEGER, "0", unit="B", low=0, high=4_194_304),
    _flag("LocalAuthListCtrlr.DisablePostAuthorize", False),
    _flag("LocalAuthListCtrlr.SupportsExpiryDateTime", True, writable=False),
)

_TRANSACTIONS: Final = (
    _number("TxCtrlr.EVConnectionTimeOut", 60, 0, _DAY, unit="s"),
    _number("TxCtrlr.MaxEnergyOnInvalidId", 0, unit="Wh"),
    _flag("TxCtrlr.StopTxOnEVSideDisconnect", True),
    _flag("TxCtrlr.StopTxOnInvalidId", True),
    _flag("TxCtrlr.TxBeforeAcceptedEnabled", False),
    define("TxCtrlr.TxStartPoint", _MEMBERS, "PowerPathClosed", writable=True, values=TX_POINTS, high=100),
    define("TxCtrlr.TxStopPoint", _MEMBERS, "EVConnected,Authorized", writable=True, values=_TX_STOP_POINTS, high=100),
    _number("TxCtrlr.ResumptionTimeout", 0, 0, _DAY, unit="s"),
    _flag("TxCtrlr.AllowEnergyTransferResumption", True),
    _number("TxCtrlr.EnergyTransferResumptionRandomRange", 0, 0, _DAY, unit="s"),
    define("TxCtrlr.SupportedLimits", _MEMBERS, "maxEnergy,maxCost,maxTime,maxSoC", values=TX_LIMITS),
    define("TxCtrlr.ChargingTime", _DECIMAL, "0", unit="s", low=0),
)

_COMMUNICATION: Final = (
    define("OCPPCommCtrlr.ActiveNetworkProfile", _INTEGER, "1"),
    define(
        "OCPPCommCtrlr.FileTransferProtocols",
        _MEMBERS,
        ",".join(scheme.upper() for scheme in SCHEMES),
        values=("HTTP", "HTTPS", "FTP", "FTPS", "SFTP"),
    ),
    _number("OCPPCommCtrlr.HeartbeatInterval", 300, 1, _DAY * 7, unit="s"),
    _number("OCPPCommCtrlr.MessageTimeout[Default]", 30, 1, 3600, unit="s", writable=False),
    _number("OCPPCommCtrlr.MessageAttempts[TransactionEvent]", 5, 0, 1_000_000),
    _number("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", 10, 0, _DAY, unit="s"),
    define(
        "OCPPCommCtrlr.NetworkConfigurationPriority",
        _SEQUENCE,
        "1",
        writable=True,
        values=("1", "2", "3"),
        high=50,
        reboot=True,
        min_length=1,
    ),
    _number("OCPPCommCtrlr.NetworkProfileConnectionAttempts", 3, 1, 1000),
    _number("OCPPCommCtrlr.OfflineThreshold", 60, 0, _DAY * 7, unit="s"),
    define(
        "OCPPCommCtrlr.PublicKeyWithSignedMeterValue",
        _OPTION,
        "Never",
        writable=True,
        values=("Never", "OncePerTransaction", "EveryMeterValue"),
    ),
    _flag("OCPPCommCtrlr.QueueAllMessages", False),
    _number("OCPPCommCtrlr.ResetRetries", 3, 0, 100),
    _number("OCPPCommCtrlr.RetryBackOffRandomRange", 10, 0, 3600, unit="s"),
    _number("OCPPCommCtrlr.RetryBackOffRepeatTimes", 5, 0, 20),
    _number("OCPPCommCtrlr.RetryBackOffWaitMinimum", 10, 0, 3600, unit="s"),
    _flag("OCPPCommCtrlr.UnlockOnEVSideDisconnect", True),
    _number("OCPPCommCtrlr.WebSocketPingInterval", 60, 0, _DAY, unit="s"),
    define("ClockCtrlr.DateTime", _DATE_TIME),
    define(
        "ClockCtrlr.TimeSource", _SEQUENCE, "Heartbeat", writable=True, values=("Heartbeat", "RealTimeClock"), high=100
    ),
    define("ClockCtrlr.TimeOffset", _STRING, "+00:00", writable=True, high=6),
    define("ClockCtrlr.TimeZone", _STRING, "", writable=True, high=50),
    _number("ClockCtrlr.TimeAdjustmentReportingThreshold", 20, 0, _DAY, unit="s"),
    _number("DeviceDataCtrlr.BytesPerMessage[GetReport]", 65_536, writable=False, unit="B"),
    _number("DeviceDataCtrlr.BytesPerMessage[GetVariables]", 65_536, writable=False, unit="B"),
    _number("DeviceDataCtrlr.BytesPerMessage[SetVariables]", 65_536, writable=False, unit="B"),
    _number("DeviceDataCtrlr.ItemsPerMessage[GetReport]", 50, writable=False),
    _number("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", 50, writable=False),
    _number("DeviceDataCtrlr.ItemsPerMessage[SetVariables]", 50, writable=False),
    _number("DeviceDataCtrlr.ConfigurationValueSize", 1000, writable=False),
    _number("DeviceDataCtrlr.ReportingValueSize", 2500, writable=False),
)

_SECURITY: Final = (
    define("SecurityCtrlr.BasicAuthPassword", _STRING, write_only=True, high=40, min_length=16),
    define("SecurityCtrlr.Identity", _STRING, "", high=48),
    define("SecurityCtrlr.OrganizationName", _STRING, "Voltbridge", writable=True, high=64, min_length=1),
    define("SecurityCtrlr.SecurityProfile", _INTEGER, "0", low=0, high=3),
    define("SecurityCtrlr.CertificateEntries", _INTEGER, "0", low=0, high=100),
    _number("SecurityCtrlr.MaxCertificateChainSize", 10_000, writable=False),
    _flag("SecurityCtrlr.AdditionalRootCertificateCheck", False, writable=False),
    _number("SecurityCtrlr.CertSigningRepeatTimes", 3, 0, 100),
    _number("SecurityCtrlr.CertSigningWaitMinimum", 60, 1, _DAY, unit="s"),
)

_OTHERS: Final = (
    _flag("SmartChargingCtrlr.Available", True, writable=False),
    _flag("SmartChargingCtrlr.Enabled", True),
    _flag("SmartChargingCtrlr.ACPhaseSwitchingSupported", False, writable=False),
    define("SmartChargingCtrlr.Entries[ChargingProfiles]", _INTEGER, "0", low=0, high=100),
    _flag("SmartChargingCtrlr.ExternalControlSignalsEnabled", True),
    define("SmartChargingCtrlr.LimitChangeSignificance", _DECIMAL, "1", writable=True, unit="Percent", low=0, high=100),
    _flag("SmartChargingCtrlr.NotifyChargingLimitWithSchedules", True),
    _number("SmartChargingCtrlr.PeriodsPerSchedule", 1024, writable=False),
    _flag("SmartChargingCtrlr.Phases3to1", False, writable=False),
    _number("SmartChargingCtrlr.ProfileStackLevel", 10, writable=False),
    define("SmartChargingCtrlr.RateUnit", _MEMBERS, "A,W", values=("A", "W")),
    _flag("ReservationCtrlr.Available", True, writable=False),
    _flag("ReservationCtrlr.Enabled", True),
    _flag("ReservationCtrlr.NonEvseSpecific", True, writable=False),
    _flag("MonitoringCtrlr.Available", True, writable=False),
    _flag("MonitoringCtrlr.Enabled", True),
    _number("MonitoringCtrlr.BytesPerMessage[SetVariableMonitoring]", 65_536, writable=False, unit="B"),
    _number("MonitoringCtrlr.BytesPerMessage[ClearVariableMonitoring]", 65_536, writable=False, unit="B"),
    _number("MonitoringCtrlr.ItemsPerMessage[SetVariableMonitoring]", 50, writable=False),
    _number("MonitoringCtrlr.ItemsPerMessage[ClearVariableMonitoring]", 50, writable=False),
    _number("MonitoringCtrlr.OfflineQueuingSeverity", 4, 0, 9),
    define("MonitoringCtrlr.ActiveMonitoringBase", _OPTION, "All", values=("All", "FactoryDefault", "HardWiredOnly")),
    define("MonitoringCtrlr.ActiveMonitoringLevel", _INTEGER, "9", low=0, high=9),
    _flag("DisplayMessageCtrlr.Available", True, writable=False),
    _flag("DisplayMessageCtrlr.Enabled", True),
    define("DisplayMessageCtrlr.DisplayMessages", _INTEGER, "0", low=0, high=50),
    _number("DisplayMessageCtrlr.PersonalMessageSize", 512, writable=False),
    define("DisplayMessageCtrlr.SupportedFormats", _MEMBERS, "ASCII,UTF8", values=("ASCII", "HTML", "URI", "UTF8")),
    define(
        "DisplayMessageCtrlr.SupportedPriorities",
        _MEMBERS,
        "AlwaysFront,InFront,NormalCycle",
        values=("AlwaysFront", "InFront", "NormalCycle"),
    ),
    define(
        "DisplayMessageCtrlr.SupportedStates",
        _MEMBERS,
        "Charging,Faulted,Idle,Suspended,Unavailable",
        values=("Charging", "Faulted", "Idle", "Suspended", "Unavailable"),
    ),
    _flag("TariffCostCtrlr.Available[Tariff]", True, writable=False),
    _flag("TariffCostCtrlr.Available[Cost]", True, writable=False),
    _flag("TariffCostCtrlr.Enabled[Tariff]", True),
    _flag("TariffCostCtrlr.Enabled[Cost]", True),
    define("TariffCostCtrlr.Currency", _STRING, "EUR", writable=True, high=3, min_length=3),
    define("TariffCostCtrlr.TariffFallbackMessage", _STRING, "", writable=True, high=255),
    define("TariffCostCtrlr.TotalCostFallbackMessage", _STRING, "", writable=True, high=255),
)

_OF_16: Final = (
    define("OCPP16Ctrlr.ConnectorPhaseRotation", _STRING, "", writable=True, high=500),
    _number("OCPP16Ctrlr.MinimumStatusDuration", 0, 0, 3600, unit="s"),
    _measurands("OCPP16Ctrlr.StartTxnSampledData", ""),
    define("OCPP16Ctrlr.SupportedFeatureProfiles", _STRING, "Core", high=500),
    define("OCPP16Ctrlr.CpoName", _STRING, "", writable=True, high=255),
    define("OCPP16Ctrlr.NetworkConnectionProfile1", _STRING, "", writable=True, high=512),
    define("OCPP16Ctrlr.NetworkConnectionProfile2", _STRING, "", writable=True, high=512),
    _number("OCPP16Ctrlr.NetworkProfileConnectionTimeoutSec", 0, 0, _DAY, unit="s"),
)

_BACKEND: Final = (
    define("BackendCtrlr.ConnectionType", _OPTION, "Ethernet", writable=True, values=("Ethernet", "GSM", "NoBackend")),
    define("BackendCtrlr.InterfaceInUse", _OPTION, "Wired0", values=("None", "Wired0", "Wireless0")),
    define(
        "BackendCtrlr.StatusNotificationStrategy",
        _OPTION,
        "OccupiedOnPlugged",
        writable=True,
        values=("OccupiedOnPlugged", "OccupiedOnCharging"),
    ),
    define("BackendCtrlr.WebSocketsProxy", _STRING, "", writable=True, high=255, reboot=True),
    define(
        "BackendCtrlr.ConnectionStrictness",
        _OPTION,
        "only-secure-cyphers",
        writable=True,
        values=("only-secure-cyphers", "all-cyphers"),
        reboot=True,
    ),
    define(
        "BackendCtrlr.SslStrictness", _OPTION, "Normal", writable=True, values=("Normal", "SkipHostCheck"), reboot=True
    ),
    _flag("BackendCtrlr.ForceHeartbeat", False),
    _number("BackendCtrlr.TcpWatchdogTimeout", 0, 0, _DAY * 7, unit="s"),
    _number("BackendCtrlr.BackendConnectionTimeout", 60, 3, 300, unit="s"),
    _flag("BackendCtrlr.DisallowChargingIfQueueFull", False),
    _number("BackendCtrlr.QueueCapacity", 10_000, 1, 1_000_000),
    _flag("BackendCtrlr.DisplayBackendDisconnectAsError", False),
    _flag("BackendCtrlr.SendInformativeStatusNotifications", False),
    _flag("BackendCtrlr.SendErrorStatusNotifications", True),
    _flag("BackendCtrlr.SendUsbErrorStatusNotifications", False),
    _flag("BackendCtrlr.SendStatusForWebuiLogin", False),
    _flag("BackendCtrlr.UnavailableAtFirmwareUpdateBegin", False),
    define(
        "BackendCtrlr.ForceConnectorState", _OPTION, "None", writable=True, values=("None", "Available", "Unavailable")
    ),
    _flag("BackendCtrlr.AllowLongGetConfigurationKeys", False),
    _flag("BackendCtrlr.IntegerValuesForBooleans", False),
    _number("BackendCtrlr.EichrechtTransactionMessageAttempts", 0, 0, 1_000_000),
    _flag("BackendCtrlr.DataTransferForTariffAndTotalUsage", False),
    _flag("BackendCtrlr.RetransmitMeterValues", True),
)

STANDARD_VARIABLES: Final[tuple[Definition, ...]] = (
    *_STATION,
    *_METERING,
    *_AUTHORIZATION,
    *_TRANSACTIONS,
    *_COMMUNICATION,
    *_SECURITY,
    *_OTHERS,
    *_OF_16,
    *_BACKEND,
)
"""In the order in which reports tell them."""
