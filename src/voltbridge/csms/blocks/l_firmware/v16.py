"""Firmware management in the words of 1.6: its own message, and the signed one of the security whitepaper."""

from __future__ import annotations

from typing import Any

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.l_firmware.parameters import PublishOrder, UpdateOrder
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.csms.commands.kinds import Answer, Unsupported, answered
from voltbridge.domain.firmware import FirmwareStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = [
    "firmware_status_notification",
    "publish_request",
    "signed_firmware_status_notification",
    "unpublish_request",
    "update_answer",
    "update_request",
]

_ACCEPTED = frozenset({"Accepted", "AcceptedCanceled"})


def update_request(order: UpdateOrder) -> Payload:
    """UpdateFirmware (5.19), or SignedUpdateFirmware (whitepaper L01) where there is a signature."""
    if order.signature is not None and order.signing_certificate is not None:
        return v16.SignedUpdateFirmwareRequest(
            request_id=order.request_id,
            retries=optional(order.retries),
            retry_interval=optional(order.retry_interval_s),
            firmware=v16.FirmwareType(
                location=order.location,
                retrieve_date_time=DateTime.of(order.retrieve_at),
                install_date_time=optional(None if order.install_at is None else DateTime.of(order.install_at)),
                signing_certificate=order.signing_certificate,
                signature=order.signature,
            ),
        )
    if order.install_at is not None:
        raise Unsupported(
            "the UpdateFirmware of OCPP 1.6 has no time of installation; leave install_at out, or sign it"
        )
    return v16.UpdateFirmwareRequest(
        location=order.location,
        retrieve_date=DateTime.of(order.retrieve_at),
        retries=optional(order.retries),
        retry_interval=optional(order.retry_interval_s),
    )


def update_answer(response: Any) -> Answer:
    """The plain message is answered with nothing but its receipt."""
    if isinstance(response, v16.UpdateFirmwareResponse):
        return Answer(True, "Accepted")
    return answered(response, _ACCEPTED)


def publish_request(order: PublishOrder) -> Payload:
    """1.6 has none."""
    raise Unsupported("OCPP 1.6 knows no local controllers that publish firmware")


def unpublish_request(checksum: str) -> Payload:
    """1.6 has none."""
    raise Unsupported("OCPP 1.6 knows no local controllers that publish firmware")


async def firmware_status_notification(
    service: FirmwareService, live: LiveStation, request: v16.FirmwareStatusNotificationRequest
) -> v16.FirmwareStatusNotificationResponse:
    """4.5. It names no request."""
    await service.told(live, FirmwareStatus(request.status.value), None, request)
    return v16.FirmwareStatusNotificationResponse()


async def signed_firmware_status_notification(
    service: FirmwareService, live: LiveStation, request: v16.SignedFirmwareStatusNotificationRequest
) -> v16.SignedFirmwareStatusNotificationResponse:
    """L01 of the security whitepaper."""
    await service.told(live, FirmwareStatus(request.status.value), given(request.request_id), request)
    return v16.SignedFirmwareStatusNotificationResponse()
