"""Transactions in the words of 1.6: StartTransaction and StopTransaction.

1.6 lets the CSMS number transactions; a connector is an EVSE of its own.
"""

from __future__ import annotations

from math import inf

from msgspec import UNSET, UnsetType

from voltbridge.csms.blocks.c_authorization.v16 import id_tag_info
from voltbridge.csms.blocks.e_transactions.requests import SetMaxEnergyOnInvalidId
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.given import given
from voltbridge.csms.blocks.j_meter_values.v16 import CONNECTOR_ID, meter_values_of, transaction_name
from voltbridge.csms.commands.kinds import Answer, Context, Prepared, answered
from voltbridge.domain.meter_records import whole_milliseconds
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tokens import Authorization, AuthorizationStatus, IdToken
from voltbridge.domain.transactions import StopReason, TransactionPhase, TransactionUpdate
from voltbridge.protocol import v16

__all__ = ["set_max_energy_on_invalid_id", "start_transaction", "stop_transaction", "stop_update"]


async def start_transaction(
    service: TransactionService, live: LiveStation, request: v16.StartTransactionRequest
) -> v16.StartTransactionResponse:
    """1.6 4.8. The answer carries a number and a status, whatever the status is (errata 3.17)."""
    outcome = await service.start(
        live,
        evse_id=request.connector_id,
        connector_id=CONNECTOR_ID,
        id_token=IdToken(request.id_tag),
        at=whole_milliseconds(request.timestamp.moment),
        meter_start_wh=_wh(request.meter_start),
        reservation_id=given(request.reservation_id),
    )
    authorization = outcome.authorization or Authorization(AuthorizationStatus.INVALID)
    return v16.StartTransactionResponse(
        id_tag_info=id_tag_info(authorization), transaction_id=int(outcome.transaction.transaction_id)
    )


async def stop_transaction(
    service: TransactionService, live: LiveStation, request: v16.StopTransactionRequest
) -> v16.StopTransactionResponse:
    """1.6 4.10. A stop cannot be refused; what is said of its token is for the station's cache."""
    _, numbered = transaction_name(request.transaction_id)
    update = stop_update(live.station_id, request)
    outcome = await (service.apply(live, update) if numbered else service.apply_unnumbered(live, update))
    info = id_tag_info(outcome.authorization) if outcome.authorization else UNSET
    return v16.StopTransactionResponse(id_tag_info=info)


def stop_update(station_id: str, request: v16.StopTransactionRequest) -> TransactionUpdate:
    """What a stop says."""
    data = request.transaction_data
    return TransactionUpdate(
        station_id=station_id,
        transaction_id=transaction_name(request.transaction_id)[0],
        phase=TransactionPhase.ENDED,
        at=whole_milliseconds(request.timestamp.moment),
        id_token=None if isinstance(request.id_tag, UnsetType) else IdToken(request.id_tag),
        meter_stop_wh=_wh(request.meter_stop),
        stop_reason=None if isinstance(request.reason, UnsetType) else StopReason(request.reason.value).value,
        meter_values=() if isinstance(data, UnsetType) else meter_values_of(data),
    )


def _wh(meter: int) -> float:
    """A meter value; one beyond all numbers is as impossible as infinity, and treated so."""
    try:
        return float(meter)
    except OverflowError:
        return inf if meter > 0 else -inf


def set_max_energy_on_invalid_id(wanted: SetMaxEnergyOnInvalidId, context: Context) -> Prepared:
    """The key of the same name (9.1.19)."""
    return Prepared(
        v16.ChangeConfigurationRequest(key="MaxEnergyOnInvalidId", value=str(wanted.energy_wh)), _configuration_answer
    )


def _configuration_answer(response: v16.ChangeConfigurationResponse) -> Answer:
    return answered(response, frozenset({"Accepted", "RebootRequired"}))
