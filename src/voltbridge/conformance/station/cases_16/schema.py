"""Cases about requests that a charge point of 1.6 cannot accept: the right CALLERROR, in 1.6's spelling (J4.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem

__all__ = ["REQUESTS"]

_AT: Final = "2030-01-01T00:00:00Z"
_URL: Final = "ftp://files.example.com/here"
_PERIOD: Final = {"startPeriod": 0, "limit": 10.0}
_SCHEDULE: Final = {"chargingRateUnit": "A", "chargingSchedulePeriod": [_PERIOD]}
_PROFILE: Final = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": _SCHEDULE,
}
_FIRMWARE: Final = {"location": _URL, "retrieveDateTime": _AT, "signingCertificate": "none", "signature": "none"}

_MISSING: Final = ("OccurenceConstraintViolation", "ProtocolError", "FormationViolation")
_TYPE: Final = ("TypeConstraintViolation", "FormationViolation")
_VALUE: Final = ("PropertyConstraintViolation",)

REQUESTS: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "CancelReservation": ("H", "Reservation", {"reservationId": 1}),
    "ChangeAvailability": ("G", "Core", {"connectorId": 1, "type": "Operative"}),
    "ChangeConfiguration": ("B", "Core", {"key": "HeartbeatInterval", "value": "300"}),
    "ClearChargingProfile": ("K", "SmartCharging", {"chargingProfilePurpose": "TxProfile", "id": 1}),
    "DataTransfer": ("P", "Core", {"vendorId": "com.example"}),
    "ExtendedTriggerMessage": ("F", "Security", {"requestedMessage": "Heartbeat"}),
    "GetCompositeSchedule": ("K", "SmartCharging", {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}),
    "GetDiagnostics": ("N", "FirmwareManagement", {"location": _URL}),
    "GetLog": ("N", "Security", {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": _URL}}),
    "RemoteStartTransaction": ("F", "Core", {"idTag": "04A2", "connectorId": 1}),
    "RemoteStopTransaction": ("F", "Core", {"transactionId": 1}),
    "ReserveNow": (
        "H",
        "Reservation",
        {"connectorId": 1, "expiryDate": _AT, "idTag": "04A2", "reservationId": 1},
    ),
    "Reset": ("B", "Core", {"type": "Soft"}),
    "SendLocalList": ("D", "LocalAuthListManagement", {"listVersion": 1, "updateType": "Full"}),
    "SetChargingProfile": ("K", "SmartCharging", {"connectorId": 1, "csChargingProfiles": _PROFILE}),
    "SignedUpdateFirmware": ("L", "Security", {"requestId": 1, "firmware": _FIRMWARE}),
    "TriggerMessage": ("F", "RemoteTrigger", {"requestedMessage": "Heartbeat"}),
    "UnlockConnector": ("F", "Core", {"connectorId": 1}),
    "UpdateFirmware": ("L", "FirmwareManagement", {"location": _URL, "retrieveDate": _AT}),
}
"""By message: block, profile, a request with its required fields and one that has a list of values."""

_OPTIONAL: Final = {"chargingRateUnit", "chargingProfilePurpose", "id"}
_LISTED: Final = {
    "type",
    "updateType",
    "requestedMessage",
    "logType",
    "chargingRateUnit",
    "chargingProfilePurpose",
    "chargingProfileKind",
}


def _places(value: Mapping[str, Any], way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The ways to every field, inner ones included."""
    found = []
    for name, inner in value.items():
        found.append((*way, name))
        if isinstance(inner, Mapping):
            found += _places(inner, (*way, name))
    return found


def _without(value: Mapping[str, Any], way: tuple[str, ...]) -> dict[str, Any]:
    name, *rest = way
    if not rest:
        return {key: inner for key, inner in value.items() if key != name}
    return {**value, name: _without(value[name], tuple(rest))}


def _with(value: Mapping[str, Any], way: tuple[str, ...], new: object) -> dict[str, Any]:
    name, *rest = way
    return {**value, name: _with(value[name], tuple(rest), new) if rest else new}


def _of_another_type(value: object) -> object:
    return "much" if isinstance(value, int | float | Mapping) else 4711


def _at(value: Mapping[str, Any], way: tuple[str, ...]) -> Any:
    for name in way:
        value = value[name]
    return value


async def _refuses(cs: CentralSystem, action: str, profile: str, request: Mapping[str, Any]) -> None:
    if profile not in ("Core", "Security"):
        await cs.needs_profile(profile)
    for way in _places(request):
        optional = way[-1] in _OPTIONAL and action != "SetChargingProfile"
        if not optional and not (action == "RemoteStartTransaction" and way == ("connectorId",)):
            await cs.refused(f"1: without {'.'.join(way)}", action, _without(request, way), *_MISSING)
        wrong = _with(request, way, _of_another_type(_at(request, way)))
        await cs.refused(f"2: {'.'.join(way)} of another type", action, wrong, *_TYPE)
        if way[-1] in _LISTED:
            wrong = _with(request, way, "Nonsense")
            await cs.refused(f"3: {'.'.join(way)} not in its list", action, wrong, *_VALUE)
    if await cs.key("NumberOfConnectors") != str(len(cs.connectors)):
        raise StepFailed("4", "a charge point that serves as before", "another NumberOfConnectors")


def _register(action: str) -> None:
    block, profile, request = REQUESTS[action]

    async def play(cs: CentralSystem) -> None:
        await _refuses(cs, action, profile, request)

    play.__doc__ = f"{action} that lacks a field, or has one that cannot be, is refused with the right error."
    charge_point_case(f"TC16_{block}_{action}_Schema_CS")(play)


for _action in REQUESTS:
    _register(_action)


@charge_point_case("TC16_B_Unknown_Action_CS")
async def unknown_action(cs: CentralSystem) -> None:
    """An action that there is not: NotImplemented. One that only charge points send: NotSupported."""
    await cs.refused(1, "VoltbridgeNoSuchAction", {}, "NotImplemented")
    await cs.refused(2, "Heartbeat", {}, "NotSupported", "NotImplemented")
    await cs.refused(3, "RequestStartTransaction", {}, "NotImplemented")


@charge_point_case("TC16_B_GetConfiguration_Schema_CS")
async def get_configuration(cs: CentralSystem) -> None:
    """GetConfiguration with keys that cannot be is refused with the right error."""
    await cs.refused(1, "GetConfiguration", {"key": "HeartbeatInterval"}, *_TYPE)
    await cs.refused(2, "GetConfiguration", {"key": [1]}, *_TYPE)
    await cs.refused(3, "GetConfiguration", {"key": ["K" * 51]}, *_VALUE)


@charge_point_case("TC16_B_Lengths_Text_CS")
async def lengths(cs: CentralSystem) -> None:
    """Texts that are longer than their type are refused, those of its length are taken."""
    await cs.refused(1, "ChangeConfiguration", {"key": "K" * 51, "value": "1"}, *_VALUE)
    await cs.refused(2, "ChangeConfiguration", {"key": "K", "value": "1" * 501}, *_VALUE)
    await cs.answered(3, "ChangeConfiguration", {"key": "K" * 50, "value": "1" * 500}, "NotSupported")
    await cs.refused(4, "RemoteStartTransaction", {"idTag": "T" * 21, "connectorId": cs.unknown_connector}, *_VALUE)
    start = {"idTag": "T" * 20, "connectorId": cs.unknown_connector}
    await cs.answered(5, "RemoteStartTransaction", start, "Rejected")
