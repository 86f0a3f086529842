"""Provisioning in the words of 1.6."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.domain.device_model import WriteStatus
from voltbridge.protocol import v16
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.station.answers import Acknowledged, Registered, Registration
from voltbridge.station.blocks.b_provisioning.reset import Reset, ResetKind, Resets, ResetStatus
from voltbridge.station.context import Handling
from voltbridge.station.facts import BootFact, HeartbeatFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given

__all__ = [
    "boot_answer",
    "boot_request",
    "change_configuration",
    "get_configuration",
    "heartbeat_answer",
    "heartbeat_request",
    "reset",
]

_MOST_KEYS: Final = 100
_STATUSES: Final = {
    WriteStatus.ACCEPTED: v16.ConfigurationStatus.ACCEPTED,
    WriteStatus.REBOOT_REQUIRED: v16.ConfigurationStatus.REBOOT_REQUIRED,
}


def boot_request(fact: BootFact, speaker: Speaker) -> v16.BootNotificationRequest:
    """1.6 tells no reason."""
    del fact
    station = speaker.configuration
    return v16.BootNotificationRequest(
        charge_point_vendor=station.vendor[:20],
        charge_point_model=station.model[:20],
        charge_point_serial_number=station.serial_number[:25] or UNSET,
        firmware_version=station.firmware_version[:50] or UNSET,
        iccid=station.iccid[:20] or UNSET,
        imsi=station.imsi[:20] or UNSET,
        meter_type=station.meter_type[:25] or UNSET,
        meter_serial_number=station.meter_serial_number[:25] or UNSET,
    )


def boot_answer(response: v16.BootNotificationResponse, fact: BootFact, speaker: Speaker) -> Registered:
    """The status has the same names in all versions."""
    del fact, speaker
    return Registered(Registration(response.status.value), response.current_time.moment, response.interval)


def heartbeat_request(fact: HeartbeatFact, speaker: Speaker) -> v16.HeartbeatRequest:
    """Without content."""
    del fact, speaker
    return v16.HeartbeatRequest()


def heartbeat_answer(response: v16.HeartbeatResponse, fact: HeartbeatFact, speaker: Speaker) -> Acknowledged:
    """The CSMS's clock."""
    del fact, speaker
    return Acknowledged(response.current_time.moment)


async def get_configuration(
    services: Services, handling: Handling, request: v16.GetConfigurationRequest
) -> v16.GetConfigurationResponse:
    """5.8: all keys when none is named; unknown ones apart."""
    del handling
    names = given(request.key) or []
    if len(names) > _MOST_KEYS:
        raise OcppError(ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION, f"at most {_MOST_KEYS} keys are taken")
    values, unknown = services.variables.read_keys(names)
    return v16.GetConfigurationResponse(
        configuration_key=[
            v16.KeyValue(key=key.name, readonly=key.read_only, value=UNSET if key.value is None else key.value)
            for key in values
        ]
        or UNSET,
        unknown_key=unknown or UNSET,
    )


async def change_configuration(
    services: Services, handling: Handling, request: v16.ChangeConfigurationRequest
) -> v16.ChangeConfigurationResponse:
    """5.3. NotSupported: there is no such key."""
    del handling
    if request.key.casefold() == "securityprofile":
        written = await services.networks.set_security_profile(request.value)
    else:
        found = await services.variables.write_key(request.key, request.value)
        if found is None:
            return v16.ChangeConfigurationResponse(status=v16.ConfigurationStatus.NOT_SUPPORTED)
        written = found
    return v16.ChangeConfigurationResponse(
        status=_STATUSES.get(written.status, v16.ConfigurationStatus.REJECTED),
    )


async def reset(services: Services, handling: Handling, request: v16.ResetRequest) -> v16.ResetResponse:
    """5.14: the restart begins once the answer has left."""
    resets: Resets = services.resets
    wanted = Reset(ResetKind(request.type.value))
    status = resets.decide(wanted)
    if status is ResetStatus.REJECTED:
        return v16.ResetResponse(status=v16.ResetStatus.REJECTED)
    handling.after_answer(resets.perform(wanted))
    return v16.ResetResponse(status=v16.ResetStatus.ACCEPTED)
