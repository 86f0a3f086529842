"""Transactions in the words of 1.6: StartTransaction, MeterValues and StopTransaction."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from voltbridge.domain.tokens import AuthorizationStatus, IdToken
from voltbridge.domain.transactions import TransactionPhase
from voltbridge.protocol import v16
from voltbridge.protocol.datetimes import DateTime
from voltbridge.protocol.structs import Payload
from voltbridge.station.answers import Acknowledged, Answer, Authorization, TransactionAnswer
from voltbridge.station.blocks.j_meter_values.v16 import meter_values
from voltbridge.station.facts import TransactionFact
from voltbridge.station.speaker import Speaker
from voltbridge.station.words import given, moment

__all__ = ["authorization_of", "transaction_action", "transaction_answer", "transaction_request"]

_REASONS: Final = {reason.value: reason for reason in v16.Reason}
_UNKNOWN_TRANSACTION: Final = -1
"""What the CSMS hears in all that follows a start that it never answered, and so gave no number (errata 3.18)."""


def transaction_action(fact: TransactionFact) -> str:
    """The start is told when the driver is known; 1.6 has no transactions without one."""
    if fact.phase is TransactionPhase.ENDED:
        return "StopTransaction"
    return "StartTransaction" if fact.authorizes else "MeterValues"


def transaction_request(fact: TransactionFact, speaker: Speaker) -> Payload | None:
    """4.8, 4.10, 4.7. Nothing is said of changes that 1.6 tells as the state of the connector."""
    match transaction_action(fact):
        case "StartTransaction":
            if fact.key in speaker.transaction_numbers:
                return None  # another driver took over: 1.6 has no words for that
            return _start(fact, speaker)
        case "StopTransaction":
            if not fact.authorized:
                return None  # never started in the words of 1.6
            return _stop(fact, speaker)
    if not fact.meter or not fact.authorized:
        return None
    return v16.MeterValuesRequest(
        connector_id=speaker.configuration.number_of(fact.evse_id, fact.connector_id),
        transaction_id=speaker.transaction_numbers.get(fact.key, _UNKNOWN_TRANSACTION),
        meter_value=meter_values(fact.meter),
    )


def _start(fact: TransactionFact, speaker: Speaker) -> v16.StartTransactionRequest:
    token = fact.id_token or IdToken("")
    return v16.StartTransactionRequest(
        connector_id=speaker.configuration.number_of(fact.evse_id, fact.connector_id),
        id_tag=token.id_token[:20],
        meter_start=round(fact.register_wh or 0),
        reservation_id=UNSET if fact.reservation_id is None else fact.reservation_id,
        timestamp=DateTime.of(fact.at),
    )


def _stop(fact: TransactionFact, speaker: Speaker) -> v16.StopTransactionRequest:
    return v16.StopTransactionRequest(
        id_tag=fact.id_token.id_token[:20] if fact.id_token else UNSET,
        meter_stop=round(fact.register_wh or 0),
        timestamp=DateTime.of(fact.at),
        transaction_id=speaker.transaction_numbers.get(fact.key, _UNKNOWN_TRANSACTION),
        reason=_REASONS.get(fact.reason or "Local", v16.Reason.OTHER),
        transaction_data=meter_values(fact.meter) or UNSET,
    )


def authorization_of(info: v16.IdTagInfo) -> Authorization:
    """What 1.6 says of a token."""
    parent = given(info.parent_id_tag)
    return Authorization(
        AuthorizationStatus(info.status.value), moment(info.expiry_date), IdToken(parent) if parent else None
    )


def transaction_answer(response: Payload, fact: TransactionFact, speaker: Speaker) -> Answer:
    """The number of the transaction is noted here, so that whatever follows in the queue has it."""
    if isinstance(response, v16.StartTransactionResponse):
        speaker.note_number(fact.key, response.transaction_id)
        return TransactionAnswer(authorization_of(response.id_tag_info), response.transaction_id)
    if isinstance(response, v16.StopTransactionResponse):
        number = speaker.transaction_numbers.get(fact.key)
        speaker.forget_number(fact.key)
        info = given(response.id_tag_info)
        return TransactionAnswer(authorization_of(info) if info else None, number)
    return Acknowledged()
