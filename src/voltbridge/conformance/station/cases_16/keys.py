"""Cases about each configuration key of 1.6 (chapter 9 and its errata) and of the security whitepaper (chapter 7).

Each is there when its feature profile is, is of its type, is read-only or not as the text has it, refuses what it
cannot be, and is kept over a reset. What each of them does is tested with what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem

__all__ = ["KEYS", "Access", "Key"]


class Access(Enum):
    """Who may do what with a key."""

    READ = "R"
    BOTH = "RW"
    EITHER = "R or RW"
    """The choice of the charge point."""


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the chapter."""

    name: str
    access: Access
    form: str
    """What its value looks like, a regular expression."""
    others: tuple[str, ...] = ()
    """Values to be written, the first that it is not already; without any a flag is turned over."""
    bad: tuple[str, ...] = ()
    """Values that no such key may take."""
    required: bool = True
    profile: str = "Core"
    kept: bool = True
    """Over a reset; the interval of heartbeats is told anew by the answer to the boot."""


_FLAG: Final = "(?i:true|false)"
_NUMBER: Final = r"\d+"
_MEASURANDS: Final = (
    "Power.Active.Import",
    "Current.Import",
    "Energy.Active.Import.Register",
    "Voltage",
    "Energy.Active.Import.Register,Power.Active.Import",
)
_LIST: Final = r"|[A-Za-z0-9.]+( *, *[A-Za-z0-9.-]+)*"
_ROTATION: Final = r"\d+\.(NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)"
_PROFILE: Final = "Core|FirmwareManagement|LocalAuthListManagement|Reservation|SmartCharging|RemoteTrigger"


def _flag(name: str, access: Access = Access.BOTH, *, required: bool = True, profile: str = "Core") -> Key:
    return Key(name, access, _FLAG, bad=("perhaps", "2"), required=required, profile=profile)


def _number(name: str, *others: str, access: Access = Access.BOTH, required: bool = True, profile: str = "Core") -> Key:
    return Key(name, access, _NUMBER, others, ("-1", "many"), required=required, profile=profile)


def _fixed(name: str, form: str = _NUMBER, *, required: bool = False, profile: str = "Core") -> Key:
    return Key(name, Access.READ, form, ("1",), required=required, profile=profile)


def _measurands(name: str) -> Key:
    return Key(name, Access.BOTH, _LIST, _MEASURANDS, ("Energy.Active.Import.Register,No.Such.Measurand",))


KEYS: Final = (
    _flag("AllowOfflineTxForUnknownId", required=False),
    _flag("AuthorizationCacheEnabled", required=False),
    _flag("AuthorizeRemoteTxRequests", Access.EITHER),
    _number("BlinkRepeat", "2", "3", required=False),
    _number("ClockAlignedDataInterval", "900", "3600"),
    _number("ConnectionTimeOut", "45", "90"),
    Key(
        "ConnectorPhaseRotation",
        Access.BOTH,
        f"{_ROTATION}( *, *{_ROTATION})*",
        ("1.RST", "1.RTS", "1.NotApplicable"),
        ("1.ABC", "RST"),
    ),
    _fixed("ConnectorPhaseRotationMaxLength"),
    _fixed("GetConfigurationMaxKeys", "[1-9][0-9]*", required=True),
    Key("HeartbeatInterval", Access.BOTH, _NUMBER, ("600", "900"), ("-1", "many"), kept=False),
    _number("LightIntensity", "50", "60", required=False),
    _flag("LocalAuthorizeOffline"),
    _flag("LocalPreAuthorize"),
    _number("MaxEnergyOnInvalidId", "500", "1000", required=False),
    _measurands("MeterValuesAlignedData"),
    _fixed("MeterValuesAlignedDataMaxLength"),
    _measurands("MeterValuesSampledData"),
    _fixed("MeterValuesSampledDataMaxLength"),
    _number("MeterValueSampleInterval", "120", "240"),
    _number("MessageTimeout", "40", "50", required=False),
    _number("MinimumStatusDuration", "2", "3", required=False),
    _fixed("NumberOfConnectors", required=True),
    _number("ResetRetries", "2", "4"),
    _fixed("StopTransactionMaxMeterValues"),
    _flag("StopTransactionOnEVSideDisconnect", Access.EITHER, required=False),
    _flag("StopTransactionOnInvalidId"),
    _measurands("StopTxnAlignedData"),
    _fixed("StopTxnAlignedDataMaxLength"),
    _measurands("StopTxnSampledData"),
    _fixed("StopTxnSampledDataMaxLength"),
    _fixed("SupportedFeatureProfiles", f"({_PROFILE})( *, *({_PROFILE}))*", required=True),
    _fixed("SupportedFeatureProfilesMaxLength"),
    _number("TransactionMessageAttempts", "3", "4"),
    _number("TransactionMessageRetryInterval", "30", "20"),
    _flag("UnlockConnectorOnEVSideDisconnect", Access.EITHER),
    _number("WebSocketPingInterval", "90", "120", required=False),
    _flag("LocalAuthListEnabled", profile="LocalAuthListManagement"),
    _fixed("LocalAuthListMaxLength", required=True, profile="LocalAuthListManagement"),
    _fixed("SendLocalListMaxLength", required=True, profile="LocalAuthListManagement"),
    _fixed("ReserveConnectorZeroSupported", _FLAG, profile="Reservation"),
    _fixed("ChargeProfileMaxStackLevel", required=True, profile="SmartCharging"),
    _fixed(
        "ChargingScheduleAllowedChargingRateUnit",
        "(Current|Power)( *, *(Current|Power))?",
        required=True,
        profile="SmartCharging",
    ),
    _fixed("ChargingScheduleMaxPeriods", required=True, profile="SmartCharging"),
    _fixed("ConnectorSwitch3to1PhaseSupported", _FLAG, profile="SmartCharging"),
    _fixed("MaxChargingProfilesInstalled", required=True, profile="SmartCharging"),
    _fixed(
        "SupportedFileTransferProtocols",
        "(FTPS?|HTTPS?)( *, *(FTPS?|HTTPS?))*",
        profile="FirmwareManagement",
    ),
    _fixed("AdditionalRootCertificateCheck", _FLAG),
    _fixed("CertificateSignedMaxChainSize"),
    _fixed("CertificateStoreMaxLength"),
    Key("CpoName", Access.BOTH, ".*", ("Voltbridge", "Voltbridge Conformance"), required=False),
)
"""Those with a value to be read. AuthorizationKey and SecurityProfile have cases of their own."""


