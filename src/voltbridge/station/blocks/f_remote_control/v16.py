"""Remote control in the words of 1.6."""

from __future__ import annotations

from typing import Final

from voltbridge.domain.tokens import IdToken
from voltbridge.protocol import v16
from voltbridge.station.answers import Registration
from voltbridge.station.blocks.f_remote_control.service import TriggerStatus, UnlockStatus
from voltbridge.station.blocks.k_smart_charging.v16 import take_start_profile
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import given

__all__ = [
    "extended_trigger_message",
    "remote_start_transaction",
    "remote_stop_transaction",
    "trigger_message",
    "unlock_connector",
]

_UNLOCK: Final = {
    UnlockStatus.UNLOCKED: v16.UnlockStatus.UNLOCKED,
    UnlockStatus.UNLOCK_FAILED: v16.UnlockStatus.UNLOCK_FAILED,
}
_NAMES: Final = {"SignChargePointCertificate": "SignChargingStationCertificate"}


async def remote_start_transaction(
    services: Services, handling: Handling, request: v16.RemoteStartTransactionRequest
) -> v16.RemoteStartTransactionResponse:
    """5.11: no connector named means one of the station's choice."""
    rejected = v16.RemoteStartTransactionResponse(status=v16.RemoteStartStopStatus.REJECTED)
    if services.context.outbox.registration is not Registration.ACCEPTED:
        return rejected
    number = given(request.connector_id)
    place = services.context.configuration.connector_at(number) if number is not None else (0, 0)
    if place is None or number == 0:
        return rejected
    token = IdToken(request.id_tag, "ISO14443")
    session = services.transactions.remote_target(place[0], token, None, place[1])
    if session is None:
        return rejected
    profile = given(request.charging_profile)
    if profile is not None and not take_start_profile(services, session.evse_id, profile, token):
        return rejected
    if not session.plugged and place[1]:
        session.connector_id = place[1]
    handling.after_answer(services.transactions.remote_start(session, token, None, None))
    return v16.RemoteStartTransactionResponse(status=v16.RemoteStartStopStatus.ACCEPTED)


async def remote_stop_transaction(
    services: Services, handling: Handling, request: v16.RemoteStopTransactionRequest
) -> v16.RemoteStopTransactionResponse:
    """5.12."""
    key = services.speaker.key_of(request.transaction_id)
    stop = services.transactions.remote_stop(key) if key is not None else None
    if stop is None or services.context.outbox.registration is not Registration.ACCEPTED:
        return v16.RemoteStopTransactionResponse(status=v16.RemoteStartStopStatus.REJECTED)

    async def do() -> None:
        stop()

    handling.after_answer(do())
    return v16.RemoteStopTransactionResponse(status=v16.RemoteStartStopStatus.ACCEPTED)


async def unlock_connector(
    services: Services, handling: Handling, request: v16.UnlockConnectorRequest
) -> v16.UnlockConnectorResponse:
    """5.18: a running transaction is ended first."""
    place = services.context.configuration.connector_at(request.connector_id)
    if place is None or place == (0, 0):
        return v16.UnlockConnectorResponse(status=v16.UnlockStatus.NOT_SUPPORTED)
    session = services.transactions.session(place[0])
    if session.transaction is not None and session.connector_id == place[1]:
        await services.transactions.end_for_unlock(place[0])
    status = await services.remote_control.unlock(*place)
    return v16.UnlockConnectorResponse(status=_UNLOCK.get(status, v16.UnlockStatus.NOT_SUPPORTED))


async def trigger_message(
    services: Services, handling: Handling, request: v16.TriggerMessageRequest
) -> v16.TriggerMessageResponse:
    """5.17."""
    message = request.requested_message.value
    if message == "FirmwareStatusNotification":
        _firmware(services, handling, signed=False)
        return v16.TriggerMessageResponse(status=v16.TriggerMessageStatus.ACCEPTED)
    status = _trigger(services, handling, message, given(request.connector_id))
    return v16.TriggerMessageResponse(status=v16.TriggerMessageStatus(status.value))


async def extended_trigger_message(
    services: Services, handling: Handling, request: v16.ExtendedTriggerMessageRequest
) -> v16.ExtendedTriggerMessageResponse:
    """Security whitepaper 5: as TriggerMessage, with two messages more."""
    message = request.requested_message.value
    if message == "FirmwareStatusNotification":  # 6.16: here it means the signed one
        _firmware(services, handling, signed=True)
        return v16.ExtendedTriggerMessageResponse(status=v16.TriggerMessageStatusEnumType.ACCEPTED)
    status = _trigger(services, handling, _NAMES.get(message, message), given(request.connector_id))
    return v16.ExtendedTriggerMessageResponse(status=v16.TriggerMessageStatusEnumType(status.value))


def _firmware(services: Services, handling: Handling, *, signed: bool) -> None:
    async def tell() -> None:
        services.firmware.trigger(own_message=signed)

    handling.after_answer(tell())


def _trigger(services: Services, handling: Handling, message: str, number: int | None) -> TriggerStatus:
    place = services.context.configuration.connector_at(number) if number is not None else None
    if number is not None and place is None:
        return TriggerStatus.REJECTED
    evse_id, connector_id = place if place is not None else (None, None)
    if message == "MeterValues" and evse_id and services.transactions.running(evse_id):
        session = services.transactions.session(evse_id)

        async def tell() -> None:
            session.course.tell_now("Trigger")

        handling.after_answer(tell())
        return TriggerStatus.ACCEPTED
    status = services.remote_control.can_trigger(message, evse_id, connector_id, boot_again=True)
    if status is TriggerStatus.ACCEPTED:
        handling.after_answer(services.remote_control.trigger(message, evse_id, connector_id or None))
    return status
