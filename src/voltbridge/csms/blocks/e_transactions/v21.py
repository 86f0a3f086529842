"""Transactions in the words of 2.1: TransactionEvent, as 2.0.1 for what is taken from it here."""

from __future__ import annotations

from msgspec import UNSET

from voltbridge.csms.blocks.c_authorization.v21 import id_token_info
from voltbridge.csms.blocks.e_transactions.requests import GetTransactionStatus, SetMaxEnergyOnInvalidId
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.e_transactions.v201 import update_of
from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.i_tariff_and_cost.v21 import other_messages, updated_message
from voltbridge.csms.blocks.i_tariff_and_cost.v201 import total_cost
from voltbridge.csms.commands.kinds import Answer, Context, Prepared
from voltbridge.domain.stations import LiveStation
from voltbridge.protocol import v21

__all__ = ["get_transaction_status", "set_max_energy_on_invalid_id", "transaction_event"]


async def transaction_event(
    service: TransactionService, live: LiveStation, request: v21.TransactionEventRequest
) -> v21.TransactionEventResponse:
    """E01 to E17. The answer tells of the token exactly when the event carries one (E01.FR.12)."""
    outcome = await service.apply(live, update_of(live.station_id, request))
    info = id_token_info(outcome.authorization) if outcome.authorization else UNSET
    return v21.TransactionEventResponse(
        id_token_info=info,
        total_cost=total_cost(outcome.cost),
        updated_personal_message=updated_message(outcome.cost),
        updated_personal_message_extra=other_messages(outcome.cost),
    )


def get_transaction_status(wanted: GetTransactionStatus, context: Context) -> Prepared:
    """E14."""
    request = v21.GetTransactionStatusRequest(transaction_id=optional(wanted.transaction_id))
    return Prepared(request, _transaction_status)


def set_max_energy_on_invalid_id(wanted: SetMaxEnergyOnInvalidId, context: Context) -> Prepared:
    """The variable of the same name (E05.FR.02)."""
    return Prepared(
        v21.SetVariablesRequest(
            set_variable_data=[
                v21.SetVariableDataType(
                    attribute_value=str(wanted.energy_wh),
                    component=v21.ComponentType(name="TxCtrlr"),
                    variable=v21.VariableType(name="MaxEnergyOnInvalidId"),
                )
            ]
        ),
        _variable_answer,
    )


def _transaction_status(response: v21.GetTransactionStatusResponse) -> Answer:
    """The answer has no status: being one is enough."""
    info = {"ongoing": given(response.ongoing_indicator), "messages_in_queue": response.messages_in_queue}
    return Answer(True, "Accepted", info={name: value for name, value in info.items() if value is not None})


def _variable_answer(response: v21.SetVariablesResponse) -> Answer:
    result = response.set_variable_result[0]
    status = result.attribute_status.value
    told = given(result.attribute_status_info)
    return Answer(status in ("Accepted", "RebootRequired"), status, told.reason_code if told else None)