async def _tested(cs: CentralSystem, key: Key) -> None:
    if key.profile != "Core":
        await cs.needs_profile(key.profile)
    told = await _told(cs, 1, key)
    if key.access is Access.READ:
        told.expect("readonly", True)
    elif key.access is Access.BOTH:
        told.expect("readonly", False)
    value = told.at("value")
    if told.at("readonly"):
        await _stays(cs, 2, key, key.others[0] if key.others else _other(value), value)
        return
    for bad in key.bad:
        await _stays(cs, 3, key, bad, value)
    await _written(cs, key, value)


async def _told(cs: CentralSystem, step: int, key: Key) -> Received:
    found = await cs.read_key(step, key.name)
    if found is None and not key.required:
        raise NotApplicable(f"the charge point does not have the optional key {key.name}")
    if found is None or found.at("value") is ABSENT:
        raise StepFailed(cs.step(step), f"a value of {key.name}", "no such key" if found is None else "none")
    if re.fullmatch(key.form, found.at("value")) is None:
        raise StepFailed(cs.step(step), f"a value of {key.name} like {key.form}", found.at("value"))
    return found


async def _stays(cs: CentralSystem, step: int, key: Key, refused: str, value: str) -> None:
    await cs.answered(step, "ChangeConfiguration", {"key": key.name, "value": refused}, "Rejected")
    (await _told(cs, step, key)).expect("value", value)


async def _written(cs: CentralSystem, key: Key, value: str) -> None:
    for other in key.others or (_other(value),):
        if other.casefold() == value.casefold():
            continue
        change = {"key": key.name, "value": other}
        response = await cs.answered(4, "ChangeConfiguration", change, "Accepted", "RebootRequired", "Rejected")
        if response.at("status") != "Rejected":
            break
    else:
        raise StepFailed(cs.step(4), f"one of {', '.join(key.others)} taken for {key.name}", "Rejected each")
    cs.keys_before[key.name] = value
    (await _told(cs, 5, key)).expect("value", *_spellings(other))
    if not key.kept:
        return
    await cs.reboot()
    (await _told(cs, 6, key)).expect("value", *_spellings(other))


def _other(flag: str) -> str:
    return "false" if flag.casefold() == "true" else "true"


def _spellings(value: str) -> tuple[str, ...]:
    return (value, value.capitalize(), value.upper()) if value in ("true", "false") else (value,)


def _register(key: Key) -> None:
    async def play(cs: CentralSystem) -> None:
        await _tested(cs, key)

    play.__doc__ = f"The configuration key {key.name} is as the text has it, and is kept."
    register: Callable[..., object] = charge_point_case(f"TC16_B_Key_{key.name}_CS")
    register(play)


for _key in KEYS:
    _register(_key)
