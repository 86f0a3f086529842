"""Remote control in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Registration
from voltbridge.station.blocks.f_remote_control.service import TriggerStatus
from voltbridge.station.blocks.k_smart_charging.v2 import take_start_profile
from voltbridge.station.context import Handling
from voltbridge.station.services import Services
from voltbridge.station.words import given, id_token_of, messages, status_info

__all__ = ["request_start_transaction", "request_stop_transaction", "trigger_message", "unlock_connector"]


async def request_start_transaction(services: Services, handling: Handling, request: Any) -> Payload:
    """F01, F02."""
    words = messages(handling.version)

    def answer(status: str, code: str = "", transaction_id: Any = UNSET, info: str = "") -> Payload:
        response: Payload = words.RequestStartTransactionResponse(
            status=words.RequestStartStopStatusEnumType(status),
            status_info=status_info(words, code, info),
            transaction_id=transaction_id,
        )
        return response

    if services.context.outbox.registration is not Registration.ACCEPTED:  # B02.FR.05
        return answer("Rejected", "CSNotAccepted")
    evse_id = given(request.evse_id) or 0
    if evse_id and not services.context.configuration.has(evse_id):
        return answer("Rejected", "UnknownEvse")
    token = id_token_of(request.id_token)
    group = id_token_of(request.group_id_token) if given(request.group_id_token) else None
    session = services.transactions.remote_target(evse_id, token, group)
    if session is None:
        busy = services.transactions.running(evse_id)
        return answer(
            "Rejected", "TxInProgress" if busy else "NotEnabled", info=services.transactions.hindrance(evse_id)
        )
    profile = given(request.charging_profile)
    if profile is not None and not take_start_profile(services, session.evse_id, profile, token):
        return answer("Rejected", "InvalidProfile")
    running = session.transaction
    handling.after_answer(services.transactions.remote_start(session, token, group, request.remote_start_id))
    return answer("Accepted", transaction_id=UNSET if running is None else running.key)  # F01.FR.13


async def request_stop_transaction(services: Services, handling: Handling, request: Any) -> Payload:
    """F03."""
    words = messages(handling.version)
    stop = services.transactions.remote_stop(request.transaction_id)
    accepted = stop is not None and services.context.outbox.registration is Registration.ACCEPTED
    if accepted:

        async def do() -> None:
            assert stop is not None
            stop()

        handling.after_answer(do())
    response: Payload = words.RequestStopTransactionResponse(
        status=words.RequestStartStopStatusEnumType("Accepted" if accepted else "Rejected"),
        status_info=status_info(words, "" if accepted else "UnknownTxId"),
    )
    return response


async def unlock_connector(services: Services, handling: Handling, request: Any) -> Payload:
    """F05."""
    words = messages(handling.version)
    status = (await services.remote_control.unlock(request.evse_id, request.connector_id)).value
    fixed = status == "NotSupported"
    response: Payload = words.UnlockConnectorResponse(
        status=words.UnlockStatusEnumType("UnlockFailed" if fixed else status),
        status_info=status_info(words, "FixedCable" if fixed else ""),
    )
    return response


async def trigger_message(services: Services, handling: Handling, request: Any) -> Payload:
    """F06: the message follows the answer."""
    words = messages(handling.version)
    message = str(request.requested_message)
    evse = given(request.evse)
    evse_id, connector_id = (evse.id, given(evse.connector_id)) if evse else (None, None)
    status = services.remote_control.can_trigger(message, evse_id, connector_id)
    if status is TriggerStatus.ACCEPTED:
        handling.after_answer(services.remote_control.trigger(message, evse_id, connector_id))
    response: Payload = words.TriggerMessageResponse(status=words.TriggerMessageStatusEnumType(status.value))
    return response
