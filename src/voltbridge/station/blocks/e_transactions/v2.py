"""Transactions in the words of 2.0.1 and 2.1."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from voltbridge.domain.tokens import AuthorizationStatus
from voltbridge.protocol.codec import decode, encode
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Authorization, TransactionAnswer
from voltbridge.station.blocks.j_meter_values.v2 import meter_values
from voltbridge.station.context import Handling
from voltbridge.station.facts import TransactionFact
from voltbridge.station.services import Services
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, id_token_of, messages, moment, optional, words_of_token

__all__ = ["authorization_of", "get_transaction_status", "transaction_answer", "transaction_request"]


def transaction_request(words: Any, fact: TransactionFact, speaker: Speaker) -> Payload:
    """E01 to E12."""
    del speaker
    has_place = fact.connector_id > 0 and fact.evse_id > 0
    request: Payload = words.TransactionEventRequest(
        event_type=words.TransactionEventEnumType(fact.phase.value),
        timestamp=DateTime.of(fact.at),
        trigger_reason=words.TriggerReasonEnumType(_known(words.TriggerReasonEnumType, fact.trigger)),
        seq_no=fact.sequence,
        offline=fact.offline or UNSET,
        number_of_phases_used=optional(fact.number_of_phases),
        cable_max_current=optional(fact.cable_max_current_a),
        reservation_id=optional(fact.reservation_id),
        transaction_info=words.TransactionType(
            **_of_21(words, fact),
            transaction_id=fact.key,
            charging_state=words.ChargingStateEnumType(fact.charging_state) if fact.charging_state else UNSET,
            time_spent_charging=optional(fact.time_spent_charging_s),
            stopped_reason=words.ReasonEnumType(_reason(words.ReasonEnumType, fact.reason)) if fact.reason else UNSET,
            remote_start_id=optional(fact.remote_start_id),
        ),
        evse=words.EVSEType(id=fact.evse_id, connector_id=fact.connector_id) if has_place else UNSET,
        id_token=words_of_token(words, fact.id_token) if fact.id_token else UNSET,
        meter_value=meter_values(words, fact.meter) or UNSET,
    )
    return request


def _of_21(words: Any, fact: TransactionFact) -> dict[str, Any]:
    """What 2.0.1 has no field for."""
    limit = fact.extra.get("transactionLimit")
    if limit is None or not hasattr(words, "TransactionLimitType"):
        return {}
    return {"transaction_limit": decode(words.TransactionLimitType, msgspec.json.encode(limit))}


def _known(names: Any, trigger: str) -> str:
    """2.0.1 has no word for a transaction that goes on after a restart; that its state is told anew says as much."""
    return trigger if trigger in {name.value for name in names} else "ChargingStateChanged"


def _reason(names: Any, reason: str) -> str:
    """1.6 alone tells soft and hard resets and unlocking apart."""
    if reason in {name.value for name in names}:
        return reason
    return {"SoftReset": "ImmediateReset", "HardReset": "ImmediateReset", "UnlockCommand": "Remote"}.get(
        reason, "Other"
    )


def authorization_of(info: Any) -> Authorization:
    """What 2.x says of a token."""
    group, message = given(info.group_id_token), given(info.personal_message)
    return Authorization(
        AuthorizationStatus(info.status.value),
        moment(info.cache_expiry_date_time),
        id_token_of(group) if group else None,
        given(info.charging_priority) or 0,
        tuple(given(info.evse_id) or ()),
        given(info.language1),
        message.content if message else None,
    )


def transaction_answer(response: Any, fact: TransactionFact, speaker: Speaker) -> TransactionAnswer:
    """What the CSMS says of the token, the costs and the priority."""
    del fact, speaker
    info = given(response.id_token_info)
    message = given(response.updated_personal_message)
    return TransactionAnswer(
        authorization_of(info) if info else None,
        None,
        given(response.total_cost),
        given(response.charging_priority),
        _json(message) if message else None,
        {"transactionLimit": _json(limit)} if (limit := given(getattr(response, "transaction_limit", UNSET))) else None,
    )


def _json(value: Payload) -> Any:
    return msgspec.json.decode(encode(value))


async def get_transaction_status(services: Services, handling: Handling, request: Any) -> Payload:
    """E14."""
    words = messages(handling.version)
    key = given(request.transaction_id)
    response: Payload = words.GetTransactionStatusResponse(
        ongoing_indicator=UNSET if key is None else services.transactions.find(key) is not None,
        messages_in_queue=services.context.outbox.transactions_queued(key),
    )
    return response
