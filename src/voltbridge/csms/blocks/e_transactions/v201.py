"""Transactions in the words of 2.0.1: TransactionEvent."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.c_authorization.v201 import id_token_info, id_token_of
from voltbridge.csms.blocks.e_transactions.requests import GetTransactionStatus, SetMaxEnergyOnInvalidId
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.given import given, optional
from voltbridge.csms.blocks.i_tariff_and_cost.v201 import total_cost, updated_message
from voltbridge.csms.blocks.j_meter_values.v201 import meter_values_of
from voltbridge.csms.commands.kinds import Answer, Context, Prepared
from voltbridge.domain.meter_records import whole_milliseconds
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.transactions import StopReason, TransactionPhase, TransactionUpdate
from voltbridge.protocol import v21, v201

__all__ = ["get_transaction_status", "set_max_energy_on_invalid_id", "transaction_event", "update_of"]


async def transaction_event(
    service: TransactionService, live: LiveStation, request: v201.TransactionEventRequest
) -> v201.TransactionEventResponse:
    """E01 to E15. The answer tells of the token exactly when the event carries one (E01.FR.12)."""
    outcome = await service.apply(live, update_of(live.station_id, request))
    info = id_token_info(outcome.authorization) if outcome.authorization else UNSET
    return v201.TransactionEventResponse(
        id_token_info=info,
        total_cost=total_cost(outcome.cost),
        updated_personal_message=updated_message(outcome.cost),
    )


def update_of(
    station_id: str, request: v201.TransactionEventRequest | v21.TransactionEventRequest
) -> TransactionUpdate:
    """What an event says."""
    info, evse, values = request.transaction_info, request.evse, request.meter_value
    return TransactionUpdate(
        station_id=station_id,
        transaction_id=info.transaction_id,
        phase=TransactionPhase(request.event_type.value),
        at=whole_milliseconds(request.timestamp.moment),
        sequence=request.seq_no,
        trigger=request.trigger_reason.value,
        # EVSE 0 is the station as a whole, and no transaction is on that.
        evse_id=None if isinstance(evse, UnsetType) else evse.id or None,
        connector_id=None if isinstance(evse, UnsetType) else given(evse.connector_id),
        id_token=None if isinstance(request.id_token, UnsetType) else id_token_of(request.id_token),
        meter_values=() if isinstance(values, UnsetType) else meter_values_of(values),
        offline=bool(given(request.offline)),
        charging_state=None if isinstance(info.charging_state, UnsetType) else info.charging_state.value,
        stop_reason=None if isinstance(info.stopped_reason, UnsetType) else StopReason(info.stopped_reason.value).value,
        reservation_id=given(request.reservation_id),
        remote_start_id=given(info.remote_start_id),
        time_spent_charging_s=given(info.time_spent_charging),
        number_of_phases_used=given(request.number_of_phases_used),
        cable_max_current_a=given(request.cable_max_current),
    )


def get_transaction_status(wanted: GetTransactionStatus, context: Context) -> Prepared:
    """E14."""
    request = v201.GetTransactionStatusRequest(transaction_id=optional(wanted.transaction_id))
    return Prepared(request, _transaction_status)


def set_max_energy_on_invalid_id(wanted: SetMaxEnergyOnInvalidId, context: Context) -> Prepared:
    """The variable of the same name (E05.FR.02)."""
    return Prepared(
        v201.SetVariablesRequest(
            set_variable_data=[
                v201.SetVariableDataType(
                    attribute_value=str(wanted.energy_wh),
                    component=v201.ComponentType(name="TxCtrlr"),
                    variable=v201.VariableType(name="MaxEnergyOnInvalidId"),
                )
            ]
        ),
        _variable_answer,
    )


def _transaction_status(response: v201.GetTransactionStatusResponse) -> Answer:
    """The answer has no status: being one is enough."""
    info = {"ongoing": given(response.ongoing_indicator), "messages_in_queue": response.messages_in_queue}
    return Answer(True, "Accepted", info={name: value for name, value in info.items() if value is not None})


def _variable_answer(response: v201.SetVariablesResponse) -> Answer:
    result = response.set_variable_result[0]
    status = result.attribute_status.value
    told = given(result.attribute_status_info)
    return Answer(status in ("Accepted", "RebootRequired"), status, told.reason_code if told else None)
