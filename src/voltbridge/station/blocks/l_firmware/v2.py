"""Firmware updates in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.protocol.structs import Payload
from voltbridge.station.attempts import RETRY_INTERVAL_S
from voltbridge.station.blocks.l_firmware.publishing import FirmwareToPublish, Publishing
from voltbridge.station.blocks.l_firmware.service import FirmwareUpdate, UpdateStatus
from voltbridge.station.context import Handling
from voltbridge.station.facts import FirmwareStatusFact, PublishFirmwareStatusFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, messages, moment, optional, status_info

__all__ = [
    "firmware_status_request",
    "publish_firmware",
    "publish_firmware_status_request",
    "unpublish_firmware",
    "update_firmware",
]


def firmware_status_request(words: Any, fact: FirmwareStatusFact, speaker: Speaker) -> Payload:
    """L01."""
    del speaker
    request: Payload = words.FirmwareStatusNotificationRequest(
        status=words.FirmwareStatusEnumType(fact.status), request_id=optional(fact.request_id)
    )
    return request


async def update_firmware(services: Services, handling: Handling, request: Any) -> Payload:
    """L01, L02."""
    words = messages(handling.version)
    firmware = request.firmware
    interval_s = given(request.retry_interval)
    update = FirmwareUpdate(
        location=firmware.location,
        retrieve_at=firmware.retrieve_date_time.moment,
        install_at=moment(firmware.install_date_time),
        request_id=request.request_id,
        certificate=given(firmware.signing_certificate),
        signature=given(firmware.signature),
        retries=given(request.retries) or 0,
        retry_interval_s=RETRY_INTERVAL_S if interval_s is None else interval_s,
    )
    status, why = await services.firmware.request(update)
    if status in (UpdateStatus.ACCEPTED, UpdateStatus.ACCEPTED_CANCELED):
        handling.after_answer(services.firmware.begin())
    code = {
        UpdateStatus.REJECTED: "FwUpdateInProgress",
        UpdateStatus.INVALID_CERTIFICATE: "InvalidCertificate",
        UpdateStatus.REVOKED_CERTIFICATE: "InvalidCertificate",
    }
    response: Payload = words.UpdateFirmwareResponse(
        status=words.UpdateFirmwareStatusEnumType(status.value),
        status_info=status_info(words, code.get(status, ""), why),
    )
    return response


# Publishing


def publish_firmware_status_request(words: Any, fact: PublishFirmwareStatusFact, speaker: Speaker) -> Payload:
    """L03."""
    del speaker
    request: Payload = words.PublishFirmwareStatusNotificationRequest(
        status=words.PublishFirmwareStatusEnumType(fact.status),
        location=list(fact.locations) or UNSET,
        request_id=optional(fact.request_id),
    )
    return request


async def publish_firmware(services: Services, handling: Handling, request: Any) -> Payload:
    """L03."""
    publishing = _publishing(services)
    words = messages(handling.version)
    interval_s = given(request.retry_interval)
    refusal = await publishing.request(
        FirmwareToPublish(
            location=request.location,
            checksum=request.checksum,
            request_id=request.request_id,
            retries=given(request.retries) or 0,
            retry_interval_s=RETRY_INTERVAL_S if interval_s is None else interval_s,
        )
    )
    if not refusal:
        handling.after_answer(publishing.begin())
    response: Payload = words.PublishFirmwareResponse(
        status=words.GenericStatusEnumType("Rejected" if refusal else "Accepted"),
        status_info=status_info(words, "InvalidValue" if refusal else "", refusal),
    )
    return response


async def unpublish_firmware(services: Services, handling: Handling, request: Any) -> Payload:
    """L04."""
    words = messages(handling.version)
    status = await _publishing(services).unpublish(request.checksum)
    response: Payload = words.UnpublishFirmwareResponse(status=words.UnpublishFirmwareStatusEnumType(status.value))
    return response


def _publishing(services: Services) -> Publishing:
    """Raises OcppError."""
    if services.publishing is None:
        raise OcppError(ErrorCode.NOT_SUPPORTED, "this station is no local controller: it publishes no firmware")
    return services.publishing
