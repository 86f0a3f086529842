"""Firmware management in the words of 2.0.1 and 2.1, which differ in what a status may tell besides."""

from __future__ import annotations

from typing import Any

from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.l_firmware.parameters import PublishOrder, UpdateOrder
from voltbridge.csms.blocks.l_firmware.publishing import PublishingService
from voltbridge.csms.blocks.l_firmware.service import FirmwareService
from voltbridge.csms.commands.kinds import Answer, answered
from voltbridge.domain.firmware import FirmwareStatus, PublishStatus
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload

__all__ = ["Words", "told_of_publishing", "told_of_update"]

_ACCEPTED = frozenset({"Accepted", "AcceptedCanceled"})


class Words:
    """Makes requests of the message types of one version, which are those of a module of ``protocol``."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages

    def update_request(self, order: UpdateOrder) -> Payload:
        """L01, and L02 without a signature."""
        request: Payload = self._messages.UpdateFirmwareRequest(
            request_id=order.request_id,
            retries=optional(order.retries),
            retry_interval=optional(order.retry_interval_s),
            firmware=self._messages.FirmwareType(
                location=order.location,
                retrieve_date_time=DateTime.of(order.retrieve_at),
                install_date_time=optional(None if order.install_at is None else DateTime.of(order.install_at)),
                signing_certificate=optional(order.signing_certificate),
                signature=optional(order.signature),
            ),
        )
        return request

    def update_answer(self, response: Any) -> Answer:
        """L01.FR.22, L01.FR.24, L01.FR.27."""
        return answered(response, _ACCEPTED)

    def publish_request(self, order: PublishOrder) -> Payload:
        """L03."""
        request: Payload = self._messages.PublishFirmwareRequest(
            location=order.location,
            checksum=order.checksum,
            request_id=order.request_id,
            retries=optional(order.retries),
            retry_interval=optional(order.retry_interval_s),
        )
        return request

    def unpublish_request(self, checksum: str) -> Payload:
        """L04."""
        request: Payload = self._messages.UnpublishFirmwareRequest(checksum=checksum)
        return request


async def told_of_update(service: FirmwareService, live: LiveStation, request: Any) -> None:
    """L01, L02: how far an update is."""
    info = given(getattr(request, "status_info", None))  # 2.0.1 has none
    reason = None if info is None else str(info.reason_code)
    await service.told(live, FirmwareStatus(request.status.value), given(request.request_id), request, reason)


async def told_of_publishing(service: PublishingService, live: LiveStation, request: Any) -> None:
    """L03: how far publishing is."""
    locations = [str(one) for one in given(request.location) or ()]
    await service.told(live, PublishStatus(request.status.value), given(request.request_id), locations, request)
