"""Firmware updates in the words of 1.6."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.protocol import v16
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.station.attempts import RETRY_INTERVAL_S
from voltbridge.station.blocks.l_firmware.service import FirmwareUpdate, UpdateStatus
from voltbridge.station.context import Handling
from voltbridge.station.facts import FirmwareStatusFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, moment

__all__ = ["firmware_status_action", "firmware_status_request", "signed_update_firmware", "update_firmware"]

_PLAIN: Final = {"InstallVerificationFailed": "InstallationFailed", "InvalidSignature": "InstallationFailed"}
"""Ends of an update that the plain message has no word of their own for."""
_STATUSES: Final = {each.value: each for each in v16.FirmwareStatus}


def firmware_status_action(fact: FirmwareStatusFact) -> str:
    """Signed updates have a message of their own (security whitepaper, L01)."""
    return "SignedFirmwareStatusNotification" if fact.signed else "FirmwareStatusNotification"


def firmware_status_request(fact: FirmwareStatusFact, speaker: Speaker) -> Payload | None:
    """4.5. Steps that the plain message of 1.6 has no word for are not told."""
    del speaker
    if fact.signed:
        return v16.SignedFirmwareStatusNotificationRequest(
            status=v16.FirmwareStatusEnumType(fact.status),
            request_id=UNSET if fact.request_id is None else fact.request_id,
        )
    status = _STATUSES.get(_PLAIN.get(fact.status, fact.status))
    return None if status is None else v16.FirmwareStatusNotificationRequest(status=status)


async def update_firmware(
    services: Services, handling: Handling, request: v16.UpdateFirmwareRequest
) -> v16.UpdateFirmwareResponse:
    """5.19. The answer has no status, so a refusal is a CALLERROR; for a want of signature it is L01.FR.20's."""
    if services.firmware.must_be_signed:
        raise OcppError(ErrorCode.NOT_SUPPORTED, "this station takes signed images only: SignedUpdateFirmware")
    update = FirmwareUpdate(
        location=str(request.location),
        retrieve_at=request.retrieve_date.moment,
        retries=given(request.retries) or 0,
        retry_interval_s=_interval(given(request.retry_interval)),
    )
    status, why = await services.firmware.request(update)
    if status is UpdateStatus.REJECTED:
        raise OcppError(ErrorCode.GENERIC_ERROR, why)
    handling.after_answer(services.firmware.begin())
    return v16.UpdateFirmwareResponse()


async def signed_update_firmware(
    services: Services, handling: Handling, request: v16.SignedUpdateFirmwareRequest
) -> v16.SignedUpdateFirmwareResponse:
    """Security whitepaper L01."""
    firmware = request.firmware
    update = FirmwareUpdate(
        location=firmware.location,
        retrieve_at=firmware.retrieve_date_time.moment,
        install_at=moment(firmware.install_date_time),
        request_id=request.request_id,
        certificate=firmware.signing_certificate,
        signature=firmware.signature,
        retries=given(request.retries) or 0,
        retry_interval_s=_interval(given(request.retry_interval)),
        has_own_message=True,
    )
    status, _ = await services.firmware.request(update)
    if status in (UpdateStatus.ACCEPTED, UpdateStatus.ACCEPTED_CANCELED):
        handling.after_answer(services.firmware.begin())
    return v16.SignedUpdateFirmwareResponse(status=v16.UpdateFirmwareStatusEnumType(status.value))


def _interval(seconds: int | None) -> int:
    return RETRY_INTERVAL_S if seconds is None else seconds
